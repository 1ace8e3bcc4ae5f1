//! Which dead letters are meant: folding repeats, leaving out what was retried, and filters.
//!
//! A record that is rejected again gives a letter under the same key, and a retry leaves a mark: of each record the last letter counts, unless a mark
//! says that it was retried. Only what a list shows is kept in memory, never the values.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::{DeadLetter, Entry, RetriedMark};
use crate::record::Origin;

/// More open letters than this are not listed at once: it is what the command may hold in memory.
pub const LETTERS_MAX: usize = 200_000;

/// Where the record of a dead letter first lay, as a person writes it: `logs/2/40`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is no TOPIC/PARTITION/OFFSET, as logs/2/40");
        let mut parts = text.split('/');
        let (Some(topic), Some(partition), Some(offset), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wanted());
        };
        if topic.is_empty() {
            return Err(wanted());
        }
        let partition = partition.parse().map_err(|_| wanted())?;
        Ok(Place { topic: topic.to_owned(), partition, offset: offset.parse().map_err(|_| wanted())? })
    }
}

/// Where a letter itself lies in the dead letters' topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterAt {
    pub partition: i32,
    pub offset: i64,
}

/// A dead letter without its value.
#[derive(Clone, Debug)]
pub struct Summary {
    pub at: LetterAt,
    /// When the letter was written.
    pub written_ms: i64,
    pub place: Place,
    pub first: Origin,
    pub stage: String,
    pub kind: String,
    pub reason: String,
    /// The first event that was rejected; `None` for the whole record.
    pub position: Option<u32>,
    pub rejected: u64,
    pub value_bytes: u64,
    pub is_cut: bool,
    pub is_tombstone: bool,
}

impl Summary {
    fn new(at: LetterAt, written_ms: i64, letter: DeadLetter) -> Self {
        let first = letter.first;
        let fault = letter.fault;
        Summary {
            at,
            written_ms,
            place: Place { topic: letter.topic, partition: first.partition, offset: first.offset },
            first,
            stage: fault.stage,
            kind: fault.kind,
            reason: fault.reason,
            position: fault.position,
            rejected: letter.rejected,
            value_bytes: letter.cut.as_ref().map_or(letter.value.len() as u64, |(bytes, _)| *bytes),
            is_cut: letter.cut.is_some(),
            is_tombstone: letter.tombstone,
        }
    }
}

/// What a person asks for; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub topics: Vec<String>,
    pub stages: Vec<String>,
    pub kinds: Vec<String>,
    /// A part of the reason, in any case.
    pub reason: Option<String>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
}

impl Filter {
    pub fn takes(&self, letter: &Summary) -> bool {
        let among = |names: &[String], name: &str| names.is_empty() || names.iter().any(|n| n == name);
        among(&self.topics, &letter.place.topic)
            && among(&self.stages, &letter.stage)
            && among(&self.kinds, &letter.kind)
            && self.reason.as_ref().is_none_or(|part| letter.reason.to_lowercase().contains(&part.to_lowercase()))
            && self.since_ms.is_none_or(|since| letter.written_ms >= since)
            && self.until_ms.is_none_or(|until| letter.written_ms < until)
    }
}

/// Gathers the letters of a topic that are still open.
#[derive(Debug, Default)]
pub struct Open {
    letters: HashMap<(String, Origin), Summary>,
    /// Messages of the topic that are no dead letters, with the first one's fault.
    pub unreadable: Option<(u64, String)>,
}

impl Open {
    /// Takes the messages of one partition in their order; a letter and its mark lie on the same one. Fails when there are too many.
    pub fn take(&mut self, at: LetterAt, written_ms: i64, entry: Result<Entry, String>) -> Result<(), String> {
        match entry {
            Ok(Entry::Letter(letter)) => {
                let letter = *letter;
                self.letters.insert((letter.topic.clone(), letter.first), Summary::new(at, written_ms, letter));
                if self.letters.len() > LETTERS_MAX {
                    return Err(format!(
                        "there are more than {LETTERS_MAX} open dead letters, more than can be held at once"
                    ));
                }
            }
            Ok(Entry::Retried(RetriedMark { topic, first, letter_offset })) => {
                let key = (topic, first);
                // Rejected once more before the mark was written: that letter is open.
                if self.letters.get(&key).is_some_and(|letter| letter.at.offset <= letter_offset) {
                    self.letters.remove(&key);
                }
            }
            Err(fault) => self.unreadable.get_or_insert((0, fault)).0 += 1,
        }
        Ok(())
    }

