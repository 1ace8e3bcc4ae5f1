//! The first step of reading: a text to fields, by the steps of a pattern. Strict about digits and case as Java's parser is by default.
//! What the fields amount to is [`super::resolve`]'s.

use std::fmt;

use super::pattern::{Field, Formatter, Number, OffsetShape, SignStyle, Step};
use super::zone::{ZONE_NAMES, Zone};

/// `DateTimeParseException`, or what it was caused by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFault {
    pub what: String,
    /// The message of the innermost exception, where it differs.
    pub cause: Option<String>,
}

impl TimeFault {
    pub fn new(what: impl Into<String>) -> Self {
        TimeFault { what: what.into(), cause: None }
    }

    /// The innermost message.
    pub fn innermost(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.what)
    }
}

impl fmt::Display for TimeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for TimeFault {}

/// Fields with their values, as they stand in the text.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    values: Vec<(Field, i64)>,
    pub zone: Option<Zone>,
}

impl Fields {
    pub fn get(&self, field: Field) -> Option<i64> {
        self.values.iter().find(|(known, _)| *known == field).map(|(_, value)| *value)
    }

    pub fn remove(&mut self, field: Field) -> Option<i64> {
        let at = self.values.iter().position(|(known, _)| *known == field)?;
        Some(self.values.remove(at).1)
    }

