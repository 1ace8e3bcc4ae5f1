//! The state machine of one consumer loop: who owns what, what may be read, what may be committed. `Input` in, `Effect`s out.
//!
//! It knows no client, no clock and no payload: time is an argument, a batch is a number. So the simulation runs this very code.
//! How records are fetched, worked on and written is decided elsewhere ([`super::lane`], `crate::process`, `crate::index`).
//!
//! Three decisions that surprise:
//! - **Forget and fence, never drain.** A revoked partition is dropped at once, with everything that is open in it; the next owner reads
//!   it again and writes the same ids. Each assignment is a new [`Tenure`], and an answer that names an old one finds nothing.
//! - **The ledger fences, not the broker.** A broker accepts a commit from any live member, for any partition; so a commit is made only
//!   from the partitions owned at that moment, and a partition is dropped here before the revoke is answered.
//! - **Nothing is ever paused.** When the budget is spent, the partitions' queues are not read; librdkafka's own limits then stop the
//!   fetching. Pausing would throw away what was fetched.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ledger::Ledger;
use super::report::Report;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub topic: Arc<str>,
    pub number: i32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// One assignment of a partition to this member. Never used twice, so that it fences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenure(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId {
    pub tenure: Tenure,
    pub seq: u64,
}

/// What the group has stored for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub offset: i64,
    pub metadata: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub partition: Partition,
    pub offset: i64,
    /// Stored beside the offset, in one step with it.
    pub metadata: String,
}

/// What was made of the next records of a batch; a batch may be processed in parts, so that no part is too large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Per record, in order: how many answers it waits for (events to be indexed, dead letters).
    pub open: Vec<u32>,
    /// Events to be indexed, all records together.
    pub to_index: u64,
    /// Dead letters to be written.
    pub dead_letters: u64,
    /// Events that a pipeline, or the form of an envelope, dropped.
    pub dropped: u64,
}

#[derive(Clone, Debug)]
pub enum Input {
    /// The group gave us these partitions, in addition to those we have.
    Assigned(Vec<Partition>),
    /// The group takes these partitions; with `lost`, it gave them away already.
    Revoked {
        partitions: Vec<Partition>,
        lost: bool,
    },
    /// What the broker knows of a partition, asked for by [`Effect::Locate`].
    Located {
        tenure: Tenure,
        committed: Option<Committed>,
        low: i64,
        high: i64,
    },
    /// Fetching goes on from where [`Effect::Seek`] said.
    Sought {
        tenure: Tenure,
    },
    /// Where the log begins and ends, as fetches report it.
    Watermarks {
        tenure: Tenure,
        low: i64,
        high: i64,
    },
    /// Records were taken from the partition's queue. Only after [`Machine::may_read`] allowed it.
    Read {
        tenure: Tenure,
        offsets: Vec<i64>,
        bytes: u64,
    },
    /// The partition's queue has given everything that the log holds now, whatever lies at its end (transaction markers are no records).
    CaughtUp {
        tenure: Tenure,
    },
    Processed {
        batch: BatchId,
        outcome: Outcome,
    },
    /// Events are in the index: the number of the record in its batch, once per event.
    Indexed {
        batch: BatchId,
        records: Vec<u32>,
    },
    /// The index refuses an event for good: a dead letter instead.
    Refused {
        batch: BatchId,
        record: u32,
    },
    DeadLettered {
        batch: BatchId,
        record: u32,
    },
    /// The last piece of a batch's memory is free, whoever owned the partition meanwhile.
    Released {
        batch: BatchId,
    },
    /// The answer to [`Effect::Commit`].
    CommitAnswered {
        commits: Vec<Commit>,
        fault: Option<String>,
    },
    /// Stop reading, finish what is open, commit it, leave.
    Drain,
    Tick,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer the group: we take them. Reading starts at the committed offset, or the log's beginning.
    AnswerAssign(Vec<Partition>),
    /// Answer the group: we have dropped them.
    AnswerRevoke(Vec<Partition>),
    /// Ask the broker for the committed offset and the log's ends.
    Locate {
        partition: Partition,
        tenure: Tenure,
    },
    /// Read on from this offset; what was fetched already is void. Nothing is read before [`Input::Sought`].
    Seek {
        partition: Partition,
        tenure: Tenure,
        offset: i64,
    },
    /// Hand the batch to a worker.
    Process(BatchId),
    /// Hand what a worker made of the batch to the index and the dead letters.
    Deliver(BatchId),
    /// Write the record that the index refused to the dead letters.
    DeadLetter {
        batch: BatchId,
        record: u32,
    },
    Commit(Vec<Commit>),
    Report(Report),
    /// Leave the group; revokes will follow.
    Leave,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of records read and not released. Too small: workers idle while the index answers. Too large: memory.
    pub in_flight_bytes_max: u64,
    /// Bytes of records in one batch. Too small: costs per batch; too large: uneven workers and long replays.
    pub batch_bytes_max: u64,
    /// Batches between the oldest open record of a partition and its newest: what is read again after a crash.
    pub batches_ahead_max: usize,
    pub commit_interval_ms: i64,
    pub commit_answer_ms_max: i64,
    pub stalled_ms: i64,
    pub drain_ms_max: i64,
}

