//! The form of a dead letter in its topic: key, headers, value; and of a dead letter that is produced again.
//!
//! Written by the delivery stage, read by `sluice dlq`. Nothing here speaks to Kafka. One record gives one dead letter however many of its
//! events were rejected: the value is the whole payload, so one letter per event would multiply the traffic by the events of a payload.
//! The key is the place where the record first lay, so that repeats fold under compaction.
//!
//! A record that is produced again claims the identity of an earlier record. Anyone who may write to the topic can write headers, so the claim
//! is believed only for a place that the topic has already passed: see [`origin`].

pub mod select;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::record::{Coordinates, Origin};
use crate::reject::Reject;

/// The first word of the header that says that a message is a dead letter, and in which form.
const FORM: &str = "1";
/// How much of a reason is kept; a reason may quote the record.
const REASON_BYTES_MAX: usize = 1_000;
/// How many rejected events of one record are described beside the first.
const FAULTS_MAX: usize = 16;
/// A longer key of the original record is left out: it would be carried in a header.
const RECORD_KEY_BYTES_MAX: usize = 4_096;

mod header {
    pub const FORM: &str = "sluice.dead_letter";
    pub const TOPIC: &str = "sluice.topic";
    pub const EPOCH: &str = "sluice.epoch";
    pub const PARTITION: &str = "sluice.partition";
    pub const OFFSET: &str = "sluice.offset";
    pub const TIMESTAMP_MS: &str = "sluice.timestamp_ms";
    pub const STAGE: &str = "sluice.stage";
    pub const KIND: &str = "sluice.kind";
    pub const REASON: &str = "sluice.reason";
    pub const POSITION: &str = "sluice.position";
    pub const FAULTS: &str = "sluice.faults";
    pub const REJECTED: &str = "sluice.rejected";
    pub const VERSION: &str = "sluice.version";
    pub const RECORD_KEY: &str = "sluice.record_key";
    pub const TOMBSTONE: &str = "sluice.tombstone";
    pub const VALUE_BYTES: &str = "sluice.value_bytes";
    pub const VALUE_SHA256: &str = "sluice.value_sha256";
    /// On a record that is produced again.
    pub const RETRY: &str = "sluice.retry";
    /// On the mark that a retry leaves among the dead letters.
    pub const RETRIED_LETTER: &str = "sluice.retried_letter";
}

/// A message to be produced: what a producer needs and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub key: Vec<u8>,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub value: Bytes,
}

/// Why one event, or the whole record, was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub stage: String,
    pub kind: String,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

/// A dead letter, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub topic: String,
    /// Where the record first lay.
    pub first: Origin,
    /// The first fault, by which the letter is found.
    pub fault: Fault,
    /// Those of further events of the record, the first few of them.
    pub others: Vec<Fault>,
    /// How many events were rejected, also beyond `others`.
    pub rejected: u64,
    pub version: String,
    pub record_key: Option<Bytes>,
    pub tombstone: bool,
    /// Length and SHA-256 (hexadecimal) of the original value, when it was cut.
    pub cut: Option<(u64, String)>,
    pub value: Bytes,
}

/// A message of the dead letters' topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Letter(Box<DeadLetter>),
    Retried(RetriedMark),
}

/// Says that the letter of a record was produced again, when it lies at this offset of the mark's own partition, or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetriedMark {
    pub topic: String,
    pub first: Origin,
    pub letter_offset: i64,
}

/// The message for one record of which `first` and `others` were rejected. `value_bytes_max` is what the topic takes of a value.
pub fn encode(first: &Reject, others: &[Reject], value_bytes_max: usize) -> Message {
    let record = &first.record;
    let place = record.first();
    let topic = &record.coordinates.topic;
    let text = |text: &dyn ToString| text.to_string().into_bytes();
    let mut headers = vec![(header::FORM, text(&FORM)), (header::TOPIC, text(topic))];
    headers.extend(place_headers(place));
    headers.extend([
        (header::STAGE, text(&first.stage)),
        (header::KIND, text(&first.kind)),
        (header::REASON, text(&cut_text(&first.reason))),
        (header::REJECTED, text(&(others.len() + 1))),
        (header::VERSION, text(&env!("CARGO_PKG_VERSION"))),
    ]);
    if let Some(position) = first.position {
        headers.push((header::POSITION, text(&position)));
    }
    if !others.is_empty() {
        let faults: Vec<Fault> = others.iter().take(FAULTS_MAX).map(fault).collect();
        headers.push((header::FAULTS, serde_json::to_vec(&faults).unwrap_or_default()));
    }
    if let Some(key) = record.key.as_ref().filter(|key| key.len() <= RECORD_KEY_BYTES_MAX) {
        headers.push((header::RECORD_KEY, key.to_vec()));
    }
    let value = match &record.value {
        // A dead letter without a value would be a tombstone of its own and delete its key.
        None => {
            headers.push((header::TOMBSTONE, text(&"1")));
            Bytes::new()
        }
        Some(value) if value.len() > value_bytes_max => {
            headers.push((header::VALUE_BYTES, text(&value.len())));
            headers.push((header::VALUE_SHA256, hexadecimal(&Sha256::digest(value))));
            value.slice(..value_bytes_max)
        }
        Some(value) => value.clone(),
    };
    Message { key: key(topic, place).into_bytes(), headers, value }
}

