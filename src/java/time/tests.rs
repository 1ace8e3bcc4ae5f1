//! Tables against what `java.time` and Elasticsearch's `date` processor document.

use jiff::Timestamp;

use super::elastic::ProcessorFormat;
use super::*;

fn read(format: &str, text: &str, zone: &str) -> Result<String, String> {
    let now: Timestamp = "2023-06-15T12:00:00Z".parse().unwrap();
    let zone = Zone::of(zone).unwrap();
    let format = ProcessorFormat::compile(format, Locale::of("en").unwrap()).map_err(|fault| fault.to_string())?;
    let zoned = format.parse(text, &zone, now).map_err(|fault| fault.innermost().to_owned())?;
    let printer = Formatter::compile("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", Locale::ROOT).unwrap();
    printer.format(&Temporal::zoned(&zoned, &zone))
}

#[test]
fn dates_of_log_files_are_read() {
    for (format, text, zone, expected) in [
        ("ISO8601", "2023-01-02T03:04:05.678Z", "Z", "2023-01-02T03:04:05.678Z"),
        ("ISO8601", "2023-01-02T03:04:05,6+0130", "Z", "2023-01-02T01:34:05.600Z"),
        ("ISO8601", "2023-01-02", "Europe/Amsterdam", "2023-01-02T00:00:00.000+01:00"),
        ("ISO8601", "2023-01-02T03:04", "Europe/Amsterdam", "2023-01-02T03:04:00.000+01:00"),
        ("ISO8601", "2023-01-02T03:04:05Z", "America/New_York", "2023-01-01T22:04:05.000-05:00"),
        ("UNIX", "1000.5", "Z", "1970-01-01T00:16:40.500Z"),
        ("UNIX_MS", "1500000000123", "Z", "2017-07-14T02:40:00.123Z"),
        ("TAI64N", "@4000000050d506482dbdf024", "Z", "2012-12-22T01:00:46.767Z"),
        ("dd/MMM/yyyy:HH:mm:ss Z", "10/Oct/2000:13:55:36 -0700", "Z", "2000-10-10T20:55:36.000Z"),
        ("MMM d HH:mm:ss", "Mar 7 01:02:03", "Z", "2023-03-07T01:02:03.000Z"),
        ("MMM  d HH:mm:ss", "Mar  7 01:02:03", "Asia/Tokyo", "2023-03-07T01:02:03.000+09:00"),
        ("MMM ppd HH:mm:ss", "Mar  7 01:02:03", "Z", "2023-03-07T01:02:03.000Z"),
        ("yyyyMMddHHmmssSSS", "20230102030405678", "Z", "2023-01-02T03:04:05.678Z"),
        ("yyyy-MM-dd hh:mm:ss a", "2023-01-02 12:04:05 AM", "Z", "2023-01-02T00:04:05.000Z"),
        ("EEE MMM dd HH:mm:ss zzz yyyy", "Mon Jan 02 03:04:05 EST 2023", "Z", "2023-01-02T08:04:05.000Z"),
        ("yyyy-MM-dd HH:mm:ss VV", "2023-07-02 03:04:05 Europe/Paris", "Z", "2023-07-02T01:04:05.000Z"),
        ("yyyy-MM-dd[ HH:mm[:ss]]", "2023-01-02 03:04", "Z", "2023-01-02T03:04:00.000Z"),
        ("epoch_millis||yyyy", "2023", "Z", "1970-01-01T00:00:02.023Z"),
        ("yyyy||epoch_second", "1500000000", "Z", "2017-07-14T02:40:00.000Z"),
        ("uuuu.D", "2024.366", "Z", "2024-12-31T00:00:00.000Z"),
        // In English weeks begin on Sunday.
        ("YYYY-'W'ww-e", "2010-W01-7", "Z", "2010-01-02T00:00:00.000Z"),
        ("strict_week_date", "2009-W53-7", "Z", "2010-01-03T00:00:00.000Z"),
        ("yy", "23", "Z", "2023-01-01T00:00:00.000Z"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2023-03-26T02:30:00+01:00", "Europe/Berlin", "2023-03-26T03:30:00.000+02:00"),
        ("yyyy-MM-dd HH:mm", "2023-03-26 02:30", "Europe/Berlin", "2023-03-26T03:30:00.000+02:00"),
    ] {
        assert_eq!(read(format, text, zone).as_deref(), Ok(expected), "{format} {text} {zone}");
    }
}

#[test]
fn faults_have_javas_words() {
    for (format, text, words) in [
        ("ISO8601", "nonsense", "Text 'nonsense' could not be parsed at index 0"),
        ("ISO8601", "2023-01-02x", "Text '2023-01-02x' could not be parsed, unparsed text found at index 10"),
        ("yyyy-MM-dd", "2023-1-02", "Text '2023-1-02' could not be parsed at index 5"),
        ("yyyy-MM-dd", "2023-13-02", "Invalid value for MonthOfYear (valid values 1 - 12): 13"),
        ("uuuu-MM-dd", "2023-02-30", "Invalid date 'FEBRUARY 30'"),
        ("yyyy-MM-dd||yyyy", "x", "Failed to parse with all enclosed parsers"),
        ("HH:mm", "24:00", "Invalid value for HourOfDay (valid values 0 - 23): 24"),
        ("UNIX", "x", "For input string: \"x\""),
    ] {
        assert_eq!(read(format, text, "Z"), Err(words.into()), "{format} {text}");
    }
    for (pattern, words) in [
        ("yyyy-bb", "Unknown pattern letter: b"),
        ("HHH", "Too many pattern letters: H"),
        ("'T", "Pattern ends with an incomplete string literal: 'T"),
        ("yyyy]", "Pattern invalid as it contains ] without previous ["),
        ("{", "Pattern includes reserved character: '{'"),
    ] {
        assert_eq!(Formatter::compile(pattern, Locale::ROOT).unwrap_err().to_string(), words);
    }
}

#[test]
fn zones_have_javas_ids() {
    for (id, printed) in [
        ("Z", "Z"),
        ("+1", "+01:00"),
        ("-0530", "-05:30"),
        ("UTC", "UTC"),
        ("GMT+2", "GMT+02:00"),
        ("Europe/Paris", "Europe/Paris"),
    ] {
        assert_eq!(Zone::of(id).unwrap().id(), printed);
    }
    for (id, words) in [
        ("europe/paris", "Unknown time-zone ID: europe/paris"),
        ("+25", "Invalid ID for ZoneOffset, invalid format: +25"),
        ("x", "Invalid ID for region-based ZoneId, invalid format: x"),
    ] {
        assert_eq!(Zone::of(id).unwrap_err(), words);
    }
}
