//! One consumer loop: joins the machine to a consumer, the workers, the index and the dead letters. One thread.
//!
//! Everything that can wake the loop is a [`Message`] on one channel; between two messages it waits for nothing. It keeps the payloads that the
//! machine knows only by number, from the read until the last answer. It decides nothing about ownership or commits.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::machine::{BatchId, Counts, Effect, Input, Machine, Outcome, Partition, PartitionState, Tenure};
use super::producer::{Letter, Said};
use super::report::Report;
use crate::clock;
use crate::index::{self, Answer};
use crate::process::Part;
use crate::process::budget::Budget;
use crate::process::worker::{self, Job};
use crate::record::Record;
use crate::reject::{Reject, Stage};
use crate::source::locate::Located;
use crate::source::{Consumer, Event};
use crate::telemetry::health::Conditions;

/// Everything that wakes the loop.
pub enum Message {
    /// The consumer has something to poll or to read.
    Wake,
    Located {
        tenure: Tenure,
        partition: Partition,
        located: Result<Located, String>,
    },
    Sought {
        tenure: Tenure,
        partition: Partition,
        offset: i64,
        sought: Result<(), String>,
    },
    /// How many partitions the topics have; 0 for those that are not there.
    Topics(Result<Vec<(String, usize)>, String>),
    /// A worker made a part of a batch.
    Made {
        batch: BatchId,
        part: Part,
    },
    Answered(Vec<Answer>),
    Letters(Said),
    /// The index can, or cannot, be written.
    Index(index::Health),
    Drain,
}

/// Where the loop's work goes. None of these waits.
pub struct Ways {
    pub jobs: Box<dyn Fn(Job) + Send>,
    pub bodies: Box<dyn Fn(index::Batch) + Send>,
    /// A tenure that is over: what the index still holds of it is not to be written.
    pub forget: Box<dyn Fn(u64) + Send>,
    pub letters: Sender<Letter>,
    pub ask: Box<dyn Fn(Question) + Send>,
}

/// What is asked of a broker, with patience.
pub enum Question {
    Locate(Partition, Tenure),
    /// Fetch from this offset on.
    Seek(Partition, Tenure, i64),
    Topics,
}

/// What the loop shows of itself, once in a while.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub counts: Counts,
    pub in_flight_events: u64,
    pub in_flight_bytes: u64,
    pub partitions: Vec<PartitionState>,
}

pub struct Lane {
    machine: Machine,
    consumer: Consumer,
    ways: Ways,
    bodies_budget: Arc<Budget>,
    /// By topic; see [`crate::record::Record::epoch`].
    epochs: HashMap<Arc<str>, u32>,
    batches: FxHashMap<BatchId, Batch>,
    conditions: Conditions,
    status: Arc<Mutex<Status>>,
    /// Questions that failed, and when to ask again.
    unlocated: Vec<(Instant, Question)>,
    /// When to ask for the topics: soon after trouble, to see whether it is over, and while one is missing.
    topics_at: Option<Instant>,
    /// Partition to be read first in the next round, so that all get their turn.
    turn: usize,
    clock: Clock,
    fatal: Option<String>,
}

/// A batch that somebody still works on.
struct Batch {
    records: Arc<[Record]>,
    /// Bodies, in order of their documents.
    parts: Vec<BodyPart>,
    /// Per document: record and position.
    documents: Vec<(u32, u32)>,
    /// Letters not yet written.
    letters: usize,
    /// A worker has it.
    is_at_worker: bool,
}

struct BodyPart {
    first: u32,
    open: u32,
    bytes: usize,
}

impl Batch {
    fn is_done(&self) -> bool {
        !self.is_at_worker && self.letters == 0 && self.parts.iter().all(|part| part.open == 0)
    }
}

/// The wall clock is read once; a clock that is set back must not stop commits.
struct Clock {
    start: Instant,
    start_ms: i64,
}

impl Clock {
    fn now_ms(&self) -> i64 {
        self.start_ms + i64::try_from(self.start.elapsed().as_millis()).unwrap_or(0)
    }
}

/// How often the machine is told the time.
const TICK: Duration = Duration::from_millis(200);
/// How often the loop shows itself and asks for the ends of logs.
const SHOW: Duration = Duration::from_secs(1);
const RECORDS_PER_BATCH_MAX: usize = 5_000;
const ASK_AGAIN: Duration = Duration::from_secs(1);
const MISSING_AGAIN: Duration = Duration::from_secs(10);
/// Messages taken before the consumer is served again.
const MESSAGES_MAX: usize = 1_000;

