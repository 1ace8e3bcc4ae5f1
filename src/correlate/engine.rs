//! What the owner of one partition of matches does: take matches in, let stream time pass, tell what became of alerts.
//!
//! Everything is per partition and on one thread. Changes are told when the owner asks and not at every match, so that a flood updates its alert once a
//! round. What is told depends on the matches alone: not on their order within the lateness, not on how often they come, not on the moments at which the owner asks or
//! lets time pass. Stream time is the owner's to know; there is no clock here.

use super::key::GroupKey;
use super::store::{Group, Store};
use super::wheel::Wheel;
use super::window::{Change, Entry, Inserted, Spec};

/// Event times further ahead of the match's own time in the log are moved back to it: a field clock must not hold windows open.
pub const AHEAD_MS_MAX: i64 = 300_000;
/// The years 1 and 9999, in ms: beyond them are no times of events.
const TIME_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// A match on its way into a window.
#[derive(Clone, Debug)]
pub struct Arrival<'v> {
    /// The correlation's place among the rules of the engine.
    pub rule: u32,
    pub key: GroupKey,
    pub values: &'v [String],
    pub time_ms: i64,
    /// When the log took the match in, where that is known.
    pub appended_ms: Option<i64>,
    /// Of the event, 63 bits.
    pub id: u64,
    pub what: u64,
}

/// What became of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub rule: u32,
    pub key: GroupKey,
    pub values: Vec<String>,
    pub change: Change,
}

/// What happened to matches of one rule since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub taken: u64,
    /// They were there: replays and double deliveries.
    pub known: u64,
    /// Stream time had passed them by more than the lateness.
    pub late: u64,
    /// Their time lay ahead of the log's.
    pub clamped: u64,
    /// Their group was full: counted in a running alert, and nowhere else.
    pub capped: u64,
    /// Windows lost because the rule's quota was full. Each voids the promise for its group.
    pub lost: u64,
}

/// The windows of one partition.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Windows>,
    stream_ms: i64,
    bytes_max: u64,
    #[cfg(test)]
    pub(super) mutant: Mutant,
}

/// Mistakes kept to show that the properties see them.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mutant {
    #[default]
    None,
    /// An event happens when it arrives.
    ArrivalOrder { latest_ms: i64 },
    /// Windows age by the clock on the wall.
    WallClock { now_ms: i64 },
    /// What came before counts again.
    NoDuplicates { next: u64 },
}

/// The windows of one rule.
#[derive(Debug)]
struct Windows {
    id: String,
    spec: Spec,
    /// Made with the first match: most rules of a large set never have one.
    store: Option<Store>,
    wheel: Wheel<GroupKey>,
    waiting: Vec<GroupKey>,
    counts: Counts,
}

impl Engine {
    /// For rules given by id and spec, each with a quota of so many bytes.
    pub fn new(rules: impl IntoIterator<Item = (String, Spec)>, rule_bytes_max: u64) -> Engine {
        let windows = |(id, spec)| Windows {
            id,
            spec,
            store: None,
            wheel: Wheel::default(),
            waiting: Vec::new(),
            counts: Counts::default(),
        };
        Engine {
            rules: rules.into_iter().map(windows).collect(),
            stream_ms: i64::MIN,
            bytes_max: rule_bytes_max,
            #[cfg(test)]
            mutant: Mutant::None,
        }
    }

    /// Takes a match in. A rule that the engine does not have is nobody's.
    pub fn take(&mut self, arrival: &Arrival<'_>) {
        #[cfg(test)]
        let arrival = &self.mutate(arrival);
        let bytes_max = self.bytes_max;
        if let Some(windows) = self.rules.get_mut(arrival.rule as usize) {
            windows.take(arrival, self.stream_ms, bytes_max);
        }
    }

    /// Lets stream time pass; it does not go back.
    pub fn advance(&mut self, stream_ms: i64) {
        self.stream_ms = self.stream_ms.max(stream_ms);
        self.rules.iter_mut().for_each(|windows| windows.advance(self.stream_ms));
    }

    /// Tells every alert that is not as it was last told, in the order of rules and then of groups.
    pub fn tell(&mut self, mut hear: impl FnMut(Alert)) {
        for (rule, windows) in (0u32..).zip(&mut self.rules) {
            windows.tell(self.stream_ms, |key, values, change| hear(Alert { rule, key, values, change }));
        }
    }

    /// Closes everything, for a log that has ended.
    pub fn finish(&mut self, hear: impl FnMut(Alert)) {
        self.advance(i64::MAX / 2);
        self.tell(hear);
    }

    pub fn counts(&self, rule: u32) -> Counts {
        self.rules.get(rule as usize).map_or_else(Counts::default, |windows| Counts {
            lost: windows.store.as_ref().map_or(0, Store::lost),
            ..windows.counts
        })
    }

