//! The second step of reading: fields to a date, a time and a zone, under one of Java's three ways to treat what does not fit.
//!
//! What cannot be joined stays a field: `yyyy` without an era is a year of no known era in strict resolution, and Elasticsearch
//! then takes it for the year.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, ToSpan};

use super::names::Weeks;
use super::parse::{Fields, TimeFault, quoted};
use super::pattern::{Field, Formatter};
use super::zone::Zone;

/// `ResolverStyle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    Strict,
    Smart,
    Lenient,
}

/// What a text said.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub date: Option<Date>,
    pub time: Option<Time>,
    /// The offset in seconds.
    pub offset: Option<i32>,
    pub zone: Option<Zone>,
    /// What could not be joined to a date or time.
    pub fields: Fields,
    /// A day more than the time can say: `24:00`.
    pub excess_day: bool,
}

impl Parsed {
    /// `TemporalQueries.zone()`: the zone, else the offset.
    pub fn zone_or_offset(&self) -> Option<Zone> {
        self.zone.clone().or_else(|| self.offset.and_then(Zone::of_offset))
    }
}

impl Formatter {
    /// `DateTimeFormatter.parse`.
    pub fn parse(&self, text: &str, resolver: Resolver) -> Result<Parsed, TimeFault> {
        let fields = self.fields(text)?;
        resolve(fields, resolver, self.locale.weeks()).map_err(|cause| TimeFault {
            what: format!("Text '{}' could not be parsed: {cause}", quoted(text)),
            cause: Some(cause),
        })
    }
}

fn name(field: Field) -> &'static str {
    match field {
        Field::AlignedWeekOfMonth => "AlignedWeekOfMonth",
        Field::LocalDayOfWeek => "DayOfWeek",
        Field::LocalWeekBasedYear => "WeekBasedYear",
        Field::LocalWeekOfWeekBasedYear => "WeekOfWeekBasedYear",
        Field::LocalWeekOfMonth => "WeekOfMonth",
        Field::AmPm => "AmPmOfDay",
        Field::Era => "Era",
        Field::Year => "Year",
        Field::YearOfEra => "YearOfEra",
        Field::QuarterOfYear => "QuarterOfYear",
        Field::MonthOfYear => "MonthOfYear",
        Field::WeekBasedYear => "WeekBasedYear",
        Field::WeekOfWeekBasedYear => "WeekOfWeekBasedYear",
        Field::DayOfYear => "DayOfYear",
        Field::DayOfMonth => "DayOfMonth",
        Field::DayOfWeek => "DayOfWeek",
        Field::ModifiedJulianDay => "ModifiedJulianDay",
        Field::HourOfAmPm => "HourOfAmPm",
        Field::ClockHourOfAmPm => "ClockHourOfAmPm",
        Field::HourOfDay => "HourOfDay",
        Field::ClockHourOfDay => "ClockHourOfDay",
        Field::MinuteOfHour => "MinuteOfHour",
        Field::SecondOfMinute => "SecondOfMinute",
        Field::NanoOfSecond => "NanoOfSecond",
        Field::MilliOfDay => "MilliOfDay",
        Field::NanoOfDay => "NanoOfDay",
        Field::OffsetSeconds => "OffsetSeconds",
        Field::InstantSeconds => "InstantSeconds",
    }
}

impl Field {
    /// The name that Java prints.
    pub fn name(self) -> &'static str {
        name(self)
    }

    /// Least and greatest value, and how Java prints the greatest.
    fn range(self) -> Option<(i64, i64, &'static str)> {
        Some(match self {
            Field::MonthOfYear => (1, 12, "12"),
            Field::DayOfMonth => (1, 31, "28/31"),
            Field::DayOfYear => (1, 366, "365/366"),
            Field::DayOfWeek | Field::LocalDayOfWeek => (1, 7, "7"),
            Field::AmPm | Field::Era => (0, 1, "1"),
            Field::HourOfAmPm => (0, 11, "11"),
            Field::ClockHourOfAmPm => (1, 12, "12"),
            Field::HourOfDay => (0, 23, "23"),
            Field::ClockHourOfDay => (1, 24, "24"),
            Field::MinuteOfHour | Field::SecondOfMinute => (0, 59, "59"),
            Field::NanoOfSecond => (0, 999_999_999, "999999999"),
            Field::MilliOfDay => (0, 86_399_999, "86399999"),
            Field::NanoOfDay => (0, 86_399_999_999_999, "86399999999999"),
            Field::QuarterOfYear => (1, 4, "4"),
            Field::YearOfEra => (1, 1_000_000_000, "999999999/1000000000"),
            Field::Year => (-999_999_999, 999_999_999, "999999999"),
            _ => return None,
        })
    }

    /// `ChronoField.checkValidValue`.
    pub fn check(self, value: i64) -> Result<i64, String> {
        match self.range() {
            Some((least, most, printed)) if value < least || value > most => {
                Err(format!("Invalid value for {} (valid values {least} - {printed}): {value}", name(self)))
            }
            _ => Ok(value),
        }
    }
}

