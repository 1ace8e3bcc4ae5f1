//! Threads, tasks and signals of one process: the only place that starts any.
//!
//! Records are processed on threads of their own; what waits for the network by the thousand (the index, telemetry) runs on tokio. Each
//! consumer loop is a [`Lane`] with a machine of its own; there is one per role.
//!
//! Memory: the budget of the settings is divided once, here, among what is fetched, what is in flight, bodies and the producer's queue;
//! the rest is for the program itself.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc as async_mpsc;

use super::lane::{Lane, Message, Question, Status, Ways};
use super::machine::{BatchId, Limits, Machine, Tenure};
use super::producer::{Letter, Producer};
use super::reload::{self, Cause, Watch};
use crate::clock;
use crate::index::opensearch::Client;
use crate::index::verdict::Reply;
use crate::index::{self, Indexer, outbox};
use crate::process::budget::Budget;
use crate::process::generation::{Current, Generation, Plan};
use crate::process::worker::{Job, Worker};
use crate::settings::Settings;
use crate::source::locate::{Locator, Scout};
use crate::source::properties::{self, FetchBudget};
use crate::source::{Consumer, queue::Wake};
use crate::telemetry::health::Conditions;
use crate::telemetry::server;

/// How the memory of the settings is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub fetch_bytes: usize,
    pub in_flight_bytes: usize,
    pub bodies_bytes: usize,
    pub producer_bytes: usize,
}

impl Memory {
    /// What remains, about half, is for code, rules, tables, the workers' arenas and what the allocator keeps.
    pub fn of(total_bytes: usize) -> Memory {
        Memory {
            fetch_bytes: total_bytes / 8,
            in_flight_bytes: total_bytes / 8,
            bodies_bytes: total_bytes / 6,
            producer_bytes: total_bytes / 32,
        }
    }
}

/// A bulk body beyond this is cut: what OpenSearch recommends is 5 to 15 MiB.
const REQUEST_BYTES_MAX: usize = 5 << 20;
const REQUEST_ITEMS_MAX: usize = 10_000;
const BATCH_BYTES_MAX: u64 = 512 << 10;
/// How long SIGTERM waits for what is open.
const DRAIN_MS_MAX: i64 = 25_000;

/// Runs the service until a signal ends it. An error means that it could not start, or could not go on.
pub fn run(settings: &Settings, generation: Generation) -> anyhow::Result<()> {
    on_tokio(serve(settings, generation))
}

/// Runs the role `process` with `send` in the place of a server, until everything before `ends` (topic and partition → one past the last
/// offset) is committed. `show` sees the state of the loop a few times a second, and ends the run by an error.
pub fn run_to_the_end<S, F>(
    settings: &Settings,
    generation: Generation,
    ends: &BTreeMap<(String, i32), i64>,
    send: S,
    show: impl FnMut(&Status) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    S: Fn(Bytes, usize) -> F + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    on_tokio(serve_to_the_end(settings, generation, ends, send, show))
}

fn on_tokio(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sluice-io")
        .enable_all()
        .build()
        .context("start the runtime")?;
    let done = tokio.block_on(work);
    // What still runs has nothing to lose: everything is committed, or will be read again.
    tokio.shutdown_timeout(Duration::from_millis(100));
    done
}

async fn serve(settings: &Settings, generation: Generation) -> anyhow::Result<()> {
    let conditions = Conditions::default();
    let metrics = server::Metrics::install()?;
    let listener = server::bind(settings.telemetry.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, "metrics and health");
    spawn(server::serve(listener, metrics, conditions.clone()));
    conditions.set("starting", "no partition has been assigned yet");
    // Before anything is waited for: an unheard SIGHUP ends the process.
    let current = Arc::new(Current::new(generation));
    let _watch = start_reload(settings, &current)?;

    let memory = Memory::of(settings.limits.memory_bytes);
    tracing::info!(
        total_mib = settings.limits.memory_bytes >> 20,
        fetch_mib = memory.fetch_bytes >> 20,
        in_flight_mib = memory.in_flight_bytes >> 20,
        bodies_mib = memory.bodies_bytes >> 20,
        producer_mib = memory.producer_bytes >> 20,
        "memory"
    );

    let client = Arc::new(Client::new(&settings.opensearch).await?);
    let send = move |body, items| {
        let client = client.clone();
        async move { client.bulk(body, items).await }
    };
    let (indexer, answers, work) = Indexer::new(outbox_limits(settings, memory), clock::now_ms().unsigned_abs(), send);
    spawn(work);

    let mut signals = Signals::new()?;
    let partitions = tokio::select! {
        found = count_partitions(settings, memory, &conditions) => found?,
        () = signals.next() => return Ok(()),
    };
    let budget = FetchBudget { bytes: memory.fetch_bytes, partitions };
    let lane = ProcessLane::start(settings, memory, budget, current, indexer, answers, conditions)?;
    lane.wait(&mut signals).await
}