/// Events since the start: `received = indexed + dropped + dead_lettered + forgotten + in flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub received: u64,
    pub indexed: u64,
    pub dropped: u64,
    pub dead_lettered: u64,
    pub forgotten: u64,
    /// Records and their bytes, as read from Kafka; replays count again.
    pub records_read: u64,
    pub bytes_read: u64,
    /// Records that retention deleted before they were read.
    pub records_lost: u64,
}

#[derive(Debug)]
struct Owned {
    partition: Partition,
    ledger: Ledger,
    /// Reading waits for [`Input::Located`], and for [`Input::Sought`] after a seek.
    located: bool,
    readable: bool,
    epoch: u32,
    /// Not the log that we knew; never read in this tenure.
    made_anew: bool,
    committed: Option<i64>,
    low: i64,
    high: i64,
    /// The log's end when the queue was last found empty of it.
    caught_up_at: i64,
    /// Offsets that a read skipped, until the log's beginning says whether retention took them.
    jumps: Vec<(i64, i64)>,
    in_flight_bytes: u64,
    progress_ms: i64,
    progress_point: Option<i64>,
    stalled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining { since_ms: i64 },
    Left,
}

#[derive(Debug)]
pub struct Machine {
    limits: Limits,
    /// Of topics that were made anew; see [`crate::record::Record::epoch`].
    epochs: FxHashMap<Arc<str>, u32>,
    phase: Phase,
    tenures_given: u64,
    partitions: BTreeMap<Partition, Tenure>,
    owned: FxHashMap<Tenure, Owned>,
    /// Bytes of each batch that is still in memory, also of tenures that ended.
    in_flight: FxHashMap<BatchId, u64>,
    in_flight_bytes: u64,
    last_commit_ms: i64,
    commit_asked_ms: Option<i64>,
    counts: Counts,
}

/// The state of one partition, for metrics and health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    pub partition: Partition,
    pub committed: Option<i64>,
    pub next_offset: Option<i64>,
    /// Where the log begins, and one past its last offset, as far as known.
    pub low: i64,
    pub high: i64,
    pub oldest_ms: Option<i64>,
    pub stalled: bool,
    pub made_anew: bool,
}

impl Machine {
    pub fn new(limits: Limits, epochs: impl IntoIterator<Item = (Arc<str>, u32)>) -> Self {
        Self {
            limits,
            epochs: epochs.into_iter().collect(),
            phase: Phase::Running,
            tenures_given: 0,
            partitions: BTreeMap::new(),
            owned: FxHashMap::default(),
            in_flight: FxHashMap::default(),
            in_flight_bytes: 0,
            last_commit_ms: 0,
            commit_asked_ms: None,
            counts: Counts::default(),
        }
    }

