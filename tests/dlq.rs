//! `sluice dlq` against librdkafka's in-process brokers: what is listed and shown, and that a retry brings the record back to where it lay, once.

use std::process::{Command, Output};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message as _, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{Offset, TopicPartitionList};
use sluice::deadletter::{self, Message};
use sluice::record::{Coordinates, Origin, Record};
use sluice::reject::{Reject, Stage};
use tempfile::TempDir;

struct World {
    cluster: MockCluster<'static, DefaultProducerContext>,
    folder: TempDir,
}

impl World {
    fn new() -> World {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("logs", 3, 1).unwrap();
        cluster.create_topic("sluice.dead-letters", 2, 1).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = format!(
            "kafka:\n  brokers: {}\n  topics: [logs]\nopensearch:\n  nodes: [http://127.0.0.1:9200]\n",
            cluster.bootstrap_servers()
        );
        std::fs::write(folder.path().join("sluice.yml"), settings).unwrap();
        World { cluster, folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sluice"))
            .arg("dlq")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed, for what it prints.
    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn producer(&self) -> BaseProducer {
        ClientConfig::new().set("bootstrap.servers", self.cluster.bootstrap_servers()).create().unwrap()
    }

    fn write(&self, topic: &str, partition: i32, message: &Message) {
        let producer = self.producer();
        let headers = message
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        let record = BaseRecord::to(topic).partition(partition).key(&message.key).payload(&message.value[..]);
        producer.send(record.headers(headers)).map_err(|(error, _)| error).unwrap();
        producer.flush(Duration::from_secs(10)).unwrap();
    }

    /// Values, keys and claimed first places of all records of a topic's partition.
    fn read(&self, topic: &str, partition: i32) -> Vec<(Vec<u8>, Option<Vec<u8>>, Option<Origin>)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", "test")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let mut found = Vec::new();
        // The end of the partition comes as an error.
        while let Some(Ok(message)) = consumer.poll(Duration::from_secs(20)) {
            let headers = message
                .headers()
                .map_or(Vec::new(), |h| h.iter().map(|h| (h.key, h.value.unwrap_or_default())).collect());
            let at = Coordinates { topic: topic.into(), partition, offset: message.offset() + 1_000 };
            let origin = deadletter::origin(headers.into_iter(), &at, 0);
            found.push((message.payload().unwrap_or_default().to_vec(), message.key().map(<[u8]>::to_vec), origin));
        }
        found
    }
}

fn letter(topic: &str, offset: i64, value: &'static [u8], kind: &'static str, value_bytes_max: usize) -> Message {
    let at = Coordinates { topic: topic.into(), partition: 2, offset };
    let record =
        Record::new(at, 0, 1_790_000_000_000, Some(Bytes::from_static(b"host-1")), Some(Bytes::from_static(value)));
    let reason = format!("it was {kind}");
    let reject = Reject { record, position: None, stage: Stage::Decode, kind, reason };
    deadletter::encode(&reject, &[], value_bytes_max)
}

/// The time at the beginning of a line is the broker's.
fn without_time(text: &str) -> String {
    text.lines().map(|line| line.split_once("Z  ").map_or(line, |(_, rest)| rest)).collect::<Vec<_>>().join("\n")
}

#[test]
fn letters_are_listed_shown_and_brought_back() {
    let world = World::new();
    assert_eq!(world.prints(&["list"]), "0 open dead letters\n");
    for (partition, message) in [
        (0, letter("logs", 5, b"{broken", "json_invalid", 100)),
        (1, letter("logs", 6, b"a long value", "payload_too_large", 4)),
        (0, letter("gone", 7, b"\xff\x00", "invalid_utf8", 100)),
        // The same record once more, after a restart.
        (0, letter("logs", 5, b"{broken", "json_invalid", 100)),
    ] {
        world.write("sluice.dead-letters", partition, &message);
    }
    let mut listed: Vec<String> = without_time(&world.prints(&["list"])).lines().map(str::to_owned).collect();
    listed[..3].sort();
    assert_eq!(
        listed,
        [
            "gone/2/7  decode  invalid_utf8  it was invalid_utf8",
            "logs/2/5  decode  json_invalid  it was json_invalid",
            "logs/2/6  decode  payload_too_large  it was payload_too_large",
            "3 open dead letters",
            "      1  decode  invalid_utf8",
            "      1  decode  json_invalid",
            "      1  decode  payload_too_large",
        ]
    );
    let json: serde_json::Value =
        serde_json::from_str(&world.prints(&["list", "--json", "--kind", "json_invalid"])).unwrap();
    assert_eq!((&json["topic"], &json["offset"], &json["kind"]), (&"logs".into(), &5.into(), &"json_invalid".into()));
    assert!(world.prints(&["list", "--until", "1h"]).starts_with("0 open"));
    assert!(world.prints(&["list", "--since", "1h", "--stage", "decode"]).contains("3 open"));

    let shown = world.prints(&["show", "logs/2/5"]);
    assert!(shown.contains("record:  decode  json_invalid  it was json_invalid\n"), "{shown}");
    assert!(shown.ends_with("key:       host-1\nvalue:     7 bytes\n{broken\n"), "{shown}");
    assert_eq!(world.run(&["show", "gone/2/7", "--raw"]).stdout, b"\xff\x00");
    assert!(world.prints(&["show", "logs/2/6"]).contains("cut:       4 of 12 bytes; SHA-256 of all "));

    // Nothing is produced by a dry run; what cannot be retried is said and makes the command fail.
    let dry = world.run(&["retry", "--all", "--dry-run"]);
    assert!(!dry.status.success());
    let said = without_time(&String::from_utf8(dry.stdout).unwrap());
    for line in [
        "gone/2/7: cannot be retried: gone is no input topic of the settings",
        "logs/2/6: cannot be retried: its value was too long for the dead letters and is not whole",
        "logs/2/5  decode  json_invalid  it was json_invalid",
        "1 would be retried, 2 cannot be",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert_eq!(world.read("logs", 2), []);

    assert_eq!(world.prints(&["retry", "--kind", "json_invalid"]), "1 retried, 0 cannot be, 0 failed\n");
    let first = Origin { epoch: 0, partition: 2, offset: 5, timestamp_ms: 1_790_000_000_000 };
    assert_eq!(world.read("logs", 2), [(b"{broken".to_vec(), Some(b"host-1".to_vec()), Some(first))]);
    assert!(world.prints(&["list"]).contains("2 open dead letters"));
    assert_eq!(world.prints(&["retry", "--kind", "json_invalid"]), "0 retried, 0 cannot be, 0 failed\n");
    // Rejected again, it is open again.
    world.write("sluice.dead-letters", 0, &letter("logs", 5, b"{broken", "json_invalid", 100));
    assert!(world.prints(&["list"]).contains("3 open dead letters"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let world = World::new();
    for (arguments, code, said) in [
        (
            &["retry"][..],
            1,
            "error: say which: give a filter, --place or --all (and --dry-run to see what they take)\n",
        ),
        (
            &["show", "logs/2/5"],
            1,
            "error: there is no open dead letter of logs/2/5; `sluice dlq list` shows those that there are\n",
        ),
        (&["show", "logs"], 2, "`logs` is no TOPIC/PARTITION/OFFSET, as logs/2/40"),
        (
            &["list", "--since", "yesterday"],
            2,
            "neither a time as 2026-01-02T03:04:05Z nor a duration as 90m, 12h or 7d",
        ),
    ] {
        let output = world.run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}
