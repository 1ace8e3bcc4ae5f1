//! The servers, the replicas under test and how to wait for what they do.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Longer than anything here takes on a slow machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Templates have one name per cluster and some limits hold for all of it: one test has the servers at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The servers that `dev/stack up` started, and what one test has to itself on them.
pub struct World {
    pub name: String,
    pub kafka: String,
    pub opensearch: String,
    pub dir: tempfile::TempDir,
    pub runtime: Runtime,
    http: reqwest::Client,
    _turn: MutexGuard<'static, ()>,
}

/// A dead letter as it lies in its topic.
#[derive(Clone, Debug)]
pub struct Letter {
    pub headers: BTreeMap<String, String>,
}

impl World {
    /// `None`, said in a line, when no servers are there.
    pub fn new(name: &str) -> Option<World> {
        let (Ok(kafka), Ok(opensearch)) =
            (std::env::var("SLUICE_STACK_KAFKA"), std::env::var("SLUICE_STACK_OPENSEARCH"))
        else {
            println!("skipped: no Kafka and OpenSearch (SLUICE_STACK_KAFKA is not set): eval \"$(dev/stack up)\"");
            return None;
        };
        let unique = std::process::id();
        Some(World {
            name: format!("{name}-{unique}"),
            kafka,
            opensearch,
            dir: tempfile::tempdir().unwrap(),
            runtime: Runtime::new().unwrap(),
            http: reqwest::Client::new(),
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
        })
    }

    pub fn topic(&self, what: &str) -> String {
        format!("{}-{what}", self.name)
    }

    pub fn group(&self) -> String {
        format!("{}-group", self.name)
    }

    /// The events index of this test; a prefix of its own keeps other tests' documents away.
    pub fn index_prefix(&self) -> String {
        format!("logs-{}", self.name)
    }

    /// Writes a settings file: this test's topics (as YAML), group, indices and free ports.
    pub fn settings(&self, file: &str, topics: &[String], opensearch: &str, kafka_properties: &str) -> PathBuf {
        let path = self.dir.path().join(file);
        let text = format!(
            "kafka:\n  brokers: {kafka}\n  group: {group}\n  topics: [{topics}]\n  dead_letters: {dead}\n  properties: {{{kafka_properties}}}\n\
             opensearch:\n  nodes: [{opensearch}]\n  request_timeout: 10s\n\
             events:\n  index: \"{prefix}-{{namespace}}-{{yyyy.MM.dd}}\"\n\
             pipelines:\n  dir: {root}/pipelines/sources\n\
             telemetry:\n  listen: 127.0.0.1:0\n",
            kafka = self.kafka,
            group = self.group(),
            topics = topics.join(", "),
            dead = self.topic("dead-letters"),
            prefix = self.index_prefix(),
            root = env!("CARGO_MANIFEST_DIR"),
        );
        fs::write(&path, text).unwrap();
        path
    }

    pub fn make_topic(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<_> = self.kafka_config().create().unwrap();
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let made = self.runtime.block_on(admin.create_topics([&new], &AdminOptions::new())).unwrap();
        made.into_iter().for_each(|result| assert!(result.is_ok(), "{result:?}"));
    }