    pub fn step(&mut self, now_ms: i64, input: Input) -> Vec<Effect> {
        match input {
            Input::Assigned(partitions) => self.assigned(partitions, now_ms),
            Input::Revoked { partitions, lost } => self.revoked(partitions, lost),
            Input::Located { tenure, committed, low, high } => self.located(tenure, committed, low, high, now_ms),
            Input::Sought { tenure } => {
                if let Some(owned) = self.owned.get_mut(&tenure) {
                    owned.readable = true;
                    owned.progress_ms = now_ms;
                }
                Vec::new()
            }
            Input::Watermarks { tenure, low, high } => self.watermarks(tenure, low, high),
            Input::Read { tenure, offsets, bytes } => self.read(tenure, offsets, bytes, now_ms),
            Input::CaughtUp { tenure } => {
                if let Some(owned) = self.owned.get_mut(&tenure) {
                    owned.caught_up_at = owned.high;
                }
                Vec::new()
            }
            Input::Processed { batch, outcome } => self.processed(batch, outcome),
            Input::Indexed { batch, records } => self.indexed(batch, &records),
            Input::Refused { batch, record } => self.refused(batch, record),
            Input::DeadLettered { batch, record } => self.dead_lettered(batch, record),
            Input::Released { batch } => {
                self.released(batch);
                Vec::new()
            }
            Input::CommitAnswered { commits, fault } => self.commit_answered(commits, fault),
            Input::Drain => {
                if self.phase == Phase::Running {
                    self.phase = Phase::Draining { since_ms: now_ms };
                }
                self.tick(now_ms)
            }
            Input::Tick => self.tick(now_ms),
        }
    }

    /// How many bytes may be read from the partition now. One record may exceed it: the first of a batch is always taken.
    pub fn may_read(&self, tenure: Tenure) -> Option<u64> {
        let owned = self.owned.get(&tenure)?;
        // One partition whose events nobody takes must not starve the others.
        let share =
            if self.owned.len() > 1 { self.limits.in_flight_bytes_max / 2 } else { self.limits.in_flight_bytes_max };
        let readable = self.phase == Phase::Running
            && owned.readable
            && !owned.made_anew
            && owned.ledger.batches() < self.limits.batches_ahead_max
            && owned.in_flight_bytes < share;
        let left = self.limits.in_flight_bytes_max.saturating_sub(self.in_flight_bytes);
        (readable && left > 0).then(|| left.min(self.limits.batch_bytes_max))
    }

    pub fn tenure(&self, partition: &Partition) -> Option<Tenure> {
        self.partitions.get(partition).copied()
    }

    /// The partitions owned now.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.keys()
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Events processed and not answered.
    pub fn in_flight_events(&self) -> u64 {
        self.owned.values().map(|owned| owned.ledger.open_events()).sum()
    }

    pub fn in_flight_bytes(&self) -> u64 {
        self.in_flight_bytes
    }

    pub fn has_left(&self) -> bool {
        self.phase == Phase::Left
    }

    pub fn states(&self) -> Vec<PartitionState> {
        let state = |owned: &Owned| PartitionState {
            partition: owned.partition.clone(),
            committed: owned.committed,
            next_offset: owned.ledger.next_offset(),
            low: owned.low,
            high: owned.high,
            oldest_ms: owned.ledger.oldest_ms(),
            stalled: owned.stalled,
            made_anew: owned.made_anew,
        };
        self.partitions.values().filter_map(|tenure| self.owned.get(tenure)).map(state).collect()
    }

    fn assigned(&mut self, partitions: Vec<Partition>, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::with_capacity(partitions.len() + 1);
        // Data may arrive from here on; nothing is read before the partition is located.
        effects.push(Effect::AnswerAssign(partitions.clone()));
        for partition in partitions {
            self.tenures_given += 1;
            let tenure = Tenure(self.tenures_given);
            if let Some(old) = self.partitions.insert(partition.clone(), tenure) {
                self.forget(old);
            }
            let epoch = self.epochs.get(&partition.topic).copied().unwrap_or(0);
            let owned = Owned {
                partition: partition.clone(),
                ledger: Ledger::default(),
                located: false,
                readable: false,
                epoch,
                made_anew: false,
                committed: None,
                low: 0,
                high: 0,
                caught_up_at: 0,
                jumps: Vec::new(),
                in_flight_bytes: 0,
                progress_ms: now_ms,
                progress_point: None,
                stalled: false,
            };
            self.owned.insert(tenure, owned);
            effects.push(Effect::Locate { partition, tenure });
        }
        effects
    }

