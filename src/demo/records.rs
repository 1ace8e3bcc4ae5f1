//! The bundled records: a half hour in a small company, packed as its shippers would put it into Kafka.
//!
//! First everything that happens is put on one time line, then packed by source: so one payload holds what happened about the same
//! time, and the attack lies among everything else.

use std::time::Duration;

use serde_json::json;

use super::{attack, aws, beats};

/// One record for an input topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub topic: &'static str,
    pub value: Vec<u8>,
}

pub const CLOUDTRAIL: &str = "cloudtrail";
pub const FLOWS: &str = "vpc-flow";
pub const BEATS: &str = "filebeat";

/// What one source saw at one time.
pub(super) enum Seen {
    CloudTrail(serde_json::Value),
    Flow(String),
    /// A line of a log that Filebeat reads on a host.
    Line(beats::Log, &'static str, String),
}

pub(super) struct Event {
    pub at_ms: i64,
    pub seen: Seen,
}

/// The half hour ends when the demo starts.
const SPAN: Duration = Duration::from_secs(30 * 60);
const SEED: u64 = 20_261_123;

/// The records of the half hour before `now_ms`, in the order in which they are produced.
pub fn records(now_ms: i64) -> Vec<Sample> {
    let span_ms = i64::try_from(SPAN.as_millis()).unwrap_or(0);
    let start_ms = now_ms - span_ms;
    let mut dice = Dice(SEED);
    let mut events = Vec::new();
    for (count, source) in [(3000, 0), (3600, 1), (500, 2), (1400, 3)] {
        for _ in 0..count {
            let at_ms = start_ms + i64::try_from(dice.below(span_ms.unsigned_abs())).unwrap_or(0);
            let seen = match source {
                0 => Seen::CloudTrail(aws::everyday_call(&mut dice, at_ms)),
                1 => Seen::Flow(aws::everyday_flow(&mut dice, at_ms)),
                2 => {
                    let (host, line) = beats::everyday_login(&mut dice, at_ms);
                    Seen::Line(beats::Log::Auth, host, line)
                }
                _ => Seen::Line(beats::Log::Access, "web1", beats::everyday_request(&mut dice, at_ms)),
            };
            events.push(Event { at_ms, seen });
        }
    }
    attack::add(&mut events, &mut dice, start_ms + 10 * 60 * 1000);
    events.sort_by_key(|event| event.at_ms);
    pack(events, &mut dice)
}

/// Events per payload, where a source packs several.
const PAYLOAD_EVENTS: usize = 20;

fn pack(events: Vec<Event>, dice: &mut Dice) -> Vec<Sample> {
    let mut samples = vec![Sample { topic: FLOWS, value: aws::control_message() }];
    let (mut calls, mut flows) = (Vec::new(), Vec::new());
    for event in events {
        match event.seen {
            Seen::Line(log, host, line) => {
                samples.push(Sample { topic: BEATS, value: beats::record(dice, event.at_ms, log, host, &line) });
            }
            Seen::CloudTrail(call) => {
                calls.push(call);
                if calls.len() == PAYLOAD_EVENTS {
                    pack_calls(&mut samples, dice, std::mem::take(&mut calls));
                }
            }
            Seen::Flow(line) => {
                flows.push((event.at_ms, line));
                if flows.len() == PAYLOAD_EVENTS {
                    samples.push(Sample { topic: FLOWS, value: aws::cloudwatch(dice, &std::mem::take(&mut flows)) });
                }
            }
        }
    }
    pack_calls(&mut samples, dice, calls);
    if !flows.is_empty() {
        samples.push(Sample { topic: FLOWS, value: aws::cloudwatch(dice, &flows) });
    }
    // Among thousands of good records some are always broken; these are what the dead letters are for.
    let middle = samples.len() / 2;
    for (offset, sample) in broken(dice).into_iter().enumerate() {
        samples.insert((middle + 97 * offset).min(samples.len()), sample);
    }
    samples
}

/// As a file that CloudTrail put into S3, as objects that Firehose wrote one after another, and as EventBridge sends them.
fn pack_calls(samples: &mut Vec<Sample>, dice: &mut Dice, calls: Vec<serde_json::Value>) {
    match dice.below(3) {
        0 => samples.push(Sample { topic: CLOUDTRAIL, value: json!({ "Records": calls }).to_string().into_bytes() }),
        1 => {
            let value: String = calls.iter().map(serde_json::Value::to_string).collect();
            samples.push(Sample { topic: CLOUDTRAIL, value: value.into_bytes() });
        }
        _ => {
            for call in calls {
                samples.push(Sample { topic: CLOUDTRAIL, value: aws::event_bridge(dice, call) });
            }
        }
    }
}

/// How many of the records cannot be decoded.
#[cfg(test)]
const BROKEN: usize = 3;

fn broken(dice: &mut Dice) -> Vec<Sample> {
    let mut cut_short = aws::cloudwatch(dice, &[(0, "2 111122223333 eni-0 - - - - - - - 0 0 - NODATA".to_string())]);
    cut_short.truncate(cut_short.len() / 2);
    vec![
        Sample { topic: FLOWS, value: cut_short },
        Sample { topic: CLOUDTRAIL, value: br#"{"Records": [{"eventVersion": "1.09", "eventName": "#.to_vec() },
        Sample { topic: CLOUDTRAIL, value: "[".repeat(5000).into_bytes() },
    ]
}

/// Chance from a seed (SplitMix64): the same records with every run and every version of every crate.
pub(super) struct Dice(u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to one below `end`; 0 for an `end` of 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    pub fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(index).copied().unwrap_or_default()
    }

    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoded, Limits, TopicRules, decode};
    use crate::event::Arena;
    use crate::record::{Coordinates, Record};
    use flate2::read::MultiGzDecoder;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read;
    use std::sync::Arc;

