//! Elasticsearch's date formats over Java's: names such as `strict_date_optional_time` and `epoch_millis`, alternatives joined by `||`, the
//! keywords of the `date` processor, and its rules for filling up what a text does not say.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use super::format::Temporal;
use super::names::{Locale, Weeks};
use super::parse::TimeFault;
use super::pattern::{Field, Formatter, PatternFault};
use super::resolve::{Parsed, Resolver, date_of, date_of_week, date_of_year_day};
use super::zone::Zone;
use crate::java::numbers;

/// `DateFormatter.forPattern`: how texts are read and how times are written.
#[derive(Clone, Debug)]
pub struct DateFormatter {
    pattern: String,
    alternatives: Vec<Alternative>,
}

#[derive(Clone, Debug)]
enum Alternative {
    Pattern { readers: Vec<Formatter>, printer: Formatter },
    EpochMillis,
    EpochSecond,
}

/// A moment or the parts of one.
#[derive(Clone, Debug)]
pub enum Accessor {
    Parts(Box<Parsed>),
    Instant(Timestamp),
}

/// Named formats: name, what is read (the first that fits), what is written. Parts in braces: see `Formatter::compile_extended`.
const NAMED: &[(&str, &[&str], &str)] = &[
    ("iso8601", &[OPTIONAL_TIME], OPTIONAL_TIME_PRINTED),
    ("strict_date_optional_time", &[OPTIONAL_TIME], OPTIONAL_TIME_PRINTED),
    ("strict_date_optional_time_nanos", &[OPTIONAL_TIME], "uuuu-MM-dd'T'HH:mm:ss{f9}XXX"),
    (
        "date_optional_time",
        &["uuuu[-M[-d]]['T'[H[:m[:s[{f}][,{F}]]]][{z}][{o}]]", OPTIONAL_TIME],
        OPTIONAL_TIME_PRINTED,
    ),
    ("basic_date", &["uuuuMMdd"], "uuuuMMdd"),
    ("basic_date_time", &["uuuuMMdd'T'HHmmss{f}{z}", "uuuuMMdd'T'HHmmss{f}{o}"], "uuuuMMdd'T'HHmmss{f3}XXX"),
    ("basic_date_time_no_millis", &["uuuuMMdd'T'HHmmss{z}", "uuuuMMdd'T'HHmmss{o}"], "uuuuMMdd'T'HHmmssXXX"),
    ("basic_ordinal_date", &["uuuuDDD"], "uuuuDDD"),
    ("basic_ordinal_date_time", &["uuuuDDD'T'HHmmss{f}{z}", "uuuuDDD'T'HHmmss{f}{o}"], "uuuuDDD'T'HHmmss{f3}XXX"),
    ("basic_ordinal_date_time_no_millis", &["uuuuDDD'T'HHmmss{z}", "uuuuDDD'T'HHmmss{o}"], "uuuuDDD'T'HHmmssXXX"),
    ("basic_time", &["HHmmss{f}{z}", "HHmmss{f}{o}"], "HHmmss{f3}XXX"),
    ("basic_time_no_millis", &["HHmmss{z}", "HHmmss{o}"], "HHmmssXXX"),
    ("basic_t_time", &["'T'HHmmss{f}{z}", "'T'HHmmss{f}{o}"], "'T'HHmmss{f3}XXX"),
    ("basic_t_time_no_millis", &["'T'HHmmss{z}", "'T'HHmmss{o}"], "'T'HHmmssXXX"),
    ("basic_week_date", &["YYYY'W'wwe"], "YYYY'W'wwe"),
    ("strict_basic_week_date", &["YYYY'W'wwe"], "YYYY'W'wwe"),
    ("date", &["uuuu-M-d"], "uuuu-MM-dd"),
    ("strict_date", &["uuuu-MM-dd"], "uuuu-MM-dd"),
    ("date_hour", &["uuuu-M-d'T'H"], "uuuu-MM-dd'T'HH"),
    ("strict_date_hour", &["uuuu-MM-dd'T'HH"], "uuuu-MM-dd'T'HH"),
    ("date_hour_minute", &["uuuu-M-d'T'H:m"], "uuuu-MM-dd'T'HH:mm"),
    ("strict_date_hour_minute", &["uuuu-MM-dd'T'HH:mm"], "uuuu-MM-dd'T'HH:mm"),
    ("date_hour_minute_second", &["uuuu-M-d'T'H:m:s"], "uuuu-MM-dd'T'HH:mm:ss"),
    ("strict_date_hour_minute_second", &["uuuu-MM-dd'T'HH:mm:ss"], "uuuu-MM-dd'T'HH:mm:ss"),
    ("date_hour_minute_second_fraction", &["uuuu-M-d'T'H:m:s{f}"], "uuuu-MM-dd'T'HH:mm:ss{f9}"),
    ("strict_date_hour_minute_second_fraction", &["uuuu-MM-dd'T'HH:mm:ss{f}"], "uuuu-MM-dd'T'HH:mm:ss{f9}"),
    ("date_hour_minute_second_millis", &["uuuu-M-d'T'H:m:s{f}"], "uuuu-MM-dd'T'HH:mm:ss{f3}"),
    ("strict_date_hour_minute_second_millis", &["uuuu-MM-dd'T'HH:mm:ss{f}"], "uuuu-MM-dd'T'HH:mm:ss{f3}"),
    ("date_time", &["uuuu-M-d'T'H:m:s{f}{z}", "uuuu-M-d'T'H:m:s{f}{o}"], "uuuu-MM-dd'T'HH:mm:ss{f3}XXX"),
    (
        "strict_date_time",
        &["uuuu-MM-dd'T'HH:mm:ss{f}{z}", "uuuu-MM-dd'T'HH:mm:ss{f}{o}"],
        "uuuu-MM-dd'T'HH:mm:ss{f3}XXX",
    ),
    ("date_time_no_millis", &["uuuu-M-d'T'H:m:s{z}", "uuuu-M-d'T'H:m:s{o}"], "uuuu-MM-dd'T'HH:mm:ssXXX"),
    (
        "strict_date_time_no_millis",
        &["uuuu-MM-dd'T'HH:mm:ss{z}", "uuuu-MM-dd'T'HH:mm:ss{o}"],
        "uuuu-MM-dd'T'HH:mm:ssXXX",
    ),
    ("hour", &["H"], "HH"),
    ("strict_hour", &["HH"], "HH"),
    ("hour_minute", &["H:m"], "HH:mm"),
    ("strict_hour_minute", &["HH:mm"], "HH:mm"),
    ("hour_minute_second", &["H:m:s"], "HH:mm:ss"),
    ("strict_hour_minute_second", &["HH:mm:ss"], "HH:mm:ss"),
    ("hour_minute_second_fraction", &["H:m:s{f}"], "HH:mm:ss{f9}"),
    ("strict_hour_minute_second_fraction", &["HH:mm:ss{f}"], "HH:mm:ss{f9}"),
    ("hour_minute_second_millis", &["H:m:s{f}"], "HH:mm:ss{f3}"),
    ("strict_hour_minute_second_millis", &["HH:mm:ss{f}"], "HH:mm:ss{f3}"),
    ("ordinal_date", &["uuuu-D"], "uuuu-DDD"),
    ("strict_ordinal_date", &["uuuu-DDD"], "uuuu-DDD"),
    ("ordinal_date_time", &["uuuu-D'T'H:m:s{f}{z}", "uuuu-D'T'H:m:s{f}{o}"], "uuuu-DDD'T'HH:mm:ss{f3}XXX"),
    (
        "strict_ordinal_date_time",
        &["uuuu-DDD'T'HH:mm:ss{f}{z}", "uuuu-DDD'T'HH:mm:ss{f}{o}"],
        "uuuu-DDD'T'HH:mm:ss{f3}XXX",
    ),
    ("ordinal_date_time_no_millis", &["uuuu-D'T'H:m:s{z}", "uuuu-D'T'H:m:s{o}"], "uuuu-DDD'T'HH:mm:ssXXX"),
    (
        "strict_ordinal_date_time_no_millis",
        &["uuuu-DDD'T'HH:mm:ss{z}", "uuuu-DDD'T'HH:mm:ss{o}"],
        "uuuu-DDD'T'HH:mm:ssXXX",
    ),
    ("time", &["H:m:s{f}{z}", "H:m:s{f}{o}"], "HH:mm:ss{f3}XXX"),
    ("strict_time", &["HH:mm:ss{f}{z}", "HH:mm:ss{f}{o}"], "HH:mm:ss{f3}XXX"),
    ("time_no_millis", &["H:m:s{z}", "H:m:s{o}"], "HH:mm:ssXXX"),
    ("strict_time_no_millis", &["HH:mm:ss{z}", "HH:mm:ss{o}"], "HH:mm:ssXXX"),
    ("t_time", &["'T'H:m:s{f}{z}", "'T'H:m:s{f}{o}"], "'T'HH:mm:ss{f3}XXX"),
    ("strict_t_time", &["'T'HH:mm:ss{f}{z}", "'T'HH:mm:ss{f}{o}"], "'T'HH:mm:ss{f3}XXX"),
    ("t_time_no_millis", &["'T'H:m:s{z}", "'T'H:m:s{o}"], "'T'HH:mm:ssXXX"),
    ("strict_t_time_no_millis", &["'T'HH:mm:ss{z}", "'T'HH:mm:ss{o}"], "'T'HH:mm:ssXXX"),
    ("week_date", &["YYYY-'W'w-e"], "YYYY-'W'ww-e"),
    ("strict_week_date", &["YYYY-'W'ww-e"], "YYYY-'W'ww-e"),
    ("weekyear", &["YYYY"], "YYYY"),
    ("strict_weekyear", &["YYYY"], "YYYY"),
    ("weekyear_week", &["YYYY-'W'w"], "YYYY-'W'ww"),
    ("strict_weekyear_week", &["YYYY-'W'ww"], "YYYY-'W'ww"),
    ("weekyear_week_day", &["YYYY-'W'w-e"], "YYYY-'W'ww-e"),
    ("strict_weekyear_week_day", &["YYYY-'W'ww-e"], "YYYY-'W'ww-e"),
    ("year", &["uuuu"], "uuuu"),
    ("strict_year", &["uuuu"], "uuuu"),
    ("year_month", &["uuuu-M"], "uuuu-MM"),
    ("strict_year_month", &["uuuu-MM"], "uuuu-MM"),
    ("year_month_day", &["uuuu-M-d"], "uuuu-MM-dd"),
    ("strict_year_month_day", &["uuuu-MM-dd"], "uuuu-MM-dd"),
    (
        "rfc3339_lenient",
        &["uuuu[-MM[-dd['T'HH:mm[:ss[{f}]]{z}]]]", "uuuu-MM-dd'T'HH:mm[:ss[{f}]]{o}"],
        OPTIONAL_TIME_PRINTED,
    ),
];

