//! Writing: a date, time, offset and zone, or those of them that there are, by the steps of a pattern.

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ZonedDateTime};

use super::names::Weeks;
use super::pattern::{Field, Formatter, Number, OffsetShape, SignStyle, Step};
use super::resolve::date_field;
use super::zone::{Zone, offset_id};

/// What a value of `java.time` has: a `LocalDate` only its date, a `ZonedDateTime` all of it.
#[derive(Clone, Debug, Default)]
pub struct Temporal {
    pub date: Option<Date>,
    pub time: Option<Time>,
    /// Seconds.
    pub offset: Option<i32>,
    pub zone: Option<Zone>,
}

impl Temporal {
    /// A `ZonedDateTime`.
    pub fn zoned(zoned: &ZonedDateTime, zone: &Zone) -> Temporal {
        Temporal {
            date: Some(zoned.date()),
            time: Some(zoned.time()),
            offset: Some(zoned.offset().seconds()),
            zone: Some(zone.clone()),
        }
    }

    fn instant(&self) -> Option<Timestamp> {
        let local = self.date?.to_datetime(self.time?);
        let offset = jiff::tz::Offset::from_seconds(self.offset?).ok()?;
        offset.to_timestamp(local).ok()
    }

    /// A field's value. `Err` holds the words of Java's exception.
    pub fn field(&self, field: Field, weeks: Weeks) -> Result<i64, String> {
        let found = match (self.time, field) {
            (Some(time), Field::HourOfDay) => Some(i64::from(time.hour())),
            (Some(time), Field::ClockHourOfDay) => Some((i64::from(time.hour()) + 23) % 24 + 1),
            (Some(time), Field::HourOfAmPm) => Some(i64::from(time.hour()) % 12),
            (Some(time), Field::ClockHourOfAmPm) => Some((i64::from(time.hour()) + 11) % 12 + 1),
            (Some(time), Field::AmPm) => Some(i64::from(time.hour()) / 12),
            (Some(time), Field::MinuteOfHour) => Some(i64::from(time.minute())),
            (Some(time), Field::SecondOfMinute) => Some(i64::from(time.second())),
            (Some(time), Field::NanoOfSecond) => Some(i64::from(time.subsec_nanosecond())),
            (Some(time), Field::MilliOfDay) => Some(nano_of_day(time) / 1_000_000),
            (Some(time), Field::NanoOfDay) => Some(nano_of_day(time)),
            _ => self.date.and_then(|date| date_field(date, field, weeks)),
        };
        found.ok_or_else(|| format!("Unsupported field: {}", field.name()))
    }
}

fn nano_of_day(time: Time) -> i64 {
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond())
}

impl Formatter {
    /// `DateTimeFormatter.format`. `Err` holds the words of Java's exception.
    pub fn format(&self, temporal: &Temporal) -> Result<String, String> {
        let mut out = String::with_capacity(32);
        steps(&self.steps, temporal, self.locale.weeks(), &mut out)?;
        Ok(out)
    }
}

fn steps(all: &[Step], temporal: &Temporal, weeks: Weeks, out: &mut String) -> Result<(), String> {
    all.iter().try_for_each(|next| step(next, temporal, weeks, out))
}

fn step(next: &Step, temporal: &Temporal, weeks: Weeks, out: &mut String) -> Result<(), String> {
    match next {
        Step::Literal(c) => out.push(*c),
        Step::Number(n) if n.fraction => fraction(temporal.field(n.field, weeks)?, n.min, n.max, out),
        Step::Number(n) => number(n, temporal.field(n.field, weeks)?, out)?,
        Step::PointFraction { min, max } => {
            let nanos = temporal.field(Field::NanoOfSecond, weeks)?;
            if nanos > 0 || *min > 0 {
                out.push('.');
                fraction(nanos, *min, *max, out);
            }
        }
        Step::Text { field, texts } => {
            let value = temporal.field(*field, weeks)?;
            match texts.iter().find(|(_, known)| *known == value) {
                Some((name, _)) => out.push_str(name),
                None => out.push_str(&value.to_string()),
            }
        }
        Step::Offset { shape, none } => {
            let seconds = temporal.offset.ok_or("Unsupported field: OffsetSeconds")?;
            offset(*shape, none, seconds, out);
        }
        Step::LocalizedOffset { full } => {
            let seconds = temporal.offset.ok_or("Unsupported field: OffsetSeconds")?;
            localized_offset(*full, seconds, out);
        }
        Step::ZoneId => match &temporal.zone {
            Some(zone) => out.push_str(zone.id()),
            None => return Err("Unable to extract ZoneId from temporal".into()),
        },
        Step::ZoneOrOffsetId => match (&temporal.zone, temporal.offset) {
            (Some(zone), _) => out.push_str(zone.id()),
            (None, Some(seconds)) => out.push_str(&offset_id(seconds)),
            (None, None) => return Err("Unable to extract ZoneId from temporal".into()),
        },
        Step::ZoneName { full } => zone_name(temporal, *full, out)?,
        Step::Optional(inner) => {
            let before = out.len();
            if steps(inner, temporal, weeks, out).is_err() {
                out.truncate(before);
            }
        }
        Step::Pad { width, step: inner } => {
            let mut text = String::new();
            step(inner, temporal, weeks, &mut text)?;
            let length = text.chars().count();
            if length > *width {
                return Err(format!("Cannot print as output of {length} characters exceeds pad width of {width}"));
            }
            out.extend(std::iter::repeat_n(' ', width - length));
            out.push_str(&text);
        }
    }
    Ok(())
}

