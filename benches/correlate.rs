//! Correlation beside rsigma-eval's, on the same parsed events, one core, in one run: `cargo bench --bench correlate`.
//!
//! Both are given events that are already parsed, match one rule on each and put it into a window: 300,000 events over one hour, 10,000 groups,
//! a window of an hour, thresholds that are not reached. "Shuffled" events come up to five minutes late. The first line is what a million groups with one entry
//! each take, by a counting allocator.

#![allow(unsafe_code, reason = "a counting allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rsigma_eval::{CorrelationConfig, CorrelationEngine, JsonEvent};
use sluice::correlate::engine::{Arrival, Engine};
use sluice::correlate::rule::{Correlations, Limits, Missed};
use sluice::detect::evaluate::{Routing, Scratch};
use sluice::detect::load::RuleFile;
use sluice::detect::overlay::Overlay;
use sluice::detect::rules::{Options, RuleSet};
use sluice::event::{Arena, Object, Symbols, Value, parse};

const EVENTS: usize = 300_000;
const GROUPS: u32 = 10_000;
const HOUR_MS: i64 = 3_600_000;
const START_MS: i64 = 1_767_225_600_000;
const LATENESS_MS: i64 = 300_000;
const BATCH: usize = 1_000;

struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Event {
    time_ms: i64,
    json: String,
}

