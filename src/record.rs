//! A record as Kafka gave it, where it lies, and the identity of the events in it.
//!
//! Identity is what makes "at least once" into "once": the same event always gets the same [`DocId`], whatever a pipeline
//! makes of it, because it is taken from the record's coordinates or from an event id of the source's own, never from a pipeline.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Where a record lies: what a ledger counts and what a dead letter is keyed by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Coordinates {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// One record of an input topic.
#[derive(Clone, Debug)]
pub struct Record {
    pub coordinates: Coordinates,
    /// The topic's epoch from the settings: raised when a topic was made anew and its offsets began again.
    pub epoch: u32,
    /// The record's Kafka timestamp in ms since 1970; the broker's with LogAppendTime.
    pub timestamp_ms: i64,
    pub key: Option<Bytes>,
    /// `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Where the record first lay, when it is a dead letter that was produced again.
    pub origin: Option<Origin>,
}

impl Record {
    pub fn new(
        coordinates: Coordinates,
        epoch: u32,
        timestamp_ms: i64,
        key: Option<Bytes>,
        value: Option<Bytes>,
    ) -> Record {
        Record { coordinates, epoch, timestamp_ms, key, value, origin: None }
    }

    /// Where and when the record first lay in its topic: what its identity, its dead letter and the year of a year-less time
    /// are taken from. The ledger and commits go by [`Record::coordinates`].
    pub fn first(&self) -> Origin {
        self.origin.unwrap_or(Origin {
            epoch: self.epoch,
            partition: self.coordinates.partition,
            offset: self.coordinates.offset,
            timestamp_ms: self.timestamp_ms,
        })
    }
}

/// The place of a record in its topic before it was produced again; see [`crate::deadletter::origin`] for who may claim one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub epoch: u32,
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: i64,
}

/// What makes an event the same event when it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Topic, epoch, partition, offset and the position in the payload.
    Position(u32),
    /// The source's own event id, by a versioned extractor of the decode stage, and the event's own time. The id may have
    /// several parts (an id and its update time); unused ones are empty.
    Source { extractor: &'static str, id: [&'a str; 4], time_ms: i64 },
}

/// `_id` of a document: 6 bytes of time in ms, big-endian, then 10 bytes of SHA-256. Written as base64url, it sorts by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocId(pub [u8; 16]);

impl DocId {
    pub fn new(record: &Record, identity: &Identity<'_>) -> DocId {
        let mut hash = Sha256::new();
        let time_ms = match identity {
            Identity::Position(position) => {
                hash.update(b"position\0");
                hash.update(record.coordinates.topic.as_bytes());
                hash.update([0]);
                let first = record.first();
                hash.update(first.epoch.to_be_bytes());
                hash.update(first.partition.to_be_bytes());
                hash.update(first.offset.to_be_bytes());
                hash.update(position.to_be_bytes());
                first.timestamp_ms
            }
            Identity::Source { extractor, id, time_ms } => {
                hash.update(b"source\0");
                hash.update(extractor.as_bytes());
                hash.update([0]);
                for part in id {
                    // The length keeps ("ab", "c") and ("a", "bc") apart.
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part.as_bytes());
                }
                *time_ms
            }
        };
        let mut bytes = [0; 16];
        // 48 bits of milliseconds reach the year 10889; a time before 1970 counts as 1970.
        bytes[..6].copy_from_slice(&time_ms.clamp(0, (1 << 48) - 1).to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&hash.finalize()[..10]);
        DocId(bytes)
    }

    /// The time part, in ms since 1970: what decides the index day.
    pub fn time_ms(&self) -> i64 {
        self.0[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte))
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 22];
        let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).unwrap_or(0);
        f.write_str(std::str::from_utf8(&text[..written]).unwrap_or_default())
    }
}

/// Text that is no id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignId;

impl FromStr for DocId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<DocId, ForeignId> {
        let mut bytes = [0; 18];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => {
                let mut id = [0; 16];
                id.copy_from_slice(&bytes[..16]);
                Ok(DocId(id))
            }
            _ => Err(ForeignId),
        }
    }
}

impl fmt::Debug for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: &str, partition: i32, offset: i64) -> Record {
        Record::new(Coordinates { topic: topic.into(), partition, offset }, 0, 1_790_000_000_123, None, None)
    }

    #[test]
    fn ids_differ_by_every_part_of_the_position_and_keep_their_time() {
        let base = record("logs", 1, 2);
        let mut later_epoch = base.clone();
        later_epoch.epoch = 1;
        let ids = [
            DocId::new(&base, &Identity::Position(0)),
            DocId::new(&base, &Identity::Position(1)),
            DocId::new(&record("logs", 2, 1), &Identity::Position(0)),
            DocId::new(&record("log", 1, 2), &Identity::Position(0)),
            DocId::new(&later_epoch, &Identity::Position(0)),
        ];
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert!(ids.iter().all(|id| id.time_ms() == 1_790_000_000_123 && id.to_string().len() == 22));
        assert!(ids.iter().all(|id| id.to_string().parse() == Ok(*id)));
        assert_eq!("alert-of-another-make".parse::<DocId>(), Err(ForeignId));
    }

    #[test]
    fn a_source_id_is_the_same_document_wherever_it_lies() {
        let identity = Identity::Source { extractor: "cloudtrail.v1", id: ["e-1", "", "", ""], time_ms: 5 };
        assert_eq!(DocId::new(&record("a", 0, 0), &identity), DocId::new(&record("b", 3, 9), &identity));
        for other in [
            Identity::Source { extractor: "cloudwatch.v1", id: ["e-1", "", "", ""], time_ms: 5 },
            Identity::Source { extractor: "cloudtrail.v1", id: ["e-", "1", "", ""], time_ms: 5 },
            Identity::Source { extractor: "cloudtrail.v1", id: ["", "e-1", "", ""], time_ms: 5 },
        ] {
            assert_ne!(DocId::new(&record("a", 0, 0), &identity), DocId::new(&record("a", 0, 0), &other), "{other:?}");
        }
    }

    #[test]
    fn a_record_produced_again_keeps_the_ids_of_its_first_place() {
        let first = record("logs", 1, 2);
        let mut again = record("logs", 1, 77);
        again.timestamp_ms += 60_000;
        assert_ne!(DocId::new(&first, &Identity::Position(3)), DocId::new(&again, &Identity::Position(3)));
        again.origin = Some(first.first());
        assert_eq!(DocId::new(&first, &Identity::Position(3)), DocId::new(&again, &Identity::Position(3)));
    }
}
