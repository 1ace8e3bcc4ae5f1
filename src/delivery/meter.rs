//! What the delivery shows in metrics. Names and meanings stand in [`crate::telemetry::names`].

use std::sync::Arc;

use metrics::{counter, gauge};

use super::lane::Status;
use super::machine::Partition;
use super::producer::Letter;
use crate::telemetry::names;

pub fn read(partition: &Partition, records: usize, bytes: u64) {
    counter!(names::RECORDS_IN, "topic" => topic(partition)).increment(records as u64);
    counter!(names::BYTES_IN, "topic" => topic(partition)).increment(bytes);
}

pub fn rebalanced(kind: &'static str, partitions: &[Partition]) {
    counter!(names::REBALANCES, "kind" => kind).increment(1);
    tracing::info!(kind, partitions = ?partitions.iter().map(ToString::to_string).collect::<Vec<_>>(), "rebalance");
}

/// Partitions of another member now: what we knew of them is old.
pub fn let_go(partitions: &[Partition]) {
    for partition in partitions {
        lag(partition).set(0.0);
        age(partition).set(0.0);
    }
}

pub fn gap(partition: &Partition, records: i64) {
    counter!(names::GAP_RECORDS, "topic" => topic(partition), "partition" => partition.number.to_string())
        .increment(records.unsigned_abs());
}

pub fn committed(done: bool) {
    counter!(names::COMMITS, "outcome" => if done { "done" } else { "failed" }).increment(1);
}

pub fn dead_lettered(letter: &Letter) {
    for reject in std::iter::once(&letter.first).chain(&letter.others) {
        counter!(names::EVENTS_DEAD_LETTERED, "stage" => reject.stage.name(), "kind" => reject.kind).increment(1);
    }
}

pub fn show(status: &Status, now_ms: i64) {
    let counts = &status.counts;
    counter!(names::EVENTS_IN).absolute(counts.received);
    counter!(names::EVENTS_INDEXED).absolute(counts.indexed);
    counter!(names::EVENTS_DROPPED).absolute(counts.dropped);
    counter!(names::EVENTS_FORGOTTEN).absolute(counts.forgotten);
    gauge!(names::EVENTS_IN_FLIGHT).set(status.in_flight_events as f64);
    gauge!(names::MEMORY_IN_FLIGHT).set(status.in_flight_bytes as f64);
    gauge!(names::PARTITIONS_OWNED).set(status.partitions.len() as f64);
    for state in &status.partitions {
        let from = state.committed.or(state.next_offset).unwrap_or(state.low);
        lag(&state.partition).set((state.high - from).max(0) as f64);
        let oldest_ms = state.oldest_ms.map_or(0, |oldest_ms| (now_ms - oldest_ms).max(0));
        age(&state.partition).set(oldest_ms as f64 / 1_000.0);
    }
}

fn lag(partition: &Partition) -> metrics::Gauge {
    gauge!(names::LAG, "topic" => topic(partition), "partition" => partition.number.to_string())
}

fn age(partition: &Partition) -> metrics::Gauge {
    gauge!(names::OLDEST_UNCOMMITTED_AGE, "topic" => topic(partition), "partition" => partition.number.to_string())
}

fn topic(partition: &Partition) -> Arc<str> {
    partition.topic.clone()
}