/// Reads a message of the dead letters' topic; the error says what is missing.
pub fn read<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, value: Bytes) -> Result<Entry, String> {
    let headers = Headers::collect(headers);
    if headers.text(header::FORM)? != FORM {
        return Err(format!("the header {} is not {FORM:?}: written by a later version", header::FORM));
    }
    let (topic, first) = (headers.text(header::TOPIC)?.to_owned(), headers.place()?);
    if headers.get(header::RETRIED_LETTER).is_some() {
        let letter_offset = headers.number(header::RETRIED_LETTER)?;
        return Ok(Entry::Retried(RetriedMark { topic, first, letter_offset }));
    }
    let position = headers.get(header::POSITION).map(|_| headers.number(header::POSITION)).transpose()?;
    let fault = Fault {
        stage: headers.text(header::STAGE)?.to_owned(),
        kind: headers.text(header::KIND)?.to_owned(),
        reason: headers.text(header::REASON)?.to_owned(),
        position,
    };
    let others = match headers.get(header::FAULTS) {
        Some(others) => serde_json::from_slice(others)
            .map_err(|e| format!("the header {} is no list of faults: {e}", header::FAULTS))?,
        None => Vec::new(),
    };
    let cut = match headers.get(header::VALUE_BYTES) {
        Some(_) => Some((headers.number(header::VALUE_BYTES)?, headers.text(header::VALUE_SHA256)?.to_owned())),
        None => None,
    };
    Ok(Entry::Letter(Box::new(DeadLetter {
        topic,
        first,
        fault,
        others,
        rejected: headers.number(header::REJECTED)?,
        version: headers.text(header::VERSION)?.to_owned(),
        record_key: headers.get(header::RECORD_KEY).map(Bytes::copy_from_slice),
        tombstone: headers.get(header::TOMBSTONE).is_some(),
        cut,
        value,
    })))
}

/// The headers under which the record of a dead letter is produced again, to the topic and partition where it first lay.
pub fn retry_headers(letter: &DeadLetter) -> Vec<(&'static str, Vec<u8>)> {
    let mut headers = vec![(header::RETRY, FORM.into())];
    headers.extend(place_headers(letter.first));
    headers
}

/// The message that closes a letter after its record was produced again; it belongs on the letter's own partition. Its key is not the
/// letter's: under compaction it would otherwise take the place of a letter that the retry has already brought again.
pub fn retried_mark(topic: &str, first: Origin, letter_offset: i64) -> Message {
    let mut headers = vec![(header::FORM, FORM.into()), (header::TOPIC, topic.into())];
    headers.extend(place_headers(first));
    headers.push((header::RETRIED_LETTER, letter_offset.to_string().into_bytes()));
    Message { key: format!("retried:{}", key(topic, first)).into_bytes(), headers, value: Bytes::new() }
}

/// The first place of a record of an input topic that came with these headers and lies at `at`; `None` for every record that is not
/// a retry. A claim is believed only for an earlier offset of the same partition and epoch, or for a partition of an earlier epoch: forged headers
/// can then at most repeat an identity that was given already, and never take one that a record to come will need.
pub fn origin<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, at: &Coordinates, epoch: u32) -> Option<Origin> {
    let headers = Headers::collect(headers);
    if headers.text(header::RETRY).ok()? != FORM {
        return None;
    }
    let place = headers.place().ok()?;
    let passed = place.epoch < epoch
        || (place.epoch == epoch && place.partition == at.partition && (0..at.offset).contains(&place.offset));
    passed.then_some(place)
}

fn key(topic: &str, first: Origin) -> String {
    format!("{topic}/{}/{}/{}", first.epoch, first.partition, first.offset)
}

