//! A seeded world over the delivery machine: a group of members, a broker, an index that answers late, twice or with 429, dead letters
//! that need several attempts, crashes and revokes between any two steps. No client and no clock: the machine's own code, and a model
//! of everything around it.
//!
//! What is checked at every step: nothing below a stored commit is missing from both index and dead letters; only the owner commits, and never
//! backwards; the bytes in flight keep their limit; every event is counted once. At the end, when the faults stop: everything arrives.
//!
//! The mutants break the code around the machine in one way each; each must be noticed, or the checks above check nothing.
//! `SLUICE_SIM_SEED=n` runs one seed, `SLUICE_SIM_SEEDS=n` that many from 0.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sluice::delivery::machine::{
    BatchId, Commit, Committed, Effect, Input, Limits, Machine, Outcome, Partition, Tenure,
};
use sluice::delivery::report::Report;

const SEEDS: u64 = 2_500;
const PARTITIONS: usize = 3;
const RECORD_BYTES: u64 = 10;
const LIMITS: Limits = Limits {
    in_flight_bytes_max: 200,
    batch_bytes_max: 60,
    batches_ahead_max: 8,
    commit_interval_ms: 50,
    commit_answer_ms_max: 400,
    stalled_ms: 5_000,
    drain_ms_max: 2_000,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// Commit what was read instead of what is answered.
    CommitHighest,
    /// Give a revoked partition back to the group without telling the machine.
    NoFencing,
    /// Hold a refused event for written to the dead letters before it is.
    ForgottenReject,
    /// Take an answer from an earlier tenure of a partition for one of the present.
    AnyTenure,
    /// Hold a request that was not answered for done.
    TimeoutIsDone,
}

/// SplitMix64: a seed must mean the same run whatever version a library has.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What becomes of one event of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Index,
    /// The index refuses it.
    Refuse,
    /// It cannot be decoded.
    Poison,
    Drop,
}

struct Record {
    offset: i64,
    fates: Vec<Fate>,
}

/// Partition number, offset, event.
type EventId = (usize, i64, usize);

#[derive(Default)]
struct Log {
    records: Vec<Record>,
    end: i64,
    committed: Option<i64>,
    /// The member that owns it in the group's eyes.
    owner: Option<usize>,
    /// The owner was asked to give it back.
    revoking: bool,
}

/// A request under way: to the index or to the dead letters.
#[derive(Clone)]
struct Request {
    batch: BatchId,
    /// Record in the batch, event, and what it is.
    items: Vec<(u32, EventId, Fate)>,
    to_dead_letters: bool,
}

/// Records that were read, as a worker sees them, with how many pieces still hold their memory.
struct Batch {
    partition: usize,
    records: Vec<(u32, i64)>,
    holders: usize,
}

struct Member {
    machine: Machine,
    alive: bool,
    frozen: bool,
    /// The group has put it out; it does not know yet.
    expelled: bool,
    drained: bool,
    positions: HashMap<Tenure, i64>,
    tenure_of: HashMap<Tenure, usize>,
    to_locate: Vec<(Tenure, usize)>,
    /// With how many records of the batch are processed.
    to_process: Vec<(BatchId, usize)>,
    batches: HashMap<BatchId, Batch>,
    requests: Vec<Request>,
    commit_answers: Vec<(Vec<Commit>, Option<String>)>,
}

struct World {
    dice: Dice,
    mutant: Mutant,
    now_ms: i64,
    logs: Vec<Log>,
    members: Vec<Member>,
    indexed: BTreeSet<EventId>,
    dead: BTreeSet<EventId>,
    faults: bool,
}

fn partition(number: usize) -> Partition {
    Partition { topic: Arc::from("logs"), number: number as i32 }
}

impl World {
    fn new(seed: u64, mutant: Mutant) -> Self {
        let logs = (0..PARTITIONS).map(|_| Log::default()).collect();
        let mut world = World {
            dice: Dice(seed),
            mutant,
            now_ms: 1_000,
            logs,
            members: Vec::new(),
            indexed: BTreeSet::new(),
            dead: BTreeSet::new(),
            faults: true,
        };
        for _ in 0..1 + world.dice.below(2) {
            world.join();
        }
        world
    }

