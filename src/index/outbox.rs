//! What becomes of every item that is to be written: pure, with time as an argument, so that it can be simulated with the delivery.
//!
//! An item is in exactly one place: queued, under way, delayed after a failure, or parked because its index takes no documents. From each
//! it comes back, until it is answered or forgotten. Three things stop it: its index is halted, so that it is parked with the others of that
//! index; the cluster is halted or away, so that everything waits; the window is full. In the first two cases one single item is sent from
//! time to time to see whether the cause is gone, because a body of megabytes is a bad question.
//!
//! The usual case costs nothing per item: a batch that fits is sent as the bytes it came in, and an answer that all is done is one look.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;

use super::bulk::{Batch, Token};
use super::group::{Entry, Group, pop_entry};
use super::retry::{self, Random};
use super::throttle::Window;
use super::verdict::{HaltCause, Reply, Verdict};

/// What the outbox may hold and send.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A body above this is cut. Larger: more is sent again after one failure. Smaller: the server's cost per request shows.
    pub body_bytes_max: usize,
    pub body_items_max: usize,
    pub requests_in_flight_max: usize,
    /// Past this [`Outbox::has_room`] says no.
    pub held_bytes_max: usize,
    /// An index of past days that stays closed so long: its items are rejected.
    pub closed_index_reject_after_ms: i64,
}

/// A bulk request to be sent now.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: u64,
    pub body: Bytes,
    pub items: usize,
}

/// The end of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub token: Token,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the index.
    Done,
    /// It never will be.
    Reject { kind: &'static str, reason: String },
}

/// Whether documents can be written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Health {
    #[default]
    Ok,
    /// Somebody must repair something. `index`: the one that is concerned, when not all are.
    Halted { cause: HaltCause, index: Option<String>, reason: String, since_ms: i64 },
    /// No answer, or one that passes by itself.
    Unreachable { reason: String, since_ms: i64 },
}

impl Health {
    /// For an operator: what is wrong and what to do; `None` when nothing is.
    pub fn reason(&self) -> Option<String> {
        match self {
            Health::Ok => None,
            Health::Halted { cause, index: Some(index), reason, .. } => {
                Some(format!("writing to {index} has halted ({cause}): {reason}; {}", cause.way_out()))
            }
            Health::Halted { cause, index: None, reason, .. } => {
                Some(format!("writing has halted ({cause}): {reason}; {}", cause.way_out()))
            }
            Health::Unreachable { reason, .. } => Some(format!("OpenSearch takes nothing: {reason}")),
        }
    }
}

/// An item that fails so often in a way that a document can cause is rejected. At the delays of [`retry::ITEM`] that takes about a minute.
const SUSPECT_ATTEMPTS_MAX: u32 = 10;
/// Only a closed index older than this gives its items up: today's one is always waited for.
const CLOSED_INDEX_AGE_MS: i64 = 2 * 24 * 3600 * 1000;
/// A queued body below this part of a full one is joined with others, which costs a copy and saves a request.
const JOIN_PART: usize = 4;

pub struct Outbox {
    limits: Limits,
    window: Window,
    random: Random,
    queue: VecDeque<Group>,
    /// By the time when they are due, and a number that makes the key unique.
    delayed: BTreeMap<(i64, u64), Group>,
    parked: BTreeMap<String, Parked>,
    flights: HashMap<u64, Flight>,
    blocked: Option<Blocked>,
    held_bytes: usize,
    sequence: u64,
}

struct Flight {
    group: Group,
    probe: Option<Probe>,
}

enum Probe {
    Cluster,
    Index(String),
}

/// An index that takes no documents.
struct Parked {
    cause: HaltCause,
    reason: String,
    since_ms: i64,
    probe_at_ms: i64,
    attempts: u32,
    is_probing: bool,
    /// Closed for longer than the settings wait: what comes for it later is not waited for anew, only asked for once more.
    is_given_up: bool,
    groups: VecDeque<Group>,
}

/// A cluster that takes no documents; `cause`: none when it is just away.
struct Blocked {
    cause: Option<HaltCause>,
    reason: String,
    since_ms: i64,
    probe_at_ms: i64,
    attempts: u32,
    is_probing: bool,
}

impl Outbox {
    pub fn new(limits: Limits, seed: u64) -> Outbox {
        Outbox {
            window: Window::new(limits.requests_in_flight_max, limits.body_bytes_max),
            limits,
            random: Random::new(seed),
            queue: VecDeque::new(),
            delayed: BTreeMap::new(),
            parked: BTreeMap::new(),
            flights: HashMap::new(),
            blocked: None,
            held_bytes: 0,
            sequence: 0,
        }
    }