    /// The open letters that a filter takes, the oldest first.
    pub fn select(self, filter: impl Fn(&Summary) -> bool) -> Vec<Summary> {
        let mut letters: Vec<Summary> = self.letters.into_values().filter(filter).collect();
        letters.sort_by(|a, b| (a.written_ms, a.at).cmp(&(b.written_ms, b.at)));
        letters
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Message, encode, read, retried_mark};
    use super::*;
    use crate::record::{Coordinates, Record};
    use crate::reject::{Reject, Stage};

    fn letter(topic: &str, offset: i64, kind: &'static str) -> Message {
        let record = Record::new(
            Coordinates { topic: topic.into(), partition: 1, offset },
            0,
            5,
            None,
            Some(Bytes::from_static(b"x")),
        );
        let reason = format!("Reason of {kind}");
        encode(&Reject { record, position: None, stage: Stage::Decode, kind, reason }, &[], 100)
    }

    fn take(open: &mut Open, offset: i64, message: &Message) {
        let headers = message.headers.iter().map(|(name, value)| (*name, value.as_slice()));
        let entry = read(headers, message.value.clone());
        open.take(LetterAt { partition: 0, offset }, 1_000 + offset, entry).unwrap();
    }

    fn mark(message: &Message, letter_offset: i64) -> Message {
        let headers = message.headers.iter().map(|(name, value)| (*name, value.as_slice()));
        match read(headers, message.value.clone()) {
            Ok(Entry::Letter(letter)) => retried_mark(&letter.topic, letter.first, letter_offset),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_letter_of_a_record_counts_until_it_is_retried() {
        let mut open = Open::default();
        take(&mut open, 0, &letter("logs", 7, "gzip_truncated"));
        take(&mut open, 1, &letter("logs", 8, "empty"));
        take(&mut open, 2, &letter("logs", 7, "json_invalid"));
        take(&mut open, 3, &mark(&letter("logs", 8, "empty"), 1));
        take(&mut open, 4, &letter("other", 7, "empty"));
        // Its letter came again before the mark of the retry was written.
        take(&mut open, 5, &letter("other", 7, "empty"));
        take(&mut open, 6, &mark(&letter("other", 7, "empty"), 4));
        let found: Vec<_> =
            open.select(|_| true).iter().map(|l| (l.at.offset, l.place.to_string(), l.kind.clone())).collect();
        assert_eq!(
            found,
            [(2, "logs/1/7".to_owned(), "json_invalid".to_owned()), (5, "other/1/7".to_owned(), "empty".to_owned())]
        );
    }

    #[test]
    fn foreign_messages_are_counted() {
        let mut open = Open::default();
        for _ in 0..2 {
            let entry = read(std::iter::empty(), Bytes::from_static(b"hello"));
            open.take(LetterAt { partition: 0, offset: 0 }, 0, entry).unwrap();
        }
        assert_eq!(open.unreadable, Some((2, "the header sluice.dead_letter is missing".to_owned())));
    }

    #[test]
    fn every_filter_must_hold() {
        let mut open = Open::default();
        take(&mut open, 0, &letter("logs", 7, "gzip_truncated"));
        let letters = open.select(|_| true);
        let text = |text: &str| vec![text.to_owned()];
        for (filter, taken) in [
            (Filter::default(), true),
            (
                Filter {
                    topics: text("logs"),
                    kinds: text("gzip_truncated"),
                    stages: text("decode"),
                    ..Filter::default()
                },
                true,
            ),
            (Filter { topics: text("log"), ..Filter::default() }, false),
            (Filter { topics: text("logs"), kinds: text("empty"), ..Filter::default() }, false),
            (Filter { kinds: vec!["empty".to_owned(), "gzip_truncated".to_owned()], ..Filter::default() }, true),
            (Filter { stages: text("index"), ..Filter::default() }, false),
            (Filter { reason: Some("REASON OF".to_owned()), ..Filter::default() }, true),
            (Filter { reason: Some("nothing".to_owned()), ..Filter::default() }, false),
            (Filter { since_ms: Some(1_000), until_ms: Some(1_001), ..Filter::default() }, true),
            (Filter { since_ms: Some(1_001), ..Filter::default() }, false),
            (Filter { until_ms: Some(1_000), ..Filter::default() }, false),
        ] {
            assert_eq!(filter.takes(&letters[0]), taken, "{filter:?}");
        }
    }

    #[test]
    fn a_place_is_written_as_it_is_shown() {
        let place: Place = "logs/2/40".parse().unwrap();
        assert_eq!(place.to_string(), "logs/2/40");
        for text in ["logs", "logs/2", "logs/2/x", "/2/40", "logs/2/40/1", ""] {
            assert_eq!(
                text.parse::<Place>().unwrap_err(),
                format!("`{text}` is no TOPIC/PARTITION/OFFSET, as logs/2/40")
            );
        }
    }
}