const OPTIONAL_TIME: &str = "uuuu[-MM[-dd]]['T'[HH[:mm[:ss[{f}][,{F}]]]][{z}][{o}]]";
const OPTIONAL_TIME_PRINTED: &str = "uuuu-MM-dd'T'HH:mm:ss{f3}XXX";

impl DateFormatter {
    pub fn for_pattern(pattern: &str, locale: Locale) -> Result<DateFormatter, PatternFault> {
        if pattern.is_empty() {
            return Err(PatternFault("No date pattern provided".into()));
        }
        let mut alternatives = Vec::new();
        for part in pattern.split("||").filter(|part| !part.trim().is_empty()) {
            alternatives.push(alternative(part.strip_prefix('8').unwrap_or(part), locale)?);
        }
        Ok(DateFormatter { pattern: pattern.into(), alternatives })
    }

    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Reads by the first alternative that fits.
    pub fn parse(&self, text: &str) -> Result<Accessor, TimeFault> {
        let mut only = None;
        let mut readers = 0;
        for alternative in &self.alternatives {
            let found = match alternative {
                Alternative::EpochMillis => epoch(text, 1_000_000),
                Alternative::EpochSecond => epoch(text, 1_000_000_000),
                Alternative::Pattern { readers: formatters, .. } => {
                    readers += formatters.len().saturating_sub(1);
                    let mut last = Err(TimeFault::new(String::new()));
                    for formatter in formatters {
                        last = formatter.parse(text, Resolver::Strict).map(|parsed| Accessor::Parts(Box::new(parsed)));
                        if last.is_ok() {
                            break;
                        }
                    }
                    last
                }
            };
            readers += 1;
            match found {
                Ok(accessor) => return Ok(accessor),
                Err(fault) => only = Some(fault),
            }
        }
        let cause = match only {
            Some(fault) if readers == 1 => fault.innermost().to_owned(),
            _ => "Failed to parse with all enclosed parsers".to_owned(),
        };
        Err(TimeFault {
            what: format!("failed to parse date field [{text}] with format [{}]", self.pattern),
            cause: Some(cause),
        })
    }