/// How often the state is shown, and looked at for the end.
const SHOW: Duration = Duration::from_millis(200);

async fn serve_to_the_end<S, F>(
    settings: &Settings,
    generation: Generation,
    ends: &BTreeMap<(String, i32), i64>,
    send: S,
    mut show: impl FnMut(&Status) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    S: Fn(Bytes, usize) -> F + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let memory = Memory::of(settings.limits.memory_bytes);
    let (indexer, answers, work) = Indexer::new(outbox_limits(settings, memory), clock::now_ms().unsigned_abs(), send);
    spawn(work);
    let budget = FetchBudget { bytes: memory.fetch_bytes, partitions: ends.len() };
    let mut signals = Signals::new()?;
    let current = Arc::new(Current::new(generation));
    let mut lane = ProcessLane::start(settings, memory, budget, current, indexer, answers, Conditions::default())?;
    let mut look = tokio::time::interval(SHOW);
    let mut is_through = false;
    loop {
        tokio::select! {
            ended = lane.ended.recv() => {
                ended.unwrap_or_else(|| Err(anyhow::anyhow!("the delivery loop ended without a word")))?;
                return show(&lane.status());
            }
            () = signals.next() => anyhow::bail!("stopped by a signal before the end"),
            _ = look.tick(), if !is_through => {
                let status = lane.status();
                show(&status)?;
                if has_reached(&status, ends) {
                    is_through = true;
                    let _ = lane.messages.send(Message::Drain);
                }
            }
        }
    }
}

/// Whether all of `ends` is committed.
fn has_reached(status: &Status, ends: &BTreeMap<(String, i32), i64>) -> bool {
    ends.iter().all(|((topic, number), end)| {
        status.partitions.iter().any(|state| {
            *state.partition.topic == **topic
                && state.partition.number == *number
                && state.committed.is_some_and(|committed| committed >= *end)
        })
    })
}

fn outbox_limits(settings: &Settings, memory: Memory) -> outbox::Limits {
    outbox::Limits {
        body_bytes_max: REQUEST_BYTES_MAX,
        body_items_max: REQUEST_ITEMS_MAX,
        requests_in_flight_max: settings.opensearch.requests_in_flight,
        held_bytes_max: memory.bodies_bytes,
        closed_index_reject_after_ms: i64::try_from(settings.opensearch.closed_index_dead_letter_after.as_millis())
            .unwrap_or(i64::MAX),
    }
}