    fn run(&mut self) -> Result<(), String> {
        for _ in 0..300 {
            self.act()?;
            self.check()?;
        }
        self.faults = false;
        for member in 0..self.members.len() {
            self.members[member].frozen = false;
        }
        if !self.members.iter().any(|m| m.alive && !m.drained && !m.expelled) {
            self.join();
        }
        for _ in 0..40_000 {
            if self.is_done() {
                return self.check_end();
            }
            self.act()?;
            self.check()?;
        }
        let open: Vec<_> = self.logs.iter().map(|log| (log.committed, log.end, log.owner)).collect();
        Err(format!("the backlog does not drain: (committed, end, owner) {open:?}"))
    }

    fn is_done(&self) -> bool {
        self.logs.iter().all(|log| log.end == 0 || log.committed == Some(log.end))
    }

    fn act(&mut self) -> Result<(), String> {
        self.now_ms += self.dice.below(30) as i64;
        if self.faults {
            match self.dice.below(60) {
                0 => self.join(),
                1 => self.crash(),
                2 => self.freeze(),
                3 => self.expel(),
                4 => self.rebalance(),
                5 => self.drain()?,
                6..=20 => self.append(),
                _ => {}
            }
        }
        self.rebalance_if_unowned();
        let member = self.dice.below(self.members.len());
        if self.members.get(member).is_some_and(|m| m.alive && !m.frozen) {
            self.member_acts(member)?;
        } else if let Some(m) = self.members.get_mut(member).filter(|m| m.frozen) {
            m.frozen = !self.dice.one_in(4);
        }
        Ok(())
    }

    fn append(&mut self) {
        let number = self.dice.below(PARTITIONS);
        let events = self.dice.below(4);
        let fates = (0..events)
            .map(|_| match self.dice.below(12) {
                0 => Fate::Refuse,
                1 => Fate::Poison,
                2 => Fate::Drop,
                _ => Fate::Index,
            })
            .collect();
        let gap = if self.dice.one_in(5) { 1 + self.dice.below(3) as i64 } else { 0 };
        let log = &mut self.logs[number];
        let offset = log.end + gap;
        log.records.push(Record { offset, fates });
        log.end = offset + 1;
    }

    fn join(&mut self) {
        if self.members.iter().filter(|m| m.alive).count() >= 3 || self.members.len() >= 40 {
            return;
        }
        self.members.push(Member {
            machine: Machine::new(LIMITS, []),
            alive: true,
            frozen: false,
            expelled: false,
            drained: false,
            positions: HashMap::new(),
            tenure_of: HashMap::new(),
            to_locate: Vec::new(),
            to_process: Vec::new(),
            batches: HashMap::new(),
            requests: Vec::new(),
            commit_answers: Vec::new(),
        });
        self.rebalance();
    }

    /// kill -9: requests on the wire may still be applied.
    fn crash(&mut self) {
        let member = self.dice.below(self.members.len());
        for request in std::mem::take(&mut self.members[member].requests) {
            if self.dice.one_in(2) {
                self.apply(&request);
            }
        }
        self.members[member].alive = false;
        self.members[member].frozen = false;
        self.disown(member);
        if !self.members.iter().any(|m| m.alive) {
            self.join();
        }
    }

    fn freeze(&mut self) {
        let member = self.dice.below(self.members.len());
        if self.members[member].alive {
            self.members[member].frozen = true;
        }
    }

    /// A frozen member's session ends: the group gives its partitions away.
    fn expel(&mut self) {
        if let Some(member) = (0..self.members.len()).find(|m| self.members[*m].frozen && !self.members[*m].expelled) {
            self.members[member].expelled = true;
            self.disown(member);
        }
    }

    fn disown(&mut self, member: usize) {
        for log in self.logs.iter_mut().filter(|log| log.owner == Some(member)) {
            log.owner = None;
            log.revoking = false;
        }
    }

