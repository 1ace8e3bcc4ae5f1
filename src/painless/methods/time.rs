//! Moments and spans: `ZonedDateTime`, `Instant`, `Duration`, `ChronoUnit`, `ZoneId`.
//!
//! A moment holds its zone's id and not the zone, because what lies in the arena owns no memory.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Args, Name, number, object, text};
use crate::event::Value;
use crate::java::time::Zone;
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, held, thing};

/// A `ZonedDateTime`, or an `Instant` when it has no zone.
#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Moment<'a> {
    pub at: Timestamp,
    pub zone: Option<&'a str>,
}

fn fault(what: impl std::fmt::Display) -> Throw {
    throw(error::Class::DateTime, what.to_string())
}

fn zone_of(id: &str) -> Result<Zone, Throw> {
    Zone::of(id).map_err(fault)
}

fn unparsed(text: &str) -> Throw {
    throw(error::Class::DateTimeParse, format!("Text '{text}' could not be parsed at index 0"))
}

impl Moment<'_> {
    fn local(&self) -> Result<DateTime, Throw> {
        let zone = zone_of(self.zone.unwrap_or("Z"))?;
        Ok(zone.time_zone().to_datetime(self.at))
    }

    pub(in crate::painless) fn text(&self) -> String {
        let Some(id) = self.zone else {
            return self.local().map_or_else(|_| self.at.to_string(), |local| format!("{}Z", instant_text(local)));
        };
        let (Ok(zone), Ok(local)) = (zone_of(id), self.local()) else { return self.at.to_string() };
        let offset = Zone::of_offset(zone.offset_at(self.at)).map_or_else(String::new, |offset| offset.id().to_owned());
        let region = if zone.fixed_offset().is_none() { format!("[{id}]") } else { String::new() };
        format!("{}{offset}{region}", local_text(local))
    }
}

fn fraction(nanos: i32) -> String {
    match nanos {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => format!(".{:06}", n / 1_000),
        n => format!(".{n:09}"),
    }
}

/// Java leaves out seconds that are zero, but only in local times.
fn local_text(local: DateTime) -> String {
    let start = format!("{}T{:02}:{:02}", local.date(), local.hour(), local.minute());
    if local.second() == 0 && local.subsec_nanosecond() == 0 {
        return start;
    }
    format!("{start}:{:02}{}", local.second(), fraction(local.subsec_nanosecond()))
}

fn instant_text(local: DateTime) -> String {
    format!(
        "{}T{:02}:{:02}:{:02}{}",
        local.date(),
        local.hour(),
        local.minute(),
        local.second(),
        fraction(local.subsec_nanosecond())
    )
}

/// `yyyy-MM-ddTHH:mm[:ss[.fraction]]`, an offset, and perhaps a region in brackets.
fn parse(whole: &str) -> Option<(Timestamp, String)> {
    let (rest, region) = match whole.strip_suffix(']') {
        Some(front) => front.split_once('[').map(|(front, region)| (front, Some(region)))?,
        None => (whole, None),
    };
    let bytes = rest.as_bytes();
    let separated =
        [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':')].iter().all(|(at, sign)| bytes.get(*at) == Some(sign));
    if !separated {
        return None;
    }
    let cut = rest.get(16..)?.find(['Z', '+', '-'])? + 16;
    let local: DateTime = rest.get(..cut)?.parse().ok()?;
    let offset = Zone::of(rest.get(cut..)?).ok()?;
    let at = offset.at(local).ok()?.timestamp();
    match region {
        Some(region) => Zone::of(region).ok().map(|zone| (at, zone.id().to_owned())),
        None => Some((at, offset.id().to_owned())),
    }
}

fn moment<'a>(m: &Machine<'a>, at: Timestamp, zone: Option<&'a str>) -> Value<'a> {
    thing(m.arena, Held::Moment(Moment { at, zone }))
}

fn span<'a>(m: &Machine<'a>, nanos: i128) -> Value<'a> {
    thing(m.arena, Held::Span(nanos))
}

fn moment_of<'a>(value: &Value<'a>) -> Result<Moment<'a>, Throw> {
    match held(value) {
        Some(Held::Moment(moment)) => Ok(*moment),
        _ if value.is_null() => Err(throw_bare(error::Class::NullPointer)),
        _ => Err(super::bad_cast(value, "java.time.temporal.Temporal")),
    }
}

