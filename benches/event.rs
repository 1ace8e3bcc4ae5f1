//! The event in memory against "parse and copy only": what a program must at least do that reads JSON, checks it and writes it
//! out again. Ratios of one run; `cargo bench --bench event`.
//!
//! - `limit`: sonic-rs' DOM of the record, then the record's bytes copied to the output.
//! - `untouched`: our check of the whole record, then copied.
//! - `one level`: the first level parsed, 18 fields of two levels looked up, written from the tree.
//! - `every subtree`: the whole document walked, nothing left as text, written from the tree.

#[path = "support/records.rs"]
mod records;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sluice::event::{Arena, Symbols, Value, parse, write};

const PATHS: [&[&str]; 18] = [
    &["eventTime"],
    &["eventSource"],
    &["eventName"],
    &["awsRegion"],
    &["sourceIPAddress"],
    &["userAgent"],
    &["errorCode"],
    &["errorMessage"],
    &["requestID"],
    &["eventID"],
    &["eventType"],
    &["recipientAccountId"],
    &["userIdentity", "type"],
    &["userIdentity", "arn"],
    &["userIdentity", "accountId"],
    &["userIdentity", "userName"],
    &["userIdentity", "accessKeyId"],
    &["tlsDetails", "tlsVersion"],
];

fn walk(value: Value<'_>) -> usize {
    match value {
        Value::Object(object) => object.iter().map(|(_, value)| walk(value)).sum(),
        Value::List(list) => list.iter().map(walk).sum(),
        _ => 1,
    }
}

fn event(c: &mut Criterion) {
    for (kind, records) in [("cloudtrail", records::cloudtrail(2_000)), ("nginx", records::nginx(2_000))] {
        let bytes: usize = records.iter().map(Vec::len).sum();
        let mut group = c.benchmark_group(kind);
        group.throughput(Throughput::Bytes(bytes as u64));
        let mut out = Vec::with_capacity(bytes * 2);
        group.bench_function(BenchmarkId::from_parameter("limit"), |b| {
            b.iter(|| {
                out.clear();
                for record in &records {
                    let value: sonic_rs::Value = sonic_rs::from_slice(record).unwrap();
                    black_box(&value);
                    out.extend_from_slice(record);
                }
            })
        });
        let mut symbols = Symbols::new();
        let paths: Vec<Vec<_>> =
            PATHS.iter().map(|path| path.iter().map(|name| (symbols.intern(name), *name)).collect()).collect();
        let mut arena = Arena::new(Arc::new(symbols));
        for (name, level) in [("untouched", 0), ("one level", 1), ("every subtree", 2)] {
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| {
                    out.clear();
                    for record in &records {
                        arena.reset();
                        let value = parse::document(&arena, record, 64).unwrap();
                        match level {
                            1 => {
                                for path in &paths {
                                    let mut at = Some(value);
                                    for (symbol, text) in path {
                                        at = at.and_then(|value| value.as_object()).and_then(|object| {
                                            object.get(&sluice::event::Key { symbol: *symbol, text })
                                        });
                                    }
                                    black_box(at);
                                }
                            }
                            2 => {
                                black_box(walk(value));
                            }
                            _ => {}
                        }
                        write::write(&value, &mut out);
                        out.push(b'\n');
                    }
                })
            });
        }
        group.finish();
    }
}

criterion_group!(benches, event);
criterion_main!(benches);