/// How many partitions the topics have; waits until a broker says so.
async fn count_partitions(settings: &Settings, memory: Memory, conditions: &Conditions) -> anyhow::Result<usize> {
    let kafka = &settings.kafka;
    let budget = FetchBudget { bytes: memory.fetch_bytes, partitions: 1 };
    let scout = Arc::new(Scout::new(&properties::consumer(kafka, &kafka.group, budget))?);
    let topics: Vec<String> = kafka.topics.iter().map(|topic| topic.name.clone()).collect();
    let mut delay = Duration::from_secs(1);
    loop {
        let (scout, topics) = (scout.clone(), topics.clone());
        let found =
            tokio::task::spawn_blocking(move || scout.partitions(&topics)).await.context("ask for the topics")?;
        match found {
            Ok(topics) => {
                conditions.clear("kafka");
                return Ok(topics.iter().map(|(_, partitions)| partitions).sum());
            }
            Err(reason) => {
                let brokers = &kafka.brokers;
                tracing::warn!(brokers, reason, "Kafka does not answer; trying again in {} s", delay.as_secs());
                conditions.set("kafka", format!("no broker of {brokers} answers: {reason}"));
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(Duration::from_secs(30));
            }
        }
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Signals> {
        let listen = |kind| signal(kind).context("listen for signals");
        Ok(Signals { term: listen(SignalKind::terminate())?, int: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// The role `process`: input topics to the index.
struct ProcessLane {
    messages: Sender<Message>,
    ended: async_mpsc::UnboundedReceiver<anyhow::Result<()>>,
    status: Arc<Mutex<Status>>,
}

impl ProcessLane {
    fn start(
        settings: &Settings,
        memory: Memory,
        fetch: FetchBudget,
        current: Arc<Current>,
        indexer: Indexer,
        answers: async_mpsc::UnboundedReceiver<Vec<index::Answer>>,
        conditions: Conditions,
    ) -> anyhow::Result<ProcessLane> {
        let (messages, inbox) = mpsc::channel();
        let kafka = &settings.kafka;
        let wake = wake(&messages);
        let topics: Vec<&str> = kafka.topics.iter().map(|topic| topic.name.as_str()).collect();
        let consumer = Consumer::new(&properties::consumer(kafka, &kafka.group, fetch), &topics, wake)?;

        let budget = Arc::new(Budget::new(memory.bodies_bytes));
        let jobs = start_workers(settings, &current, &budget, &messages)?;
        let letters = start_producer(settings, memory, &messages)?;
        let questions = start_locator(consumer.locator(), settings, &messages)?;
        let bodies = start_submitter(&indexer);
        start_forwarder(&indexer, answers, &messages);
        let forgetting = indexer.clone();
        let ways = Ways {
            jobs: Box::new(move |job| jobs.put(job)),
            bodies: Box::new(move |body| {
                // The submitter ends only with the process.
                let _ = bodies.send(body);
            }),
            forget: Box::new(move |tenure| forgetting.forget(tenure)),
            letters,
            ask: Box::new(move |question| {
                let _ = questions.send(question);
            }),
        };
        let epochs: HashMap<Arc<str>, u32> =
            kafka.topics.iter().map(|topic| (Arc::from(topic.name.as_str()), topic.epoch)).collect();
        let limits = Limits {
            in_flight_bytes_max: memory.in_flight_bytes as u64,
            batch_bytes_max: BATCH_BYTES_MAX,
            batches_ahead_max: 10_000,
            commit_interval_ms: 1_000,
            commit_answer_ms_max: 60_000,
            stalled_ms: 60_000,
            drain_ms_max: DRAIN_MS_MAX,
        };
        let machine = Machine::new(limits, epochs.clone());
        let status = Arc::new(Mutex::new(Status::default()));
        let lane = Lane::new(machine, consumer, ways, budget, epochs, conditions, status.clone());
        let (end, ended) = async_mpsc::unbounded_channel();
        start_thread("delivery", move || {
            // Whoever waits for the end is gone only when the process is.
            let _ = end.send(lane.run(&inbox));
        })?;
        Ok(ProcessLane { messages, ended, status })
    }

    fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn wait(mut self, signals: &mut Signals) -> anyhow::Result<()> {
        let mut draining = false;
        loop {
            tokio::select! {
                ended = self.ended.recv() => {
                    return ended.unwrap_or_else(|| Err(anyhow::anyhow!("the delivery loop ended without a word")));
                }
                () = signals.next() => {
                    if draining {
                        anyhow::bail!("left at once on a second signal; what was open will be read again");
                    }
                    draining = true;
                    tracing::info!("draining: reading has stopped, what is open is finished and committed; a second signal leaves at once");
                    let _ = self.messages.send(Message::Drain);
                }
            }
        }
    }
}

/// Called once for each time that a queue was empty and is not any more.
fn wake(messages: &Sender<Message>) -> Wake {
    let messages = messages.clone();
    Arc::new(move || {
        let _ = messages.send(Message::Wake);
    })
}

/// Batches that wait for a worker; their number is limited by the bytes in flight.
#[derive(Default)]
struct Jobs {
    waiting: Mutex<VecDeque<Job>>,
    came: Condvar,
}

impl Jobs {
    fn put(&self, job: Job) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(job);
        self.came.notify_one();
    }

    fn take(&self) -> Job {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = waiting.pop_front() {
                return job;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn start_workers(
    settings: &Settings,
    current: &Arc<Current>,
    budget: &Arc<Budget>,
    messages: &Sender<Message>,
) -> anyhow::Result<Arc<Jobs>> {
    let plan = Arc::new(Plan::new(settings));
    let jobs = Arc::new(Jobs::default());
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    for number in 0..workers {
        let (jobs, budget, messages) = (jobs.clone(), budget.clone(), messages.clone());
        let (plan, current) = (plan.clone(), current.clone());
        start_thread(&format!("worker-{number}"), move || {
            let mut worker = Worker::new(plan, current);
            loop {
                let job = jobs.take();
                let batch = BatchId { tenure: Tenure(job.lane), seq: job.seq };
                worker.process(&job, |part| {
                    budget.take(part.body.body.len());
                    let _ = messages.send(Message::Made { batch, part });
                });
            }
        })?;
    }
    Ok(jobs)
}

/// Reloads pipelines and rules on SIGHUP and when their files change, as long as what is returned is held.
fn start_reload(settings: &Settings, current: &Arc<Current>) -> anyhow::Result<Option<Watch>> {
    let (causes, waiting) = mpsc::channel();
    let watch = reload::watch(settings, &causes);
    let mut hangups = signal(SignalKind::hangup()).context("listen for signals")?;
    spawn(async move {
        while hangups.recv().await.is_some() {
            if causes.send(Cause::Signal).is_err() {
                return;
            }
        }
    });
    let (settings, current) = (settings.clone(), current.clone());
    start_thread("reload", move || reload::run(&settings, &current, &waiting))?;
    Ok(watch)
}

fn start_producer(settings: &Settings, memory: Memory, messages: &Sender<Message>) -> anyhow::Result<Sender<Letter>> {
    let config = properties::producer(&settings.kafka, memory.producer_bytes);
    let producer = Producer::new(&config, &settings.kafka.dead_letters)?;
    let (letters, waiting) = mpsc::channel();
    let messages = messages.clone();
    start_thread("dead-letters", move || {
        let stop = AtomicBool::new(false);
        producer.run(&waiting, &stop, |said| {
            let _ = messages.send(Message::Letters(said));
        });
    })?;
    Ok(letters)
}

fn start_locator(
    locator: Locator,
    settings: &Settings,
    messages: &Sender<Message>,
) -> anyhow::Result<Sender<Question>> {
    let (questions, asked) = mpsc::channel();
    let messages = messages.clone();
    let topics: Vec<String> = settings.kafka.topics.iter().map(|topic| topic.name.clone()).collect();
    start_thread("questions", move || {
        for question in asked {
            let answer = match question {
                Question::Locate(partition, tenure) => {
                    let located = locator.locate(&partition).map_err(|error| error.to_string());
                    Message::Located { tenure, partition, located }
                }
                Question::Seek(partition, tenure, offset) => {
                    let sought = locator.seek(&partition, offset).map_err(|error| error.to_string());
                    Message::Sought { tenure, partition, offset, sought }
                }
                Question::Topics => Message::Topics(locator.partitions(&topics).map_err(|error| error.to_string())),
            };
            let _ = messages.send(answer);
        }
    })?;
    Ok(questions)
}

/// Hands bodies to the indexer, which takes them as it has room; how many may wait is limited by the budget of bodies.
fn start_submitter(indexer: &Indexer) -> async_mpsc::UnboundedSender<index::Batch> {
    let (bodies, mut waiting) = async_mpsc::unbounded_channel();
    let indexer = indexer.clone();
    spawn(async move {
        while let Some(body) = waiting.recv().await {
            if indexer.submit(body).await.is_err() {
                return;
            }
        }
    });
    bodies
}

/// Brings the index's answers and its health to the loop.
fn start_forwarder(
    indexer: &Indexer,
    mut answers: async_mpsc::UnboundedReceiver<Vec<index::Answer>>,
    messages: &Sender<Message>,
) {
    let mut health = indexer.health();
    let messages = messages.clone();
    spawn(async move {
        loop {
            let message = tokio::select! {
                answered = answers.recv() => match answered {
                    Some(answers) => Message::Answered(answers),
                    None => return,
                },
                changed = health.changed() => match changed {
                    Ok(()) => Message::Index(health.borrow_and_update().clone()),
                    Err(_) => return,
                },
            };
            if messages.send(message).is_err() {
                return;
            }
        }
    });
}

fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

fn start_thread(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    thread::Builder::new().name(format!("sluice-{name}")).spawn(work).with_context(|| format!("start thread {name}"))
}
