//! Every metric: its name, kind and meaning, in one place.
//!
//! The counters of events obey, per process, `in = indexed + dropped + dead lettered + forgotten + in flight`: whatever comes in is
//! accounted for. Labels are few and bounded: topics and partitions of this member, and the fixed words of the program.

use metrics::{describe_counter, describe_gauge, describe_histogram};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

macro_rules! metrics_declared {
    ($($(#[$meta:meta])* $constant:ident = $kind:ident $name:literal, $help:literal;)*) => {
        $($(#[$meta])* pub const $constant: &str = $name;)*
        const METRICS: &[(&str, Kind, &str)] = &[$(($name, Kind::$kind, $help)),*];
    };
}

metrics_declared! {
    RECORDS_IN = Counter "sluice_records_in_total", "Records read from the input topics, by topic.";
    BYTES_IN = Counter "sluice_bytes_in_total", "Bytes of the records read, by topic.";
    EVENTS_IN = Counter "sluice_events_in_total", "Events found in the records; a record that cannot be opened counts as one.";
    EVENTS_INDEXED = Counter "sluice_events_indexed_total", "Events that the index has acknowledged.";
    EVENTS_DROPPED = Counter "sluice_events_dropped_total", "Events dropped by a pipeline, or by the rules of their envelope.";
    EVENTS_DEAD_LETTERED = Counter "sluice_events_dead_lettered_total", "Events whose dead letter is acknowledged, by stage and kind.";
    EVENTS_FORGOTTEN = Counter "sluice_events_forgotten_total", "Events let go with a revoked partition; its next owner reads them again.";
    EVENTS_IN_FLIGHT = Gauge "sluice_events_in_flight", "Events read and not yet indexed, dropped, dead lettered or forgotten.";
    MEMORY_IN_FLIGHT = Gauge "sluice_memory_in_flight_bytes", "Memory of records and events in flight.";
    LAG = Gauge "sluice_lag_records", "Records between the committed offset and the end of the log, by topic and partition.";
    OLDEST_UNCOMMITTED_AGE = Gauge "sluice_oldest_uncommitted_age_seconds", "How long ago the oldest record not yet committed was read, by topic and partition.";
    GAP_RECORDS = Counter "sluice_gap_records_total", "Records that retention deleted before they were read, by topic and partition.";
    COMMITS = Counter "sluice_commits_total", "Commits of offsets, by outcome.";
    REBALANCES = Counter "sluice_rebalances_total", "Assignments and revocations, by kind.";
    PARTITIONS_OWNED = Gauge "sluice_partitions_owned", "Partitions this member owns.";
    BULK_REQUESTS = Counter "sluice_bulk_requests_total", "Bulk requests, by outcome.";
    BULK_BYTES = Counter "sluice_bulk_bytes_total", "Bytes of bulk bodies sent, before compression.";
    BULK_SECONDS = Histogram "sluice_bulk_request_seconds", "From sending a bulk request to having its reply.";
    BULK_ITEMS = Counter "sluice_bulk_items_total", "Items of answered bulk requests, by verdict.";
    INDEX_HALTED = Gauge "sluice_index_halted", "1 while documents cannot be written, by cause.";
    PIPELINE_EVENTS = Counter "sluice_pipeline_events_total", "Events by the pipeline that took them and what became of them: kept, dropped, failed (indexed as they came); passed when none did.";
    RULE_MATCHES = Counter "sluice_rule_matches_total", "Events that a rule matched, by rule and by its state: on, or shadow.";
    RELOADS = Counter "sluice_reloads_total", "Reloads of pipelines and rules, by outcome: done, or refused.";
    CONDITIONS = Gauge "sluice_conditions", "Reasons for which this process is not ready.";
    LOG_LINES_LEFT_OUT = Counter "sluice_log_lines_left_out_total", "Log lines not written because the same line came too often.";
}

/// Upper bounds of the buckets of [`BULK_SECONDS`].
pub const BULK_SECONDS_BUCKETS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Tells the recorder what each metric means.
pub fn describe() {
    for (name, kind, help) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Histogram => describe_histogram!(*name, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_follow_prometheus() {
        let names: std::collections::BTreeSet<_> = METRICS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), METRICS.len());
        for (name, kind, help) in METRICS {
            assert!(name.starts_with("sluice_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(help.ends_with('.'), "{name}");
        }
    }
}
