//! The client edges, against librdkafka's in-process brokers and an index of our own: a member of a group at its group's hands, and the
//! whole program killed in the middle of its work. Waits are for states, with a limit that only a hang reaches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};
use sluice::deadletter::{self, DeadLetter, Entry};
use sluice::delivery::machine::{Commit, Partition};
use sluice::settings::Settings;
use sluice::source::properties::{self, FetchBudget};
use sluice::source::{Consumer, Event};

const HANG: Duration = Duration::from_secs(120);

fn cluster(topics: &[(&str, i32)]) -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    for (topic, partitions) in topics {
        cluster.create_topic(topic, *partitions, 1).unwrap();
    }
    cluster
}

fn produce(brokers: &str, topic: &str, records: impl IntoIterator<Item = (i32, String)>) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("linger.ms", "5").create().unwrap();
    for (partition, value) in records {
        producer.send(BaseRecord::<str, str>::to(topic).partition(partition).payload(&value)).unwrap();
    }
    producer.flush(HANG).unwrap();
}

struct Member {
    consumer: Consumer,
    woken: Receiver<()>,
    owned: BTreeSet<Partition>,
    offsets: BTreeMap<Partition, Vec<i64>>,
    answered: Vec<(Vec<Commit>, Option<String>)>,
}

impl Member {
    fn join(brokers: &str) -> Member {
        let text =
            format!("kafka: {{brokers: '{brokers}', topics: [logs]}}\nopensearch: {{nodes: ['http://127.0.0.1:1']}}\n");
        let settings = Settings::parse("test.yml", &text, &HashMap::new()).unwrap();
        let config = properties::consumer(&settings.kafka, "group", FetchBudget { bytes: 1 << 20, partitions: 2 });
        let (wake, woken) = channel();
        let wake = Arc::new(move || wake.send(()).unwrap_or_default());
        let consumer = Consumer::new(&config, &["logs"], wake).unwrap();
        Member { consumer, woken, owned: BTreeSet::new(), offsets: BTreeMap::new(), answered: Vec::new() }
    }

    fn turn(&mut self) {
        let _ = self.woken.recv_timeout(Duration::from_millis(20));
        for event in self.consumer.poll() {
            match event {
                Event::Assigned(partitions) => {
                    self.consumer.assign(&partitions).unwrap();
                    self.owned.extend(partitions);
                }
                Event::Revoked { partitions, .. } => {
                    self.consumer.unassign(&partitions).unwrap();
                    self.owned.retain(|partition| !partitions.contains(partition));
                }
                Event::CommitAnswered { commits, fault } => self.answered.push((commits, fault)),
                Event::Trouble { .. } => {}
                Event::Fatal(reason) => panic!("{reason}"),
            }
        }
        for partition in self.owned.clone() {
            if self.consumer.is_ready(&partition) {
                // Small reads, so that what is taken and not asked for must be kept.
                let fetched = self.consumer.read(&partition, 0, 50, 7);
                assert!(fetched.offsets().len() <= 7);
                self.offsets.entry(partition).or_default().extend(fetched.offsets());
            }
        }
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < HANG, "does not come: {what}");
    }
}