    fn revoked(&mut self, partitions: Vec<Partition>, lost: bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        let commits = if lost { Vec::new() } else { self.commits(|partition| partitions.contains(partition)) };
        if !commits.is_empty() {
            effects.push(Effect::Commit(commits));
        }
        for partition in &partitions {
            if let Some(tenure) = self.partitions.remove(partition) {
                self.forget(tenure);
            }
        }
        effects.push(Effect::AnswerRevoke(partitions));
        effects
    }

    fn forget(&mut self, tenure: Tenure) {
        if let Some(owned) = self.owned.remove(&tenure) {
            self.counts.forgotten += owned.ledger.open_events();
        }
    }

    fn located(
        &mut self,
        tenure: Tenure,
        committed: Option<Committed>,
        low: i64,
        high: i64,
        now_ms: i64,
    ) -> Vec<Effect> {
        let Some(owned) = self.owned.get_mut(&tenure) else { return Vec::new() };
        if owned.located {
            return Vec::new();
        }
        owned.located = true;
        owned.readable = true;
        owned.progress_ms = now_ms;
        owned.low = low;
        owned.high = high;
        let Some(committed) = committed else { return Vec::new() };
        let partition = owned.partition.clone();
        if epoch_of(&committed.metadata) < owned.epoch {
            // Committed in the log before this one: nothing of it is here.
            owned.readable = false;
            return vec![Effect::Seek { partition, tenure, offset: low }];
        }
        let committed = committed.offset;
        owned.committed = Some(committed);
        if committed > high {
            owned.made_anew = true;
            return vec![Effect::Report(Report::MadeAnew { partition, committed, high })];
        }
        if committed < low {
            self.counts.records_lost += (low - committed) as u64;
            return vec![Effect::Report(Report::Gap { partition, from: committed, to: low })];
        }
        Vec::new()
    }

    fn watermarks(&mut self, tenure: Tenure, low: i64, high: i64) -> Vec<Effect> {
        let Some(owned) = self.owned.get_mut(&tenure) else { return Vec::new() };
        owned.low = owned.low.max(low);
        owned.high = owned.high.max(high);
        let mut effects = Vec::new();
        for (from, to) in std::mem::take(&mut owned.jumps) {
            // Compaction and transaction markers leave gaps too; only what lies before the log's beginning was deleted unread.
            let lost_until = to.min(low);
            if lost_until > from {
                self.counts.records_lost += (lost_until - from) as u64;
                let partition = owned.partition.clone();
                effects.push(Effect::Report(Report::Gap { partition, from, to: lost_until }));
            }
        }
        effects
    }

    fn read(&mut self, tenure: Tenure, offsets: Vec<i64>, bytes: u64, now_ms: i64) -> Vec<Effect> {
        let Some(owned) = self.owned.get_mut(&tenure) else { return Vec::new() };
        let (Some(first), Some(last)) = (offsets.first().copied(), offsets.last().copied()) else { return Vec::new() };
        let expected = owned.ledger.next_offset();
        let records = offsets.len() as u64;
        let Ok(seq) = owned.ledger.read(offsets, now_ms) else {
            // Offsets began again below what we have read.
            owned.made_anew = true;
            let partition = owned.partition.clone();
            let committed = expected.unwrap_or(first);
            return vec![Effect::Report(Report::MadeAnew { partition, committed, high: last + 1 })];
        };
        if let Some(expected) = expected.filter(|expected| *expected < first)
            && owned.jumps.len() < JUMPS_MAX
        {
            owned.jumps.push((expected, first));
        }
        owned.high = owned.high.max(last + 1);
        owned.progress_ms = now_ms;
        owned.in_flight_bytes += bytes;
        let batch = BatchId { tenure, seq };
        self.in_flight.insert(batch, bytes);
        self.in_flight_bytes += bytes;
        self.counts.records_read += records;
        self.counts.bytes_read += bytes;
        vec![Effect::Process(batch)]
    }

    fn processed(&mut self, batch: BatchId, outcome: Outcome) -> Vec<Effect> {
        let Some(owned) = self.owned.get_mut(&batch.tenure) else { return Vec::new() };
        let Outcome { open, to_index, dead_letters, dropped } = outcome;
        if owned.ledger.processed(batch.seq, &open).is_err() {
            return vec![Effect::Report(Report::Misfit { batch })];
        }
        self.counts.received += to_index + dead_letters + dropped;
        self.counts.dropped += dropped;
        vec![Effect::Deliver(batch)]
    }