/// `LocalDate.of`.
pub fn date_of(year: i64, month: i64, day: i64) -> Result<Date, String> {
    Field::Year.check(year)?;
    Field::MonthOfYear.check(month)?;
    Field::DayOfMonth.check(day)?;
    let year16 = i16::try_from(year)
        .ok()
        .filter(|year| (-9999..=9999).contains(year))
        .ok_or_else(|| format!("the year {year} lies beyond the years -9999 to 9999"))?;
    Date::new(year16, month as i8, day as i8).map_err(|_| {
        const MONTHS: [&str; 12] = [
            "JANUARY",
            "FEBRUARY",
            "MARCH",
            "APRIL",
            "MAY",
            "JUNE",
            "JULY",
            "AUGUST",
            "SEPTEMBER",
            "OCTOBER",
            "NOVEMBER",
            "DECEMBER",
        ];
        if day == 29 {
            format!("Invalid date 'February 29' as '{year}' is not a leap year")
        } else {
            format!("Invalid date '{} {day}'", MONTHS.get(month as usize - 1).copied().unwrap_or_default())
        }
    })
}

/// `LocalDate.ofYearDay`.
pub fn date_of_year_day(year: i64, day: i64) -> Result<Date, String> {
    Field::DayOfYear.check(day)?;
    let first = date_of(year, 1, 1)?;
    if day == 366 && !first.in_leap_year() {
        return Err(format!("Invalid date 'DayOfYear 366' as '{year}' is not a leap year"));
    }
    plus(first, (day - 1).days())
}

/// The date of a week-based year, week and day of the week (1 for Monday).
pub fn date_of_week(weeks: Weeks, year: i64, week: i64, day_of_week: i64) -> Result<Date, String> {
    let local = (day_of_week - i64::from(weeks.first_day)).rem_euclid(7);
    plus(week_year_start(weeks, year)?, ((week - 1).clamp(-99_999, 99_999) * 7 + local).days())
}

/// The first day of a week-based year.
pub fn week_year_start(weeks: Weeks, year: i64) -> Result<Date, String> {
    let first = date_of(year, 1, 1)?;
    let into_week = (i64::from(first.weekday().to_monday_one_offset()) - i64::from(weeks.first_day)).rem_euclid(7);
    // Seven days less those before the first of January are the new year's share of that week.
    let back = if 7 - into_week >= i64::from(weeks.days_min) { -into_week } else { 7 - into_week };
    plus(first, back.days())
}

fn plus(date: Date, span: Span) -> Result<Date, String> {
    date.checked_add(span).map_err(|_| "the date lies beyond the years -9999 to 9999".into())
}

pub(super) fn resolve(mut fields: Fields, resolver: Resolver, weeks: Weeks) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    if let Some(seconds) = fields.remove(Field::OffsetSeconds) {
        if seconds.abs() > 18 * 3600 {
            return Err("Zone offset not in valid range: -18:00 to +18:00".into());
        }
        parsed.offset = Some(seconds as i32);
    }
    parsed.zone = fields.zone.take();
    parsed.date = date(&mut fields, resolver, weeks)?;
    time(&mut fields, resolver, &mut parsed)?;
    if let Some(date) = parsed.date {
        cross_check(&mut fields, date)?;
        if parsed.excess_day {
            parsed.date = Some(plus(date, 1.day())?);
            parsed.excess_day = false;
        }
    }
    parsed.fields = fields;
    Ok(parsed)
}

fn conflict(fields: &mut Fields, field: Field, value: i64) -> Result<(), String> {
    match fields.get(field) {
        Some(old) if old != value => {
            Err(format!("Conflict found: {name} {old} differs from {name} {value}", name = name(field)))
        }
        _ => {
            fields.set(field, value);
            Ok(())
        }
    }
}