    fn drain(&mut self) -> Result<(), String> {
        let member = self.dice.below(self.members.len());
        if self.members[member].alive && !self.members[member].frozen && !self.members[member].drained {
            self.members[member].drained = true;
            self.step(member, Input::Drain)?;
        }
        Ok(())
    }

    /// Asks owners to give partitions back; they are given away when that is answered.
    fn rebalance(&mut self) {
        for number in 0..PARTITIONS {
            if self.logs[number].owner.is_some() && self.dice.one_in(2) {
                self.logs[number].revoking = true;
            }
        }
    }

    fn rebalance_if_unowned(&mut self) {
        for number in 0..PARTITIONS {
            if self.logs[number].owner.is_some() || self.dice.one_in(3) {
                continue;
            }
            let takers: Vec<usize> = (0..self.members.len())
                .filter(|m| self.members[*m].alive && !self.members[*m].expelled && !self.members[*m].drained)
                .collect();
            if takers.is_empty() {
                self.join();
                continue;
            }
            let taker = takers[self.dice.below(takers.len())];
            self.logs[number].owner = Some(taker);
            // A frozen member hears of it later; the order of what one member hears is kept by taking no others meanwhile.
            if self.members[taker].frozen {
                self.members[taker].frozen = false;
            }
            let _ = self.step(taker, Input::Assigned(vec![partition(number)]));
        }
    }

    fn member_acts(&mut self, member: usize) -> Result<(), String> {
        // Answers that lay in the socket when the process was frozen may come before the news that it was put out.
        if self.members[member].expelled && self.dice.one_in(3) {
            return self.rejoin(member);
        }
        if let Some(number) = (0..PARTITIONS).find(|n| self.logs[*n].revoking && self.logs[*n].owner == Some(member))
            && self.dice.one_in(3)
        {
            if self.mutant != Mutant::NoFencing {
                self.step(member, Input::Revoked { partitions: vec![partition(number)], lost: false })?;
            }
            self.logs[number].owner = None;
            self.logs[number].revoking = false;
            return Ok(());
        }
        match self.dice.below(8) {
            0 => self.step(member, Input::Tick),
            1 => self.locate(member),
            2 | 3 => self.read(member),
            4 => self.process(member),
            5 | 6 => self.answer(member),
            _ => match self.members[member].commit_answers.is_empty() {
                true => Ok(()),
                false => {
                    let (commits, fault) = self.members[member].commit_answers.remove(0);
                    self.step(member, Input::CommitAnswered { commits, fault })
                }
            },
        }
    }

    fn rejoin(&mut self, member: usize) -> Result<(), String> {
        self.members[member].expelled = false;
        let held: Vec<Partition> =
            (0..PARTITIONS).map(partition).filter(|p| self.members[member].machine.tenure(p).is_some()).collect();
        if self.mutant == Mutant::NoFencing {
            return Ok(());
        }
        self.step(member, Input::Revoked { partitions: held, lost: true })
    }

    fn locate(&mut self, member: usize) -> Result<(), String> {
        let Some((tenure, number)) = self.members[member].to_locate.pop() else { return Ok(()) };
        let log = &self.logs[number];
        let committed = log.committed.map(|offset| Committed { offset, metadata: String::new() });
        let start = log.committed.unwrap_or(0);
        let high = log.end;
        self.members[member].positions.insert(tenure, start);
        self.step(member, Input::Located { tenure, committed, low: 0, high })
    }

    fn read(&mut self, member: usize) -> Result<(), String> {
        let number = self.dice.below(PARTITIONS);
        let Some(tenure) = self.members[member].machine.tenure(&partition(number)) else { return Ok(()) };
        let Some(bytes_max) = self.members[member].machine.may_read(tenure) else { return Ok(()) };
        let position = self.members[member].positions.get(&tenure).copied().unwrap_or(0);
        let most = (bytes_max / RECORD_BYTES).max(1) as usize;
        let wanted = 1 + self.dice.below(most);
        let offsets: Vec<i64> =
            self.logs[number].records.iter().map(|r| r.offset).filter(|o| *o >= position).take(wanted).collect();
        let Some(last) = offsets.last() else { return Ok(()) };
        self.members[member].positions.insert(tenure, last + 1);
        let bytes = offsets.len() as u64 * RECORD_BYTES;
        let records: Vec<(u32, i64)> = offsets.iter().enumerate().map(|(i, o)| (i as u32, *o)).collect();
        let before = self.members[member].to_process.clone();
        self.step(member, Input::Read { tenure, offsets, bytes })?;
        let new: Vec<_> = self.members[member].to_process.iter().filter(|b| !before.contains(b)).copied().collect();
        for (batch, _) in new {
            self.members[member]
                .batches
                .insert(batch, Batch { partition: number, records: records.clone(), holders: 1 });
        }
        Ok(())
    }