    /// Live windows of a rule and what they weigh in bytes.
    pub fn live(&self, rule: u32) -> (u64, u64) {
        let store = self.rules.get(rule as usize).and_then(|windows| windows.store.as_ref());
        store.map_or((0, 0), |store| {
            store.settle();
            (store.len(), store.bytes())
        })
    }

    #[cfg(test)]
    fn mutate<'v>(&mut self, arrival: &Arrival<'v>) -> Arrival<'v> {
        let mut arrival = arrival.clone();
        match &mut self.mutant {
            Mutant::None => {}
            Mutant::ArrivalOrder { latest_ms } => {
                *latest_ms = arrival.time_ms.max(*latest_ms);
                arrival.time_ms = *latest_ms;
            }
            Mutant::WallClock { now_ms } => {
                let now_ms = *now_ms;
                self.advance(now_ms);
            }
            Mutant::NoDuplicates { next } => {
                *next += 1;
                arrival.id = *next;
            }
        }
        arrival
    }
}

impl Windows {
    fn take(&mut self, arrival: &Arrival<'_>, stream_ms: i64, bytes_max: u64) {
        let latest = arrival.appended_ms.map_or(i64::MAX, |appended| appended.saturating_add(AHEAD_MS_MAX));
        let time_ms = arrival.time_ms.clamp(*TIME_MS.start(), *TIME_MS.end()).min(latest);
        self.counts.clamped += u64::from(time_ms != arrival.time_ms);
        let entry = Entry::new(time_ms, arrival.id, arrival.what);
        let store = self.store.get_or_insert_with(|| Store::new(&self.id, bytes_max));
        let known = store.get(arrival.key);
        let mut fresh = None;
        let mut guard = known.as_ref().map(|shared| shared.lock());
        let group = match &mut guard {
            Some(group) => &mut **group,
            None => fresh.insert(Group::new(arrival.values)),
        };
        match group.window.insert(&self.spec, entry, stream_ms) {
            Inserted::Late => {
                self.counts.late += 1;
                return;
            }
            Inserted::Known => {
                self.counts.known += 1;
                return;
            }
            Inserted::Counted => self.counts.capped += 1,
            Inserted::New => self.counts.taken += 1,
        }
        if group.window.has_changes() && !group.waiting {
            group.waiting = true;
            self.waiting.push(arrival.key);
        }
        schedule(&mut self.wheel, &self.spec, arrival.key, group);
        group.spelled(arrival.values);
        drop(guard);
        match (fresh, known) {
            (Some(group), _) => store.insert(arrival.key, group),
            (None, Some(shared)) => store.reweigh(arrival.key, &shared),
            (None, None) => {}
        }
    }

    fn advance(&mut self, stream_ms: i64) {
        let Some(store) = &self.store else { return };
        for (place, key) in self.wheel.due(stream_ms) {
            let Some(shared) = store.get(key) else { continue };
            let mut group = shared.lock();
            // An earlier entry has moved it since.
            if group.place != Some(place) {
                continue;
            }
            group.place = None;
            group.window.advance(&self.spec, stream_ms);
            if group.window.has_changes() {
                // It goes back into the wheel when it has been told.
                if !group.waiting {
                    group.waiting = true;
                    self.waiting.push(key);
                }
                continue;
            }
            let empty = group.window.is_empty();
            if !empty {
                schedule(&mut self.wheel, &self.spec, key, &mut group);
            }
            drop(group);
            if empty {
                store.remove(key);
            } else {
                store.reweigh(key, &shared);
            }
        }
    }

    fn tell(&mut self, stream_ms: i64, mut hear: impl FnMut(GroupKey, Vec<String>, Change)) {
        let Some(store) = &self.store else { return };
        self.waiting.sort_unstable();
        for key in self.waiting.drain(..) {
            let Some(shared) = store.get(key) else { continue };
            let mut group = shared.lock();
            group.waiting = false;
            let values = group.values();
            while group.window.has_changes() {
                group.window.tell(&self.spec, |change| hear(key, values.clone(), change));
                group.window.advance(&self.spec, stream_ms);
            }
            let empty = group.window.is_empty();
            if !empty {
                schedule(&mut self.wheel, &self.spec, key, &mut group);
            }
            drop(group);
            if empty {
                store.remove(key);
            } else {
                store.reweigh(key, &shared);
            }
        }
    }
}

/// Puts a window into the wheel, if it is not there or is now due earlier.
fn schedule(wheel: &mut Wheel<GroupKey>, spec: &Spec, key: GroupKey, group: &mut Group) {
    let Some(due_ms) = group.window.due_ms(spec) else { return };
    let place = Wheel::<GroupKey>::place(due_ms);
    if group.place.is_none_or(|known| place < known) {
        group.place = Some(place);
        wheel.put(place, key);
    }
}
