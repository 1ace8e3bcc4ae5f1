//! Payloads of every kind through `sluice::decode`: what comes out, in which order, under which identity, and what is rejected with which words.

mod bad_input;
mod envelopes;
mod properties;
mod real;

use std::io::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sluice::decode::{Body, Decoded, Limits, TopicRules, decode};
use sluice::event::{Arena, Symbols, Value, write};
use sluice::record::{Coordinates, DocId, Record};

/// Everything of an event that a test looks at, free of the arena.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub position: u32,
    pub id: DocId,
    /// The extractor of the id; empty for coordinates.
    pub extractor: &'static str,
    pub body: String,
    pub original: String,
    pub envelope: String,
    pub dataset: Option<String>,
    pub pipeline: Option<String>,
    pub time_ms: Option<i64>,
    pub facts: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub events: Vec<Event>,
    /// Position, kind and reason.
    pub rejects: Vec<(Option<u32>, &'static str, String)>,
    pub control_messages: u64,
}

impl Outcome {
    pub fn bodies(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.body.as_str()).collect()
    }

    pub fn kinds(&self) -> Vec<(Option<u32>, &'static str)> {
        self.rejects.iter().map(|(position, kind, _)| (*position, *kind)).collect()
    }
}

/// 2026-09-21T14:13:20.123Z
pub const ARRIVAL_MS: i64 = 1_790_000_000_123;

pub fn record(value: Option<&[u8]>) -> Record {
    let at = Coordinates { topic: "logs".into(), partition: 1, offset: 7 };
    Record::new(at, 0, ARRIVAL_MS, None, value.map(Bytes::copy_from_slice))
}

pub fn open_record(record: &Record, topic: &TopicRules, limits: &Limits) -> Outcome {
    let arena = Arena::new(Arc::new(Symbols::new()));
    let mut decoded = Decoded::default();
    decode(&arena, record, topic, limits, &mut decoded);
    let events = decoded.events.iter().map(|event| Event {
        position: event.position,
        id: DocId::new(event.record, &event.identity),
        extractor: match event.identity {
            sluice::record::Identity::Position(position) => {
                assert_eq!(position, event.position);
                ""
            }
            sluice::record::Identity::Source { extractor, .. } => extractor,
        },
        body: match event.body {
            Body::Object(object) => write::to_string(&Value::Object(object)),
            Body::Text(text) => text.to_owned(),
        },
        original: event.original.to_owned(),
        envelope: format!("{:?}", event.envelope),
        dataset: event.hints.dataset.map(str::to_owned),
        pipeline: event.hints.pipeline.map(str::to_owned),
        time_ms: event.time_ms,
        facts: event.facts.iter().map(|fact| (fact.field, write::to_string(&fact.value))).collect(),
    });
    Outcome {
        events: events.collect(),
        rejects: decoded.rejects.iter().map(|r| (r.position, r.kind, r.reason.clone())).collect(),
        control_messages: decoded.control_messages,
    }
}

pub fn open(payload: impl AsRef<[u8]>) -> Outcome {
    open_record(&record(Some(payload.as_ref())), &TopicRules::default(), &Limits::default())
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}
