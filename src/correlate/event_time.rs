//! When an event was, by the fields in which logs say so.
//!
//! A normalised event says it in `@timestamp`; a raw one in its vendor's field, the first of the list that can be read. Times without a zone are
//! UTC, which is what Windows and the clouds write. When events are read without any (a file of a person's own), the caller decides.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::key::{Field, number_of};
use crate::event::time::{rfc3339_ms, zoned_ms};
use crate::event::{Object, Symbols, Value};

/// In the order in which they are believed.
const PLACES: [&str; 22] = [
    "@timestamp",
    "timestamp",
    "UtcTime",
    "winlog.event_data.UtcTime",
    "eventTime",
    "Event.System.TimeCreated.#attributes.SystemTime",
    "Event.System.TimeCreated.SystemTime",
    "System.TimeCreated.SystemTime",
    "TimeCreated.SystemTime",
    "SystemTime",
    "TimeCreated",
    "EventTime",
    "event.created",
    "event_time",
    "createdDateTime",
    "CreationTime",
    "TimeGenerated",
    "published",
    "created_at",
    "date",
    "time",
    "ts",
];

/// Finds the time of events.
#[derive(Clone, Debug)]
pub struct EventTime {
    places: Vec<Field>,
}

impl EventTime {
    pub fn new(symbols: &mut Symbols) -> EventTime {
        EventTime { places: PLACES.iter().map(|place| Field::new(&[(*place).to_owned()], false, symbols)).collect() }
    }

    /// In ms since 1970.
    pub fn of(&self, event: &Object<'_>) -> Option<i64> {
        self.places.iter().find_map(|place| place.values(event).first().and_then(read_ms))
    }
}

fn read_ms(value: &Value<'_>) -> Option<i64> {
    if let Value::Str(text) = value {
        let text = text.trim();
        let zoneless = || zoned_ms(text.parse::<DateTime>().ok()?, &TimeZone::UTC);
        if let Some(ms) = rfc3339_ms(text).or_else(zoneless) {
            return Some(ms);
        }
    }
    // Seconds, or a thousandth, a millionth, a billionth of them: by size, for the years 1973 to 5138.
    let number = number_of(value)?;
    let ms = match number.abs() {
        n if n < 1e11 => number * 1e3,
        n if n < 1e14 => number,
        n if n < 1e17 => number / 1e3,
        _ => number / 1e6,
    };
    Some(ms as i64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Arena, parse};

    #[test]
    fn times_are_found_where_logs_write_them() {
        let mut symbols = Symbols::new();
        let times = EventTime::new(&mut symbols);
        let arena = Arena::new(Arc::new(symbols));
        for (event, expected) in [
            (
                r#"{"@timestamp":"2026-01-02T03:04:05.678Z","eventTime":"2020-01-01T00:00:00Z"}"#,
                Some(1_767_323_045_678),
            ),
            (r#"{"@timestamp":"2026-01-02T04:04:05.678+01:00"}"#, Some(1_767_323_045_678)),
            (r#"{"UtcTime":"2026-01-02 03:04:05.678"}"#, Some(1_767_323_045_678)),
            (r#"{"timestamp":"never","eventTime":"2026-01-02T03:04:05Z"}"#, Some(1_767_323_045_000)),
            (
                r##"{"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05Z"}}}}}"##,
                Some(1_767_323_045_000),
            ),
            (r#"{"ts":1767323045.678}"#, Some(1_767_323_045_678)),
            (r#"{"timestamp":1767323045678}"#, Some(1_767_323_045_678)),
            (r#"{"timestamp":"1767323045678000000"}"#, Some(1_767_323_045_678)),
            (r#"{"timestamp":{"a":1}}"#, None),
            (r#"{}"#, None),
        ] {
            let parsed = parse::document(&arena, event.as_bytes(), 100).unwrap();
            assert_eq!(times.of(parsed.as_object().unwrap()), expected, "{event}");
        }
    }
}