#[test]
fn a_member_reads_everything_once_commits_and_gives_back() {
    let cluster = cluster(&[("logs", 2)]);
    let brokers = cluster.bootstrap_servers();
    produce(&brokers, "logs", (0..600).map(|n| (n % 2, format!("record {n}"))));

    let mut first = Member::join(&brokers);
    until("all records", || {
        first.turn();
        first.offsets.values().map(Vec::len).sum::<usize>() >= 600
    });
    for (partition, offsets) in &first.offsets {
        assert_eq!(*offsets, (0..300).collect::<Vec<_>>(), "{partition}");
    }

    let commits: Vec<Commit> = first
        .owned
        .iter()
        .map(|partition| Commit { partition: partition.clone(), offset: 120, metadata: "epoch 1".into() })
        .collect();
    first.consumer.commit(&commits).unwrap();
    until("the answer to the commit", || {
        first.turn();
        !first.answered.is_empty()
    });
    let (stored, fault) = first.answered.remove(0);
    assert_eq!((stored.len(), fault), (2, None));
    let locator = first.consumer.locator();
    let located = locator.locate(&commits[0].partition).unwrap();
    drop(locator);
    let committed = located.committed.unwrap();
    assert_eq!((committed.offset, committed.metadata.as_str(), located.high), (120, "epoch 1", 300));

    // Another joins, and takes over from the committed offset; nobody waits for one that leaves.
    let mut second = Member::join(&brokers);
    until("a partition for the second member", || {
        first.turn();
        second.turn();
        second.offsets.values().any(|offsets| offsets.len() >= 180)
    });
    for offsets in second.offsets.values() {
        assert_eq!(*offsets, (120..300).collect::<Vec<_>>());
    }
    first.consumer.close();
    second.consumer.close();
}

/// What the index of the test holds: bodies by id, and how often each id was sent.
#[derive(Default)]
struct Stored {
    documents: HashMap<String, Value>,
    sent: HashMap<String, usize>,
    requests: usize,
}

#[derive(Default)]
struct Index {
    stored: Mutex<Stored>,
    changed: Condvar,
}

impl Index {
    fn until(&self, what: &str, done: impl Fn(&Stored) -> bool) {
        let stored = self.stored.lock().unwrap();
        let (stored, waited) = self.changed.wait_timeout_while(stored, HANG, |stored| !done(stored)).unwrap();
        drop(stored);
        assert!(!waited.timed_out(), "does not come: {what}");
    }
}

