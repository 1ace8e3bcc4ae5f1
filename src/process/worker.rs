//! The loop over a batch: records in, parts of bulk bodies out.
//!
//! [`Making::make`] is the one place where pipelines and rules are called for an event, in that order. A part is closed when its body has
//! grown large. The arena is reset for each record; when the events of one record alone fill it, the rest of them are made one by one in another.
//!
//! A panic is a fault of ours and must not become a crash loop that starts again at the same record: the batch is then gone
//! through record by record, and the one that panics is rejected.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bumpalo::format;

use super::Part;
use super::fill;
use super::generation::{Current, Generation, Plan, Topic};
use super::sources::{Chosen, Form};
use super::tally::{Outcome, Tally};
use crate::decode::{Decoded, RawEvent, decode};
use crate::detect::evaluate::{Routing, Scratch};
use crate::detect::overlay::State;
use crate::event::{Arena, Object, Value, write};
use crate::index::name::IndexNamer;
use crate::index::{BatchWriter, Token};
use crate::pipeline::run::{self, Metadata, Moment};
use crate::record::{DocId, Record};
use crate::reject::{Reject, Stage};

/// A body beyond this is handed on. Larger: fewer pieces, more memory per worker. Smaller: more requests than needed.
const BODY_BYTES: usize = 4 << 20;
/// What the events of one record may take together; past it each is made in memory that is used again for the next.
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
    /// For single events of a record that has filled the other.
    spare: Arena,
    /// Empty between records.
    events: Vec<RawEvent<'static>>,
    scratch: Scratch,
    tally: Tally,
    index: IndexNamer,
}

impl Worker {
    pub fn new(plan: Arc<Plan>, current: Arc<Current>) -> Self {
        let generation = current.get();
        Self {
            arena: Arena::new(generation.symbols.clone()),
            spare: Arena::new(generation.symbols.clone()),
            events: Vec::new(),
            scratch: Scratch::new(&generation.rules),
            tally: Tally::default(),
            index: IndexNamer::new(plan.index.clone()),
            plan,
            current,
            generation,
        }
    }

    /// Forgets whatever lies in memory, also what a panic left half done.
    fn begin_anew(&mut self) {
        self.arena = Arena::new(self.generation.symbols.clone());
        self.spare = Arena::new(self.generation.symbols.clone());
        self.scratch = Scratch::new(&self.generation.rules);
    }

    /// Processes a batch and hands on its parts, at least one.
    pub fn process(&mut self, job: &Job, mut hand_on: impl FnMut(Part)) {
        let generation = self.current.get();
        if !Arc::ptr_eq(&generation, &self.generation) {
            self.generation = generation;
            self.begin_anew();
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
            // What panicked leaves memory behind that is made anew below, and counts that only metrics see.
            let made = catch_unwind(AssertUnwindSafe(|| self.part(job, topic, from, job.records.len(), documents)));
            let part = made.unwrap_or_else(|_| self.part_despite_panic(job, topic, from, documents));
            next = from + part.open.len();
            documents += part.documents.len() as u32;
            let is_last = part.is_last;
            hand_on(part);
            if is_last {
                self.tally.flush(&self.generation, &plan.labels);
                return;
            }
        }
    }

    /// One record alone, rejected when it panics again.
    fn part_despite_panic(&mut self, job: &Job, topic: &Topic, at: usize, documents: u32) -> Part {
        self.begin_anew();
        let made = catch_unwind(AssertUnwindSafe(|| self.part(job, topic, at, at + 1, documents)));
        made.unwrap_or_else(|panic| {
            self.begin_anew();
            let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let reason = std::format!("a fault of Sluice's own: {}", what.unwrap_or("panic"));
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
        let Self { plan, generation, arena, spare, events, scratch, tally, index, .. } = self;
        let mut part = Part::default();
        let mut writer = BatchWriter::default();
        let moment = Moment::new(job.now_ms);
        let source = job.records.first().and_then(|record| generation.topics.get(&record.coordinates.topic)).copied();
        let mut making =
            Making { generation, topic, source, moment: &moment, now_ms: job.now_ms, scratch, tally, index };
        for (number, record) in job.records.iter().enumerate().take(to).skip(from) {
            make_free(arena, generation);
            let arena = &*arena;
            let mut decoded = Decoded { events: recycle(std::mem::take(events)), ..Decoded::default() };
            decode(arena, record, &topic.rules, &plan.limits, &mut decoded);
            let before = part.documents.len();
            for event in &decoded.events {
                let token = token(job.lane, job.seq, documents + part.documents.len() as u32);
                let is_made = if arena.allocated_bytes() <= ARENA_BYTES {
                    making.make(arena, event, fill::document, token, &mut writer)
                } else {
                    make_free(spare, generation);
                    making.make(spare, event, fill::document_anew, token, &mut writer)
                };
                if is_made {
                    part.documents.push((number as u32, event.position));
                } else {
                    part.dropped += 1;
                }
            }
            *events = recycle(decoded.events);
            part.dropped += decoded.control_messages;
            part.open.push((part.documents.len() - before + decoded.rejects.len()) as u32);
            part.rejects.extend(decoded.rejects.into_iter().map(|reject| (number as u32, reject)));
            if writer.bytes() > BODY_BYTES {
                break;
            }
        }
        part.is_last = from + part.open.len() >= job.records.len();
        part.body = writer.finish();
        part
    }
}

fn make_free(arena: &mut Arena, generation: &Generation) {
    arena.reset();
    if arena.allocated_bytes() > ARENA_BYTES_KEPT {
        *arena = Arena::new(generation.symbols.clone());
    }
}

/// The same vector, empty, for events of another lifetime.
fn recycle<'b>(events: Vec<RawEvent<'_>>) -> Vec<RawEvent<'b>> {
    events.into_iter().filter_map(|_| None).collect()
}