    pub fn set(&mut self, field: Field, value: i64) {
        match self.values.iter_mut().find(|(known, _)| *known == field) {
            Some((_, old)) => *old = value,
            None => self.values.push((field, value)),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Field, i64)> + '_ {
        self.values.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// False when the field has another value already.
    fn add(&mut self, field: Field, value: i64) -> bool {
        match self.get(field) {
            Some(old) => old == value,
            None => {
                self.values.push((field, value));
                true
            }
        }
    }
}

/// A text as Java's messages quote it.
pub(super) fn quoted(text: &str) -> String {
    if text.encode_utf16().count() <= 64 {
        text.to_owned()
    } else {
        format!("{}...", text.chars().take(64).collect::<String>())
    }
}

impl Formatter {
    /// Reads the whole text to fields.
    pub(super) fn fields(&self, text: &str) -> Result<Fields, TimeFault> {
        let mut fields = Fields::default();
        let index = |at: usize| text.get(..at).map_or(at, |before| before.encode_utf16().count());
        match steps(&self.steps, text, 0, &mut fields) {
            Ok(end) if end == text.len() => Ok(fields),
            Ok(end) => Err(TimeFault::new(format!(
                "Text '{}' could not be parsed, unparsed text found at index {}",
                quoted(text),
                index(end)
            ))),
            Err(at) => {
                Err(TimeFault::new(format!("Text '{}' could not be parsed at index {}", quoted(text), index(at))))
            }
        }
    }
}

/// The end of what was read, or where it went wrong.
type Position = Result<usize, usize>;

fn steps(all: &[Step], text: &str, start: usize, fields: &mut Fields) -> Position {
    all.iter().try_fold(start, |at, next| step(next, text, at, fields))
}

fn step(step: &Step, text: &str, at: usize, fields: &mut Fields) -> Position {
    let rest = text.get(at..).unwrap_or_default();
    match step {
        Step::Literal(c) => rest.strip_prefix(*c).map(|after| text.len() - after.len()).ok_or(at),
        Step::Number(n) if n.fraction => fraction(n.min, n.max, rest, at, fields),
        Step::Number(n) => number(n, rest, at, fields),
        Step::PointFraction { min, max } => match rest.strip_prefix('.') {
            Some(digits) => fraction(*min, *max, digits, at + 1, fields),
            None if *min > 0 => Err(at),
            None => Ok(at),
        },
        Step::Text { field, texts } => {
            let best = texts.iter().filter(|(name, _)| rest.starts_with(name)).max_by_key(|(name, _)| name.len());
            let (name, value) = best.ok_or(at)?;
            added(fields, *field, *value, at, at + name.len())
        }
        Step::Offset { shape, none } => {
            if rest.starts_with(none) {
                return added(fields, Field::OffsetSeconds, 0, at, at + none.len());
            }
            let (seconds, length) = offset(*shape, rest).ok_or(at)?;
            added(fields, Field::OffsetSeconds, seconds, at, at + length)
        }
        Step::LocalizedOffset { full } => {
            let after = rest.strip_prefix("GMT").ok_or(at)?;
            let (seconds, length) = localized_offset(*full, after).unwrap_or((0, 0));
            added(fields, Field::OffsetSeconds, seconds, at, at + 3 + length)
        }
        Step::ZoneId | Step::ZoneOrOffsetId => zone(rest, at, fields, false),
        Step::ZoneName { .. } => zone(rest, at, fields, true),
        Step::Optional(inner) => {
            let before = fields.clone();
            Ok(steps(inner, text, at, fields).unwrap_or_else(|_| {
                *fields = before;
                at
            }))
        }
        Step::Pad { width, step: inner } => {
            let padded: String = rest.chars().take(*width).collect();
            if padded.chars().count() < *width {
                return Err(at);
            }
            let spaces = padded.len() - padded.trim_start_matches(' ').len();
            let end = at + padded.len();
            // The padded part is read by itself.
            match self::step(inner, text.get(..end).unwrap_or_default(), at + spaces, fields) {
                Ok(reached) if reached == end => Ok(end),
                _ => Err(at + spaces),
            }
        }
    }
}

fn added(fields: &mut Fields, field: Field, value: i64, at: usize, end: usize) -> Position {
    if fields.add(field, value) { Ok(end) } else { Err(at) }
}

/// How many of the first bytes are digits, at most `max`.
fn digits(text: &str, max: usize) -> usize {
    text.bytes().take(max).take_while(u8::is_ascii_digit).count()
}

fn number(n: &Number, text: &str, at: usize, fields: &mut Fields) -> Position {
    let (negative, positive) = match text.as_bytes().first() {
        None => return Err(at),
        Some(b'-') if n.sign != SignStyle::NotNegative => (true, false),
        Some(b'+') if n.sign == SignStyle::ExceedsPad => (false, true),
        Some(_) => (false, false),
    };
    let sign = usize::from(negative || positive);
    let body = text.get(sign..).unwrap_or_default();
    let found = digits(body, n.max + n.subsequent);
    if found < n.min {
        return Err(at + sign);
    }
    let length = if n.subsequent > 0 { found.saturating_sub(n.subsequent).max(n.min) } else { found };
    let mut value: i64 = body.get(..length).and_then(|digits| digits.parse().ok()).ok_or(at + sign)?;
    if negative {
        if value == 0 {
            return Err(at);
        }
        value = -value;
    } else if n.sign == SignStyle::ExceedsPad {
        if positive && length <= n.min {
            return Err(at);
        }
        if !positive && length > n.min {
            return Err(at + sign);
        }
    }
    if n.reduced && !negative {
        value += 2000;
    }
    added(fields, n.field, value, at, at + sign + length)
}

fn fraction(min: usize, max: usize, text: &str, at: usize, fields: &mut Fields) -> Position {
    let length = digits(text, max);
    if length < min || length == 0 {
        return Err(at);
    }
    let value: i64 = text.get(..length).and_then(|digits| digits.parse().ok()).ok_or(at)?;
    let nanos = value * 10i64.pow(9 - length.min(9) as u32);
    added(fields, Field::NanoOfSecond, nanos, at, at + length)
}

/// Seconds and length of a signed offset.
fn offset(shape: OffsetShape, text: &str) -> Option<(i64, usize)> {
    use OffsetShape::*;
    let bytes = text.as_bytes();
    let negative = match bytes.first()? {
        b'+' => false,
        b'-' => true,
        _ => return None,
    };
    let pair = |at: usize| -> Option<i64> {
        let (tens, ones) = (bytes.get(at)?, bytes.get(at + 1)?);
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let hours = pair(1).filter(|hours| *hours < 24)?;
    let mut end = 3;
    // Reads `:mm` or `mm` at the end so far.
    let mut more = |colon: bool| -> Option<i64> {
        let from = if colon { end + usize::from(bytes.get(end) == Some(&b':')) } else { end };
        if colon && from == end {
            return None;
        }
        let value = pair(from).filter(|value| *value < 60)?;
        end = from + 2;
        Some(value)
    };
    let (minutes, seconds) = match shape {
        HourOptionalMinute => (more(false).unwrap_or(0), 0),
        HourMinute => (more(false)?, 0),
        HourColonMinute => (more(true)?, 0),
        HourMinuteOptionalSecond => (more(false)?, more(false).unwrap_or(0)),
        HourColonMinuteColonOptionalSecond => (more(true)?, more(true).unwrap_or(0)),
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    Some((if negative { -total } else { total }, end))
}

/// What stands behind `GMT`: `+h[:mm[:ss]]`, or `+hh:mm[:ss]` when `full`.
fn localized_offset(full: bool, text: &str) -> Option<(i64, usize)> {
    if full {
        return offset(OffsetShape::HourColonMinuteColonOptionalSecond, text);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hour_digits = digits(text.get(1..)?, 2);
    let hours: i64 = text.get(1..1 + hour_digits)?.parse().ok()?;
    let mut end = 1 + hour_digits;
    let mut total = hours * 3600;
    for unit in [60, 1] {
        let Some(rest) = text.get(end..).and_then(|rest| rest.strip_prefix(':')) else { break };
        if digits(rest, 2) < 2 {
            break;
        }
        total += rest.get(..2)?.parse::<i64>().ok()? * unit;
        end += 3;
    }
    Some((sign * total, end))
}

/// A zone's id, an offset, or with `names` also a name such as `CEST`.
fn zone(text: &str, at: usize, fields: &mut Fields, names: bool) -> Position {
    let (zone, length) = zone_of(text, names).ok_or(at)?;
    if fields.zone.as_ref().is_some_and(|old| *old != zone) {
        return Err(at);
    }
    fields.zone = Some(zone);
    Ok(at + length)
}

fn zone_of(text: &str, names: bool) -> Option<(Zone, usize)> {
    const SHAPE: OffsetShape = OffsetShape::HourColonMinuteColonOptionalSecond;
    if text.starts_with(['+', '-']) {
        let (seconds, length) = offset(SHAPE, text)?;
        return Some((Zone::of_offset(seconds as i32)?, length));
    }
    for prefix in ["UTC", "UT", "GMT0", "GMT"] {
        let Some(rest) = text.strip_prefix(prefix) else { continue };
        return match offset(SHAPE, rest) {
            Some((_, length)) if prefix != "GMT0" => {
                let id = text.get(..prefix.len() + length)?;
                Some((Zone::of(id).ok()?, id.len()))
            }
            _ => Some((Zone::of(prefix).ok()?, prefix.len())),
        };
    }
    let name = if names {
        ZONE_NAMES.iter().filter(|(name, _)| text.starts_with(name)).max_by_key(|(name, _)| name.len())
    } else {
        None
    };
    let id_length = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"/._~+-".contains(b)).take(64).count();
    for length in (2..=id_length).rev() {
        if name.is_some_and(|(name, _)| name.len() >= length) {
            break;
        }
        if let Ok(zone) = Zone::of(text.get(..length)?) {
            return Some((zone, length));
        }
    }
    if let Some((name, id)) = name {
        return Some((Zone::of(id).ok()?, name.len()));
    }
    text.starts_with('Z').then(|| (Zone::utc(), 1))
}
