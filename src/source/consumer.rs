//! One member of a consumer group.
//!
//! The group's callbacks run on the thread that polls; they only note what was said. Answering is a call of its own, made when the
//! delivery machine has decided. When the consumer is closed, revokes are answered right away, because nobody listens any more and a
//! client whose revoke is not answered never ends.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use super::locate::Locator;
use super::queue::{Fetched, PartitionQueue, Wake};
use crate::delivery::machine::{Commit, Partition};
use crate::record::Coordinates;

/// What the group or the client says.
#[derive(Debug)]
pub enum Event {
    Assigned(Vec<Partition>),
    Revoked {
        partitions: Vec<Partition>,
        lost: bool,
    },
    CommitAnswered {
        commits: Vec<Commit>,
        fault: Option<String>,
    },
    /// Something that passes by itself or that an operator must repair; the client goes on trying.
    Trouble {
        kind: &'static str,
        reason: String,
    },
    /// The client cannot go on.
    Fatal(String),
}

/// Consumes topics as a member of a group. Belongs to the thread that polls it.
pub struct Consumer {
    client: Arc<BaseConsumer<Context>>,
    queues: HashMap<Partition, PartitionQueue>,
    wake: Wake,
}

impl Consumer {
    /// Connects in the background; fails only on settings that librdkafka refuses. `wake` is called when there is something to poll or to read.
    pub fn new(config: &ClientConfig, topics: &[&str], wake: Wake) -> anyhow::Result<Consumer> {
        let context = Context::default();
        let mut client: BaseConsumer<Context> = config.create_with_context(context).map_err(refused)?;
        let on_event = wake.clone();
        client.set_nonempty_callback(move || on_event());
        client.subscribe(topics).context("subscribe to the topics")?;
        Ok(Consumer { client: Arc::new(client), queues: HashMap::new(), wake })
    }

    /// Serves the client and gives what was noted. Never waits.
    pub fn poll(&mut self) -> Vec<Event> {
        // Each call serves at most one rebalance; records cannot come here, their queues are split.
        for _ in 0..EVENTS_MAX {
            match self.client.poll(Duration::ZERO) {
                None if self.is_quiet() => break,
                None | Some(Ok(_)) => {}
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => self.note(Event::Fatal(code.to_string())),
                // The context's `error` has noted it with its text.
                Some(Err(_)) => {}
            }
        }
        std::mem::take(&mut *self.noted()).into()
    }

    /// `poll` says "nothing" also after serving a callback; then there may be more.
    fn is_quiet(&self) -> bool {
        self.noted().len() >= EVENTS_MAX || {
            let served = self.client.context().served.swap(false, Ordering::Relaxed);
            !served
        }
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, VecDeque<Event>> {
        self.client.context().noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: Event) {
        self.noted().push_back(event);
    }

    /// Answers the group that the partitions are taken; reading begins at their committed offsets.
    pub fn assign(&mut self, partitions: &[Partition]) -> anyhow::Result<()> {
        for partition in partitions {
            let queue = PartitionQueue::split(&self.client, &partition.topic, partition.number, &self.wake)
                .with_context(|| format!("no queue for {partition}"))?;
            self.queues.insert(partition.clone(), queue);
        }
        let list = list_of(partitions.iter().map(|partition| (partition, Offset::Stored)));
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.client.incremental_assign(&list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.client.assign(&list),
        }
        .context("take the assigned partitions")
    }

    /// Answers the group that the partitions are given back.
    pub fn unassign(&mut self, partitions: &[Partition]) -> anyhow::Result<()> {
        for partition in partitions {
            self.queues.remove(partition);
        }
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {
                self.client.incremental_unassign(&list_of(partitions.iter().map(|p| (p, Offset::Invalid))))
            }
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.client.unassign(),
        }
        .context("give partitions back")
    }

    /// Whether there may be records of the partition.
    pub fn is_ready(&self, partition: &Partition) -> bool {
        self.queues.get(partition).is_some_and(PartitionQueue::is_ready)
    }

    pub fn read(&mut self, partition: &Partition, epoch: u32, bytes_max: usize, records_max: usize) -> Fetched {
        let Some(queue) = self.queues.get_mut(partition) else { return Fetched::default() };
        let at = Coordinates { topic: partition.topic.clone(), partition: partition.number, offset: 0 };
        queue.read(&at, epoch, bytes_max, records_max)
    }

    /// What was taken from the partition's queue is void: it is fetched from elsewhere now.
    pub fn clear(&mut self, partition: &Partition) {
        if let Some(queue) = self.queues.get_mut(partition) {
            queue.clear();
        }
    }