/// What all events of a part share.
struct Making<'g, 'w> {
    generation: &'g Generation,
    topic: &'g Topic,
    /// The pipeline of the topic's `source`.
    source: Option<Chosen>,
    moment: &'g Moment,
    now_ms: i64,
    scratch: &'w mut Scratch,
    tally: &'w mut Tally,
    index: &'w mut IndexNamer,
}

impl<'g> Making<'g, '_> {
    /// Makes the document of one event and writes it; false when it was dropped.
    fn make<'a, 'e>(
        &mut self,
        arena: &'a Arena,
        event: &RawEvent<'e>,
        document: impl FnOnce(&'a Arena, &RawEvent<'e>, Form) -> &'a Object<'a>,
        token: Token,
        writer: &mut BatchWriter,
    ) -> bool
    where
        'g: 'a,
        'e: 'a,
    {
        let topic = self.topic;
        let Some(document) = self.normalise(arena, event, document) else { return false };
        let now = fill::timestamp(arena, self.now_ms).unwrap_or_default();
        fill::complete(arena, document, event, &topic.namespace, now);
        self.detect(document);
        let id = DocId::new(event.record, &event.identity);
        let dataset = fill::own_text(document, "data_stream", "dataset").unwrap_or("generic");
        let name = self.index.index(&id, self.now_ms, dataset, &topic.namespace);
        writer.create(name, &id, token, |out| write::write(&Value::Object(document), out));
        true
    }

    /// Runs the pipeline that takes the event, if one does. When it fails, the event is kept as it came, and says so.
    fn normalise<'a, 'e>(
        &mut self,
        arena: &'a Arena,
        event: &RawEvent<'e>,
        document: impl FnOnce(&'a Arena, &RawEvent<'e>, Form) -> &'a Object<'a>,
    ) -> Option<&'a Object<'a>>
    where
        'g: 'a,
        'e: 'a,
    {
        let generation = self.generation;
        let Some(Chosen { pipeline, form }) = self.source.or_else(|| generation.sources.choose(event)) else {
            self.tally.passed();
            return Some(document(arena, event, Form::Event));
        };
        let document = document(arena, event, form);
        // Pipelines are written for data streams and look there for what `reroute` may change; where the event goes is not theirs to say.
        let dataset = event.hints.dataset.unwrap_or("generic");
        let stream = format!(in arena.bump(), "logs-{dataset}-{}", self.topic.namespace).into_bump_str();
        let metadata = Metadata { index: stream, id: None };
        match generation.pipelines.run(pipeline, arena, document, metadata, self.moment) {
            run::Outcome::Keep(_) => {
                self.tally.took(pipeline, Outcome::Kept);
                Some(document)
            }
            run::Outcome::Dropped => {
                self.tally.took(pipeline, Outcome::Dropped);
                None
            }
            run::Outcome::Failed(failure) => {
                self.tally.took(pipeline, Outcome::Failed);
                let document = fill::document_anew(arena, event, Form::Event);
                fill::mark_failure(arena, document, &failure);
                Some(document)
            }
        }
    }

    /// Matches the rules and names those that are on.
    fn detect<'a>(&mut self, document: &'a Object<'a>)
    where
        'g: 'a,
    {
        let rules = &self.generation.rules;
        let matches = if rules.is_empty() { &[] } else { rules.evaluate(self.scratch, document, &Routing::Event) };
        matches.iter().for_each(|found| self.tally.matched(found.rule));
        let matched = matches.iter().filter_map(|found| rules.rule(found.rule));
        fill::mark_matches(document, matched.filter(|rule| rule.state == State::On));
    }
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
