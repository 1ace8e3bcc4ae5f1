//! One Kafka payload to 0..n raw events: compression, envelopes, identity.
//!
//! Owns what is around an event and nothing of what an event means: a JSON event comes out as it stood in its envelope, a text line as
//! a line, each with its position, its [`Identity`] and what the envelope knew ([`Hints`], [`Fact`]s). Reading order: [`mod@self`]
//! (the types), `payload` (layers, JSON sequences, lines), `envelope` (shapes), `identity` (extractors), `text`, `unpack`.
//!
//! An event that is broken inside a payload of many is rejected alone, and what stands around it goes on. Past a limit the whole payload is rejected
//! with none of its events, since a bomb gives as many of them as it likes. Of the two, only the second is decided by [`Limits`].

mod envelope;
mod identity;
mod payload;
mod text;
mod unpack;

use jiff::tz::TimeZone;

use crate::event::{Arena, Object, Value};
use crate::record::{Identity, Record};
use crate::reject::{Reject, Stage};

use payload::Payload;

/// What one payload may cost. Each limit is far above what honest sources send and keeps a hostile one from taking a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The payload as it lies in Kafka.
    pub payload_bytes_max: usize,
    /// Everything that is decompressed and decoded from base64 within one payload, all layers added up.
    pub unpacked_bytes_max: usize,
    pub nesting_levels_max: usize,
    /// Events, rejected ones included.
    pub events_max: u32,
    /// Envelopes and compressions inside one another, as gzip in base64 in a Firehose request.
    pub layers_max: u8,
    /// Members and elements of one event, on all its levels.
    pub event_values_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            payload_bytes_max: 16 << 20,
            unpacked_bytes_max: 32 << 20,
            nesting_levels_max: 128,
            events_max: 50_000,
            layers_max: 8,
            event_values_max: 100_000,
        }
    }
}

/// How the payloads of a topic are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// By shape.
    #[default]
    Auto,
    /// JSON and its envelopes only; anything else is rejected.
    Json,
    /// Lines of text, also those that begin like JSON.
    Text,
}

/// What the settings fix for one topic.
#[derive(Clone, Debug)]
pub struct TopicRules {
    pub format: Format,
    /// The zone of times that name none.
    pub zone: TimeZone,
}

impl Default for TopicRules {
    fn default() -> Self {
        TopicRules { format: Format::Auto, zone: TimeZone::UTC }
    }
}

/// The innermost envelope that an event came out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// A JSON object of its own, or one of several written after one another.
    Json,
    Beats,
    /// `{"Records":[…]}`, the form of CloudTrail's files.
    Records,
    CloudWatch,
    Firehose,
    EventBridge,
    /// `{"records":[…]}`, the form of Azure's event hubs.
    Azure,
    Text(TextForm),
}

/// What a line of text begins like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextForm {
    Plain,
    /// RFC 3164, with or without its priority.
    Syslog3164,
    Syslog5424,
    /// Common Event Format, bare or behind a syslog header.
    Cef,
}

/// What the envelope and the event's shape tell about its source; what picks the pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints<'a> {
    /// As `aws.cloudtrail`: the event's own `event.dataset` or `data_stream.dataset`, else by shape.
    pub dataset: Option<&'a str>,
    /// `event.module` of a Beat.
    pub module: Option<&'a str>,
    /// `fileset.name` of a Filebeat module.
    pub fileset: Option<&'a str>,
    /// `@metadata.pipeline`: the ingest pipeline that a Beat asks for.
    pub pipeline: Option<&'a str>,
    /// CloudWatch's log group.
    pub log_group: Option<&'a str>,
    /// EventBridge's `source`.
    pub event_source: Option<&'a str>,
    /// EventBridge's `detail-type`.
    pub detail_type: Option<&'a str>,
    /// Azure's `category`.
    pub category: Option<&'a str>,
}

/// Something that only the envelope knew, under the field where it belongs when the event has nothing there.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    pub field: &'static str,
    pub value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    Object(&'a Object<'a>),
    Text(&'a str),
}

/// One event as its source wrote it.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    pub record: &'a Record,
    /// Within the payload, from 0, rejected events counted.
    pub position: u32,
    pub identity: Identity<'a>,
    pub body: Body<'a>,
    /// The event's text as it came: the JSON text of an object, or the line.
    pub original: &'a str,
    pub envelope: Envelope,
    pub hints: Hints<'a>,
    /// The event's time in ms where the envelope, the identity or a syslog header gives one.
    pub time_ms: Option<i64>,
    /// The same slice for all events of one envelope.
    pub facts: &'a [Fact<'a>],
}

/// What came out of payloads. Every payload adds to at least one of the three, save a list that is empty.
#[derive(Debug, Default)]
pub struct Decoded<'a> {
    pub events: Vec<RawEvent<'a>>,
    pub rejects: Vec<Reject>,
    /// Messages that carry no event, as CloudWatch's checks of a subscription's health: dropped on purpose.
    pub control_messages: u64,
}

/// Opens the payload of `record` and appends to `out`. What is unpacked lies in `arena`, at most [`Limits::unpacked_bytes_max`] a payload: a caller
/// that opens many payloads into one arena looks at [`Arena::allocated_bytes`] between them.
pub fn decode<'a>(arena: &'a Arena, record: &'a Record, topic: &TopicRules, limits: &Limits, out: &mut Decoded<'a>) {
    let (events, rejects, control_messages) = (out.events.len(), out.rejects.len(), out.control_messages);
    match Payload::new(arena, record, topic, limits, out).open() {
        Ok(()) => {
            // The only thing in its payload: the payload failed.
            if out.events.len() == events
                && let [only] = &mut out.rejects[rejects..]
            {
                only.position = None;
            }
        }
        Err(fault) => {
            out.events.truncate(events);
            out.rejects.truncate(rejects);
            out.control_messages = control_messages;
            out.rejects.push(Reject {
                record: record.clone(),
                position: None,
                stage: Stage::Decode,
                kind: fault.kind,
                reason: fault.reason,
            });
        }
    }
}