    fn indexed(&mut self, batch: BatchId, records: &[u32]) -> Vec<Effect> {
        let Some(owned) = self.owned.get_mut(&batch.tenure) else { return Vec::new() };
        let mut effects = Vec::new();
        for record in records {
            match owned.ledger.answer(batch.seq, *record) {
                Ok(()) => self.counts.indexed += 1,
                Err(_) => effects.push(Effect::Report(Report::Misfit { batch })),
            }
        }
        effects
    }

    fn refused(&mut self, batch: BatchId, record: u32) -> Vec<Effect> {
        if !self.owned.contains_key(&batch.tenure) {
            return Vec::new();
        }
        vec![Effect::DeadLetter { batch, record }]
    }

    fn dead_lettered(&mut self, batch: BatchId, record: u32) -> Vec<Effect> {
        let Some(owned) = self.owned.get_mut(&batch.tenure) else { return Vec::new() };
        if owned.ledger.answer(batch.seq, record).is_err() {
            return vec![Effect::Report(Report::Misfit { batch })];
        }
        self.counts.dead_lettered += 1;
        Vec::new()
    }

    fn released(&mut self, batch: BatchId) {
        let Some(bytes) = self.in_flight.remove(&batch) else { return };
        self.in_flight_bytes -= bytes;
        if let Some(owned) = self.owned.get_mut(&batch.tenure) {
            owned.in_flight_bytes -= bytes;
        }
    }

    fn commits(&self, wanted: impl Fn(&Partition) -> bool) -> Vec<Commit> {
        let mut commits = Vec::new();
        for (partition, tenure) in &self.partitions {
            let Some(owned) = self.owned.get(tenure).filter(|owned| wanted(partition) && !owned.made_anew) else {
                continue;
            };
            if let Some(offset) = owned.ledger.commit_point()
                && owned.committed.is_none_or(|committed| committed < offset)
            {
                commits.push(Commit { partition: partition.clone(), offset, metadata: metadata_of(owned.epoch) });
            }
        }
        commits
    }

    fn commit_answered(&mut self, commits: Vec<Commit>, fault: Option<String>) -> Vec<Effect> {
        self.commit_asked_ms = None;
        if let Some(fault) = fault {
            return vec![Effect::Report(Report::CommitFailed { fault })];
        }
        for commit in commits {
            if let Some(tenure) = self.partitions.get(&commit.partition)
                && let Some(owned) = self.owned.get_mut(tenure)
                // An answer from an earlier tenure may name an offset that this one has not reached.
                && owned.ledger.commit_point().is_some_and(|point| commit.offset <= point)
            {
                owned.committed = owned.committed.max(Some(commit.offset));
            }
        }
        vec![Effect::Report(Report::Committed)]
    }

    fn tick(&mut self, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.watch(now_ms, &mut effects);
        let draining = match self.phase {
            Phase::Left => return effects,
            Phase::Draining { since_ms } => Some(since_ms),
            Phase::Running => None,
        };
        let answer_late = self.commit_asked_ms.is_some_and(|asked| now_ms - asked > self.limits.commit_answer_ms_max);
        if answer_late {
            self.commit_asked_ms = None;
        }
        let due = draining.is_some() || now_ms - self.last_commit_ms >= self.limits.commit_interval_ms;
        let mut idle = self.commit_asked_ms.is_none();
        if due && idle {
            self.last_commit_ms = now_ms;
            let commits = self.commits(|_| true);
            if !commits.is_empty() {
                self.commit_asked_ms = Some(now_ms);
                effects.push(Effect::Commit(commits));
                idle = false;
            }
        }
        if let Some(since_ms) = draining {
            let settled = self.owned.values().all(|owned| owned.ledger.is_settled());
            let cut = now_ms - since_ms >= self.limits.drain_ms_max;
            if (settled && idle) || cut {
                self.phase = Phase::Left;
                if !settled {
                    effects.push(Effect::Report(Report::DrainCut { open: self.in_flight_events() }));
                }
                effects.push(Effect::Leave);
            }
        }
        effects
    }