    /// Writes by the first alternative.
    pub fn format(&self, zoned: &ZonedDateTime, zone: &Zone) -> Result<String, String> {
        match self.alternatives.first() {
            Some(Alternative::Pattern { printer, .. }) => printer.format(&Temporal::zoned(zoned, zone)),
            Some(Alternative::EpochMillis) => Ok(decimal(zoned.timestamp().as_nanosecond(), 1_000_000, 6)),
            Some(Alternative::EpochSecond) => Ok(decimal(zoned.timestamp().as_nanosecond(), 1_000_000_000, 9)),
            None => Ok(String::new()),
        }
    }
}

fn alternative(pattern: &str, locale: Locale) -> Result<Alternative, PatternFault> {
    match pattern {
        "epoch_millis" => return Ok(Alternative::EpochMillis),
        "epoch_second" => return Ok(Alternative::EpochSecond),
        _ => {}
    }
    if let Some((_, readers, printer)) = NAMED.iter().find(|(name, ..)| *name == pattern) {
        let readers = readers.iter().map(|reader| Formatter::compile_extended(reader)).collect::<Result<_, _>>()?;
        return Ok(Alternative::Pattern { readers, printer: Formatter::compile_extended(printer)? });
    }
    let formatter = Formatter::compile(pattern, locale)
        .map_err(|fault| PatternFault(format!("Invalid format: [{pattern}]: {fault}")))?;
    Ok(Alternative::Pattern { readers: vec![formatter.clone()], printer: formatter })
}