    /// Whether another batch should be handed over. One batch more than that does no harm.
    pub fn has_room(&self) -> bool {
        self.held_bytes < self.limits.held_bytes_max
    }

    /// Bytes of items not yet answered. The memory behind them is at most twice that: what is left of a body is copied out when it is less than half.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub fn is_empty(&self) -> bool {
        self.flights.is_empty() && self.holds_only_flights()
    }

    /// Takes a batch over. Each of its items is answered once.
    pub fn push(&mut self, batch: Batch, answers: &mut Vec<Answer>) {
        let mut entries = Vec::with_capacity(batch.items.len());
        for item in batch.items {
            if item.range.start >= item.range.end || item.range.end > batch.body.len() {
                let reason = format!("an item at bytes {:?} of a body of {}", item.range, batch.body.len());
                answers.push(Answer {
                    token: item.token,
                    outcome: Outcome::Reject { kind: "bulk_item_unreadable", reason },
                });
                continue;
            }
            self.held_bytes += item.range.len();
            entries.push(Entry {
                token: item.token,
                start: item.range.start,
                end: item.range.end,
                attempts: 0,
                suspicions: 0,
                is_forgotten: false,
            });
        }
        if !entries.is_empty() {
            self.queue.push_back(Group { body: batch.body, entries });
        }
    }

    /// The next request to be sent now, if any. To be called until it gives none.
    pub fn next(&mut self, now_ms: i64) -> Option<Request> {
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now_ms
        {
            let group = entry.remove();
            self.queue.push_front(group);
        }
        if self.flights.len() >= self.window.requests() {
            return None;
        }
        if self.blocked.is_some() {
            return self.next_cluster_probe(now_ms);
        }
        if let Some(request) = self.next_index_probe(now_ms) {
            return Some(request);
        }
        let group = self.take_body()?;
        Some(self.launch(group, None))
    }

    /// When [`Outbox::next`] may give a request although nothing else happens before.
    pub fn wakes_at_ms(&self) -> Option<i64> {
        if self.flights.len() >= self.window.requests() {
            return None;
        }
        let delayed = self.delayed.keys().next().map(|(due_ms, _)| *due_ms);
        match &self.blocked {
            Some(blocked) if blocked.is_probing || self.holds_only_flights() => None,
            Some(blocked) => Some(blocked.probe_at_ms),
            None => {
                let probes = self.parked.values().filter(|parked| !parked.is_probing && !parked.groups.is_empty());
                probes.map(|parked| parked.probe_at_ms).chain(delayed).min()
            }
        }
    }

    /// What came back for a request that [`Outbox::next`] gave.
    pub fn replied(&mut self, id: u64, reply: Reply, now_ms: i64, answers: &mut Vec<Answer>) {
        let Some(Flight { group, probe }) = self.flights.remove(&id) else { return };
        match reply {
            Reply::AllDone => {
                self.served(&probe);
                for entry in &group.entries {
                    self.answer(entry, Outcome::Done, answers);
                }
            }
            Reply::Items(verdicts) if verdicts.len() == group.entries.len() => {
                self.judged(group, verdicts, probe, now_ms, answers);
            }
            Reply::Items(verdicts) => {
                let reason = format!("{} verdicts on {} items", verdicts.len(), group.entries.len());
                self.block(None, reason, &probe, now_ms);
                self.requeue(group);
            }
            Reply::Split { kind, reason } => {
                self.served(&probe);
                self.split(group, kind, reason, answers);
            }
            Reply::Unserved { busy, reason } => {
                if busy {
                    self.window.yield_to_server();
                } else {
                    self.window.unanswered();
                }
                self.block(None, reason, &probe, now_ms);
                self.requeue(group);
            }
            Reply::Halt { cause, reason } => {
                self.block(Some(cause), reason, &probe, now_ms);
                self.requeue(group);
            }
        }
        self.settle();
    }

    /// Drops every item of a lane; none of them is answered any more. Says how many.
    pub fn forget(&mut self, lane: u64) -> usize {
        let mut forgotten = 0;
        let mut freed = 0;
        let mut keep = |group: &mut Group| {
            group.entries.retain(|entry| {
                let keeps = entry.token.lane != lane;
                if !keeps {
                    forgotten += 1;
                    freed += entry.end - entry.start;
                }
                keeps
            });
            !group.entries.is_empty()
        };
        self.queue.retain_mut(&mut keep);
        self.delayed.retain(|_, group| keep(group));
        for parked in self.parked.values_mut() {
            parked.groups.retain_mut(&mut keep);
        }
        for flight in self.flights.values_mut() {
            for entry in &mut flight.group.entries {
                if entry.token.lane == lane && !entry.is_forgotten {
                    entry.is_forgotten = true;
                    forgotten += 1;
                }
            }
        }
        self.held_bytes -= freed;
        self.settle();
        forgotten
    }

    /// The worst of what is known.
    pub fn health(&self) -> Health {
        if let Some(Blocked { cause, reason, since_ms, .. }) = &self.blocked {
            let (reason, since_ms) = (reason.clone(), *since_ms);
            return match cause {
                Some(cause) => Health::Halted { cause: *cause, index: None, reason, since_ms },
                None => Health::Unreachable { reason, since_ms },
            };
        }
        let waiting = self.parked.iter().filter(|(_, parked)| parked.is_probing || !parked.groups.is_empty());
        match waiting.min_by_key(|(_, parked)| parked.since_ms) {
            Some((index, parked)) => Health::Halted {
                cause: parked.cause,
                index: Some(index.clone()),
                reason: parked.reason.clone(),
                since_ms: parked.since_ms,
            },
            None => Health::Ok,
        }
    }

    fn launch(&mut self, group: Group, probe: Option<Probe>) -> Request {
        let group = group.contiguous();
        let body = match (group.entries.first(), group.entries.last()) {
            (Some(first), Some(last)) => group.body.slice(first.start..last.end),
            _ => Bytes::new(),
        };
        self.sequence += 1;
        let request = Request { id: self.sequence, body, items: group.entries.len() };
        self.flights.insert(self.sequence, Flight { group, probe });
        request
    }

    /// The front of the queue, cut to the window or joined up to it, without the items of parked indices.
    fn take_body(&mut self) -> Option<Group> {
        let bytes_max = self.window.body_bytes();
        let mut taken: Vec<Group> = Vec::new();
        let mut bytes = 0;
        let mut items = 0;
        while let Some(mut group) = self.queue.pop_front() {
            if !self.parked.is_empty() {
                group = self.park_known(group);
                if group.entries.is_empty() {
                    continue;
                }
            }
            let is_small = bytes < bytes_max / JOIN_PART && group.bytes() < bytes_max / JOIN_PART;
            let fits = bytes + group.bytes() <= bytes_max && items + group.entries.len() <= self.limits.body_items_max;
            if !taken.is_empty() && !(is_small && fits) {
                self.queue.push_front(group);
                break;
            }
            if let Some(rest) = group.cut(bytes_max, self.limits.body_items_max) {
                self.queue.push_front(rest);
            }
            bytes += group.bytes();
            items += group.entries.len();
            taken.push(group);
            if bytes >= bytes_max / JOIN_PART {
                break;
            }
        }
        if taken.len() <= 1 { taken.pop() } else { Some(Group::joined(&taken)) }
    }

    /// Puts the items of halted indices with the others of their index, and gives the rest.
    fn park_known(&mut self, group: Group) -> Group {
        let is_parked = |parked: &BTreeMap<String, Parked>, entry: &Entry| parked.contains_key(group.index_of(entry));
        if !group.entries.iter().any(|entry| is_parked(&self.parked, entry)) {
            return group;
        }
        let (known, free): (Vec<Entry>, Vec<Entry>) =
            group.entries.iter().cloned().partition(|entry| is_parked(&self.parked, entry));
        let mut by_index: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in known {
            by_index.entry(group.index_of(&entry).to_owned()).or_default().push(entry);
        }
        for (index, entries) in by_index {
            if let Some(parked) = self.parked.get_mut(&index) {
                parked.groups.push_back(group.with(entries));
            }
        }
        group.with(free)
    }

    fn next_cluster_probe(&mut self, now_ms: i64) -> Option<Request> {
        let blocked = self.blocked.as_mut()?;
        if blocked.is_probing || now_ms < blocked.probe_at_ms {
            return None;
        }
        let parked = self.parked.values_mut().find_map(|parked| pop_entry(&mut parked.groups));
        let probe = pop_entry(&mut self.queue).or(parked).or_else(|| {
            let mut group = self.delayed.pop_first()?.1;
            let probe = group.pop_first();
            if !group.entries.is_empty() {
                self.queue.push_front(group);
            }
            probe
        })?;
        blocked.is_probing = true;
        Some(self.launch(probe, Some(Probe::Cluster)))
    }

    fn next_index_probe(&mut self, now_ms: i64) -> Option<Request> {
        let (index, parked) = self
            .parked
            .iter_mut()
            .find(|(_, parked)| !parked.is_probing && parked.probe_at_ms <= now_ms && !parked.groups.is_empty())?;
        let probe = pop_entry(&mut parked.groups)?;
        parked.is_probing = true;
        let index = index.clone();
        Some(self.launch(probe, Some(Probe::Index(index))))
    }

    /// The server took a request and read it: whatever it made of the items, it is there.
    fn served(&mut self, probe: &Option<Probe>) {
        self.blocked = None;
        self.window.answered();
        if let Some(Probe::Index(index)) = probe
            && let Some(mut parked) = self.parked.remove(index)
        {
            while let Some(group) = parked.groups.pop_back() {
                self.queue.push_front(group);
            }
        }
    }

    fn judged(
        &mut self,
        group: Group,
        verdicts: Vec<Verdict>,
        probe: Option<Probe>,
        now_ms: i64,
        answers: &mut Vec<Answer>,
    ) {
        let mut again = Vec::new();
        let mut blocked_again = Vec::new();
        let mut halted: BTreeMap<String, (HaltCause, String, Vec<Entry>)> = BTreeMap::new();
        let mut is_busy = false;
        let mut cluster_halt = None;
        for (mut entry, verdict) in group.entries.iter().cloned().zip(verdicts) {
            match verdict {
                Verdict::Done => self.answer(&entry, Outcome::Done, answers),
                Verdict::Reject { kind, reason } => self.answer(&entry, Outcome::Reject { kind, reason }, answers),
                _ if entry.is_forgotten => self.held_bytes -= entry.end - entry.start,
                Verdict::Suspect { reason } if entry.suspicions + 1 >= SUSPECT_ATTEMPTS_MAX => {
                    let reason = format!("the server failed on it {SUSPECT_ATTEMPTS_MAX} times: {reason}");
                    self.answer(&entry, Outcome::Reject { kind: "server_error", reason }, answers);
                }
                Verdict::Suspect { .. } => {
                    entry.suspicions += 1;
                    entry.attempts = entry.attempts.saturating_add(1);
                    again.push(entry);
                }
                Verdict::Retry { busy, .. } => {
                    is_busy |= busy;
                    entry.attempts = entry.attempts.saturating_add(1);
                    again.push(entry);
                }
                Verdict::Halt { cause, reason } if cause.is_of_cluster() => {
                    cluster_halt = Some((cause, reason));
                    blocked_again.push(entry);
                }
                Verdict::Halt { cause, reason } => {
                    let index = group.index_of(&entry).to_owned();
                    halted.entry(index).or_insert_with(|| (cause, reason, Vec::new())).2.push(entry);
                }
            }
        }
        let probed_index_halts = match &probe {
            Some(Probe::Index(index)) => halted.contains_key(index),
            _ => false,
        };
        match cluster_halt {
            Some((cause, reason)) => self.block(Some(cause), reason, &probe, now_ms),
            None if probed_index_halts => self.served(&None),
            None => self.served(&probe),
        }
        if is_busy {
            self.window.yield_to_server();
        }
        if !blocked_again.is_empty() {
            self.queue.push_front(group.with(blocked_again).compacted());
        }
        if let Some(attempts) = again.iter().map(|entry| entry.attempts).max() {
            let due_ms = now_ms.saturating_add(retry::ITEM.delay_ms(attempts - 1, &mut self.random));
            self.sequence += 1;
            self.delayed.insert((due_ms, self.sequence), group.with(again).compacted());
        }
        for (index, (cause, reason, entries)) in halted {
            self.park(index, cause, reason, group.with(entries).compacted(), now_ms, answers);
        }
    }

    fn park(
        &mut self,
        index: String,
        cause: HaltCause,
        reason: String,
        group: Group,
        now_ms: i64,
        answers: &mut Vec<Answer>,
    ) {
        let mut parked = self.parked.remove(&index).unwrap_or_else(|| Parked {
            cause,
            reason: String::new(),
            since_ms: now_ms,
            probe_at_ms: now_ms,
            attempts: 0,
            is_probing: false,
            is_given_up: false,
            groups: VecDeque::new(),
        });
        if parked.cause != cause {
            parked.since_ms = now_ms;
        }
        parked.cause = cause;
        parked.reason = reason;
        parked.is_probing = false;
        parked.probe_at_ms = now_ms.saturating_add(retry::HALT.delay_ms(parked.attempts, &mut self.random));
        parked.attempts = parked.attempts.saturating_add(1);
        parked.groups.push_front(group);
        parked.is_given_up = cause == HaltCause::IndexClosed
            && now_ms.saturating_sub(parked.since_ms) >= self.limits.closed_index_reject_after_ms;
        if parked.is_given_up {
            self.reject_old(&mut parked, now_ms, answers);
        }
        self.parked.insert(index, parked);
    }

    fn reject_old(&mut self, parked: &mut Parked, now_ms: i64, answers: &mut Vec<Answer>) {
        let reason = format!("its index stayed closed: {}", parked.reason);
        let old_before_ms = now_ms.saturating_sub(CLOSED_INDEX_AGE_MS);
        for mut group in std::mem::take(&mut parked.groups) {
            let (old, young) = std::mem::take(&mut group.entries)
                .into_iter()
                .partition::<Vec<Entry>, _>(|entry| group.is_older(entry, old_before_ms));
            for entry in &old {
                self.answer(entry, Outcome::Reject { kind: "index_closed", reason: reason.clone() }, answers);
            }
            if !young.is_empty() {
                parked.groups.push_back(group.with(young).compacted());
            }
        }
    }

    fn split(&mut self, group: Group, kind: &'static str, reason: String, answers: &mut Vec<Answer>) {
        let bytes = group.bytes();
        let group = self.without_forgotten(group);
        if let [entry] = group.entries.as_slice() {
            return self.answer(entry, Outcome::Reject { kind, reason }, answers);
        }
        if kind == "document_too_large" {
            self.window.too_large(bytes);
        }
        let mut first = group;
        let second = first.entries.split_off(first.entries.len() / 2);
        self.queue.push_front(first.with(second));
        self.queue.push_front(first);
    }

    fn block(&mut self, cause: Option<HaltCause>, reason: String, probe: &Option<Probe>, now_ms: i64) {
        if let Some(Probe::Index(index)) = probe
            && let Some(parked) = self.parked.get_mut(index)
        {
            parked.is_probing = false;
        }
        let is_probe = matches!(probe, Some(Probe::Cluster));
        let backoff = if cause.is_some() { retry::HALT } else { retry::UNREACHABLE };
        match &mut self.blocked {
            // Others were under way when the first one failed: they say nothing new.
            Some(blocked) if !is_probe && blocked.cause == cause => {}
            Some(blocked) => {
                if blocked.cause != cause {
                    blocked.since_ms = now_ms;
                    blocked.cause = cause;
                    blocked.attempts = 0;
                }
                blocked.reason = reason;
                blocked.probe_at_ms = now_ms.saturating_add(backoff.delay_ms(blocked.attempts, &mut self.random));
                blocked.attempts = blocked.attempts.saturating_add(1);
                blocked.is_probing &= !is_probe;
            }
            None => {
                let probe_at_ms = now_ms.saturating_add(backoff.delay_ms(0, &mut self.random));
                self.blocked =
                    Some(Blocked { cause, reason, since_ms: now_ms, probe_at_ms, attempts: 1, is_probing: false });
            }
        }
    }

    fn requeue(&mut self, group: Group) {
        let group = self.without_forgotten(group);
        if !group.entries.is_empty() {
            self.queue.push_front(group);
        }
    }

    fn without_forgotten(&mut self, mut group: Group) -> Group {
        let mut freed = 0;
        group.entries.retain(|entry| {
            if entry.is_forgotten {
                freed += entry.end - entry.start;
            }
            !entry.is_forgotten
        });
        self.held_bytes -= freed;
        group
    }

    fn answer(&mut self, entry: &Entry, outcome: Outcome, answers: &mut Vec<Answer>) {
        self.held_bytes -= entry.end - entry.start;
        if !entry.is_forgotten {
            answers.push(Answer { token: entry.token, outcome });
        }
    }

    /// Drops what is known of indices and of the cluster when nothing waits for it: health speaks of items that wait.
    fn settle(&mut self) {
        self.parked.retain(|_, parked| parked.is_probing || parked.is_given_up || !parked.groups.is_empty());
        if self.is_empty() {
            self.blocked = None;
        }
    }

    fn holds_only_flights(&self) -> bool {
        self.queue.is_empty() && self.delayed.is_empty() && self.parked.values().all(|parked| parked.groups.is_empty())
    }
}
