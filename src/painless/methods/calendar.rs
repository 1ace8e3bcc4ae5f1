//! What dates and times of a calendar can do, with a zone or without: `LocalDate`, `LocalTime`, `LocalDateTime`, and that part of
//! `ZonedDateTime` and `Instant` which works on fields and units.
//!
//! All of it is done on a date and a time; the receiver says what of the result is kept. A zoned one then finds its offset anew, as Java does.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp, ToSpan};

use super::time::{Moment, fault, moment_of, zone_of};
use super::{Args, Name, int, number};
use crate::event::Value;
use crate::java::time::names::Weeks;
use crate::java::time::pattern::Field;
use crate::java::time::resolve::{date_of, date_of_year_day};
use crate::java::time::{Temporal, Zone};
use crate::painless::error::{self, Throw, throw};
use crate::painless::machine::Machine;
use crate::painless::operate::bad_cast;
use crate::painless::value::{Held, held, thing};

/// A date, a time, or both, of no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::painless) enum Local {
    Date(Date),
    Time(Time),
    DateTime(DateTime),
}

impl Local {
    /// Texts leave out seconds that are zero.
    pub(in crate::painless) fn text(self) -> String {
        match self {
            Local::Date(date) => date.to_string(),
            Local::Time(time) => super::time::time_text(time),
            Local::DateTime(at) => format!("{}T{}", at.date(), super::time::time_text(at.time())),
        }
    }

    pub(super) fn wall(self) -> DateTime {
        match self {
            Local::Date(date) => date.to_datetime(Time::midnight()),
            Local::Time(time) => Date::constant(1970, 1, 1).to_datetime(time),
            Local::DateTime(at) => at,
        }
    }

    fn has_date(self) -> bool {
        !matches!(self, Local::Time(_))
    }

    fn has_time(self) -> bool {
        !matches!(self, Local::Date(_))
    }
}

/// Nanoseconds of a `ChronoUnit`, by which it is known. Java's estimates stand for the units of the calendar.
pub(super) const DAY: i128 = 86_400_000_000_000;
const WEEK: i128 = 7 * DAY;
const MONTH: i128 = 2_629_746_000_000_000;
const YEAR: i128 = 12 * MONTH;

pub(super) const UNITS: &[(Name, i128, &str)] = &[
    (Name::NANOS, 1, "Nanos"),
    (Name::MICROS, 1_000, "Micros"),
    (Name::MILLIS, 1_000_000, "Millis"),
    (Name::SECONDS, 1_000_000_000, "Seconds"),
    (Name::MINUTES, 60_000_000_000, "Minutes"),
    (Name::HOURS, 3_600_000_000_000, "Hours"),
    (Name::HALF_DAYS, DAY / 2, "HalfDays"),
    (Name::DAYS, DAY, "Days"),
    (Name::WEEKS, WEEK, "Weeks"),
    (Name::MONTHS, MONTH, "Months"),
    (Name::YEARS, YEAR, "Years"),
    (Name::DECADES, 10 * YEAR, "Decades"),
    (Name::CENTURIES, 100 * YEAR, "Centuries"),
];

pub(super) const FIELDS: &[(Name, Field)] = &[
    (Name::ALIGNED_WEEK_OF_MONTH, Field::AlignedWeekOfMonth),
    (Name::AMPM_OF_DAY, Field::AmPm),
    (Name::CLOCK_HOUR_OF_AMPM, Field::ClockHourOfAmPm),
    (Name::CLOCK_HOUR_OF_DAY, Field::ClockHourOfDay),
    (Name::DAY_OF_MONTH, Field::DayOfMonth),
    (Name::DAY_OF_WEEK, Field::DayOfWeek),
    (Name::DAY_OF_YEAR, Field::DayOfYear),
    (Name::HOUR_OF_AMPM, Field::HourOfAmPm),
    (Name::HOUR_OF_DAY, Field::HourOfDay),
    (Name::INSTANT_SECONDS, Field::InstantSeconds),
    (Name::MILLI_OF_DAY, Field::MilliOfDay),
    (Name::MINUTE_OF_HOUR, Field::MinuteOfHour),
    (Name::MONTH_OF_YEAR, Field::MonthOfYear),
    (Name::NANO_OF_DAY, Field::NanoOfDay),
    (Name::NANO_OF_SECOND, Field::NanoOfSecond),
    (Name::OFFSET_SECONDS, Field::OffsetSeconds),
    (Name::SECOND_OF_MINUTE, Field::SecondOfMinute),
    (Name::YEAR, Field::Year),
    (Name::YEAR_OF_ERA, Field::YearOfEra),
];