fn date(fields: &mut Fields, resolver: Resolver, weeks: Weeks) -> Result<Option<Date>, String> {
    let lenient = resolver == Resolver::Lenient;
    let check = |field: Field, value: i64| if lenient { Ok(value) } else { field.check(value) };
    if let Some(day) = fields.remove(Field::ModifiedJulianDay) {
        return plus(Date::constant(1858, 11, 17), day.clamp(-9_000_000, 9_000_000).days()).map(Some);
    }
    if let Some(year) = fields.remove(Field::YearOfEra) {
        check(Field::YearOfEra, year)?;
        match fields.remove(Field::Era) {
            None if resolver == Resolver::Strict => match fields.get(Field::Year) {
                Some(known) => conflict(fields, Field::Year, if known > 0 { year } else { 1 - year })?,
                None => fields.set(Field::YearOfEra, year),
            },
            None => {
                let before_christ = fields.get(Field::Year).is_some_and(|known| known <= 0);
                conflict(fields, Field::Year, if before_christ { 1 - year } else { year })?;
            }
            Some(0) => conflict(fields, Field::Year, 1 - year)?,
            Some(_) => conflict(fields, Field::Year, year)?,
        }
    }
    if let Some(local) = fields.remove(Field::LocalDayOfWeek) {
        let local = check(Field::LocalDayOfWeek, local)?;
        let day = (local - 1 + i64::from(weeks.first_day) - 1).rem_euclid(7) + 1;
        conflict(fields, Field::DayOfWeek, day)?;
    }
    if let (Some(year), Some(week), Some(day)) = (
        fields.get(Field::LocalWeekBasedYear),
        fields.get(Field::LocalWeekOfWeekBasedYear),
        fields.get(Field::DayOfWeek),
    ) {
        check(Field::DayOfWeek, day)?;
        for field in [Field::LocalWeekBasedYear, Field::LocalWeekOfWeekBasedYear, Field::DayOfWeek] {
            fields.remove(field);
        }
        return date_of_week(weeks, year, week, day).map(Some);
    }
    let Some(year) = fields.get(Field::Year) else { return Ok(None) };
    if let (Some(month), Some(day)) = (fields.get(Field::MonthOfYear), fields.get(Field::DayOfMonth)) {
        for field in [Field::Year, Field::MonthOfYear, Field::DayOfMonth] {
            fields.remove(field);
        }
        return year_month_day(year, month, day, resolver).map(Some);
    }
    if let Some(day) = fields.get(Field::DayOfYear) {
        fields.remove(Field::Year);
        fields.remove(Field::DayOfYear);
        if lenient {
            return plus(date_of(year, 1, 1)?, (day - 1).clamp(-9_000_000, 9_000_000).days()).map(Some);
        }
        return date_of_year_day(year, day).map(Some);
    }
    Ok(None)
}

fn year_month_day(year: i64, month: i64, day: i64, resolver: Resolver) -> Result<Date, String> {
    match resolver {
        Resolver::Strict => date_of(year, month, day),
        Resolver::Smart => {
            Field::Year.check(year)?;
            Field::MonthOfYear.check(month)?;
            Field::DayOfMonth.check(day)?;
            let first = date_of(year, month, 1)?;
            date_of(year, month, day.min(i64::from(first.days_in_month())))
        }
        Resolver::Lenient => {
            let months = (month - 1).clamp(-200_000, 200_000);
            let days = (day - 1).clamp(-9_000_000, 9_000_000);
            plus(plus(date_of(year, 1, 1)?, months.months())?, days.days())
        }
    }
}

fn time(fields: &mut Fields, resolver: Resolver, parsed: &mut Parsed) -> Result<(), String> {
    let strict = resolver == Resolver::Strict;
    let lenient = resolver == Resolver::Lenient;
    if let Some(hour) = fields.remove(Field::ClockHourOfDay) {
        if strict || (!lenient && hour != 0) {
            Field::ClockHourOfDay.check(hour)?;
        }
        conflict(fields, Field::HourOfDay, if hour == 24 { 0 } else { hour })?;
    }
    if let Some(hour) = fields.remove(Field::ClockHourOfAmPm) {
        if strict || (!lenient && hour != 0) {
            Field::ClockHourOfAmPm.check(hour)?;
        }
        conflict(fields, Field::HourOfAmPm, if hour == 12 { 0 } else { hour })?;
    }
    if let (Some(half), Some(hour)) = (fields.get(Field::AmPm), fields.get(Field::HourOfAmPm)) {
        fields.remove(Field::AmPm);
        fields.remove(Field::HourOfAmPm);
        if !lenient {
            Field::AmPm.check(half)?;
            Field::HourOfAmPm.check(hour)?;
        }
        conflict(fields, Field::HourOfDay, half * 12 + hour)?;
    }
    for (field, unit) in [(Field::MilliOfDay, 1_000_000), (Field::NanoOfDay, 1)] {
        if let Some(value) = fields.remove(field) {
            let nanos = field.check(value)? * unit;
            conflict(fields, Field::HourOfDay, nanos / 3_600_000_000_000)?;
            conflict(fields, Field::MinuteOfHour, nanos / 60_000_000_000 % 60)?;
            conflict(fields, Field::SecondOfMinute, nanos / 1_000_000_000 % 60)?;
            conflict(fields, Field::NanoOfSecond, nanos % 1_000_000_000)?;
        }
    }
    let hour = fields.get(Field::HourOfDay);
    let minute = fields.get(Field::MinuteOfHour);
    let second = fields.get(Field::SecondOfMinute);
    let nano = fields.get(Field::NanoOfSecond);
    let gap = (minute.is_none() && (second.is_some() || nano.is_some())) || (second.is_none() && nano.is_some());
    if let Some(hour) = hour
        && !gap
    {
        let (minute, second, nano) = (minute.unwrap_or(0), second.unwrap_or(0), nano.unwrap_or(0));
        for field in [Field::HourOfDay, Field::MinuteOfHour, Field::SecondOfMinute, Field::NanoOfSecond] {
            fields.remove(field);
        }
        if !strict && (hour, minute, second, nano) == (24, 0, 0, 0) {
            parsed.time = Some(Time::midnight());
            parsed.excess_day = true;
        } else {
            Field::HourOfDay.check(hour)?;
            Field::MinuteOfHour.check(minute)?;
            Field::SecondOfMinute.check(second)?;
            Field::NanoOfSecond.check(nano)?;
            parsed.time = Time::new(hour as i8, minute as i8, second as i8, nano as i32).ok();
        }
    }
    if !lenient {
        for field in [
            Field::HourOfDay,
            Field::HourOfAmPm,
            Field::AmPm,
            Field::MinuteOfHour,
            Field::SecondOfMinute,
            Field::NanoOfSecond,
        ] {
            if let Some(value) = fields.get(field) {
                field.check(value)?;
            }
        }
    }
    Ok(())
}