fn moved<'a>(m: &Machine<'a>, moment_now: Moment<'a>, nanos: i128) -> Result<Value<'a>, Throw> {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).map_err(fault)?;
    let by = SignedDuration::new(seconds, nanos.rem_euclid(1_000_000_000) as i32);
    let at = moment_now.at.checked_add(by).map_err(fault)?;
    Ok(moment(m, at, moment_now.zone))
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    now: Moment<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(8)?;
    if !super::has(&receiver, name, args.len()) {
        return object(m, receiver, name, args);
    }
    let sign = if name.text().starts_with("minus") { -1 } else { 1 };
    Ok(match (name, args) {
        (Name::isAfter, [other]) => Value::Bool(now.at > moment_of(other)?.at),
        (Name::isBefore, [other]) => Value::Bool(now.at < moment_of(other)?.at),
        (Name::isEqual, [other]) => Value::Bool(now.at == moment_of(other)?.at),
        (Name::compareTo, [other]) => Value::Int(now.at.cmp(&moment_of(other)?.at) as i32),
        (Name::toInstant, []) => moment(m, now.at, None),
        (Name::toEpochSecond | Name::getEpochSecond, []) => {
            Value::Long(now.at.as_nanosecond().div_euclid(1_000_000_000) as i64)
        }
        (Name::toEpochMilli, []) => Value::Long(now.at.as_nanosecond().div_euclid(1_000_000) as i64),
        (Name::getNano, []) => Value::Int(now.at.as_nanosecond().rem_euclid(1_000_000_000) as i32),
        (Name::getYear, []) => Value::Int(i32::from(now.local()?.year())),
        (Name::getMonthValue, []) => Value::Int(i32::from(now.local()?.month())),
        (Name::getDayOfMonth, []) => Value::Int(i32::from(now.local()?.day())),
        (Name::getDayOfYear, []) => Value::Int(i32::from(now.local()?.day_of_year())),
        (Name::getHour, []) => Value::Int(i32::from(now.local()?.hour())),
        (Name::getMinute, []) => Value::Int(i32::from(now.local()?.minute())),
        (Name::getSecond, []) => Value::Int(i32::from(now.local()?.second())),
        (Name::withZoneSameInstant | Name::atZone, [zone]) => match held(zone) {
            Some(Held::Zone(id)) => moment(m, now.at, Some(id)),
            _ => return Err(super::bad_cast(zone, "java.time.ZoneId")),
        },
        (Name::plusNanos | Name::minusNanos, [by]) => moved(m, now, sign * i128::from(number(by)?.long()))?,
        (Name::plusMillis | Name::minusMillis, [by]) => {
            moved(m, now, sign * i128::from(number(by)?.long()) * 1_000_000)?
        }
        (Name::plusSeconds | Name::minusSeconds, [by]) => {
            moved(m, now, sign * i128::from(number(by)?.long()) * 1_000_000_000)?
        }
        (Name::plusMinutes | Name::minusMinutes, [by]) => {
            moved(m, now, sign * i128::from(number(by)?.long()) * 60_000_000_000)?
        }
        (Name::plusHours | Name::minusHours, [by]) => {
            moved(m, now, sign * i128::from(number(by)?.long()) * 3_600_000_000_000)?
        }
        (Name::plusDays | Name::minusDays, [by]) => {
            let days = sign as i64 * number(by)?.long();
            if days.abs() > 7_000_000 {
                return Err(fault("the time lies beyond the years -9999 to 9999"));
            }
            let local = now.local()?.checked_add(days.days()).map_err(fault)?;
            let at = zone_of(now.zone.unwrap_or("Z"))?.at(local).map_err(fault)?.timestamp();
            moment(m, at, now.zone)
        }
        _ => return object(m, receiver, name, args),
    })
}

pub(super) fn call_span<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    nanos: i128,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let whole = |unit: i128| nanos.div_euclid(unit) as i64;
    Ok(match (name, args) {
        (Name::toNanos, []) => {
            Value::Long(i64::try_from(nanos).map_err(|_| throw(error::Class::Arithmetic, "long overflow"))?)
        }
        (Name::toMillis, []) => Value::Long(whole(1_000_000)),
        (Name::getSeconds, []) => Value::Long(whole(1_000_000_000)),
        (Name::toMinutes, []) => Value::Long(whole(1_000_000_000) / 60),
        (Name::toHours, []) => Value::Long(whole(1_000_000_000) / 3_600),
        (Name::toDays, []) => Value::Long(whole(1_000_000_000) / 86_400),
        (Name::getNano, []) => Value::Int(nanos.rem_euclid(1_000_000_000) as i32),
        (Name::isNegative, []) => Value::Bool(nanos < 0),
        (Name::isZero, []) => Value::Bool(nanos == 0),
        (Name::abs, []) => span(m, nanos.abs()),
        (Name::negated, []) => span(m, -nanos),
        _ => return object(m, receiver, name, args),
    })
}