/// Years -9999 to 9999 are there, so no distance in days is longer.
const DAYS_MAX: i64 = 7_400_000;

fn beyond() -> Throw {
    fault("the time lies beyond the years -9999 to 9999")
}

/// A time of any class.
#[derive(Clone, Copy)]
pub(super) enum When<'a> {
    Moment(Moment<'a>),
    Local(Local),
}

pub(super) fn when<'a>(value: &Value<'a>) -> Result<When<'a>, Throw> {
    match held(value) {
        Some(Held::Local(local)) => Ok(When::Local(*local)),
        _ => moment_of(value).map(When::Moment),
    }
}

impl<'a> When<'a> {
    fn wall(self) -> Result<DateTime, Throw> {
        match self {
            When::Moment(moment) => moment.local(),
            When::Local(local) => Ok(local.wall()),
        }
    }

    /// The receiver with another date and time.
    fn with(self, m: &Machine<'a>, wall: DateTime) -> Result<Value<'a>, Throw> {
        let held = match self {
            When::Moment(moment) => {
                let at = zone_of(moment.zone.unwrap_or("Z"))?.at(wall).map_err(fault)?.timestamp();
                Held::Moment(Moment { at, zone: moment.zone })
            }
            When::Local(Local::Date(_)) => Held::Local(Local::Date(wall.date())),
            When::Local(Local::Time(_)) => Held::Local(Local::Time(wall.time())),
            When::Local(Local::DateTime(_)) => Held::Local(Local::DateTime(wall)),
        };
        Ok(thing(m.arena, held))
    }

    /// For formatters and fields.
    pub(super) fn temporal(self) -> Result<Temporal, Throw> {
        Ok(match self {
            When::Moment(moment) => {
                let zone = zone_of(moment.zone.unwrap_or("Z"))?;
                Temporal::zoned(&moment.at.to_zoned_datetime(zone.time_zone().clone()), &zone)
            }
            When::Local(local) => Temporal {
                date: local.has_date().then(|| local.wall().date()),
                time: local.has_time().then(|| local.wall().time()),
                offset: None,
                zone: None,
            },
        })
    }

    fn field(self, field: Field) -> Result<i64, Throw> {
        let temporal = self.temporal()?;
        match (field, self) {
            (Field::OffsetSeconds, _) if temporal.offset.is_some() => Ok(temporal.offset.map_or(0, i64::from)),
            (Field::InstantSeconds, When::Moment(moment)) => Ok(moment.seconds()),
            _ => temporal.field(field, Weeks::ISO).map_err(|what| throw(error::Class::UnsupportedTemporalType, what)),
        }
    }

    /// Moved by a number of units. Units of a fixed length move a moment, the others its date.
    fn plus(self, m: &Machine<'a>, count: i64, unit: i128) -> Result<Value<'a>, Throw> {
        if unit < DAY {
            let nanos = i128::from(count).checked_mul(unit).ok_or_else(beyond)?;
            return self.plus_nanos(m, nanos);
        }
        let scaled = |by: i64| count.checked_mul(by).filter(|n| n.abs() <= DAYS_MAX).ok_or_else(beyond);
        let span: Span = match unit {
            DAY => scaled(1)?.days(),
            WEEK => (scaled(7)?).days(),
            MONTH => (scaled(1)?.clamp(-230_000, 230_000)).months(),
            _ => (scaled(i64::try_from(unit / YEAR).map_err(|_| beyond())?)?.clamp(-19_998, 19_998)).years(),
        };
        let wall = self.wall()?.checked_add(span).map_err(|_| beyond())?;
        self.with(m, wall)
    }

    pub(super) fn plus_nanos(self, m: &Machine<'a>, nanos: i128) -> Result<Value<'a>, Throw> {
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).map_err(|_| beyond())?;
        let by = SignedDuration::new(seconds, nanos.rem_euclid(1_000_000_000) as i32);
        match self {
            When::Moment(moment) => {
                let at: Timestamp = moment.at.checked_add(by).map_err(|_| beyond())?;
                Ok(thing(m.arena, Held::Moment(Moment { at, zone: moment.zone })))
            }
            When::Local(Local::Time(time)) => Ok(thing(m.arena, Held::Local(Local::Time(time.wrapping_add(by))))),
            When::Local(local) => {
                let wall = local.wall().checked_add(by).map_err(|_| beyond())?;
                self.with(m, wall)
            }
        }
    }

    /// Whole units from here to another time, which is first brought into this one's zone.
    pub(super) fn until(self, other: When<'a>, unit: i128) -> Result<i64, Throw> {
        let overflow = || throw(error::Class::Arithmetic, "long overflow");
        if unit < DAY
            && let (When::Moment(from), When::Moment(to)) = (self, other)
        {
            return i64::try_from((to.at.as_nanosecond() - from.at.as_nanosecond()) / unit).map_err(|_| overflow());
        }
        let from = self.wall()?;
        let to = match (self, other) {
            (When::Moment(from), When::Moment(to)) => Moment { at: to.at, zone: from.zone }.local()?,
            _ => other.wall()?,
        };
        if unit < MONTH {
            let nanos = to.duration_since(from).as_nanos();
            return i64::try_from(nanos / unit).map_err(|_| overflow());
        }
        let months_of = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month());
        let rest_of = |at: DateTime| (at.day(), at.time());
        let mut months = months_of(to) - months_of(from);
        if months > 0 && rest_of(to) < rest_of(from) {
            months -= 1;
        } else if months < 0 && rest_of(to) > rest_of(from) {
            months += 1;
        }
        Ok(months / i64::try_from(unit / MONTH).unwrap_or(1))
    }
}

/// `None` when the subject is another.
pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    now: When<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    let text = name.text();
    let sign = if text.starts_with("minus") { -1 } else { 1 };
    if let ([by], Some(unit)) = (args, moved_by(name)) {
        let count = number(by)?.long().checked_mul(sign).ok_or_else(beyond)?;
        return now.plus(m, count, unit).map(Some);
    }
    let wall = now.wall()?;
    Ok(Some(match (name, args) {
        (Name::plus | Name::minus, [by]) => match held(by) {
            Some(Held::Span(nanos)) => now.plus_nanos(m, nanos * i128::from(sign))?,
            _ => return Err(bad_cast(by, "java.time.temporal.TemporalAmount")),
        },
        (Name::plus | Name::minus, [count, by]) => {
            let count = number(count)?.long().checked_mul(sign).ok_or_else(beyond)?;
            now.plus(m, count, unit_of(by)?)?
        }
        (Name::withYear | Name::withMonth | Name::withDayOfMonth | Name::withDayOfYear, [value])
        | (Name::withHour | Name::withMinute | Name::withSecond | Name::withNano, [value]) => {
            let field = match name {
                Name::withYear => Field::Year,
                Name::withMonth => Field::MonthOfYear,
                Name::withDayOfMonth => Field::DayOfMonth,
                Name::withDayOfYear => Field::DayOfYear,
                Name::withHour => Field::HourOfDay,
                Name::withMinute => Field::MinuteOfHour,
                Name::withSecond => Field::SecondOfMinute,
                _ => Field::NanoOfSecond,
            };
            let value = i64::from(int(m, value)?);
            let wall = set(wall, field, value)?;
            now.with(m, wall)?
        }
        (Name::with, [field, value]) => {
            let (field, value) = (field_of(field)?, number(value)?.long());
            let wall = set(wall, field, value)?;
            now.with(m, wall)?
        }
        (Name::get, [field]) => Value::Int(now.field(field_of(field)?)? as i32),
        (Name::getLong, [field]) => Value::Long(now.field(field_of(field)?)?),
        (Name::truncatedTo, [unit]) => {
            let unit = unit_of(unit)?;
            if unit > DAY {
                return Err(throw(
                    error::Class::UnsupportedTemporalType,
                    "Unit is too large to be used for truncation",
                ));
            }
            let nanos = now.temporal()?.field(Field::NanoOfDay, Weeks::ISO).map_err(fault)?;
            let cut = i64::try_from(i128::from(nanos) / unit * unit).unwrap_or(0);
            now.with(m, wall.date().to_datetime(time_at(cut)?))?
        }
        (Name::until, [other, unit]) => Value::Long(now.until(when(other)?, unit_of(unit)?)?),
        (Name::getYear, []) => Value::Int(i32::from(wall.year())),
        (Name::getMonthValue, []) => Value::Int(i32::from(wall.month())),
        (Name::getDayOfMonth, []) => Value::Int(i32::from(wall.day())),
        (Name::getDayOfYear, []) => Value::Int(i32::from(wall.date().day_of_year())),
        (Name::getHour, []) => Value::Int(i32::from(wall.hour())),
        (Name::getMinute, []) => Value::Int(i32::from(wall.minute())),
        (Name::getSecond, []) => Value::Int(i32::from(wall.second())),
        (Name::getNano, []) => Value::Int(wall.subsec_nanosecond()),
        (Name::toLocalDate, []) => thing(m.arena, Held::Local(Local::Date(wall.date()))),
        (Name::toLocalTime, []) => thing(m.arena, Held::Local(Local::Time(wall.time()))),
        (Name::toLocalDateTime, []) => thing(m.arena, Held::Local(Local::DateTime(wall))),
        (Name::isLeapYear, []) => Value::Bool(wall.date().in_leap_year()),
        (Name::lengthOfMonth, []) => Value::Int(i32::from(wall.date().days_in_month())),
        (Name::toEpochDay, []) => {
            Value::Long(wall.duration_since(Date::constant(1970, 1, 1).to_datetime(Time::midnight())).as_hours() / 24)
        }
        (Name::toSecondOfDay, []) => Value::Int((now.field(Field::NanoOfDay)? / 1_000_000_000) as i32),
        (Name::toNanoOfDay, []) => Value::Long(now.field(Field::NanoOfDay)?),
        (Name::atStartOfDay, []) => {
            thing(m.arena, Held::Local(Local::DateTime(wall.date().to_datetime(Time::midnight()))))
        }
        (Name::atStartOfDay | Name::atZone, [zone]) => zoned(m, wall, zone)?,
        (Name::atTime, parts) => {
            let time = time_from(m, parts)?;
            thing(m.arena, Held::Local(Local::DateTime(wall.date().to_datetime(time))))
        }
        (Name::toInstant | Name::toEpochSecond, [offset]) => {
            let Some(Held::Zone(id)) = held(offset) else { return Err(bad_cast(offset, "java.time.ZoneOffset")) };
            let moment = Moment { at: zone_of(id)?.at(wall).map_err(fault)?.timestamp(), zone: None };
            match name {
                Name::toInstant => thing(m.arena, Held::Moment(moment)),
                _ => Value::Long(moment.seconds()),
            }
        }
        (Name::isAfter, [other]) => Value::Bool(wall > when(other)?.wall()?),
        (Name::isBefore, [other]) => Value::Bool(wall < when(other)?.wall()?),
        (Name::isEqual, [other]) => Value::Bool(wall == when(other)?.wall()?),
        (Name::compareTo, [other]) => Value::Int(wall.cmp(&when(other)?.wall()?) as i32),
        _ => return Ok(None),
    }))
}