    /// librdkafka's in-process broker drops what lies in a partition beyond this.
    const PARTITION_BYTES_MAX: usize = 5 * 1024 * 1024;
    const NOW_MS: i64 = 1_795_443_416_760;

    #[test]
    fn every_event_is_decoded_and_only_the_broken_records_are_not() {
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rejected = 0;
        for (offset, sample) in records(NOW_MS).into_iter().enumerate() {
            let coordinates = Coordinates { topic: sample.topic.into(), partition: 0, offset: offset as i64 };
            let record = Record::new(coordinates, 0, NOW_MS, None, Some(sample.value.into()));
            let arena = Arena::new(Arc::default());
            let mut decoded = Decoded::default();
            decode(&arena, &record, &TopicRules::default(), &Limits::default(), &mut decoded);
            *found.entry(sample.topic).or_default() += decoded.events.len();
            rejected += decoded.rejects.len();
        }
        assert_eq!(rejected, BROKEN);
        let expected = BTreeMap::from([(CLOUDTRAIL, 3000), (FLOWS, 3600), (BEATS, 1900)]);
        for (topic, everyday) in expected {
            let attack = found[topic] - everyday;
            assert!((20..500).contains(&attack), "{topic}: {attack} events beside the everyday ones");
        }
    }

    #[test]
    fn the_broker_holds_all_of_it_in_one_partition_a_topic() {
        let mut bytes: BTreeMap<&str, usize> = BTreeMap::new();
        for sample in records(NOW_MS) {
            *bytes.entry(sample.topic).or_default() += sample.value.len();
        }
        assert!(bytes.values().all(|bytes| *bytes < PARTITION_BYTES_MAX), "{bytes:?}");
    }

    #[test]
    fn times_are_of_the_last_half_hour_and_the_rest_is_the_same_every_time() {
        assert_eq!(records(NOW_MS), records(NOW_MS));
        let text: String = records(NOW_MS).iter().map(|sample| String::from_utf8_lossy(&sample.value)).collect();
        let times: BTreeSet<&str> =
            text.match_indices("\"eventTime\":\"").map(|(at, key)| &text[at + key.len()..][..20]).collect();
        assert!(*times.first().unwrap() >= "2026-11-23T13:46:56Z" && *times.last().unwrap() <= "2026-11-23T14:16:56Z");
    }

    /// What is bundled must name nobody: documentation and private addresses, AWS's example account.
    #[test]
    fn addresses_are_those_of_documentation() {
        let allowed = regex::Regex::new(r"^(0\.0\.0\.0|10\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|127\.)").unwrap();
        let address = regex::Regex::new(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b").unwrap();
        // Versions in user agents look like addresses.
        let version = regex::Regex::new(r"[A-Za-z_-]/[0-9.]+").unwrap();
        for sample in records(NOW_MS) {
            let mut unpacked = String::new();
            // The payload that is cut short gives what is before the cut.
            if MultiGzDecoder::new(&*sample.value).read_to_string(&mut unpacked).is_err() && unpacked.is_empty() {
                unpacked = String::from_utf8_lossy(&sample.value).into_owned();
            }
            let text = version.replace_all(&unpacked, "");
            for found in address.find_iter(&text) {
                assert!(allowed.is_match(found.as_str()), "{} in {text}", found.as_str());
            }
        }
    }
}
