//! A record's way through a worker (decode, pipeline, fill in, serialise) against "parse and copy" of the same bytes, in one run on one thread:
//! `cargo bench --bench process`. With rules: the pack that comes with the project.
//!
//! - `limit`: sonic-rs' DOM of the record, then the record's bytes copied to the output.
//! - `as they came`: no pipeline, no rules.
//! - `normalised`: by the source's pipeline.
//! - `normalised and matched`: and the rules.

#[path = "support/records.rs"]
mod records;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sluice::process::generation::{Current, Generation, Plan};
use sluice::process::worker::{Job, Worker};
use sluice::record::{Coordinates, Record};
use sluice::settings::Settings;

const NOW_MS: i64 = 1_790_000_000_123;

fn worker(more: &str) -> Worker {
    let text = format!("kafka: {{brokers: 'a:1', topics: [logs]}}\nopensearch: {{nodes: ['http://a:1']}}\n{more}");
    let settings = Settings::parse("settings", &text, &HashMap::new()).unwrap();
    let generation = Generation::load(&settings).unwrap().generation;
    Worker::new(Arc::new(Plan::new(&settings)), Arc::new(Current::new(generation)))
}

fn process(c: &mut Criterion) {
    let root = env!("CARGO_MANIFEST_DIR");
    let pipelines = format!("pipelines: {{dir: {root}/pipelines/sources}}\n");
    let rules = format!("{pipelines}rules: {{dirs: [{root}/pipelines/rules]}}\n");
    for (kind, payloads) in [("cloudtrail", records::cloudtrail(2_000)), ("nginx", records::nginx(2_000))] {
        let bytes: usize = payloads.iter().map(Vec::len).sum();
        let mut group = c.benchmark_group(kind);
        group.throughput(Throughput::Bytes(bytes as u64));
        let mut out = Vec::with_capacity(bytes * 2);
        group.bench_function(BenchmarkId::from_parameter("limit"), |b| {
            b.iter(|| {
                out.clear();
                for payload in &payloads {
                    let value: sonic_rs::Value = sonic_rs::from_slice(payload).unwrap();
                    black_box(&value);
                    out.extend_from_slice(payload);
                }
            })
        });
        let topic: Arc<str> = "logs".into();
        let record = |(offset, payload): (usize, &Vec<u8>)| {
            let at = Coordinates { topic: topic.clone(), partition: 0, offset: offset as i64 };
            Record::new(at, 0, NOW_MS, None, Some(payload.clone().into()))
        };
        let records: Arc<[Record]> = payloads.iter().enumerate().map(record).collect();
        let job = Job { lane: 1, seq: 1, records, now_ms: NOW_MS };
        for (name, more) in [("as they came", ""), ("normalised", &pipelines), ("normalised and matched", &rules)] {
            let mut worker = worker(more);
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| worker.process(&job, |part| drop(black_box(part))))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, process);
criterion_main!(benches);