impl Lane {
    pub fn new(
        machine: Machine,
        consumer: Consumer,
        ways: Ways,
        bodies_budget: Arc<Budget>,
        epochs: HashMap<Arc<str>, u32>,
        conditions: Conditions,
        status: Arc<Mutex<Status>>,
    ) -> Self {
        Self {
            machine,
            consumer,
            ways,
            bodies_budget,
            epochs,
            batches: FxHashMap::default(),
            conditions,
            status,
            unlocated: Vec::new(),
            topics_at: Some(Instant::now()),
            turn: 0,
            clock: Clock { start: Instant::now(), start_ms: clock::now_ms() },
            fatal: None,
        }
    }

    /// Runs until the machine has left the group. An error ends the process: going on would do nothing.
    pub fn run(mut self, messages: &Receiver<Message>) -> anyhow::Result<()> {
        let mut tick_at = Instant::now();
        let mut show_at = Instant::now();
        loop {
            let wait = tick_at.saturating_duration_since(Instant::now());
            match messages.recv_timeout(wait) {
                Ok(message) => {
                    self.heard(message);
                    for message in messages.try_iter().take(MESSAGES_MAX) {
                        self.heard(message);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            for event in self.consumer.poll() {
                self.said(event);
            }
            self.read();
            let now = Instant::now();
            if now >= tick_at {
                tick_at = now + TICK;
                self.step(Input::Tick);
                self.ask_again(now);
                self.conditions.beat("delivery", clock::now_ms());
            }
            if now >= show_at {
                show_at = now + SHOW;
                self.show();
            }
            if self.machine.has_left() || self.fatal.is_some() {
                self.show();
                return self.leave();
            }
        }
    }

    fn leave(self) -> anyhow::Result<()> {
        let Lane { consumer, ways, conditions, fatal, .. } = self;
        conditions.rest("delivery");
        // Whoever asks the broker for us ends, so that the client can.
        drop(ways);
        consumer.close();
        fatal.map_or(Ok(()), |fault| Err(anyhow::anyhow!(fault)))
    }

    fn heard(&mut self, message: Message) {
        match message {
            Message::Wake => {}
            Message::Located { tenure, partition, located } => match located {
                Ok(Located { committed, low, high }) => {
                    self.conditions.clear(&format!("unlocated {partition}"));
                    self.step(Input::Located { tenure, committed, low, high });
                }
                Err(reason) => {
                    let reason = format!("the broker does not say where its log begins: {reason}");
                    self.cannot_read_yet(reason, Question::Locate(partition, tenure));
                }
            },
            Message::Sought { tenure, partition, offset, sought } => match sought {
                Ok(()) => {
                    self.conditions.clear(&format!("unlocated {partition}"));
                    // What was taken before lies elsewhere.
                    self.consumer.clear(&partition);
                    self.step(Input::Sought { tenure });
                }
                Err(reason) => self.cannot_read_yet(reason, Question::Seek(partition, tenure, offset)),
            },
            Message::Topics(found) => self.topics_are(found),
            Message::Made { batch, part } => self.made(batch, part),
            Message::Answered(answers) => self.answered(answers),
            Message::Letters(said) => self.letters_said(said),
            Message::Index(health) => self.index_is(&health),
            Message::Drain => self.step(Input::Drain),
        }
    }

    fn said(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
                self.conditions.clear("starting");
                self.step(Input::Assigned(partitions));
            }
            Event::Revoked { partitions, lost } => {
                let ended: Vec<Tenure> = partitions.iter().filter_map(|p| self.machine.tenure(p)).collect();
                self.step(Input::Revoked { partitions, lost });
                for tenure in ended {
                    self.forget(tenure);
                }
            }
            Event::CommitAnswered { commits, fault } => self.step(Input::CommitAnswered { commits, fault }),
            Event::Trouble { kind, reason } => {
                tracing::warn!(kind, reason, "Kafka");
                self.conditions.set("kafka", format!("{kind}: {reason}"));
                self.topics_at.get_or_insert(Instant::now() + ASK_AGAIN);
            }
            Event::Fatal(reason) => self.fatal = Some(format!("the Kafka client cannot go on: {reason}")),
        }
    }

    /// The question is asked again while the partition is ours.
    fn cannot_read_yet(&mut self, reason: String, question: Question) {
        let (Question::Locate(partition, tenure) | Question::Seek(partition, tenure, _)) = &question else { return };
        if self.machine.tenure(partition) == Some(*tenure) {
            tracing::warn!(%partition, reason, "cannot read yet");
            self.conditions.set(&format!("unlocated {partition}"), reason);
            self.unlocated.push((Instant::now() + ASK_AGAIN, question));
        }
    }

    /// An answer says that the trouble is over; a topic that is missing is read as soon as it is made.
    fn topics_are(&mut self, found: Result<Vec<(String, usize)>, String>) {
        let topics = match found {
            Ok(topics) => topics,
            Err(reason) => {
                self.conditions.set("kafka", format!("no broker answers: {reason}"));
                self.topics_at = Some(Instant::now() + ASK_AGAIN);
                return;
            }
        };
        if self.conditions.clear("kafka") {
            tracing::info!("Kafka answers again");
        }
        for (topic, partitions) in topics {
            let name = format!("topic {topic}");
            if partitions > 0 {
                self.conditions.clear(&name);
                continue;
            }
            self.topics_at = Some(Instant::now() + MISSING_AGAIN);
            if self.conditions.set(&name, "does not exist; it is read as soon as it is made (`sluice setup` makes it)")
            {
                tracing::warn!(topic, "the topic does not exist; it is read as soon as it is made");
            }
        }
    }

    /// What is still worked on for a tenure that is over will find no ledger; its memory is freed as far as it is here.
    fn forget(&mut self, tenure: Tenure) {
        (self.ways.forget)(tenure.0);
        let ids: Vec<BatchId> = self.batches.keys().filter(|id| id.tenure == tenure).copied().collect();
        for id in ids {
            let Some(batch) = self.batches.get_mut(&id) else { continue };
            for part in batch.parts.drain(..).filter(|part| part.open > 0) {
                self.bodies_budget.give_back(part.bytes);
            }
            batch.letters = 0;
            self.release_if_done(id);
        }
    }

    fn read(&mut self) {
        let states: Vec<Partition> = self.machine.partitions().cloned().collect();
        let count = states.len();
        if count == 0 {
            return;
        }
        self.turn = (self.turn + 1) % count;
        // A batch from each partition that has something, round by round, as long as the budget lasts.
        loop {
            let mut any = false;
            for partition in states.iter().cycle().skip(self.turn).take(count) {
                any |= self.read_partition(partition);
            }
            if !any {
                return;
            }
        }
    }

    fn read_partition(&mut self, partition: &Partition) -> bool {
        if !self.consumer.is_ready(partition) {
            return false;
        }
        let Some(tenure) = self.machine.tenure(partition) else { return false };
        let Some(bytes_max) = self.machine.may_read(tenure) else { return false };
        let epoch = self.epochs.get(&partition.topic).copied().unwrap_or(0);
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let fetched = self.consumer.read(partition, epoch, bytes_max, RECORDS_PER_BATCH_MAX);
        for (_, reason) in &fetched.faults {
            tracing::warn!(%partition, reason, "Kafka says of the partition");
        }
        let at_end = fetched.at_end;
        let read = !fetched.is_empty();
        if read {
            let (offsets, bytes) = (fetched.offsets(), fetched.bytes());
            super::meter::read(partition, offsets.len(), bytes);
            let mut records = Some(fetched.into_records(&partition.topic, partition.number, epoch));
            for effect in self.machine.step(self.clock.now_ms(), Input::Read { tenure, offsets, bytes }) {
                match effect {
                    Effect::Process(id) => {
                        let Some(records) = records.take() else { continue };
                        self.process(id, records.into());
                    }
                    other => self.apply(other),
                }
            }
        }
        if at_end {
            self.step(Input::CaughtUp { tenure });
        }
        read
    }

    fn process(&mut self, id: BatchId, records: Arc<[Record]>) {
        let job = Job { lane: id.tenure.0, seq: id.seq, records: records.clone(), now_ms: clock::now_ms() };
        let batch = Batch { records, parts: Vec::new(), documents: Vec::new(), letters: 0, is_at_worker: true };
        self.batches.insert(id, batch);
        (self.ways.jobs)(job);
    }

    fn made(&mut self, id: BatchId, part: Part) {
        let Part { open, body, documents, rejects, dropped, is_last } = part;
        let bytes = body.body.len();
        let (to_index, dead_letters) = (documents.len() as u64, rejects.len() as u64);
        let outcome = Outcome { open, to_index, dead_letters, dropped };
        let mut deliver = false;
        for effect in self.machine.step(self.clock.now_ms(), Input::Processed { batch: id, outcome }) {
            match effect {
                Effect::Deliver(_) => deliver = true,
                other => self.apply(other),
            }
        }
        let Some(batch) = self.batches.get_mut(&id) else { return };
        if is_last {
            batch.is_at_worker = false;
        }
        if deliver && !documents.is_empty() {
            let first = batch.documents.len() as u32;
            batch.parts.push(BodyPart { first, open: documents.len() as u32, bytes });
            batch.documents.extend(documents);
            (self.ways.bodies)(body);
        } else {
            self.bodies_budget.give_back(bytes);
        }
        if deliver && let Some(batch) = self.batches.get_mut(&id) {
            for letter in letters(id, rejects) {
                batch.letters += 1;
                // The producer ends only when the process does.
                let _ = self.ways.letters.send(letter);
            }
        }
        self.release_if_done(id);
    }

    /// What the index answered. Tokens of one batch usually come together and in order.
    fn answered(&mut self, answers: Vec<Answer>) {
        let mut done: Vec<u32> = Vec::new();
        let mut rejects: Vec<(u32, Reject)> = Vec::new();
        let mut current: Option<BatchId> = None;
        for answer in answers {
            let (seq, document) = worker::of_token(answer.token);
            let id = BatchId { tenure: Tenure(answer.token.lane), seq };
            if current.is_some_and(|current| current != id) {
                self.settle(current, std::mem::take(&mut done), std::mem::take(&mut rejects));
            }
            current = Some(id);
            let Some(batch) = self.batches.get_mut(&id) else { continue };
            let Some((record, position)) = batch.documents.get(document as usize).copied() else { continue };
            let part = batch.parts.iter_mut().rev().find(|part| part.first <= document).filter(|part| part.open > 0);
            let Some(part) = part else { continue };
            part.open -= 1;
            if part.open == 0 {
                self.bodies_budget.give_back(part.bytes);
            }
            match answer.outcome {
                index::Outcome::Done => done.push(record),
                index::Outcome::Reject { kind, reason } => {
                    if let Some(original) = batch.records.get(record as usize).cloned() {
                        let position = Some(position);
                        rejects
                            .push((record, Reject { record: original, position, stage: Stage::Index, kind, reason }));
                    }
                }
            }
        }
        self.settle(current, done, rejects);
    }

    fn settle(&mut self, id: Option<BatchId>, records: Vec<u32>, rejects: Vec<(u32, Reject)>) {
        let Some(id) = id else { return };
        if !records.is_empty() {
            self.step(Input::Indexed { batch: id, records });
        }
        let mut wanted = Vec::with_capacity(rejects.len());
        for (record, reject) in rejects {
            for effect in self.machine.step(self.clock.now_ms(), Input::Refused { batch: id, record }) {
                match effect {
                    Effect::DeadLetter { .. } => wanted.push((record, reject.clone())),
                    other => self.apply(other),
                }
            }
        }
        wanted.sort_by_key(|(record, _)| *record);
        if let Some(batch) = self.batches.get_mut(&id) {
            for letter in letters(id, wanted) {
                batch.letters += 1;
                let _ = self.ways.letters.send(letter);
            }
        }
        self.release_if_done(id);
    }

    fn letters_said(&mut self, said: Said) {
        match said {
            Said::Written(letter) => {
                for _ in 0..letter.events() {
                    self.step(Input::DeadLettered { batch: letter.batch, record: letter.record });
                }
                super::meter::dead_lettered(&letter);
                if let Some(batch) = self.batches.get_mut(&letter.batch) {
                    batch.letters = batch.letters.saturating_sub(1);
                }
                self.release_if_done(letter.batch);
            }
            Said::Trouble { kind, reason } => {
                tracing::warn!(kind, reason, "dead letters cannot be written now");
                self.conditions.set("dead letters", format!("{kind}: {reason}"));
            }
            Said::Recovered => {
                self.conditions.clear("dead letters");
            }
        }
    }

    fn release_if_done(&mut self, id: BatchId) {
        if self.batches.get(&id).is_some_and(Batch::is_done) {
            self.batches.remove(&id);
            self.step(Input::Released { batch: id });
        }
    }

    /// The indexer has logged it.
    fn index_is(&mut self, health: &index::Health) {
        match health {
            index::Health::Ok => {
                self.conditions.clear("index");
            }
            index::Health::Halted { cause, index, reason, .. } => {
                let what = match index {
                    Some(index) => format!("{index} takes no documents"),
                    None => "no documents are taken".to_owned(),
                };
                let reason = format!("{what} ({}): {reason}; {}", cause.name(), cause.way_out());
                self.conditions.set("index", reason);
            }
            index::Health::Unreachable { reason, .. } => {
                self.conditions.set("index", format!("unreachable: {reason}"));
            }
        }
    }

    fn step(&mut self, input: Input) {
        for effect in self.machine.step(self.clock.now_ms(), input) {
            self.apply(effect);
        }
    }

    fn apply(&mut self, effect: Effect) {
        let done = match effect {
            Effect::AnswerAssign(partitions) => {
                super::meter::rebalanced("assigned", &partitions);
                self.consumer.assign(&partitions)
            }
            Effect::AnswerRevoke(partitions) => {
                super::meter::rebalanced("revoked", &partitions);
                super::meter::let_go(&partitions);
                for partition in &partitions {
                    self.conditions.clear(&format!("unlocated {partition}"));
                    self.conditions.clear(&format!("stalled {partition}"));
                    self.conditions.clear(&format!("made anew {partition}"));
                }
                self.consumer.unassign(&partitions)
            }
            Effect::Locate { partition, tenure } => {
                (self.ways.ask)(Question::Locate(partition, tenure));
                Ok(())
            }
            Effect::Seek { partition, tenure, offset } => {
                tracing::warn!(%partition, offset, "fetching begins anew");
                (self.ways.ask)(Question::Seek(partition, tenure, offset));
                Ok(())
            }
            Effect::Commit(commits) => {
                let handed = self.consumer.commit(&commits);
                if let Err(error) = &handed {
                    let fault = Some(format!("{error:#}"));
                    self.step(Input::CommitAnswered { commits, fault });
                }
                Ok(())
            }
            Effect::Report(report) => {
                self.report(report);
                Ok(())
            }
            // Each is made by one input only, whose caller handles it.
            Effect::Process(_) | Effect::Deliver(_) | Effect::DeadLetter { .. } => Ok(()),
            Effect::Leave => Ok(()),
        };
        if let Err(error) = done {
            tracing::error!("{error:#}");
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Gap { partition, from, to } => {
                tracing::error!(%partition, from, to, lost = to - from, "retention deleted records before they were read");
                super::meter::gap(&partition, to - from);
            }
            Report::MadeAnew { partition, committed, high } => {
                let reason = format!(
                    "its log ends at {high} and {committed} was committed: the topic was made anew, and its events would be taken \
                     for old ones; give the topic a higher epoch in kafka.topics, as {{name: {}, epoch: 1}}",
                    partition.topic
                );
                tracing::error!(%partition, reason, "is not read");
                self.conditions.set(&format!("made anew {partition}"), reason);
            }
            Report::Stalled { partition, behind, open } => {
                let reason =
                    format!("no progress for a minute, {behind} records behind, {open} events without an answer");
                tracing::warn!(%partition, reason, "is stalled");
                self.conditions.set(&format!("stalled {partition}"), reason);
            }
            Report::Recovered { partition } => {
                tracing::info!(%partition, "goes on");
                self.conditions.clear(&format!("stalled {partition}"));
            }
            Report::CommitFailed { fault } => {
                super::meter::committed(false);
                tracing::warn!(fault, "offsets could not be committed; they will be with the next commit");
            }
            Report::Committed => super::meter::committed(true),
            Report::Misfit { batch } => tracing::error!(?batch, "an answer that fits nothing: a fault of Sluice's own"),
            Report::DrainCut { open } => {
                tracing::warn!(open, "draining took too long; what is open will be read again");
            }
        }
    }

    fn ask_again(&mut self, now: Instant) {
        let (due, later): (Vec<_>, Vec<_>) = self.unlocated.drain(..).partition(|(at, _)| *at <= now);
        self.unlocated = later;
        for (_, question) in due {
            (self.ways.ask)(question);
        }
        if self.topics_at.is_some_and(|at| at <= now) {
            self.topics_at = None;
            (self.ways.ask)(Question::Topics);
        }
    }

    fn show(&mut self) {
        let partitions: Vec<Partition> = self.machine.partitions().cloned().collect();
        for partition in &partitions {
            if let (Some(tenure), Some((low, high))) =
                (self.machine.tenure(partition), self.consumer.watermarks(partition))
            {
                self.step(Input::Watermarks { tenure, low, high });
            }
        }
        let status = Status {
            counts: self.machine.counts(),
            in_flight_events: self.machine.in_flight_events(),
            in_flight_bytes: self.machine.in_flight_bytes() + self.bodies_budget.used() as u64,
            partitions: self.machine.states(),
        };
        super::meter::show(&status, self.clock.now_ms());
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}

/// One letter per record; `rejects` are in order of their records.
fn letters(batch: BatchId, rejects: Vec<(u32, Reject)>) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    for (record, reject) in rejects {
        match letters.last_mut().filter(|letter| letter.record == record) {
            Some(letter) => letter.others.push(reject),
            None => letters.push(Letter { batch, record, first: reject, others: Vec::new() }),
        }
    }
    letters
}