fn events(values: u32, shuffled: bool) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(7);
    let mut events: Vec<(i64, Event)> = (0..EVENTS)
        .map(|n| {
            let time_ms = START_MS + n as i64 * HOUR_MS / EVENTS as i64;
            let late_ms = if shuffled { random.random_range(0..LATENESS_MS) } else { 0 };
            let (group, value) = (random.random_range(0..GROUPS), random.random_range(0..values));
            (time_ms + late_ms, Event { time_ms, json: format!(r#"{{"a":1,"user":"user{group}","v":{value}}}"#) })
        })
        .collect();
    events.sort_by_key(|(arrival, _)| *arrival);
    events.into_iter().map(|(_, event)| event).collect()
}

fn rules(kind: &str, condition: &str) -> String {
    format!(
        "title: R\nid: r-1\nname: r\nlogsource: {{product: x}}\ndetection: {{s: {{a: 1}}, condition: s}}\n---\n\
         title: C\nid: c-1\ncorrelation:\n  type: {kind}\n  rules: [r]\n  group-by: [user]\n  timespan: 1h\n  condition: {condition}\n"
    )
}

/// Events/s through detection and windows, and through windows alone.
fn ours(yaml: &str, events: &[Event]) -> (f64, f64) {
    let mut symbols = Symbols::new();
    let file = RuleFile { name: "bench.yml".into(), text: yaml.to_owned() };
    let (rules, faults) = RuleSet::compile(&[file], &Options::default(), &mut symbols);
    let limits = Limits { lateness_ms: LATENESS_MS, ..Limits::default() };
    let (correlations, more) = Correlations::compile(&rules, &Overlay::default(), &limits, &mut symbols);
    assert!(faults.is_empty() && more.is_empty(), "{faults:?} {more:?}");
    let engine = || Engine::new(correlations.all().iter().map(|one| (one.id.clone(), one.spec.clone())), 4 << 30);
    let arena = Arena::new(Arc::new(symbols));
    let parsed: Vec<(i64, &Object<'_>)> = events
        .iter()
        .filter_map(|event| match parse::document(&arena, event.json.as_bytes(), 10) {
            Ok(Value::Object(object)) => Some((event.time_ms, object)),
            _ => None,
        })
        .collect();
    let mut scratch = Scratch::new(&rules);
    let mut missed = Missed::default();
    let (mut whole, mut alone) = (engine(), engine());
    let mut matches = Vec::with_capacity(BATCH);
    let (mut alone_time, mut told) = (0.0, 0usize);
    let mut id = 0;
    let mut stream_ms = i64::MIN;
    let mut whole_time = 0.0;
    for batch in parsed.chunks(BATCH) {
        matches.clear();
        let started = Instant::now();
        let first = id;
        for (time_ms, event) in batch {
            for found in rules.evaluate(&mut scratch, event, &Routing::Open) {
                correlations.matches(found.rule, "", event, &mut missed, |one| matches.push((*time_ms, id, one)));
            }
            id += 1;
        }
        for (time_ms, id, one) in &matches {
            whole.take(&arrival(*time_ms, *id, one));
        }
        stream_ms = stream_ms.max(batch.iter().map(|(time_ms, _)| *time_ms).max().unwrap_or(0));
        whole.advance(stream_ms);
        whole.tell(|_| told += 1);
        whole_time += started.elapsed().as_secs_f64();
        let started = Instant::now();
        for (time_ms, id, one) in &matches {
            alone.take(&arrival(*time_ms, *id, one));
        }
        alone.advance(stream_ms);
        alone.tell(|_| told += 1);
        alone_time += started.elapsed().as_secs_f64();
        assert!(matches.len() as u64 == id - first);
    }
    // Averages and the like are answered when their windows close.
    let started = Instant::now();
    whole.finish(|_| told += 1);
    whole_time += started.elapsed().as_secs_f64();
    let started = Instant::now();
    alone.finish(|_| told += 1);
    alone_time += started.elapsed().as_secs_f64();
    assert_eq!((told, whole.counts(0).taken), (0, events.len() as u64));
    (events.len() as f64 / whole_time, events.len() as f64 / alone_time)
}

fn arrival(time_ms: i64, id: u64, one: &sluice::correlate::rule::Match) -> Arrival<'_> {
    Arrival { rule: one.correlation, key: one.key, values: &one.values, time_ms, appended_ms: None, id, what: one.what }
}

fn theirs(yaml: &str, events: &[Event]) -> f64 {
    let collection = rsigma_parser::parse_sigma_yaml(yaml).expect("the rules are sound");
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(&collection).expect("the rules are sound");
    let values: Vec<(i64, serde_json::Value)> =
        events.iter().filter_map(|event| Some((event.time_ms, serde_json::from_str(&event.json).ok()?))).collect();
    let parsed: Vec<(i64, JsonEvent<'_>)> =
        values.iter().map(|(time_ms, value)| (*time_ms, JsonEvent::borrow(value))).collect();
    let started = Instant::now();
    for (time_ms, event) in &parsed {
        std::hint::black_box(engine.process_event_at(event, time_ms / 1_000));
    }
    events.len() as f64 / started.elapsed().as_secs_f64()
}

/// Heap bytes per live group.
fn bytes_per_group() -> f64 {
    const LIVE: u64 = 1_000_000;
    let yaml = rules("event_count", "{gte: 1000}");
    let mut symbols = Symbols::new();
    let file = RuleFile { name: "bench.yml".into(), text: yaml };
    let (rules, _) = RuleSet::compile(&[file], &Options::default(), &mut symbols);
    let (correlations, _) = Correlations::compile(&rules, &Overlay::default(), &Limits::default(), &mut symbols);
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    let mut engine = Engine::new(correlations.all().iter().map(|one| (one.id.clone(), one.spec.clone())), 4 << 30);
    for n in 0..LIVE {
        let key = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let values = [format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255)];
        let time_ms = START_MS + n as i64 * HOUR_MS / LIVE as i64;
        engine.take(&Arrival { rule: 0, key, values: &values, time_ms, appended_ms: None, id: n, what: 0 });
    }
    let (live, weighed) = engine.live(0);
    assert_eq!((live, engine.counts(0).lost), (LIVE, 0));
    println!("weighed by the store: {:.0} bytes per group", weighed as f64 / LIVE as f64);
    (LIVE_BYTES.load(Ordering::Relaxed) - before) as f64 / LIVE as f64
}

fn main() {
    println!("bytes per live group, 1,000,000 groups of event_count: {:.0}", bytes_per_group());
    println!("{:<34}{:>12}{:>14}{:>12}{:>8}", "events/s, one core", "sluice", "windows only", "rsigma", "ratio");
    for (name, kind, condition, values) in [
        ("event_count", "event_count", "{gte: 10000}", 10),
        ("value_count, 10 values", "value_count", "{field: v, gte: 10000}", 10),
        ("value_count, 2,000 values", "value_count", "{field: v, gte: 10000}", 2_000),
        ("value_percentile", "value_percentile", "{field: v, percentile: 95, gte: 1000000}", 2_000),
    ] {
        for shuffled in [false, true] {
            let events = events(values, shuffled);
            let yaml = rules(kind, condition);
            let (whole, alone) = ours(&yaml, &events);
            let peer = theirs(&yaml, &events);
            let order = if shuffled { "shuffled" } else { "in order" };
            println!("{:<34}{whole:>12.0}{alone:>14.0}{peer:>12.0}{:>8.2}", format!("{name}, {order}"), whole / peer);
        }
    }
}