/// The unit of `plusDays` and its kind.
fn moved_by(name: Name) -> Option<i128> {
    Some(match name {
        Name::plusNanos | Name::minusNanos => 1,
        Name::plusMillis | Name::minusMillis => 1_000_000,
        Name::plusSeconds | Name::minusSeconds => 1_000_000_000,
        Name::plusMinutes | Name::minusMinutes => 60_000_000_000,
        Name::plusHours | Name::minusHours => 3_600_000_000_000,
        Name::plusDays | Name::minusDays => DAY,
        Name::plusWeeks | Name::minusWeeks => WEEK,
        Name::plusMonths | Name::minusMonths => MONTH,
        Name::plusYears | Name::minusYears => YEAR,
        _ => return None,
    })
}

pub(super) fn unit_of(value: &Value<'_>) -> Result<i128, Throw> {
    match held(value) {
        Some(Held::Unit(nanos)) => Ok(*nanos),
        _ => Err(bad_cast(value, "java.time.temporal.TemporalUnit")),
    }
}

fn field_of(value: &Value<'_>) -> Result<Field, Throw> {
    match held(value) {
        Some(Held::Field(field)) => Ok(*field),
        _ => Err(bad_cast(value, "java.time.temporal.TemporalField")),
    }
}

pub(super) fn zoned<'a>(m: &Machine<'a>, wall: DateTime, zone: &Value<'a>) -> Result<Value<'a>, Throw> {
    let Some(Held::Zone(id)) = held(zone) else { return Err(bad_cast(zone, "java.time.ZoneId")) };
    let at = zone_of(id)?.at(wall).map_err(fault)?.timestamp();
    Ok(thing(m.arena, Held::Moment(Moment { at, zone: Some(id) })))
}