fn number(n: &Number, value: i64, out: &mut String) -> Result<(), String> {
    if n.reduced {
        let text = format!("{:02}", value.rem_euclid(100));
        out.push_str(&text);
        return Ok(());
    }
    let digits = value.unsigned_abs().to_string();
    if digits.len() > n.max {
        return Err(format!(
            "Field {} cannot be printed as the value {value} exceeds the maximum print width of {}",
            n.field.name(),
            n.max
        ));
    }
    if value < 0 {
        if n.sign == SignStyle::NotNegative {
            return Err(format!(
                "Field {} cannot be printed as the value {value} cannot be negative according to the SignStyle",
                n.field.name()
            ));
        }
        out.push('-');
    } else if n.sign == SignStyle::ExceedsPad && digits.len() > n.min {
        out.push('+');
    }
    out.extend(std::iter::repeat_n('0', n.min.saturating_sub(digits.len())));
    out.push_str(&digits);
    Ok(())
}

fn fraction(nanos: i64, min: usize, max: usize, out: &mut String) {
    let digits = format!("{nanos:09}");
    let shown = digits.get(..max.min(9)).unwrap_or(&digits);
    let trimmed = shown.trim_end_matches('0').len().max(min.min(9));
    out.push_str(shown.get(..trimmed).unwrap_or(shown));
}

fn offset(shape: OffsetShape, none: &str, seconds: i32, out: &mut String) {
    if seconds == 0 {
        return out.push_str(none);
    }
    let total = seconds.unsigned_abs();
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
    let sign = if seconds < 0 { '-' } else { '+' };
    let text = match shape {
        OffsetShape::HourOptionalMinute if minutes == 0 => format!("{sign}{hours:02}"),
        OffsetShape::HourOptionalMinute | OffsetShape::HourMinute => format!("{sign}{hours:02}{minutes:02}"),
        OffsetShape::HourColonMinute => format!("{sign}{hours:02}:{minutes:02}"),
        OffsetShape::HourMinuteOptionalSecond if rest == 0 => format!("{sign}{hours:02}{minutes:02}"),
        OffsetShape::HourMinuteOptionalSecond => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
        OffsetShape::HourColonMinuteColonOptionalSecond if rest == 0 => format!("{sign}{hours:02}:{minutes:02}"),
        OffsetShape::HourColonMinuteColonOptionalSecond => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    };
    out.push_str(&text);
}

fn localized_offset(full: bool, seconds: i32, out: &mut String) {
    out.push_str("GMT");
    if seconds == 0 {
        return;
    }
    if full {
        return offset(OffsetShape::HourColonMinuteColonOptionalSecond, "", seconds, out);
    }
    let total = seconds.unsigned_abs();
    let mut text = format!("{}{}", if seconds < 0 { '-' } else { '+' }, total / 3600);
    if total % 3600 != 0 {
        text.push_str(&format!(":{:02}", total / 60 % 60));
    }
    if total % 60 != 0 {
        text.push_str(&format!(":{:02}", total % 60));
    }
    out.push_str(&text);
}

fn zone_name(temporal: &Temporal, full: bool, out: &mut String) -> Result<(), String> {
    let Some(zone) = &temporal.zone else { return Err("Unable to extract ZoneId from temporal".into()) };
    let short = match temporal.instant() {
        Some(instant) => zone.short_name(instant),
        None => zone.id().to_owned(),
    };
    match full.then(|| LONG_NAMES.iter().find(|(abbreviation, _)| *abbreviation == short)).flatten() {
        Some((_, long)) => out.push_str(long),
        None => out.push_str(&short),
    }
    Ok(())
}

/// Long names of zones in English, by the short ones.
const LONG_NAMES: &[(&str, &str)] = &[
    ("UTC", "Coordinated Universal Time"),
    ("GMT", "Greenwich Mean Time"),
    ("EST", "Eastern Standard Time"),
    ("EDT", "Eastern Daylight Time"),
    ("CST", "Central Standard Time"),
    ("CDT", "Central Daylight Time"),
    ("MST", "Mountain Standard Time"),
    ("MDT", "Mountain Daylight Time"),
    ("PST", "Pacific Standard Time"),
    ("PDT", "Pacific Daylight Time"),
    ("CET", "Central European Time"),
    ("CEST", "Central European Summer Time"),
    ("EET", "Eastern European Time"),
    ("EEST", "Eastern European Summer Time"),
    ("IST", "India Standard Time"),
    ("JST", "Japan Standard Time"),
];