/// The fields that a date has, for checking and printing.
pub(super) fn date_field(date: Date, field: Field, weeks: Weeks) -> Option<i64> {
    let year = i64::from(date.year());
    Some(match field {
        Field::Year => year,
        Field::YearOfEra if year > 0 => year,
        Field::YearOfEra => 1 - year,
        Field::Era => i64::from(year > 0),
        Field::MonthOfYear => i64::from(date.month()),
        Field::QuarterOfYear => (i64::from(date.month()) - 1) / 3 + 1,
        Field::DayOfMonth => i64::from(date.day()),
        Field::DayOfYear => i64::from(date.day_of_year()),
        Field::DayOfWeek => i64::from(date.weekday().to_monday_one_offset()),
        Field::LocalDayOfWeek => {
            (i64::from(date.weekday().to_monday_one_offset()) - i64::from(weeks.first_day)).rem_euclid(7) + 1
        }
        Field::AlignedWeekOfMonth => (i64::from(date.day()) - 1) / 7 + 1,
        Field::LocalWeekOfMonth => week_of_month(date, weeks),
        Field::LocalWeekBasedYear => week_of_year(date, weeks)?.0,
        Field::LocalWeekOfWeekBasedYear => week_of_year(date, weeks)?.1,
        Field::WeekBasedYear => week_of_year(date, Weeks::ISO)?.0,
        Field::WeekOfWeekBasedYear => week_of_year(date, Weeks::ISO)?.1,
        Field::ModifiedJulianDay => i64::from((date - Date::constant(1858, 11, 17)).get_days()),
        _ => return None,
    })
}

fn week_of_month(date: Date, weeks: Weeks) -> i64 {
    let first = i64::from(date.first_of_month().weekday().to_monday_one_offset());
    let into_week = (first - i64::from(weeks.first_day)).rem_euclid(7);
    let week = (i64::from(date.day()) - 1 + into_week) / 7;
    if 7 - into_week >= i64::from(weeks.days_min) { week + 1 } else { week }
}

fn week_of_year(date: Date, weeks: Weeks) -> Option<(i64, i64)> {
    let year = i64::from(date.year());
    for candidate in [year + 1, year, year - 1] {
        let Ok(start) = week_year_start(weeks, candidate) else { continue };
        if start <= date {
            return Some((candidate, i64::from((date - start).get_days()) / 7 + 1));
        }
    }
    None
}

fn cross_check(fields: &mut Fields, date: Date) -> Result<(), String> {
    let left: Vec<_> = fields.iter().collect();
    for (field, value) in left {
        // Fields of a locale's weeks are not checked by Java either, as they resolve to others.
        let Some(derived) = date_field(date, field, Weeks::ISO) else { continue };
        if derived != value {
            return Err(format!(
                "Conflict found: Field {name} {derived} differs from {name} {value} derived from {date}",
                name = name(field)
            ));
        }
        fields.remove(field);
    }
    Ok(())
}

/// 1 for Monday to 7 for Sunday.
pub fn day_of_week(date: Date) -> i64 {
    i64::from(date.weekday().to_monday_one_offset())
}

/// The weekday of Java's number.
pub fn weekday(day: i64) -> Option<Weekday> {
    Weekday::from_monday_one_offset(i8::try_from(day).ok()?).ok()
}