fn time_at(nanos: i64) -> Result<Time, Throw> {
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    Time::new((seconds / 3600) as i8, (seconds / 60 % 60) as i8, (seconds % 60) as i8, rest as i32).map_err(fault)
}

/// With one field set: the day of the month gives way to a shorter month, as in Java.
fn set(wall: DateTime, field: Field, value: i64) -> Result<DateTime, Throw> {
    let value = field.check(value).map_err(fault)?;
    let (date, time) = (wall.date(), wall.time());
    let clamped = |year: i64, month: i64| {
        let first = date_of(year, month, 1)?;
        date_of(year, month, i64::from(date.day().min(first.days_in_month())))
    };
    let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    let new_date = match field {
        Field::Year => clamped(value, month),
        Field::MonthOfYear => clamped(year, value),
        Field::DayOfMonth => date_of(year, month, value),
        Field::DayOfYear => date_of_year_day(year, value),
        _ => date_of(year, month, day),
    }
    .map_err(fault)?;
    let new_time = match field {
        Field::HourOfDay => Time::new(value as i8, time.minute(), time.second(), time.subsec_nanosecond()),
        Field::MinuteOfHour => Time::new(time.hour(), value as i8, time.second(), time.subsec_nanosecond()),
        Field::SecondOfMinute => Time::new(time.hour(), time.minute(), value as i8, time.subsec_nanosecond()),
        Field::NanoOfSecond => Time::new(time.hour(), time.minute(), time.second(), value as i32),
        Field::NanoOfDay => return Ok(date.to_datetime(time_at(value)?)),
        Field::MilliOfDay => return Ok(date.to_datetime(time_at(value * 1_000_000)?)),
        Field::Year | Field::MonthOfYear | Field::DayOfMonth | Field::DayOfYear => Ok(time),
        _ => return Err(throw(error::Class::UnsupportedTemporalType, format!("Unsupported field: {}", field.name()))),
    }
    .map_err(fault)?;
    Ok(new_date.to_datetime(new_time))
}