    fn kafka_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka);
        config
    }

    /// Produces records and waits until the broker has them all. Partition, key, value.
    pub fn produce(&self, topic: &str, records: impl IntoIterator<Item = (i32, Option<Vec<u8>>, Option<Vec<u8>>)>) {
        let mut config = self.kafka_config();
        config.set("message.max.bytes", "20000000").set("queue.buffering.max.messages", "1000000");
        let producer: ThreadedProducer<_> = config.create().unwrap();
        for (partition, key, value) in records {
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(partition);
            if let Some(key) = &key {
                record = record.key(key);
            }
            if let Some(value) = &value {
                record = record.payload(value);
            }
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// Records that the group has not committed, over all partitions of a topic; `i64::MAX` while nobody can say.
    pub fn lag(&self, topic: &str) -> i64 {
        let mut config = self.kafka_config();
        config.set("group.id", self.group());
        let consumer: BaseConsumer = config.create().unwrap();
        let timeout = Duration::from_secs(10);
        let metadata = consumer.fetch_metadata(Some(topic), timeout).unwrap();
        let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(|partition| partition.id()).collect();
        let mut list = TopicPartitionList::new();
        for partition in &partitions {
            list.add_partition(topic, *partition);
        }
        // A group's coordinator is not there at once; whoever asks, asks again.
        let Ok(committed) = consumer.committed_offsets(list, timeout) else { return i64::MAX };
        partitions
            .iter()
            .map(|partition| {
                let (low, high) = consumer.fetch_watermarks(topic, *partition, timeout).unwrap();
                let at = match committed.find_partition(topic, *partition).unwrap().offset() {
                    Offset::Offset(offset) => offset,
                    _ => low,
                };
                high - at
            })
            .sum()
    }

    /// All dead letters, folded by key as compaction would.
    pub fn dead_letters(&self) -> BTreeMap<Vec<u8>, Letter> {
        let topic = self.topic("dead-letters");
        let mut config = self.kafka_config();
        config.set("group.id", format!("{}-reader", self.name));
        let consumer: BaseConsumer = config.create().unwrap();
        let timeout = Duration::from_secs(10);
        let metadata = consumer.fetch_metadata(Some(&topic), timeout).unwrap();
        let mut left = 0;
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            let (low, high) = consumer.fetch_watermarks(&topic, partition.id(), timeout).unwrap_or((0, 0));
            left += high - low;
            list.add_partition_offset(&topic, partition.id(), Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let mut letters = BTreeMap::new();
        let started = Instant::now();
        while left > 0 {
            assert!(started.elapsed() < PATIENCE, "{left} dead letters cannot be read");
            let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
            let message = message.unwrap();
            left -= 1;
            let headers = message.headers().map_or_else(BTreeMap::new, |headers| {
                headers
                    .iter()
                    .map(|header| {
                        (header.key.to_owned(), String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned())
                    })
                    .collect()
            });
            letters.insert(message.key().unwrap_or_default().to_vec(), Letter { headers });
        }
        letters
    }

    /// A request to OpenSearch itself, past any proxy.
    pub fn search(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.runtime.block_on(async {
            let mut request = self.http.request(method, format!("{}/{path}", self.opensearch));
            if let Some(body) = body {
                request = request.json(&body);
            }
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json().await.unwrap_or(Value::Null))
        })
    }

    /// `_id` and `_source` of every document of this test's events indices.
    pub fn documents(&self) -> Vec<(String, Value)> {
        self.documents_of(&format!("{}-*", self.index_prefix()))
    }

    pub fn documents_of(&self, pattern: &str) -> Vec<(String, Value)> {
        self.search(reqwest::Method::POST, &format!("{pattern}/_refresh"), None);
        let (status, mut page) = self.search(
            reqwest::Method::POST,
            &format!("{pattern}/_search?scroll=5m"),
            Some(json!({"size": 5_000, "sort": ["_doc"]})),
        );
        assert_eq!(status, 200, "{page}");
        let mut found = Vec::new();
        loop {
            let hits = page["hits"]["hits"].as_array().cloned().unwrap_or_default();
            if hits.is_empty() {
                return found;
            }
            found.extend(
                hits.into_iter().map(|mut hit| (hit["_id"].as_str().unwrap().to_owned(), hit["_source"].take())),
            );
            let scroll = page["_scroll_id"].clone();
            page = self
                .search(reqwest::Method::POST, "_search/scroll", Some(json!({"scroll": "5m", "scroll_id": scroll})))
                .1;
        }
    }

    /// How many documents the events indices hold.
    pub fn count(&self) -> u64 {
        let pattern = format!("{}-*", self.index_prefix());
        self.search(reqwest::Method::POST, &format!("{pattern}/_refresh"), None);
        self.search(reqwest::Method::GET, &format!("{pattern}/_count"), None).1["count"].as_u64().unwrap_or(0)
    }

    /// Runs a command of the program to its end.
    pub fn sluice(&self, args: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_sluice")).args(args).output().unwrap()
    }

    pub fn setup(&self, settings: &Path) {
        let output = self.sluice(&["setup", "-c", settings.to_str().unwrap()]);
        assert!(output.status.success(), "setup: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A replica under test. Dropping it kills it.
pub struct Replica {
    child: Child,
    pub log: PathBuf,
}

impl Replica {
    pub fn start(world: &World, name: &str, settings: &Path) -> Replica {
        let log = world.dir.path().join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args(["run", "-c", settings.to_str().unwrap()])
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Replica { child, log }
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        let mut status = None;
        wait_for("a replica to end after SIGTERM", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn assert_runs(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("a replica ended with {status}:\n{}", tail(&self.log()));
        }
    }

    /// The address of its /metrics, /livez and /readyz, which it logs.
    pub fn address(&self) -> String {
        let mut address = None;
        wait_for("the replica to log where it listens", || {
            address = self.log().lines().find_map(|line| {
                let at = line.find("127.0.0.1:")?;
                let port: String = line[at + 10..].chars().take_while(char::is_ascii_digit).collect();
                line.contains("listen").then(|| format!("127.0.0.1:{port}"))
            });
            address.is_some()
        });
        address.unwrap()
    }

    pub fn get(&self, world: &World, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.address());
        world.runtime.block_on(async {
            let response = world.http.get(url).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// Asks again and again until it is so; a test fails that waits for more than its patience.
pub fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < PATIENCE, "waited {} s for {what}", PATIENCE.as_secs());
        std::thread::park_timeout(Duration::from_millis(100));
    }
}