fn place_headers(place: Origin) -> [(&'static str, Vec<u8>); 4] {
    [
        (header::EPOCH, place.epoch.to_string().into_bytes()),
        (header::PARTITION, place.partition.to_string().into_bytes()),
        (header::OFFSET, place.offset.to_string().into_bytes()),
        (header::TIMESTAMP_MS, place.timestamp_ms.to_string().into_bytes()),
    ]
}

struct Headers<'h>(Vec<(&'h str, &'h [u8])>);

impl<'h> Headers<'h> {
    fn collect(headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Self {
        Headers(headers.filter(|(name, _)| name.starts_with("sluice.")).collect())
    }

    fn get(&self, name: &str) -> Option<&'h [u8]> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    fn text(&self, name: &str) -> Result<&'h str, String> {
        let value = self.get(name).ok_or_else(|| format!("the header {name} is missing"))?;
        std::str::from_utf8(value).map_err(|_| format!("the header {name} is not UTF-8"))
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Result<N, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("the header {name} is no number: {text:?}"))
    }

    fn place(&self) -> Result<Origin, String> {
        Ok(Origin {
            epoch: self.number(header::EPOCH)?,
            partition: self.number(header::PARTITION)?,
            offset: self.number(header::OFFSET)?,
            timestamp_ms: self.number(header::TIMESTAMP_MS)?,
        })
    }
}

fn fault(reject: &Reject) -> Fault {
    Fault {
        stage: reject.stage.name().to_owned(),
        kind: reject.kind.to_owned(),
        reason: cut_text(&reject.reason).to_owned(),
        position: reject.position,
    }
}

fn cut_text(text: &str) -> &str {
    &text[..text.floor_char_boundary(REASON_BYTES_MAX)]
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::reject::Stage;

    fn reject(value: Option<&'static [u8]>, position: Option<u32>, reason: &str) -> Reject {
        let at = Coordinates { topic: "logs".into(), partition: 2, offset: 40 };
        let key = Some(Bytes::from_static(b"host-1"));
        let record = Record::new(at, 1, 1_790_000_000_000, key, value.map(Bytes::from_static));
        Reject { record, position, stage: Stage::Decode, kind: "json_invalid", reason: reason.to_owned() }
    }

    fn letter(message: &Message) -> DeadLetter {
        match read(message.headers.iter().map(|(name, value)| (*name, value.as_slice())), message.value.clone()) {
            Ok(Entry::Letter(letter)) => *letter,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_letter_is_read_back_as_it_was_written() {
        let message = encode(&reject(Some(b"{"), Some(3), "no"), &[reject(Some(b"{"), Some(5), "neither")], 100);
        assert_eq!(message.key, b"logs/1/2/40");
        let letter = letter(&message);
        assert_eq!(letter.topic, "logs");
        assert_eq!(letter.first, Origin { epoch: 1, partition: 2, offset: 40, timestamp_ms: 1_790_000_000_000 });
        assert_eq!(letter.rejected, 2);
        assert_eq!(letter.record_key.as_deref(), Some(&b"host-1"[..]));
        assert_eq!(letter.value, &b"{"[..]);
        assert_eq!(letter.cut, None);
        let faults: [_; 2] =
            [&letter.fault, &letter.others[0]].map(|f| (f.position, f.kind.as_str(), f.reason.as_str()));
        assert_eq!(faults, [(Some(3), "json_invalid", "no"), (Some(5), "json_invalid", "neither")]);
    }

    #[test]
    fn a_long_value_is_cut_and_its_length_and_hash_are_kept() {
        let message = encode(&reject(Some(b"abcdef"), None, "ä".repeat(900).as_str()), &[], 4);
        let letter = letter(&message);
        assert_eq!(letter.value, &b"abcd"[..]);
        // sha256sum of "abcdef".
        let sha256 = "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721";
        assert_eq!(letter.cut, Some((6, sha256.to_owned())));
        assert_eq!(letter.fault.reason, "ä".repeat(500));
    }

    #[test]
    fn a_tombstone_becomes_a_letter_with_a_value() {
        let letter = letter(&encode(&reject(None, None, "none"), &[], 4));
        assert!(letter.tombstone && letter.value.is_empty());
    }

    #[test]
    fn many_faults_of_one_record_stay_within_their_bounds() {
        let others = vec![reject(Some(b"{"), Some(9), &"x".repeat(5_000)); 10_000];
        let message = encode(&others[0], &others[1..], 100);
        assert!(message.headers.iter().map(|(_, value)| value.len()).sum::<usize>() < 20_000);
        let letter = letter(&message);
        assert_eq!((letter.rejected, letter.others.len()), (10_000, FAULTS_MAX));
    }

    #[test]
    fn a_claim_of_a_place_is_believed_only_where_the_topic_has_been() {
        let letter = letter(&encode(&reject(Some(b"{"), None, "no"), &[], 100));
        let headers = retry_headers(&letter);
        let claimed = |partition, offset, epoch| {
            let at = Coordinates { topic: "logs".into(), partition, offset };
            origin(headers.iter().map(|(name, value)| (*name, value.as_slice())), &at, epoch)
        };
        assert_eq!(claimed(2, 41, 1), Some(letter.first));
        assert_eq!(claimed(0, 0, 2), Some(letter.first), "the topic was made anew");
        for (partition, offset, epoch) in [(2, 40, 1), (2, 3, 1), (1, 41, 1), (2, 41, 0)] {
            assert_eq!(claimed(partition, offset, epoch), None, "{partition}/{offset} in epoch {epoch}");
        }
        // A dead letter's own headers are no retry.
        let message = encode(&reject(Some(b"{"), None, "no"), &[], 100);
        let at = Coordinates { topic: "logs".into(), partition: 2, offset: 41 };
        assert_eq!(origin(message.headers.iter().map(|(name, value)| (*name, value.as_slice())), &at, 1), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = encode(&reject(Some(b"{"), None, "no"), &[], 100);
        let without = |name: &str| {
            let kept = message.headers.iter().filter(|(n, _)| *n != name).map(|(n, value)| (*n, value.as_slice()));
            read(kept, Bytes::new()).unwrap_err()
        };
        assert_eq!(without("sluice.dead_letter"), "the header sluice.dead_letter is missing");
        assert_eq!(without("sluice.offset"), "the header sluice.offset is missing");
    }
}