/// An index that has no room for every fifth request and for every seventh new document, refuses those with a bad field, and leaves some
/// requests without an answer after applying them.
async fn bulk(State(index): State<Arc<Index>>, body: String) -> (axum::http::StatusCode, String) {
    use axum::http::StatusCode;
    let mut stored = index.stored.lock().unwrap();
    stored.requests += 1;
    if stored.requests % 5 == 0 {
        return (StatusCode::TOO_MANY_REQUESTS, "{}".into());
    }
    let mut items = Vec::new();
    let mut lines = body.lines();
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        let action: Value = serde_json::from_str(action).unwrap();
        let id = action["create"]["_id"].as_str().unwrap().to_owned();
        let sent = stored.sent.entry(id.clone()).or_default();
        *sent += 1;
        let first_time = *sent == 1;
        let source: Value = serde_json::from_str(source).unwrap();
        let item = if source.get("refuse").is_some() {
            json!({"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "failed to parse field [refuse]"}})
        } else if first_time && source["n"].as_u64().is_some_and(|n| n % 7 == 0) {
            json!({"status": 429, "error": {"type": "rejected_execution_exception", "reason": "queue full"}})
        } else if stored.documents.insert(id, source).is_some() {
            json!({"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "exists"}})
        } else {
            json!({"status": 201})
        };
        items.push(json!({"create": item}));
    }
    index.changed.notify_all();
    if stored.requests % 7 == 0 {
        return (StatusCode::GATEWAY_TIMEOUT, String::new());
    }
    (StatusCode::OK, json!({"errors": true, "items": items}).to_string())
}

fn start_index(runtime: &tokio::runtime::Runtime) -> (SocketAddr, Arc<Index>) {
    let index = Arc::new(Index::default());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/_bulk", post(bulk))
        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
        .with_state(index.clone());
    runtime.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (address, index)
}

/// A running `sluice run`; killed when the test fails.
struct Running(Child);

impl Running {
    fn start(settings: &std::path::Path) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args(["run", "-c"])
            .arg(settings)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Running(child)
    }

    fn terminate(mut self) -> Option<i32> {
        let done = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status().unwrap();
        assert!(done.success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn dead_letters(brokers: &str) -> Vec<DeadLetter> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("group.id", "reader").create().unwrap();
    let (_, high) = consumer.fetch_watermarks("sluice.dead-letters", 0, HANG).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("sluice.dead-letters", 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let mut letters = Vec::new();
    until("the dead letters", || {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let headers = message.headers().unwrap();
            let headers = headers.iter().map(|header| (header.key, header.value.unwrap_or_default()));
            let value = bytes::Bytes::copy_from_slice(message.payload().unwrap_or_default());
            match deadletter::read(headers, value).unwrap() {
                Entry::Letter(letter) => letters.push(*letter),
                Entry::Retried(mark) => panic!("nothing was retried: {mark:?}"),
            }
        }
        letters.len() as i64 >= high
    });
    letters
}

#[test]
fn a_program_killed_in_the_middle_leaves_every_event_once_and_every_fault_in_the_dead_letters() {
    let cluster = cluster(&[("logs", 3), ("sluice.dead-letters", 1)]);
    let brokers = cluster.bootstrap_servers();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (address, index) = start_index(&runtime);
    let records = 6_000;
    let (mut events, mut poison, mut refused) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    produce(
        &brokers,
        "logs",
        (0..records).map(|n| {
            let value = match n % 500 {
                3 => {
                    poison.insert(n);
                    format!("{{\"n\":{n},")
                }
                4 => {
                    refused.insert(n);
                    json!({"n": n, "refuse": 1}).to_string()
                }
                5 => {
                    events.extend([(n, 0), (n, 1)]);
                    format!("{}{}", json!({"n": n, "part": 0}), json!({"n": n, "part": 1}))
                }
                _ => {
                    events.insert((n, 0));
                    json!({"n": n, "part": 0, "text": "x".repeat(300)}).to_string()
                }
            };
            (n % 3, value)
        }),
    );

    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("sluice.yml");
    let text = format!(
        "kafka:\n  brokers: '{brokers}'\n  topics: [logs]\n  properties: {{session.timeout.ms: 5000, heartbeat.interval.ms: 300}}\n\
         opensearch:\n  nodes: ['http://{address}']\ntelemetry:\n  listen: 127.0.0.1:0\n  log: error\n"
    );
    fs::write(&settings, text).unwrap();

    let first = Running::start(&settings);
    index.until("some documents", |stored| stored.documents.len() > 500);
    // Its end is `kill -9`.
    drop(first);
    let second = Running::start(&settings);
    index.until("the other documents", |stored| stored.documents.len() >= events.len());
    let reader: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("group.id", "sluice").create().unwrap();
    until("the last commit", || {
        let mut list = TopicPartitionList::new();
        list.add_partition_range("logs", 0, 2);
        let committed = reader.committed_offsets(list, HANG).unwrap();
        let sum: i64 = committed.elements().iter().filter_map(|e| e.offset().to_raw()).filter(|o| *o > 0).sum();
        sum == i64::from(records)
    });
    assert_eq!(second.terminate(), Some(0));

    let stored = index.stored.lock().unwrap();
    let number = |document: &Value, key: &str| document[key].as_i64().unwrap() as i32;
    let found: Vec<(i32, i32)> = stored.documents.values().map(|d| (number(d, "n"), number(d, "part"))).collect();
    assert_eq!(found.len(), events.len(), "an event has two ids");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), events);

    let mut places: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    let letters = dead_letters(&brokers);
    for letter in &letters {
        // Record n lies at offset n / 3 of partition n % 3.
        let n = letter.first.offset as i32 * 3 + letter.first.partition;
        places.entry(letter.fault.stage.as_str()).or_default().insert(n);
        assert!(letter.value.starts_with(format!("{{\"n\":{n},").as_bytes()), "{letter:?}");
    }
    assert_eq!(places, BTreeMap::from([("decode", poison), ("index", refused)]));
}