    /// The watchdog. A partition whose log is ahead, that may be read, in which nothing is open and that gives nothing, is sought anew:
    /// whatever its queue waits for, fetching begins again.
    fn watch(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        for tenure in self.partitions.values() {
            let readable = self.may_read(*tenure).is_some();
            let Some(owned) = self.owned.get_mut(tenure) else { continue };
            let point = owned.ledger.commit_point();
            let position = owned.ledger.next_offset().or(owned.committed).unwrap_or(owned.low);
            let caught_up = owned.ledger.is_settled() && owned.caught_up_at >= owned.high;
            let behind = if caught_up { 0 } else { (owned.high - point.unwrap_or(position)).max(0) };
            if point != owned.progress_point || behind == 0 {
                owned.progress_point = point;
                owned.progress_ms = now_ms;
                if owned.stalled {
                    owned.stalled = false;
                    effects.push(Effect::Report(Report::Recovered { partition: owned.partition.clone() }));
                }
                continue;
            }
            if now_ms - owned.progress_ms < self.limits.stalled_ms || owned.made_anew {
                continue;
            }
            if !owned.stalled {
                owned.stalled = true;
                let open = owned.ledger.open_events();
                effects.push(Effect::Report(Report::Stalled { partition: owned.partition.clone(), behind, open }));
            }
            if readable && owned.ledger.is_settled() {
                owned.progress_ms = now_ms;
                owned.readable = false;
                let (partition, offset) = (owned.partition.clone(), position.max(owned.low));
                effects.push(Effect::Seek { partition, tenure: *tenure, offset });
            }
        }
    }
}

/// What is stored beside an offset: the epoch of the log that it belongs to. Of the first epoch nothing is stored.
fn metadata_of(epoch: u32) -> String {
    if epoch == 0 { String::new() } else { format!("epoch {epoch}") }
}