    /// Stores offsets. The answer comes as [`Event::CommitAnswered`]; nothing waits for it here.
    pub fn commit(&self, commits: &[Commit]) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::with_capacity(commits.len());
        for commit in commits {
            let mut entry = list.add_partition(&commit.partition.topic, commit.partition.number);
            entry.set_offset(Offset::Offset(commit.offset)).context("commit an offset")?;
            if !commit.metadata.is_empty() {
                // Once per entry: a second call would leak the first text.
                entry.set_metadata(&commit.metadata);
            }
        }
        super::locate::commit_to_queue(&self.client, &list).context("commit offsets")
    }

    /// Where the partition's log begins and ends, as the last fetch told. No question to the broker.
    pub fn watermarks(&self, partition: &Partition) -> Option<(i64, i64)> {
        super::locate::known_watermarks(&self.client, partition)
    }

    /// For questions that wait for a broker, from another thread.
    pub fn locator(&self) -> Locator {
        Locator::new(self.client.clone())
    }

    /// Leaves the group, and returns when it is left. Every [`Locator`] must be on its way out: the client ends with the last of them.
    pub fn close(mut self) {
        self.client.context().closing.store(true, Ordering::Release);
        // What was noted and not answered: the client waits for it.
        let unanswered = std::mem::take(&mut *self.noted());
        self.queues.clear();
        for event in unanswered {
            let answered = match event {
                Event::Assigned(_) => self.assign(&[]),
                Event::Revoked { partitions, .. } => self.unassign(&partitions),
                _ => Ok(()),
            };
            if let Err(error) = answered {
                tracing::debug!("closing the consumer: {error:#}");
            }
        }
        let until = Instant::now() + CLOSE_MAX;
        while Arc::strong_count(&self.client) > 1 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A question to a broker that is away ends within this time.
const CLOSE_MAX: Duration = Duration::from_secs(12);

/// Callbacks served in one [`Consumer::poll`].
const EVENTS_MAX: usize = 1_000;

/// An error that names the property, as a user wrote it.
pub(crate) fn refused(error: KafkaError) -> anyhow::Error {
    match error {
        KafkaError::ClientConfig(_, description, key, _) => {
            anyhow::anyhow!("kafka.properties.{key}: librdkafka refuses it: {description}")
        }
        KafkaError::ClientCreation(description) => anyhow::anyhow!("librdkafka refuses the settings: {description}"),
        other => other.into(),
    }
}

pub(super) fn list_of<'p>(entries: impl IntoIterator<Item = (&'p Partition, Offset)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in entries {
        // Fails only for offsets that cannot be written, of which none comes here; the entry then starts at the stored one.
        let _ = list.add_partition(&partition.topic, partition.number).set_offset(offset);
    }
    list
}

fn partitions_of(list: &TopicPartitionList) -> Vec<Partition> {
    let partition = |topic: &str, number| Partition { topic: Arc::from(topic), number };
    list.elements().iter().map(|entry| partition(entry.topic(), entry.partition())).collect()
}

/// What librdkafka calls back. Notes, and answers nothing unless the consumer is closing.
#[derive(Default)]
pub struct Context {
    noted: Mutex<VecDeque<Event>>,
    /// A callback was served in the last poll.
    served: AtomicBool,
    closing: AtomicBool,
}

impl Context {
    fn note(&self, event: Event) {
        self.served.store(true, Ordering::Relaxed);
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.served.store(true, Ordering::Relaxed);
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note(Event::Trouble { kind: trouble(error.rdkafka_error_code()), reason: reason.to_owned() });
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, client: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assigned = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let cooperative = matches!(client.rebalance_protocol(), RebalanceProtocol::Cooperative);
            let answered = match (cooperative, assigned) {
                (true, true) => client.incremental_assign(&TopicPartitionList::new()),
                (true, false) => client.incremental_unassign(list),
                (false, _) => client.unassign(),
            };
            if let Err(error) = answered {
                tracing::debug!("closing the consumer: {error}");
            }
            return;
        }
        let partitions = partitions_of(list);
        self.note(match assigned {
            true => Event::Assigned(partitions),
            false => Event::Revoked { partitions, lost: client.assignment_lost() },
        });
    }

    fn commit_callback(&self, result: KafkaResult<()>, list: &TopicPartitionList) {
        // The metadata is not read back: the crate panics on what is not UTF-8.
        let commit = |entry: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match entry.offset() {
            Offset::Offset(offset) => Some(Commit {
                partition: Partition { topic: Arc::from(entry.topic()), number: entry.partition() },
                offset,
                metadata: String::new(),
            }),
            _ => None,
        };
        let commits = list.elements().iter().filter_map(commit).collect();
        self.note(Event::CommitAnswered { commits, fault: result.err().map(|error| error.to_string()) });
    }
}

/// A short word for what librdkafka reports.
pub(crate) fn trouble(code: Option<RDKafkaErrorCode>) -> &'static str {
    match code {
        Some(RDKafkaErrorCode::AllBrokersDown) => "all_brokers_down",
        Some(RDKafkaErrorCode::BrokerTransportFailure) => "broker_unreachable",
        Some(RDKafkaErrorCode::Resolve) => "host_unknown",
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => "authentication",
        Some(RDKafkaErrorCode::SSL) => "tls",
        Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed) => {
            "authorization"
        }
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => "topic_missing",
        Some(RDKafkaErrorCode::UnknownPartition) => "partition_missing",
        _ => "kafka",
    }
}

pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::info!(target: "librdkafka", facility, "{message}")
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}
