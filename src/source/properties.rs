//! What librdkafka is told: what the delivery promise needs, what the memory budget allows, then what the settings say.
//!
//! The settings may override any property but those that `settings` refuses. librdkafka's defaults would prefetch 64 MiB per partition and
//! let a producer hold 1 GiB, whatever the budget.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::settings::Kafka;

/// Memory that a consumer may take for fetched records, and among how many partitions at most it is divided.
#[derive(Clone, Copy, Debug)]
pub struct FetchBudget {
    pub bytes: usize,
    pub partitions: usize,
}

/// Properties that only consumers know; a producer that is given them complains.
const CONSUMER_ONLY: [&str; 14] = [
    "group.",
    "session.timeout",
    "heartbeat.interval",
    "partition.assignment",
    "max.poll.interval",
    "queued.",
    "fetch.",
    "max.partition.fetch",
    "isolation.level",
    "check.crcs",
    "consume.callback",
    "coordinator.query",
    "auto.commit",
    "enable.partition.eof",
];

/// Properties that only producers know.
const PRODUCER_ONLY: [&str; 13] = [
    "queue.buffering",
    "linger.ms",
    "batch.",
    "compression",
    "message.timeout",
    "delivery.timeout",
    "request.required.acks",
    "request.timeout",
    "retries",
    "message.send.max.retries",
    "partitioner",
    "sticky.partitioning",
    "delivery.report",
];

pub fn consumer(kafka: &Kafka, group: &str, budget: FetchBudget) -> ClientConfig {
    let mut config = common(kafka);
    // Of a partition's share, one half may be queued and one half under way.
    let share = (budget.bytes / budget.partitions.max(1) / 2).clamp(64 << 10, 8 << 20);
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .set("queued.max.messages.kbytes", (share >> 10).to_string())
        .set("max.partition.fetch.bytes", share.min(1 << 20).to_string())
        .set("fetch.max.bytes", (budget.bytes / 4).clamp(1 << 20, 50 << 20).to_string())
        // The broker gathers records for a moment, so that a slow stream gives batches and not single records.
        .set("fetch.min.bytes", "65536")
        .set("fetch.wait.max.ms", "100")
        // A full queue is looked at again soon; the default pause of a second would starve a fast reader with small queues.
        .set("fetch.queue.backoff.ms", "20")
        // New partitions and topics are seen within half a minute.
        .set("topic.metadata.refresh.interval.ms", "30000");
    if kafka.properties.get("group.protocol").is_none_or(|protocol| protocol.reveal() != "consumer") {
        // With the broker-side protocol these are the broker's to set. A killed member's partitions wait for as long as its session.
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "15000")
            .set("heartbeat.interval.ms", "3000");
    }
    apply(&mut config, kafka, &PRODUCER_ONLY);
    config
}

pub fn producer(kafka: &Kafka, queue_bytes_max: usize) -> ClientConfig {
    let mut config = common(kafka);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "20")
        .set("queue.buffering.max.kbytes", (queue_bytes_max >> 10).max(1024).to_string())
        // Records are tried for as long as it takes: nothing may be given up.
        .set("message.timeout.ms", "0")
        .set("compression.codec", "zstd");
    apply(&mut config, kafka, &CONSUMER_ONLY);
    config
}

fn common(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &kafka.brokers)
        .set("client.id", "sluice")
        .set("socket.keepalive.enable", "true")
        .set_log_level(RDKafkaLogLevel::Info);
    config
}

fn apply(config: &mut ClientConfig, kafka: &Kafka, foreign: &[&str]) {
    for (name, value) in &kafka.properties {
        if !foreign.iter().any(|prefix| name.starts_with(prefix)) {
            config.set(name, value.reveal());
        }
    }
}