fn epoch_of(metadata: &str) -> u32 {
    metadata.strip_prefix("epoch ").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Jumps of a partition whose cause is not yet known; more are not judged.
const JUMPS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        in_flight_bytes_max: 100,
        batch_bytes_max: 40,
        batches_ahead_max: 3,
        commit_interval_ms: 1_000,
        commit_answer_ms_max: 10_000,
        stalled_ms: 60_000,
        drain_ms_max: 5_000,
    };

    fn partition(number: i32) -> Partition {
        Partition { topic: "logs".into(), number }
    }

    fn committed(offset: i64, metadata: &str) -> Option<Committed> {
        Some(Committed { offset, metadata: metadata.into() })
    }

    /// A machine that owns partition 0 of `logs`, located with what is given.
    fn located(epoch: u32, stored: Option<Committed>, low: i64, high: i64) -> (Machine, Tenure, Vec<Effect>) {
        let mut machine = Machine::new(LIMITS, [("logs".into(), epoch)]);
        machine.step(0, Input::Assigned(vec![partition(0)]));
        let tenure = machine.tenure(&partition(0)).unwrap();
        assert_eq!(machine.may_read(tenure), None, "nothing is read before it is located");
        let effects = machine.step(0, Input::Located { tenure, committed: stored, low, high });
        (machine, tenure, effects)
    }

    fn read(machine: &mut Machine, tenure: Tenure, offsets: &[i64], bytes: u64) -> BatchId {
        let effects = machine.step(0, Input::Read { tenure, offsets: offsets.to_vec(), bytes });
        match effects.as_slice() {
            [Effect::Process(batch)] => *batch,
            other => panic!("{other:?}"),
        }
    }

    fn process(machine: &mut Machine, batch: BatchId, open: &[u32]) {
        let to_index = open.iter().map(|n| u64::from(*n)).sum();
        let outcome = Outcome { open: open.to_vec(), to_index, ..Outcome::default() };
        assert_eq!(machine.step(0, Input::Processed { batch, outcome }), [Effect::Deliver(batch)]);
    }

    fn commit(offset: i64) -> Commit {
        Commit { partition: partition(0), offset, metadata: String::new() }
    }

    #[test]
    fn retention_that_overtook_us_is_told_and_counted() {
        let (machine, tenure, effects) = located(0, committed(10, ""), 25, 40);
        assert_eq!(effects, [Effect::Report(Report::Gap { partition: partition(0), from: 10, to: 25 })]);
        assert_eq!(machine.counts().records_lost, 15);
        assert!(machine.may_read(tenure).is_some());
    }

    #[test]
    fn retention_that_overtakes_us_while_reading_is_told_from_compaction() {
        let (mut machine, tenure, _) = located(0, committed(0, ""), 0, 100);
        read(&mut machine, tenure, &[0, 1, 2], 3);
        read(&mut machine, tenure, &[10, 11], 2);
        assert_eq!(machine.step(0, Input::Watermarks { tenure, low: 0, high: 100 }), [], "markers or compaction");
        read(&mut machine, tenure, &[60], 1);
        let gap = Report::Gap { partition: partition(0), from: 12, to: 50 };
        assert_eq!(machine.step(0, Input::Watermarks { tenure, low: 50, high: 100 }), [Effect::Report(gap)]);
        assert_eq!(machine.counts().records_lost, 38);
    }

    #[test]
    fn a_log_that_ends_before_our_offset_is_not_read_until_its_epoch_is_raised() {
        let (machine, tenure, effects) = located(0, committed(50, ""), 0, 40);
        let report = Report::MadeAnew { partition: partition(0), committed: 50, high: 40 };
        assert_eq!(effects, [Effect::Report(report)]);
        assert_eq!(machine.may_read(tenure), None);

        let (mut machine, tenure, effects) = located(1, committed(50, ""), 0, 40);
        assert_eq!(effects, [Effect::Seek { partition: partition(0), tenure, offset: 0 }]);
        assert_eq!(machine.may_read(tenure), None, "what was fetched lies elsewhere");
        machine.step(0, Input::Sought { tenure });
        let batch = read(&mut machine, tenure, &[0], 1);
        process(&mut machine, batch, &[0]);
        let epoch_1 = Commit { metadata: "epoch 1".into(), ..commit(1) };
        assert_eq!(machine.step(2_000, Input::Tick), [Effect::Commit(vec![epoch_1])]);

        let (machine, tenure, effects) = located(1, committed(20, "epoch 1"), 0, 40);
        assert_eq!(effects, []);
        assert!(machine.may_read(tenure).is_some());
    }

    #[test]
    fn offsets_that_begin_again_stop_the_partition_without_a_commit() {
        let (mut machine, tenure, _) = located(0, None, 0, 10);
        let batch = read(&mut machine, tenure, &[8, 9], 2);
        process(&mut machine, batch, &[0, 0]);
        let effects = machine.step(0, Input::Read { tenure, offsets: vec![0], bytes: 1 });
        assert!(matches!(effects.as_slice(), [Effect::Report(Report::MadeAnew { .. })]), "{effects:?}");
        assert_eq!(machine.may_read(tenure), None);
        assert_eq!(machine.step(2_000, Input::Tick), []);
    }

    #[test]
    fn reading_stops_at_the_budget_and_goes_on_when_memory_is_released() {
        let (mut machine, tenure, _) = located(0, None, 0, 100);
        assert_eq!(machine.may_read(tenure), Some(40));
        let first = read(&mut machine, tenure, &[0], 90);
        assert_eq!(machine.may_read(tenure), Some(10));
        read(&mut machine, tenure, &[1], 500);
        assert_eq!(machine.may_read(tenure), None);
        machine.step(0, Input::Revoked { partitions: vec![partition(0)], lost: true });
        assert_eq!(machine.in_flight_bytes(), 590, "it is in memory all the same");
        machine.step(0, Input::Released { batch: first });
        machine.step(0, Input::Released { batch: first });
        assert_eq!(machine.in_flight_bytes(), 500);
    }

    #[test]
    fn one_partition_takes_half_of_the_budget_when_there_are_others() {
        let (mut machine, tenure, _) = located(0, None, 0, 100);
        machine.step(0, Input::Assigned(vec![partition(1)]));
        read(&mut machine, tenure, &[0], 60);
        assert_eq!(machine.may_read(tenure), None);
        let other = machine.tenure(&partition(1)).unwrap();
        machine.step(0, Input::Located { tenure: other, committed: None, low: 0, high: 1 });
        assert_eq!(machine.may_read(other), Some(40));
    }

    #[test]
    fn a_revoke_commits_what_is_answered_and_a_lost_partition_nothing() {
        for (lost, expected) in [(false, vec![Effect::Commit(vec![commit(1)])]), (true, vec![])] {
            let (mut machine, tenure, _) = located(0, None, 0, 10);
            let batch = read(&mut machine, tenure, &[0, 1], 2);
            process(&mut machine, batch, &[1, 1]);
            machine.step(0, Input::Indexed { batch, records: vec![0] });
            let mut effects = machine.step(0, Input::Revoked { partitions: vec![partition(0)], lost });
            assert_eq!(effects.pop(), Some(Effect::AnswerRevoke(vec![partition(0)])));
            assert_eq!(effects, expected, "lost: {lost}");
            assert_eq!(machine.counts().forgotten, 1);
            assert_eq!(machine.step(0, Input::Indexed { batch, records: vec![1] }), [], "the answer finds nothing");
        }
    }

    #[test]
    fn draining_waits_for_answers_and_for_the_commit_but_not_for_ever() {
        let (mut machine, tenure, _) = located(0, None, 0, 10);
        let batch = read(&mut machine, tenure, &[0], 1);
        process(&mut machine, batch, &[1]);
        assert_eq!(machine.step(5_000, Input::Drain), [Effect::Commit(vec![commit(0)])]);
        assert_eq!(machine.may_read(tenure), None);
        machine.step(5_100, Input::CommitAnswered { commits: vec![commit(0)], fault: None });
        assert_eq!(machine.step(5_200, Input::Tick), []);
        machine.step(5_300, Input::Indexed { batch, records: vec![0] });
        assert_eq!(machine.step(5_400, Input::Tick), [Effect::Commit(vec![commit(1)])]);
        assert_eq!(machine.step(5_500, Input::Tick), [], "the commit is not answered");
        machine.step(5_600, Input::CommitAnswered { commits: vec![commit(1)], fault: None });
        assert_eq!(machine.step(5_700, Input::Tick), [Effect::Leave]);
        assert!(machine.has_left());

        let (mut machine, tenure, _) = located(0, None, 0, 10);
        let batch = read(&mut machine, tenure, &[0], 1);
        process(&mut machine, batch, &[1]);
        machine.step(0, Input::Drain);
        let effects = machine.step(5_000, Input::Tick);
        assert_eq!(effects, [Effect::Report(Report::DrainCut { open: 1 }), Effect::Leave]);
    }

    #[test]
    fn a_partition_that_gives_nothing_is_told_and_sought_and_one_that_waits_for_answers_only_told() {
        let (mut machine, tenure, _) = located(0, committed(5, ""), 0, 10);
        machine.step(1_000, Input::Tick);
        assert_eq!(machine.step(59_000, Input::Tick), []);
        let stalled = |open| Report::Stalled { partition: partition(0), behind: 5, open };
        let seek = Effect::Seek { partition: partition(0), tenure, offset: 5 };
        assert_eq!(machine.step(60_000, Input::Tick), [Effect::Report(stalled(0)), seek]);
        machine.step(60_100, Input::Sought { tenure });
        let batch = read(&mut machine, tenure, &[5], 1);
        process(&mut machine, batch, &[1]);
        let effects = machine.step(61_000, Input::Tick);
        assert!(effects.contains(&Effect::Report(Report::Recovered { partition: partition(0) })), "{effects:?}");
        machine.step(61_100, Input::Indexed { batch, records: vec![0] });
        machine.step(62_000, Input::Tick);
        let batch = read(&mut machine, tenure, &[6], 1);
        process(&mut machine, batch, &[1]);
        let effects = machine.step(200_000, Input::Tick);
        let stalled = Report::Stalled { partition: partition(0), behind: 4, open: 1 };
        assert!(effects.contains(&Effect::Report(stalled)), "{effects:?}");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Seek { .. })), "{effects:?}");
    }

    #[test]
    fn the_end_of_a_log_is_no_stall_though_markers_lie_there() {
        let (mut machine, tenure, _) = located(0, committed(9, ""), 0, 10);
        machine.step(0, Input::CaughtUp { tenure });
        assert_eq!(machine.step(100_000, Input::Tick), []);
    }
}