    /// A worker takes any waiting batch, or goes on with one: a part of its records.
    fn process(&mut self, member: usize) -> Result<(), String> {
        if self.members[member].to_process.is_empty() {
            return Ok(());
        }
        let pick = self.dice.below(self.members[member].to_process.len());
        let (id, done) = self.members[member].to_process.swap_remove(pick);
        let Some(batch) = self.members[member].batches.get(&id) else { return Ok(()) };
        let number = batch.partition;
        let part = 1 + self.dice.below(batch.records.len() - done);
        let is_last = done + part == batch.records.len();
        let mut outcome = Outcome::default();
        let mut to_index = Vec::new();
        let mut dead = Vec::new();
        for (index, offset) in batch.records.iter().skip(done).take(part) {
            let record = self.logs[number].records.iter().find(|r| r.offset == *offset).ok_or("a record is gone")?;
            let mut open = 0;
            for (event, fate) in record.fates.iter().enumerate() {
                let item = (*index, (number, *offset, event), *fate);
                match fate {
                    Fate::Drop => outcome.dropped += 1,
                    Fate::Poison => {
                        outcome.dead_letters += 1;
                        open += 1;
                        dead.push(item);
                    }
                    Fate::Index | Fate::Refuse => {
                        outcome.to_index += 1;
                        open += 1;
                        to_index.push(item);
                    }
                }
            }
            outcome.open.push(open);
        }
        let delivered = self.step_telling(member, Input::Processed { batch: id, outcome })?;
        if delivered {
            let requests = [(to_index, false), (dead, true)];
            for (items, to_dead_letters) in requests.into_iter().filter(|(items, _)| !items.is_empty()) {
                self.hold(member, id);
                self.members[member].requests.push(Request { batch: id, items, to_dead_letters });
            }
        }
        if !is_last {
            self.members[member].to_process.push((id, done + part));
            return Ok(());
        }
        self.release(member, id)
    }

    /// The index or the dead letters answer one request, in any order: some items done, the others tried again.
    fn answer(&mut self, member: usize) -> Result<(), String> {
        if self.members[member].requests.is_empty() {
            return Ok(());
        }
        let pick = self.dice.below(self.members[member].requests.len());
        let mut request = self.members[member].requests.swap_remove(pick);
        if self.faults && self.dice.one_in(4) {
            // Applied and not answered, or never arrived: to the client both look alike.
            if self.dice.one_in(2) {
                self.apply(&request);
            }
            if self.mutant == Mutant::TimeoutIsDone {
                let records = request.items.iter().map(|(record, _, _)| *record).collect();
                return self.step(member, Input::Indexed { batch: request.batch, records });
            }
            self.members[member].requests.push(request);
            return Ok(());
        }
        let taken = if self.faults { self.dice.below(request.items.len() + 1) } else { request.items.len() };
        let later = request.items.split_off(taken);
        self.apply(&request);
        let batch = match self.mutant {
            Mutant::AnyTenure => self.renamed(member, request.batch),
            _ => request.batch,
        };
        if !later.is_empty() {
            self.hold(member, request.batch);
            self.members[member].requests.push(Request { items: later, ..request.clone() });
        }
        let records: Vec<u32> =
            request.items.iter().filter(|(_, _, fate)| *fate == Fate::Index).map(|(record, _, _)| *record).collect();
        if request.to_dead_letters {
            for (record, _, _) in &request.items {
                self.step(member, Input::DeadLettered { batch, record: *record })?;
            }
        } else {
            self.step(member, Input::Indexed { batch, records })?;
            for (record, event, _) in request.items.iter().filter(|(_, _, fate)| *fate == Fate::Refuse) {
                if self.step_telling(member, Input::Refused { batch, record: *record })? {
                    if self.mutant == Mutant::ForgottenReject {
                        self.step(member, Input::DeadLettered { batch, record: *record })?;
                        continue;
                    }
                    self.hold(member, request.batch);
                    let items = vec![(*record, *event, Fate::Poison)];
                    self.members[member].requests.push(Request { batch: request.batch, items, to_dead_letters: true });
                }
            }
        }
        self.release(member, request.batch)
    }