/// The nanoseconds of a `ChronoUnit` that is always as long.
fn unit(name: Name) -> Option<i128> {
    Some(match name {
        Name::NANOS => 1,
        Name::MICROS => 1_000,
        Name::MILLIS => 1_000_000,
        Name::SECONDS => 1_000_000_000,
        Name::MINUTES => 60_000_000_000,
        Name::HOURS => 3_600_000_000_000,
        _ => return None,
    })
}

pub(super) fn call_unit<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    nanos: i128,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let (Name::between, [from, to]) = (name, args) else { return object(m, receiver, name, args) };
    let distance = moment_of(to)?.at.as_nanosecond() - moment_of(from)?.at.as_nanosecond();
    Ok(Value::Long(i64::try_from(distance / nanos).map_err(|_| throw(error::Class::Arithmetic, "long overflow"))?))
}

pub(super) fn constant<'a>(m: &mut Machine<'a>, name: Name) -> Option<Value<'a>> {
    unit(name).map(|nanos| thing(m.arena, Held::Unit(nanos)))
}

pub(super) fn call_static<'a>(
    m: &mut Machine<'a>,
    class: Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    m.step(8)?;
    Ok(Some(match (class, name, args) {
        (Class::ZonedDateTime | Class::Instant, Name::parse, [whole]) => {
            let whole = text(m, whole)?;
            let (at, zone) = parse(whole).ok_or_else(|| unparsed(whole))?;
            let zone = if class == Class::Instant { None } else { Some(m.str(&zone)?) };
            moment(m, at, zone)
        }
        (Class::ZonedDateTime, Name::ofInstant, [instant, zone]) => match held(zone) {
            Some(Held::Zone(id)) => moment(m, moment_of(instant)?.at, Some(id)),
            _ => return Err(super::bad_cast(zone, "java.time.ZoneId")),
        },
        (Class::Instant, Name::ofEpochMilli, [millis]) => {
            moment(m, Timestamp::from_millisecond(number(millis)?.long()).map_err(fault)?, None)
        }
        (Class::Instant, Name::ofEpochSecond, [seconds]) => {
            moment(m, Timestamp::from_second(number(seconds)?.long()).map_err(fault)?, None)
        }
        (Class::Instant, Name::ofEpochSecond, [seconds, nanos]) => {
            let start = Timestamp::from_second(number(seconds)?.long()).map_err(fault)?;
            moved(m, Moment { at: start, zone: None }, i128::from(number(nanos)?.long()))?
        }
        (Class::Duration, Name::between, [from, to]) => {
            let nanos = moment_of(to)?.at.as_nanosecond() - moment_of(from)?.at.as_nanosecond();
            span(m, nanos)
        }
        (Class::Duration, _, [count]) => {
            let length = match name {
                Name::ofNanos => 1,
                Name::ofMillis => 1_000_000,
                Name::ofSeconds => 1_000_000_000,
                Name::ofMinutes => 60_000_000_000,
                Name::ofHours => 3_600_000_000_000,
                Name::ofDays => 86_400_000_000_000,
                _ => return Ok(None),
            };
            span(m, i128::from(number(count)?.long()) * length)
        }
        (Class::ZoneId, Name::of, [id]) => {
            let zone = zone_of(text(m, id)?)?;
            let id = m.str(zone.id())?;
            thing(m.arena, Held::Zone(id))
        }
        _ => return Ok(None),
    }))
}

/// `Duration.toString`: `PT1H2M3.5S`.
pub(in crate::painless) fn span_text(nanos: i128) -> String {
    if nanos == 0 {
        return "PT0S".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut out = "PT".to_owned();
    for (count, letter) in [(hours, 'H'), (minutes, 'M')] {
        if count > 0 {
            out.push_str(&format!("{sign}{count}{letter}"));
        }
    }
    if seconds > 0 || rest > 0 {
        let digits = format!("{rest:09}");
        let fraction = if rest > 0 { format!(".{}", digits.trim_end_matches('0')) } else { String::new() };
        out.push_str(&format!("{sign}{seconds}{fraction}S"));
    }
    out
}

pub(in crate::painless) fn unit_text(nanos: i128) -> &'static str {
    match nanos {
        1 => "Nanos",
        1_000 => "Micros",
        1_000_000 => "Millis",
        1_000_000_000 => "Seconds",
        60_000_000_000 => "Minutes",
        _ => "Hours",
    }
}
