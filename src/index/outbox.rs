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
            self.queue.push_back(Group { body: batch.body, entries, stays_apart: false });
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
            if !taken.is_empty() && (group.stays_apart || !is_small || !fits) {
                self.queue.push_front(group);
                break;
            }
            if let Some(rest) = group.cut(bytes_max, self.limits.body_items_max) {
                self.queue.push_front(rest);
            }
            bytes += group.bytes();
            items += group.entries.len();
            taken.push(group);
            if bytes >= bytes_max / JOIN_PART || taken.last().is_some_and(|group| group.stays_apart) {
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
        let probe = pop_entry(&mut self.queue)
            .or_else(|| self.parked.values_mut().find_map(|parked| pop_entry(&mut parked.groups)))
            .or_else(|| {
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
        // With others in the body, whether since forgotten or not, nothing is known of any one of them.
        let was_alone = group.entries.len() == 1;
        let group = self.without_forgotten(group);
        match group.entries.first() {
            None => return,
            Some(entry) if was_alone => return self.answer(entry, Outcome::Reject { kind, reason }, answers),
            Some(_) => {}
        }
        if kind == "document_too_large" {
            self.window.too_large(bytes);
        }
        let mut first = group;
        first.stays_apart = true;
        let second = first.entries.split_off(first.entries.len().div_ceil(2));
        if !second.is_empty() {
            self.queue.push_front(first.with(second));
        }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::index::BatchWriter;
    use crate::index::bulk;
    use crate::record::DocId;

    const LIMITS: Limits = Limits {
        body_bytes_max: 64 << 10,
        body_items_max: 50,
        requests_in_flight_max: 4,
        held_bytes_max: 1 << 20,
        closed_index_reject_after_ms: 60_000,
    };

    fn id(time_ms: i64, number: u64) -> DocId {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&time_ms.to_be_bytes()[2..]);
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        DocId(bytes)
    }

    fn batch(index: &str, lane: u64, items: std::ops::Range<u64>) -> Batch {
        let mut writer = BatchWriter::default();
        for item in items {
            writer.create(index, &id(0, lane << 32 | item), Token { lane, item }, |out| {
                out.extend_from_slice(b"{\"a\":1}")
            });
        }
        writer.finish()
    }

    fn halt(cause: HaltCause) -> Verdict {
        Verdict::Halt { cause, reason: "as the server says".into() }
    }

    /// Sends until nothing is left to send now.
    fn send(outbox: &mut Outbox, now_ms: i64) -> Vec<Request> {
        std::iter::from_fn(|| outbox.next(now_ms)).collect()
    }

    #[test]
    fn a_batch_that_fits_is_sent_as_the_bytes_it_came_in() {
        let mut outbox = Outbox::new(LIMITS, 1);
        let batch = batch("a", 1, 0..20);
        let start = batch.body.as_ptr();
        outbox.push(batch.clone(), &mut Vec::new());
        let request = outbox.next(0).unwrap();
        assert_eq!(request.body.as_ptr(), start);
        assert_eq!(request.body, batch.body);
        let mut answers = Vec::new();
        outbox.replied(request.id, Reply::AllDone, 0, &mut answers);
        assert_eq!(answers.len(), 20);
        assert!(outbox.is_empty() && outbox.held_bytes() == 0);
    }

    #[test]
    fn small_batches_that_wait_are_joined_and_large_ones_cut() {
        let mut outbox = Outbox::new(Limits { requests_in_flight_max: 1, ..LIMITS }, 1);
        for lane in 0..10 {
            outbox.push(batch("a", lane, 0..4), &mut Vec::new());
        }
        outbox.push(batch("a", 10, 0..120), &mut Vec::new());
        let mut sizes = Vec::new();
        while let Some(request) = outbox.next(0) {
            sizes.push(request.items);
            outbox.replied(request.id, Reply::AllDone, 0, &mut Vec::new());
        }
        assert_eq!(sizes, [40, 50, 50, 20]);
    }

    #[test]
    fn only_what_failed_is_sent_again_and_later() {
        let mut outbox = Outbox::new(LIMITS, 1);
        outbox.push(batch("a", 1, 0..4), &mut Vec::new());
        let request = outbox.next(0).unwrap();
        let retry = || Verdict::Retry { busy: true, reason: String::new() };
        let reject = Verdict::Reject { kind: "mapping_conflict", reason: "bad".into() };
        let mut answers = Vec::new();
        outbox.replied(request.id, Reply::Items(vec![Verdict::Done, retry(), reject, retry()]), 0, &mut answers);
        assert_eq!(answers.iter().map(|answer| answer.token.item).collect::<Vec<_>>(), [0, 2]);
        assert!(outbox.next(0).is_none());
        let due_ms = outbox.wakes_at_ms().unwrap();
        assert!((50..=100).contains(&due_ms), "{due_ms}");
        let again = outbox.next(due_ms).unwrap();
        assert_eq!(again.items, 2);
        answers.clear();
        outbox.replied(again.id, Reply::AllDone, due_ms, &mut answers);
        assert_eq!(answers.iter().map(|answer| answer.token.item).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_halted_index_stops_itself_and_no_other() {
        let mut outbox = Outbox::new(LIMITS, 1);
        outbox.push(batch("closed", 1, 0..3), &mut Vec::new());
        let request = outbox.next(0).unwrap();
        let mut answers = Vec::new();
        outbox.replied(request.id, Reply::Items(vec![halt(HaltCause::ShardLimit); 3]), 0, &mut answers);
        let Health::Halted { cause, index, .. } = outbox.health() else { panic!() };
        assert_eq!((cause, index.as_deref()), (HaltCause::ShardLimit, Some("closed")));
        // Another index is written on, and what comes for the halted one is not sent.
        outbox.push(batch("closed", 2, 0..3), &mut answers);
        outbox.push(batch("open", 3, 0..3), &mut answers);
        let requests = send(&mut outbox, 0);
        assert_eq!(requests.iter().map(|request| request.items).collect::<Vec<_>>(), [3]);
        outbox.replied(requests[0].id, Reply::AllDone, 0, &mut answers);
        assert_eq!(answers.len(), 3);
        // One item asks, the others follow when it is answered.
        let probe_ms = outbox.wakes_at_ms().unwrap();
        let probes = send(&mut outbox, probe_ms);
        assert_eq!(probes.iter().map(|request| request.items).collect::<Vec<_>>(), [1]);
        outbox.replied(probes[0].id, Reply::AllDone, probe_ms, &mut answers);
        assert_eq!(outbox.health(), Health::Ok);
        for request in send(&mut outbox, probe_ms) {
            outbox.replied(request.id, Reply::AllDone, probe_ms, &mut answers);
        }
        assert_eq!(answers.len(), 9);
        assert!(answers.iter().all(|answer| answer.outcome == Outcome::Done));
    }

    #[test]
    fn a_halted_or_absent_cluster_is_asked_with_one_item() {
        for reply in [
            Reply::Halt { cause: HaltCause::Unauthorized, reason: "401".into() },
            Reply::Unserved { busy: false, reason: "connection refused".into() },
        ] {
            let mut outbox = Outbox::new(LIMITS, 1);
            for lane in 0..4 {
                outbox.push(batch("a", lane, 0..50), &mut Vec::new());
            }
            let mut answers = Vec::new();
            for request in send(&mut outbox, 0) {
                outbox.replied(request.id, reply.clone(), 0, &mut answers);
            }
            assert_ne!(outbox.health(), Health::Ok);
            let mut now_ms = 0;
            for _ in 0..20 {
                now_ms = outbox.wakes_at_ms().unwrap();
                let probes = send(&mut outbox, now_ms);
                assert_eq!(probes.iter().map(|request| request.items).collect::<Vec<_>>(), [1]);
                outbox.replied(probes[0].id, reply.clone(), now_ms, &mut answers);
            }
            assert!(answers.is_empty() && now_ms > 30_000, "{now_ms}");
            while !outbox.is_empty() {
                now_ms = outbox.wakes_at_ms().unwrap_or(now_ms).max(now_ms);
                for request in send(&mut outbox, now_ms) {
                    outbox.replied(request.id, Reply::AllDone, now_ms, &mut answers);
                }
            }
            assert_eq!((answers.len(), outbox.health()), (200, Health::Ok));
        }
    }

    #[test]
    fn a_body_that_is_refused_is_halved_until_one_document_is_found() {
        let mut outbox = Outbox::new(LIMITS, 1);
        outbox.push(batch("a", 1, 0..33), &mut Vec::new());
        let mut answers = Vec::new();
        while let Some(request) = outbox.next(0) {
            // Item 7 spoils every body that it is in.
            let spoilt = bulk_ids(&request).contains(&id(0, 1 << 32 | 7).to_string());
            let split = Reply::Split { kind: "document_too_large", reason: "413".into() };
            outbox.replied(request.id, if spoilt { split } else { Reply::AllDone }, 0, &mut answers);
        }
        let rejected: Vec<_> = answers.iter().filter(|answer| answer.outcome != Outcome::Done).collect();
        assert_eq!((answers.len(), rejected.len(), rejected[0].token.item), (33, 1, 7));
    }

    #[test]
    fn a_document_that_the_server_fails_on_every_time_is_rejected() {
        let mut outbox = Outbox::new(LIMITS, 1);
        outbox.push(batch("a", 1, 0..1), &mut Vec::new());
        let (mut now_ms, mut answers, mut attempts) = (0, Vec::new(), 0);
        while answers.is_empty() {
            let request = outbox.next(now_ms).unwrap();
            attempts += 1;
            let verdict = Verdict::Suspect { reason: "null_pointer_exception".into() };
            outbox.replied(request.id, Reply::Items(vec![verdict]), now_ms, &mut answers);
            now_ms = outbox.wakes_at_ms().unwrap_or(now_ms);
        }
        assert_eq!(attempts, SUSPECT_ATTEMPTS_MAX);
        assert!(matches!(answers[0].outcome, Outcome::Reject { kind: "server_error", .. }));
    }

    #[test]
    fn an_index_of_past_days_that_stays_closed_gives_its_items_up_and_todays_does_not() {
        let day_ms = 24 * 3600 * 1000;
        let start_ms = 1000 * day_ms;
        let mut outbox = Outbox::new(LIMITS, 1);
        let mut writer = BatchWriter::default();
        for (item, days) in [(0, 10), (1, 3), (2, 1), (3, 0)] {
            writer.create("i", &id(start_ms - days * day_ms, item), Token { lane: 1, item }, |out| {
                out.extend_from_slice(b"{}")
            });
        }
        outbox.push(writer.finish(), &mut Vec::new());
        let (mut now_ms, mut answers) = (start_ms, Vec::new());
        while now_ms < start_ms + 100_000 {
            for request in send(&mut outbox, now_ms) {
                let verdicts = vec![halt(HaltCause::IndexClosed); request.items];
                outbox.replied(request.id, Reply::Items(verdicts), now_ms, &mut answers);
            }
            now_ms = outbox.wakes_at_ms().unwrap();
        }
        let mut rejected: Vec<_> = answers.iter().map(|answer| answer.token.item).collect();
        rejected.sort_unstable();
        assert_eq!(rejected, [0, 1]);
        // What comes for it later is asked for once, and not waited for another hour.
        outbox.push(batch("i", 2, 0..2), &mut answers);
        let mut steps = 0;
        while answers.len() < 4 {
            for request in send(&mut outbox, now_ms) {
                outbox.replied(
                    request.id,
                    Reply::Items(vec![halt(HaltCause::IndexClosed); request.items]),
                    now_ms,
                    &mut answers,
                );
            }
            now_ms = outbox.wakes_at_ms().unwrap();
            steps += 1;
            assert!(steps < 10);
        }
    }

    #[test]
    fn an_item_without_a_place_in_the_body_is_answered_and_harms_none() {
        let mut outbox = Outbox::new(LIMITS, 1);
        let mut batch = batch("a", 1, 0..3);
        batch.items[1].range = 10..1_000_000;
        let mut answers = Vec::new();
        outbox.push(batch, &mut answers);
        assert_eq!(answers.len(), 1);
        let request = outbox.next(0).unwrap();
        assert_eq!(request.items, 2);
        assert_eq!(bulk_ids(&request).len(), 2);
    }

    fn bulk_ids(request: &Request) -> Vec<String> {
        let text = std::str::from_utf8(&request.body).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        lines.chunks(2).map(|pair| bulk::id_of(pair[0].as_bytes()).to_owned()).collect()
    }

    /// A server that does anything it may for a while, then behaves: every item that was not forgotten is answered once, none is
    /// rejected but the poison, and what is answered as done was written.
    fn simulate(seed: u64) {
        let mut random = Random::new(seed);
        let mut below = |most: u64| random.next() % most;
        let mut outbox = Outbox::new(Limits { body_items_max: 10, ..LIMITS }, seed);
        let mut waiting: BTreeSet<(u64, u64)> = BTreeSet::new();
        let mut written: BTreeSet<String> = BTreeSet::new();
        let mut under_way: Vec<Request> = Vec::new();
        let mut now_ms = 1_000_000;
        let mut lane = 0;
        let is_poison = |item: u64| item % 13 == 5;
        let mut step = 0;
        while step < 120 || !outbox.is_empty() {
            step += 1;
            assert!(step < 20_000, "seed {seed}: no end: {:?}", outbox.health());
            let is_calm = step > 120;
            let mut answers = Vec::new();
            if !is_calm && outbox.has_room() && below(2) == 0 {
                lane += 1;
                let items = 1 + below(12);
                waiting.extend((0..items).map(|item| (lane, item)));
                outbox.push(batch(["a", "b", "c"][below(3) as usize], lane, 0..items), &mut answers);
            }
            if !is_calm && below(20) == 0 {
                let forgotten = 1 + below(lane + 1);
                outbox.forget(forgotten);
                waiting.retain(|(lane, _)| *lane != forgotten);
            }
            under_way.extend(send(&mut outbox, now_ms));
            assert!(under_way.len() <= LIMITS.requests_in_flight_max, "seed {seed}");
            if !under_way.is_empty() && (is_calm || below(3) > 0) {
                let request = under_way.remove(below(under_way.len() as u64) as usize);
                let ids = bulk_ids(&request);
                assert_eq!(ids.len(), request.items, "seed {seed}");
                let fault = if is_calm { 99 } else { below(14) };
                let mut apply = || -> Vec<Verdict> {
                    let verdict = |id: &String| {
                        let number = id.parse::<DocId>().unwrap().0;
                        let item = u64::from(u32::from_be_bytes([number[12], number[13], number[14], number[15]]));
                        if is_poison(item) {
                            return Verdict::Reject { kind: "mapping_conflict", reason: String::new() };
                        }
                        if fault == 7 && item % 2 == 0 {
                            return Verdict::Retry { busy: true, reason: String::new() };
                        }
                        if fault == 8 && item % 3 == 0 {
                            return halt(HaltCause::IndexReadOnly);
                        }
                        written.insert(id.clone());
                        Verdict::Done
                    };
                    ids.iter().map(verdict).collect()
                };
                let reply = match fault {
                    0 => Reply::Unserved { busy: true, reason: "429".into() },
                    1 => Reply::Unserved { busy: false, reason: "cut before".into() },
                    2 => {
                        apply();
                        Reply::Unserved { busy: false, reason: "cut after".into() }
                    }
                    3 if request.items > 1 => Reply::Split { kind: "document_too_large", reason: "413".into() },
                    4 => Reply::Halt { cause: HaltCause::Unauthorized, reason: "401".into() },
                    5 => Reply::Items(vec![halt(HaltCause::IndexClosed); request.items]),
                    6 => Reply::Items(vec![halt(HaltCause::ClusterReadOnly); request.items]),
                    9 => Reply::Items(vec![Verdict::Done; request.items + 1]),
                    _ => match apply() {
                        verdicts if verdicts.iter().all(|verdict| *verdict == Verdict::Done) => Reply::AllDone,
                        verdicts => Reply::Items(verdicts),
                    },
                };
                outbox.replied(request.id, reply, now_ms, &mut answers);
            }
            for Answer { token, outcome } in answers {
                assert!(
                    waiting.remove(&(token.lane, token.item)),
                    "seed {seed}: {token:?} answered twice or never asked"
                );
                match outcome {
                    Outcome::Done => {
                        assert!(
                            written.contains(&id(0, token.lane << 32 | token.item).to_string()),
                            "seed {seed}: {token:?}"
                        );
                    }
                    Outcome::Reject { kind, .. } => {
                        assert!(is_poison(token.item) && kind == "mapping_conflict", "seed {seed}: {token:?} {kind}");
                    }
                }
            }
            now_ms += 1 + below(200) as i64;
            if is_calm && under_way.is_empty() {
                now_ms = outbox.wakes_at_ms().unwrap_or(now_ms).max(now_ms);
            }
        }
        assert!(waiting.is_empty(), "seed {seed}: never answered: {waiting:?}, {:?}", outbox.health());
        assert_eq!((outbox.held_bytes(), outbox.health()), (0, Health::Ok), "seed {seed}");
    }

    #[test]
    fn nothing_is_lost_answered_twice_or_rejected_for_the_servers_faults() {
        for seed in 0..2_000 {
            simulate(seed);
        }
    }
}
