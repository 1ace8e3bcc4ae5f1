//! Which index a document goes to: the name of the settings for the UTC day of the document's id.
//!
//! The day is the id's and so never changes between two attempts; it is no field's, because a wrong clock in the field would make an index
//! per wrong day, each with its shards. What is still far off is collected in one index `…-misdated`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::record::DocId;
use crate::settings::IndexName;

const DAY_MS: i64 = 24 * 3600 * 1000;
const DAYS_BACK_MAX: i64 = 90;
const DAYS_AHEAD_MAX: i64 = 1;

/// Writes names, and remembers the last one: most documents go where the one before went.
#[derive(Debug)]
pub struct IndexNamer {
    name: IndexName,
    last: Option<Last>,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Last {
    day: Day,
    dataset: String,
    namespace: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// Days since 1970-01-01; 0 for a name without a date.
    At(i64),
    Misdated,
}

impl IndexNamer {
    pub fn new(name: IndexName) -> IndexNamer {
        IndexNamer { name, last: None, text: String::new() }
    }

    /// The index of a document. `now_ms` decides only whether the day is believed.
    pub fn index(&mut self, id: &DocId, now_ms: i64, dataset: &str, namespace: &str) -> &str {
        let day = self.day(id.time_ms(), now_ms);
        let is_last = self
            .last
            .as_ref()
            .is_some_and(|last| last.day == day && last.dataset == dataset && last.namespace == namespace);
        if !is_last {
            self.text.clear();
            match day {
                Day::At(day) => self.name.write(&mut self.text, civil(day), dataset, namespace),
                Day::Misdated => self.text.push_str(&misdated(&self.name)),
            }
            self.last = Some(Last { day, dataset: dataset.to_owned(), namespace: namespace.to_owned() });
        }
        &self.text
    }

    fn day(&self, time_ms: i64, now_ms: i64) -> Day {
        if !self.name.is_dated() {
            return Day::At(0);
        }
        let (day, today) = (time_ms.div_euclid(DAY_MS), now_ms.div_euclid(DAY_MS));
        let is_believed = today - day <= DAYS_BACK_MAX && day - today <= DAYS_AHEAD_MAX;
        if is_believed { Day::At(day) } else { Day::Misdated }
    }
}

/// The index for documents whose day is not believed.
pub fn misdated(name: &IndexName) -> String {
    format!("{}-misdated", name.prefix())
}

/// What matches every index of a name, and the one for misdated documents.
pub fn patterns(name: &IndexName) -> Vec<String> {
    let mut patterns = vec![name.pattern()];
    if name.is_dated() {
        patterns.push(misdated(name));
    }
    patterns
}

fn civil(day: i64) -> (i16, u8, u8) {
    let midnight = day.checked_mul(DAY_MS).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let date = TimeZone::UTC.to_datetime(midnight.unwrap_or(Timestamp::UNIX_EPOCH)).date();
    (date.year(), date.month().unsigned_abs(), date.day().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(time_ms: i64) -> DocId {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&time_ms.to_be_bytes()[2..]);
        DocId(bytes)
    }

    #[test]
    fn the_day_of_the_id_decides_and_far_days_are_collected() {
        // 2026-11-23 16:00 UTC.
        let now_ms = 1_795_449_600_000;
        let mut namer = IndexNamer::new(IndexName::parse("logs-sluice-{yyyy.MM.dd}").unwrap());
        for (days, expected) in [
            (0, "logs-sluice-2026.11.23"),
            (1, "logs-sluice-2026.11.24"),
            (2, "logs-sluice-misdated"),
            (-90, "logs-sluice-2026.08.25"),
            (-91, "logs-sluice-misdated"),
            (-20_000, "logs-sluice-misdated"),
            (1_000_000, "logs-sluice-misdated"),
        ] {
            assert_eq!(namer.index(&id(now_ms + days * DAY_MS), now_ms, "", ""), expected, "{days}");
        }
    }

    #[test]
    fn days_end_at_midnight_utc() {
        let midnight_ms = 1_795_392_000_000;
        let mut namer = IndexNamer::new(IndexName::parse("a-{yyyy.MM.dd}").unwrap());
        assert_eq!(namer.index(&id(midnight_ms - 1), midnight_ms, "", ""), "a-2026.11.22");
        assert_eq!(namer.index(&id(midnight_ms), midnight_ms, "", ""), "a-2026.11.23");
    }

    #[test]
    fn dataset_and_namespace_are_part_of_what_is_remembered() {
        let now_ms = 1_795_449_600_000;
        let mut namer = IndexNamer::new(IndexName::parse("logs-{dataset}-{namespace}").unwrap());
        assert_eq!(namer.index(&id(now_ms), now_ms, "a", "b"), "logs-a-b");
        assert_eq!(namer.index(&id(now_ms), now_ms, "a", "c"), "logs-a-c");
        assert_eq!(namer.index(&id(now_ms), now_ms, "d", "c"), "logs-d-c");
        // A name without a date believes every day.
        assert_eq!(namer.index(&id(0), now_ms, "d", "c"), "logs-d-c");
    }
}
