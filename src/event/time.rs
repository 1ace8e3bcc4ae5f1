//! Times as logs write them, to milliseconds since 1970: with a zone, without one, without a year.
//!
//! Knows no clock: what a text leaves out comes from the caller, the zone from the source's settings and the year from the time at which the
//! record came into Kafka.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Leap days are at most eight years apart (1896 to 1904, 2096 to 2104).
const YEARS_AROUND: i16 = 8;

/// A time with an offset, as `2026-01-02T03:04:05.678Z`.
pub fn rfc3339_ms(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// A time on the clocks of `zone`. Where they are put forward over it, the time that they would have shown; where they are put back,
/// the first of the two.
pub fn zoned_ms(at: DateTime, zone: &TimeZone) -> Option<i64> {
    zone.to_timestamp(at).ok().map(Timestamp::as_millisecond)
}

/// Of the times that `in_year` gives for years around `reference_ms`, the one nearest to it: the year of a time that names none. A log of 31 December
/// that arrives on 1 January gets the year that has just ended.
pub fn nearest_year(reference_ms: i64, in_year: impl Fn(i16) -> Option<i64>) -> Option<i64> {
    let year = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(reference_ms).ok()?).year();
    let near = (year - 1..=year + 1).filter_map(&in_year).min_by_key(|ms| ms.abs_diff(reference_ms));
    // 29 February is in none of three years in a row more often than not.
    near.or_else(|| {
        (year - YEARS_AROUND..=year + YEARS_AROUND).filter_map(&in_year).min_by_key(|ms| ms.abs_diff(reference_ms))
    })
}

/// `Feb  2 16:45:20`, the time of RFC 3164.
pub fn yearless_ms(text: &str, zone: &TimeZone, reference_ms: i64) -> Option<i64> {
    let (month, rest) = text.split_at_checked(3)?;
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == month)? as i8 + 1;
    let (day, clock) = rest.trim_start().split_once(' ')?;
    let mut clock = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (day, hour, minute, second) = (day.parse().ok()?, clock.next()??, clock.next()??, clock.next()??);
    nearest_year(reference_ms, |year| {
        zoned_ms(DateTime::new(year, month, day, hour, minute, second.min(59), 0).ok()?, zone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        rfc3339_ms(text).unwrap()
    }

    #[test]
    fn a_year_less_time_gets_the_year_nearest_to_its_arrival() {
        for (text, arrival, expected) in [
            ("Feb 22 16:45:20", "2026-02-22T16:46:00Z", "2026-02-22T16:45:20Z"),
            ("Dec 31 23:59:59", "2026-01-01T00:00:05Z", "2025-12-31T23:59:59Z"),
            ("Jan  1 00:00:05", "2025-12-31T23:59:00Z", "2026-01-01T00:00:05Z"),
            ("Feb 29 12:00:00", "2026-03-01T00:00:00Z", "2024-02-29T12:00:00Z"),
            ("Feb 29 12:00:00", "2101-03-01T00:00:00Z", "2104-02-29T12:00:00Z"),
            ("Jun 30 23:59:60", "2015-07-01T00:00:01Z", "2015-06-30T23:59:59Z"),
        ] {
            assert_eq!(yearless_ms(text, &TimeZone::UTC, ms(arrival)), Some(ms(expected)), "{text} at {arrival}");
        }
        for text in ["Feb 30 00:00:00", "Foo 1 00:00:00", "Feb 1 25:00:00", "Feb 1", "ü", ""] {
            assert_eq!(yearless_ms(text, &TimeZone::UTC, 0), None, "{text}");
        }
    }

    #[test]
    fn a_zone_less_time_is_read_on_the_clocks_of_its_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (text, expected) in [
            ("2026-01-15T12:00:00", "2026-01-15T17:00:00Z"),
            ("2026-07-15T12:00:00", "2026-07-15T16:00:00Z"),
            // Put forward from 2 to 3 o'clock, put back from 2 to 1 o'clock.
            ("2026-03-08T02:30:00", "2026-03-08T07:30:00Z"),
            ("2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),
        ] {
            assert_eq!(zoned_ms(text.parse().unwrap(), &zone), Some(ms(expected)), "{text}");
        }
    }
}
