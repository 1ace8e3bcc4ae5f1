//! The loop over a batch: records in, parts of bulk bodies out.
//!
//! [`Worker::make`] is the one place where pipelines, tables and rules are called for an event, in that order. A part is closed when
//! its body or the arena has grown large, so that payloads which unpack to a thousand times their size cost one part at a time.
//!
//! A panic is a fault of ours and must not become a crash loop that starts again at the same record: the batch is then gone
//! through record by record, and the one that panics is rejected.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Part;
use super::fill;
use super::generation::{Current, Generation, Plan, Topic};
use crate::decode::{Decoded, RawEvent, decode};
use crate::event::{Arena, Value, write};
use crate::index::name::IndexNamer;
use crate::index::{BatchWriter, Token};
use crate::record::{DocId, Record};
use crate::reject::{Reject, Stage};

/// A body beyond this is handed on. Larger: fewer pieces, more memory per worker. Smaller: more requests than needed.
const BODY_BYTES: usize = 4 << 20;
/// Likewise for what the events of a part take in the arena.
const ARENA_BYTES: usize = 16 << 20;
/// An arena that a large payload has blown up is not kept.
const ARENA_BYTES_KEPT: usize = 4 << 20;

/// Records to be processed together, all of one partition.
#[derive(Clone, Debug)]
pub struct Job {
    /// The tenure of the partition, and the number of the batch in it: what documents are answered by.
    pub lane: u64,
    pub seq: u64,
    pub records: Arc<[Record]>,
    pub now_ms: i64,
}

/// The documents of a batch are told apart by 32 bits, of which the index side knows nothing.
pub fn token(lane: u64, seq: u64, document: u32) -> Token {
    Token { lane, item: seq << 32 | u64::from(document) }
}

/// The batch and the document that a token stands for.
pub fn of_token(token: Token) -> (u64, u32) {
    (token.item >> 32, token.item as u32)
}

pub struct Worker {
    plan: Arc<Plan>,
    current: Arc<Current>,
    generation: Arc<Generation>,
    arena: Arena,
    index: IndexNamer,
}

impl Worker {
    pub fn new(plan: Arc<Plan>, current: Arc<Current>) -> Self {
        let generation = current.get();
        let arena = Arena::new(generation.symbols.clone());
        let index = IndexNamer::new(plan.index.clone());
        Self { plan, current, generation, arena, index }
    }

    /// Processes a batch and hands on its parts, at least one.
    pub fn process(&mut self, job: &Job, mut hand_on: impl FnMut(Part)) {
        let generation = self.current.get();
        if !Arc::ptr_eq(&generation, &self.generation) {
            self.arena = Arena::new(generation.symbols.clone());
            self.generation = generation;
        }
        let plan = self.plan.clone();
        let topic = job.records.first().and_then(|record| plan.topics.get(&record.coordinates.topic));
        let Some(topic) = topic else {
            hand_on(reject_all(job, "topic_unknown", "its topic is not in the settings"));
            return;
        };
        let mut documents = 0;
        let mut next = 0;
        loop {
            let from = next;
            // The arena is only memory and is made anew below; nothing else is shared with what panicked.
            let made = catch_unwind(AssertUnwindSafe(|| self.part(job, topic, from, job.records.len(), documents)));
            let part = made.unwrap_or_else(|_| self.part_despite_panic(job, topic, from, documents));
            next = from + part.open.len();
            documents += part.documents.len() as u32;
            let is_last = part.is_last;
            hand_on(part);
            if is_last {
                return;
            }
        }
    }

    /// One record alone, rejected when it panics again.
    fn part_despite_panic(&mut self, job: &Job, topic: &Topic, at: usize, documents: u32) -> Part {
        self.arena = Arena::new(self.generation.symbols.clone());
        let made = catch_unwind(AssertUnwindSafe(|| self.part(job, topic, at, at + 1, documents)));
        made.unwrap_or_else(|panic| {
            self.arena = Arena::new(self.generation.symbols.clone());
            let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let reason = format!("a fault of Sluice's own: {}", what.unwrap_or("panic"));
            let is_last = at + 1 >= job.records.len();
            let record = job.records.get(at).cloned();
            let rejects: Vec<_> = record
                .map(|record| Reject { record, position: None, stage: Stage::Normalise, kind: "panic", reason })
                .map(|reject| (at as u32, reject))
                .into_iter()
                .collect();
            Part { open: vec![1], rejects, is_last, ..Part::default() }
        })
    }

    /// Records `from..to` of the batch, or fewer when the part grows too large.
    fn part(&mut self, job: &Job, topic: &Topic, from: usize, to: usize, documents: u32) -> Part {
        self.arena.reset();
        if self.arena.allocated_bytes() > ARENA_BYTES_KEPT {
            self.arena = Arena::new(self.generation.symbols.clone());
        }
        let mut part = Part::default();
        let mut writer = BatchWriter::default();
        let mut decoded = Decoded::default();
        let now = fill::timestamp(&self.arena, job.now_ms).unwrap_or_default();
        for (number, record) in job.records.iter().enumerate().take(to).skip(from) {
            let (first_event, first_reject, before) =
                (decoded.events.len(), decoded.rejects.len(), part.documents.len() as u32);
            decode(&self.arena, record, &topic.rules, &self.plan.limits, &mut decoded);
            for event in decoded.events.get(first_event..).unwrap_or_default() {
                let document = documents + part.documents.len() as u32;
                let made = Making { arena: &self.arena, topic, now_ms: job.now_ms, now };
                if make(&made, &mut self.index, event, token(job.lane, job.seq, document), &mut writer) {
                    part.documents.push((number as u32, event.position));
                } else {
                    part.dropped += 1;
                }
            }
            let rejected = decoded.rejects.len() - first_reject;
            part.rejects.extend(decoded.rejects.drain(first_reject..).map(|reject| (number as u32, reject)));
            part.open.push(part.documents.len() as u32 - before + rejected as u32);
            if writer.bytes() > BODY_BYTES || self.arena.allocated_bytes() > ARENA_BYTES {
                break;
            }
        }
        part.dropped += decoded.control_messages;
        part.is_last = from + part.open.len() >= job.records.len();
        part.body = writer.finish();
        part
    }
}

/// What all events of a part share.
struct Making<'a> {
    arena: &'a Arena,
    topic: &'a Topic,
    now_ms: i64,
    now: &'a str,
}

/// Makes the document of one event and writes it; false when it was dropped.
fn make<'a>(
    making: &Making<'a>,
    index: &mut IndexNamer,
    event: &RawEvent<'a>,
    token: Token,
    writer: &mut BatchWriter,
) -> bool {
    let document = fill::document(making.arena, event);
    // Here the pipelines of the event's source, the tables and the rules come in.
    fill::complete(making.arena, document, event, &making.topic.namespace, making.now);
    let id = DocId::new(event.record, &event.identity);
    let dataset = fill::own_text(document, "data_stream", "dataset").unwrap_or("generic");
    let name = index.index(&id, making.now_ms, dataset, &making.topic.namespace);
    writer.create(name, &id, token, |out| write::write(&Value::Object(document), out));
    true
}

fn reject_all(job: &Job, kind: &'static str, reason: &str) -> Part {
    let reject = |record: &Record| Reject {
        record: record.clone(),
        position: None,
        stage: Stage::Decode,
        kind,
        reason: reason.to_owned(),
    };
    Part {
        open: vec![1; job.records.len()],
        rejects: job.records.iter().enumerate().map(|(number, record)| (number as u32, reject(record))).collect(),
        is_last: true,
        ..Part::default()
    }
}