/// A whole number of units with a fraction, as `epoch_second` reads it.
fn epoch(text: &str, unit_nanos: i128) -> Result<Accessor, TimeFault> {
    let fault = || TimeFault::new(format!("Text '{text}' could not be parsed at index 0"));
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits_max = if unit_nanos == 1_000_000 { 6 } else { 9 };
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 19 || part.len() > digits_max || !plain(whole) || !plain(part) {
        return Err(fault());
    }
    let units: i128 = whole.parse().map_err(|_| fault())?;
    let fraction: i128 = if part.is_empty() { 0 } else { part.parse().map_err(|_| fault())? };
    let nanos = units * unit_nanos + fraction * 10i128.pow((digits_max - part.len()) as u32);
    let signed = if negative { -nanos } else { nanos };
    Timestamp::from_nanosecond(signed).map(Accessor::Instant).map_err(|_| fault())
}

fn decimal(nanos: i128, unit: i128, places: usize) -> String {
    let (whole, part) = (nanos.div_euclid(unit), nanos.rem_euclid(unit));
    if part == 0 {
        return whole.to_string();
    }
    let digits = format!("{part:0places$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// `DateFormatters.from`: fills up what the text did not say. A zone of the text counts before `default_zone`.
pub fn from(accessor: &Accessor, weeks: Weeks, default_zone: &Zone) -> Result<ZonedDateTime, String> {
    let parsed = match accessor {
        Accessor::Instant(instant) => return Ok(instant.to_zoned_datetime(default_zone.time_zone().clone())),
        Accessor::Parts(parsed) => parsed,
    };
    let zone = parsed.zone_or_offset().unwrap_or_else(|| default_zone.clone());
    let field = |field: Field| parsed.fields.get(field);
    let year = field(Field::Year).or_else(|| field(Field::YearOfEra));
    let date = match (parsed.date, year, field(Field::MonthOfYear), field(Field::DayOfMonth)) {
        (Some(date), ..) => Some(date),
        (None, Some(year), Some(month), Some(day)) => Some(date_of(year, month, day)?),
        (None, Some(year), _, _) if field(Field::DayOfYear).is_some() => {
            Some(date_of_year_day(year, field(Field::DayOfYear).unwrap_or(1))?)
        }
        _ => None,
    };
    let midnight = Time::midnight();
    match (date, parsed.time) {
        (Some(date), time) => zone.at(date.to_datetime(time.unwrap_or(midnight))),
        (None, Some(time)) if field(Field::LocalWeekBasedYear).is_some() => {
            // Day and month beside a week-based year (`YYYY-MM-dd HH:mm`, a common mistake) do not count.
            let year = field(Field::LocalWeekBasedYear).unwrap_or(1970);
            let week = field(Field::LocalWeekOfWeekBasedYear).unwrap_or(1);
            zone.at(date_of_week(weeks, year, week, i64::from(weeks.first_day))?.to_datetime(time))
        }
        (None, Some(time)) => {
            zone.at(filled_date(year, field(Field::MonthOfYear), field(Field::DayOfMonth))?.to_datetime(time))
        }
        (None, None) if year.is_some() || field(Field::MonthOfYear).is_some() => {
            zone.at(filled_date(year, field(Field::MonthOfYear), field(Field::DayOfMonth))?.to_datetime(midnight))
        }
        (None, None) => match field(Field::LocalWeekBasedYear) {
            Some(year) => {
                let week = field(Field::LocalWeekOfWeekBasedYear).unwrap_or(1);
                let day = field(Field::DayOfWeek).unwrap_or(1);
                zone.at(date_of_week(weeks, year, week, day)?.to_datetime(midnight))
            }
            None => Err("temporal accessor cannot be converted to zoned date time".into()),
        },
    }
}

fn filled_date(year: Option<i64>, month: Option<i64>, day: Option<i64>) -> Result<Date, String> {
    match (year, month) {
        (Some(year), Some(month)) => date_of(year, month, day.unwrap_or(1)),
        (Some(year), None) => date_of(year, 1, 1),
        (None, Some(month)) => date_of(1970, month, day.unwrap_or(1)),
        (None, None) => date_of(1970, 1, day.unwrap_or(1)),
    }
}

/// One format of a `date` processor.
#[derive(Clone, Debug)]
pub enum ProcessorFormat {
    Iso8601(DateFormatter),
    Unix,
    UnixMs,
    Tai64n,
    Pattern { formatter: DateFormatter, weeks: Weeks },
}

impl ProcessorFormat {
    pub fn compile(format: &str, locale: Locale) -> Result<ProcessorFormat, PatternFault> {
        Ok(match format {
            "ISO8601" => ProcessorFormat::Iso8601(DateFormatter::for_pattern("iso8601", Locale::ROOT)?),
            "UNIX" => ProcessorFormat::Unix,
            "UNIX_MS" => ProcessorFormat::UnixMs,
            "TAI64N" => ProcessorFormat::Tai64n,
            pattern => ProcessorFormat::Pattern {
                formatter: DateFormatter::for_pattern(pattern, locale)?,
                weeks: locale.weeks(),
            },
        })
    }

    /// Reads a text to a time in `zone`. `now` gives the year to texts without one.
    pub fn parse(&self, text: &str, zone: &Zone, now: Timestamp) -> Result<ZonedDateTime, TimeFault> {
        let beyond = || TimeFault::new("Instant exceeds minimum or maximum instant");
        let at_millis = |millis: i64| {
            let instant = Timestamp::from_millisecond(millis).map_err(|_| beyond())?;
            Ok(instant.to_zoned_datetime(zone.time_zone().clone()))
        };
        match self {
            ProcessorFormat::Iso8601(formatter) => {
                let accessor = formatter.parse(text)?;
                let zoned = from(&accessor, Weeks::ISO, zone).map_err(TimeFault::new)?;
                Ok(zoned.with_time_zone(zone.time_zone().clone()))
            }
            ProcessorFormat::Unix => {
                let seconds = numbers::parse_double(text).map_err(|fault| TimeFault::new(fault.to_string()))?;
                at_millis((seconds * 1000.0) as i64)
            }
            ProcessorFormat::UnixMs => {
                at_millis(numbers::parse_long(text, 10).map_err(|fault| TimeFault::new(fault.to_string()))?)
            }
            ProcessorFormat::Tai64n => at_millis(tai64n_millis(text)?),
            ProcessorFormat::Pattern { formatter, weeks } => {
                let accessor = formatter.parse(text)?;
                let zoned = match &accessor {
                    Accessor::Parts(parsed) if yearless(parsed) => this_year(parsed, zone, now),
                    accessor => from(accessor, *weeks, zone),
                };
                Ok(zoned.map_err(TimeFault::new)?.with_time_zone(zone.time_zone().clone()))
            }
        }
    }
}

fn yearless(parsed: &Parsed) -> bool {
    parsed.date.is_none()
        && [Field::Year, Field::YearOfEra, Field::LocalWeekBasedYear]
            .iter()
            .all(|field| parsed.fields.get(*field).is_none())
}

/// The parts of the text over midnight of 1 January of this year in UTC; an offset in the text does not count.
fn this_year(parsed: &Parsed, zone: &Zone, now: Timestamp) -> Result<ZonedDateTime, String> {
    let year = i64::from(now.to_zoned_datetime(jiff::tz::TimeZone::UTC).year());
    let day = match parsed.fields.get(Field::DayOfMonth) {
        Some(day) => Field::DayOfMonth.check(day)?,
        None => 1,
    };
    let month = match parsed.fields.get(Field::MonthOfYear) {
        Some(month) => Field::MonthOfYear.check(month)?,
        None => 1,
    };
    // The day is set while it is January and cut when the month is set.
    let first = date_of(year, month, 1)?;
    let date = date_of(year, month, day.min(i64::from(first.days_in_month())))?;
    zone.at(date.to_datetime(parsed.time.unwrap_or_else(Time::midnight)))
}

fn tai64n_millis(text: &str) -> Result<i64, TimeFault> {
    let label = text.strip_prefix('@').unwrap_or(text);
    let part = |from: usize, to: usize| {
        let digits = label.get(from..to).ok_or_else(|| {
            TimeFault::new(format!("begin {from}, end {to}, length {}", label.encode_utf16().count()))
        })?;
        numbers::parse_long(digits, 16).map_err(|fault| TimeFault::new(fault.to_string()))
    };
    let (base, rest) = (part(1, 16)?, part(16, 24)?);
    base.checked_mul(1000)
        .and_then(|millis| millis.checked_sub(10_000))
        .and_then(|millis| millis.checked_add(rest / 1_000_000))
        .ok_or_else(|| TimeFault::new("Instant exceeds minimum or maximum instant"))
}

/// The time of `Instant.ofEpochMilli`, for callers that count in milliseconds.
pub fn at_epoch_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_duration(SignedDuration::from_millis(millis)).ok()
}