    fn renamed(&self, member: usize, batch: BatchId) -> BatchId {
        let Some(number) = self.members[member].tenure_of.get(&batch.tenure) else { return batch };
        let tenure = self.members[member].machine.tenure(&partition(*number)).unwrap_or(batch.tenure);
        BatchId { tenure, seq: batch.seq }
    }

    fn apply(&mut self, request: &Request) {
        for (_, event, fate) in &request.items {
            match (request.to_dead_letters, fate) {
                (true, _) => self.dead.insert(*event),
                (false, Fate::Index) => self.indexed.insert(*event),
                _ => false,
            };
        }
    }

    fn hold(&mut self, member: usize, batch: BatchId) {
        if let Some(batch) = self.members[member].batches.get_mut(&batch) {
            batch.holders += 1;
        }
    }

    fn release(&mut self, member: usize, id: BatchId) -> Result<(), String> {
        let Some(batch) = self.members[member].batches.get_mut(&id) else { return Ok(()) };
        batch.holders -= 1;
        if batch.holders > 0 {
            return Ok(());
        }
        self.members[member].batches.remove(&id);
        self.step(member, Input::Released { batch: id })
    }

    fn step(&mut self, member: usize, input: Input) -> Result<(), String> {
        self.step_telling(member, input).map(|_| ())
    }

    /// Runs the machine and does what it says. True when it said to deliver or to write a dead letter, which the caller does.
    fn step_telling(&mut self, member: usize, input: Input) -> Result<bool, String> {
        let mut deliver = false;
        for effect in self.members[member].machine.step(self.now_ms, input) {
            match effect {
                Effect::Locate { partition, tenure } => {
                    let number = partition.number as usize;
                    self.members[member].to_locate.push((tenure, number));
                    self.members[member].tenure_of.insert(tenure, number);
                }
                Effect::Process(batch) => self.members[member].to_process.push((batch, 0)),
                Effect::Deliver(_) | Effect::DeadLetter { .. } => deliver = true,
                Effect::Commit(commits) => self.store(member, commits)?,
                Effect::Leave => {
                    for number in 0..PARTITIONS {
                        if self.logs[number].owner == Some(member) {
                            self.logs[number].owner = None;
                            self.logs[number].revoking = false;
                        }
                    }
                    self.members[member].alive = false;
                }
                Effect::Seek { tenure, offset, .. } => {
                    self.members[member].positions.insert(tenure, offset);
                    self.step(member, Input::Sought { tenure })?;
                }
                Effect::Report(Report::Misfit { batch }) if self.mutant == Mutant::None => {
                    return Err(format!("an answer that fits nothing: {batch:?}"));
                }
                Effect::Report(report @ (Report::Gap { .. } | Report::MadeAnew { .. })) => {
                    return Err(format!("a fault of the log that is none: {report:?}"));
                }
                Effect::AnswerAssign(_) | Effect::AnswerRevoke(_) | Effect::Report(_) => {}
            }
        }
        Ok(deliver)
    }