/// A time of hour, minute and perhaps second and nanosecond.
fn time_from<'a>(m: &mut Machine<'a>, parts: Args<'_, 'a>) -> Result<Time, Throw> {
    if let [only] = parts {
        return match held(only) {
            Some(Held::Local(Local::Time(time))) => Ok(*time),
            _ => Err(bad_cast(only, "java.time.LocalTime")),
        };
    }
    let mut numbers = [0i64; 4];
    let fields = [Field::HourOfDay, Field::MinuteOfHour, Field::SecondOfMinute, Field::NanoOfSecond];
    for ((slot, field), value) in numbers.iter_mut().zip(fields).zip(parts) {
        *slot = field.check(i64::from(int(m, value)?)).map_err(fault)?;
    }
    let [hour, minute, second, nano] = numbers;
    Time::new(hour as i8, minute as i8, second as i8, nano as i32).map_err(fault)
}

fn date_from<'a>(m: &mut Machine<'a>, parts: Args<'_, 'a>) -> Result<Date, Throw> {
    let [year, month, day] = parts else { return Err(beyond()) };
    date_of(i64::from(int(m, year)?), i64::from(int(m, month)?), i64::from(int(m, day)?)).map_err(fault)
}

/// `of` and its kind.
pub(super) fn made<'a>(
    m: &mut Machine<'a>,
    class: super::Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    use super::Class;
    let local = match (class, name, args) {
        (Class::LocalDate, Name::of, [_, _, _]) => Local::Date(date_from(m, args)?),
        (Class::LocalDate, Name::ofEpochDay, [day]) => {
            let days = number(day)?.long();
            if days.abs() > DAYS_MAX {
                return Err(beyond());
            }
            Local::Date(Date::constant(1970, 1, 1).checked_add(days.days()).map_err(|_| beyond())?)
        }
        (Class::LocalDate, Name::ofYearDay, [year, day]) => {
            let (year, day) = (i64::from(int(m, year)?), i64::from(int(m, day)?));
            Local::Date(date_of_year_day(year, day).map_err(fault)?)
        }
        (Class::LocalTime, Name::of, parts) => Local::Time(time_from(m, parts)?),
        (Class::LocalTime, Name::ofSecondOfDay, [second]) => {
            let second = Field::MilliOfDay.check(number(second)?.long().saturating_mul(1000)).map_err(fault)?;
            Local::Time(time_at(second * 1_000_000)?)
        }
        (Class::LocalDateTime, Name::of, [date, time]) => match (held(date), held(time)) {
            (Some(Held::Local(Local::Date(date))), Some(Held::Local(Local::Time(time)))) => {
                Local::DateTime(date.to_datetime(*time))
            }
            _ => return Err(bad_cast(date, "java.time.LocalDate")),
        },
        (Class::LocalDateTime, Name::of, parts) => {
            let (date, time) = parts.split_at_checked(3).ok_or_else(beyond)?;
            Local::DateTime(date_from(m, date)?.to_datetime(time_from(m, time)?))
        }
        (Class::LocalDateTime, Name::ofEpochSecond, [second, nano, offset]) => {
            let Some(Held::Zone(id)) = held(offset) else { return Err(bad_cast(offset, "java.time.ZoneOffset")) };
            let at = Timestamp::new(number(second)?.long(), int(m, nano)?).map_err(|_| beyond())?;
            Local::DateTime(Moment { at, zone: Some(id) }.local()?)
        }
        (Class::LocalDateTime | Class::LocalDate, Name::ofInstant, [instant, zone]) => {
            let Some(Held::Zone(id)) = held(zone) else { return Err(bad_cast(zone, "java.time.ZoneId")) };
            let wall = Moment { at: moment_of(instant)?.at, zone: Some(id) }.local()?;
            if class == Class::LocalDate { Local::Date(wall.date()) } else { Local::DateTime(wall) }
        }
        (Class::ZonedDateTime, Name::of, [wall, zone]) => return zoned(m, when(wall)?.wall()?, zone).map(Some),
        (Class::ZonedDateTime, Name::of, [date, time, zone]) => {
            let wall = when(date)?.wall()?.date().to_datetime(when(time)?.wall()?.time());
            return zoned(m, wall, zone).map(Some);
        }
        (Class::ZonedDateTime, Name::of, [date @ .., hour, minute, second, nano, zone]) => {
            let time = time_from(m, &[*hour, *minute, *second, *nano])?;
            let wall = date_from(m, date)?.to_datetime(time);
            return zoned(m, wall, zone).map(Some);
        }
        _ => return Ok(None),
    };
    Ok(Some(thing(m.arena, Held::Local(local))))
}

/// `ZoneOffset.of…`.
pub(super) fn offset<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    let seconds = match (name, args) {
        (Name::of, [id]) => {
            let zone = zone_of(super::text(m, id)?)?;
            zone.fixed_offset()
                .ok_or_else(|| fault(format!("Invalid ID for ZoneOffset, invalid format: {}", zone.id())))?
        }
        (Name::ofHours, [hours]) => int(m, hours)?.saturating_mul(3600),
        (Name::ofHoursMinutes, [hours, minutes]) => {
            int(m, hours)?.saturating_mul(3600).saturating_add(int(m, minutes)?.saturating_mul(60))
        }
        (Name::ofTotalSeconds, [seconds]) => int(m, seconds)?,
        _ => return Ok(None),
    };
    let zone = Zone::of_offset(seconds).ok_or_else(|| fault("Zone offset not in valid range: -18:00 to +18:00"))?;
    let id = m.str(zone.id())?;
    Ok(Some(thing(m.arena, Held::Zone(id))))
}