    /// The broker stores a commit of any live member, whoever owns the partition.
    fn store(&mut self, member: usize, mut commits: Vec<Commit>) -> Result<(), String> {
        if self.members[member].expelled {
            self.members[member].commit_answers.push((commits, Some("unknown member".into())));
            return Ok(());
        }
        if self.faults && self.dice.one_in(10) {
            self.members[member].commit_answers.push((commits, Some("coordinator is loading".into())));
            return Ok(());
        }
        if self.mutant == Mutant::CommitHighest {
            for commit in &mut commits {
                let states = self.members[member].machine.states();
                let state = states.iter().find(|s| s.partition == commit.partition);
                commit.offset = state.and_then(|s| s.next_offset).unwrap_or(commit.offset);
            }
        }
        for commit in &commits {
            let number = commit.partition.number as usize;
            let log = &mut self.logs[number];
            if log.owner != Some(member) {
                return Err(format!("member {member} commits {} which {:?} owns", commit.partition, log.owner));
            }
            if log.committed.is_some_and(|committed| committed > commit.offset) {
                return Err(format!("{} goes back from {:?} to {}", commit.partition, log.committed, commit.offset));
            }
            log.committed = Some(commit.offset);
        }
        for commit in &commits {
            self.all_there(commit.partition.number as usize, commit.offset)?;
        }
        let unanswered = self.faults && self.dice.one_in(10);
        if !unanswered {
            self.members[member].commit_answers.push((commits, None));
        }
        Ok(())
    }

    /// Every event of every record below `offset` is where it belongs.
    fn all_there(&self, number: usize, offset: i64) -> Result<(), String> {
        for record in self.logs[number].records.iter().take_while(|r| r.offset < offset) {
            for (event, fate) in record.fates.iter().enumerate() {
                let id = (number, record.offset, event);
                let there = match fate {
                    Fate::Index => self.indexed.contains(&id),
                    Fate::Refuse | Fate::Poison => self.dead.contains(&id),
                    Fate::Drop => true,
                };
                if !there {
                    return Err(format!("{fate:?} {id:?} is lost: committed up to {offset}"));
                }
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for (number, member) in self.members.iter().enumerate().filter(|(_, m)| m.alive) {
            let counts = member.machine.counts();
            let settled = counts.indexed + counts.dropped + counts.dead_lettered + counts.forgotten;
            if counts.received != settled + member.machine.in_flight_events() {
                return Err(format!(
                    "member {number} lost count: {counts:?}, {} open",
                    member.machine.in_flight_events()
                ));
            }
            let bytes = member.machine.in_flight_bytes();
            if bytes > LIMITS.in_flight_bytes_max + RECORD_BYTES {
                return Err(format!("member {number} holds {bytes} bytes"));
            }
            let held: u64 = member.batches.values().map(|b| b.records.len() as u64 * RECORD_BYTES).sum();
            if held != bytes {
                return Err(format!("member {number} holds {held} bytes and believes in {bytes}"));
            }
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), String> {
        for number in 0..PARTITIONS {
            self.all_there(number, i64::MAX)?;
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for fate in self.logs.iter().flat_map(|log| &log.records).flat_map(|record| &record.fates) {
            *counts.entry(if *fate == Fate::Index { "index" } else { "other" }).or_default() += 1;
        }
        let expected = counts.get("index").copied().unwrap_or(0);
        match self.indexed.len() == expected {
            true => Ok(()),
            false => Err(format!("{} documents for {expected} events", self.indexed.len())),
        }
    }
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    match (number("SLUICE_SIM_SEED"), number("SLUICE_SIM_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(seeds)) => 0..seeds,
        (None, None) => 0..SEEDS,
    }
}

#[test]
fn nothing_is_lost_or_committed_by_a_stranger() {
    for seed in seeds() {
        if let Err(fault) = World::new(seed, Mutant::None).run() {
            panic!(
                "seed {seed}: {fault}\nrun it alone: SLUICE_SIM_SEED={seed} cargo test --test integration simulation"
            );
        }
    }
}

#[test]
fn every_mutant_is_noticed() {
    let mutants =
        [Mutant::CommitHighest, Mutant::NoFencing, Mutant::ForgottenReject, Mutant::AnyTenure, Mutant::TimeoutIsDone];
    for mutant in mutants {
        let noticed = (0..SEEDS).find_map(|seed| World::new(seed, mutant).run().err().map(|fault| (seed, fault)));
        println!("{mutant:?}: {noticed:?}");
        assert!(noticed.is_some(), "{SEEDS} seeds do not notice {mutant:?}");
    }
}
