//! One group's entries under one rule, and the episodes in which they satisfy it: event time only, whatever order entries arrive in.
//!
//! A window starts at an entry and holds every entry up to the timespan later. A start whose window satisfies the condition is
//! *satisfied*; satisfied starts no further apart than [`Spec::join_ms`] form one [`Episode`], which is one alert. Because a start is satisfied
//! or not by the entries alone, first, last and count of an episode come out the same for every order of arrival within
//! the lateness, and the same entry twice changes nothing.
//!
//! Stream time is an argument. At `stream time - timespan - lateness` the past is closed ([`Window::advance`]): entries before it can be in no
//! window that may still change. Conditions that do not fire at once are answered then. What a window never does is to
//! look at the order of its callers' calls, except to name an episode: it is named after the first entry of the window that fired first, so
//! that the same log gives the same names.

use std::collections::hash_map::Entry as Slot;

use rustc_hash::FxHashMap;

use super::condition::Condition;

/// An episode goes on for so long at most; then a new one begins, so that nobody waits for days for a closed alert.
pub const EPISODE_MS_MAX: i64 = 24 * 3_600_000;

/// What a rule fixes for all its windows.
#[derive(Clone, Debug)]
pub struct Spec {
    pub condition: Condition,
    pub timespan_ms: i64,
    /// Satisfied starts so far apart are still one episode: the timespan, or the suppression time when it is longer.
    pub join_ms: i64,
    /// How late an entry may come after stream time has passed it.
    pub lateness_ms: i64,
    /// Entries that one group keeps; past it only counts. Too few lose precision in a flood, too many let one group fill the rule's quota.
    pub entries_max: usize,
}

impl Spec {
    /// Windows that start before this are closed: an entry at stream time less the lateness may still come.
    fn closed(&self, stream_ms: i64) -> i64 {
        stream_ms.saturating_sub(self.timespan_ms).saturating_sub(self.lateness_ms)
    }
}

/// One event as a window keeps it. Ordered by time, then id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub time_ms: i64,
    /// 63 bits of the event's id, and in the last one whether the window that starts here is satisfied.
    id_and_flag: u64,
    /// What the condition asks about: see [`Condition`].
    pub what: u64,
}

impl Entry {
    pub fn new(time_ms: i64, id: u64, what: u64) -> Self {
        Self { time_ms, id_and_flag: id << 1, what }
    }

    /// The event's id, without its top bit.
    pub fn id(&self) -> u64 {
        self.id_and_flag >> 1
    }

    fn satisfied(&self) -> bool {
        self.id_and_flag & 1 == 1
    }

    fn satisfy(&mut self) {
        self.id_and_flag |= 1;
    }

    fn place(&self) -> (i64, u64, u64) {
        (self.time_ms, self.id(), self.what)
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    New,
    /// It was there: a replay or a double delivery.
    Known,
    /// The group is full: it counts for an episode that goes on, and nowhere else.
    Counted,
    /// Stream time had passed it by more than the lateness.
    Late,
}

/// A maximal run of satisfied windows: one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    /// The id of the first entry of the window that fired first: with rule and group the alert's identity.
    pub name: u64,
    first_start_ms: i64,
    last_start_ms: i64,
    /// Entries that are gone from the window, or were never kept.
    folded: u64,
    folded_first_ms: i64,
    folded_last_ms: i64,
    /// The episode as it was last told.
    told: Option<Told>,
    changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    count: u64,
    first_ms: i64,
    last_ms: i64,
}

/// What a caller hears of a window's episodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An episode is new, or differs from what was told before.
    Episode { name: u64, count: u64, first_ms: i64, last_ms: i64, ids: Vec<u64> },
    /// A late entry joined two episodes; the later one is closed.
    Merged { from: u64, into: u64 },
}

/// Parts of a window that few groups need.
#[derive(Debug, Default)]
struct Live {
    /// In order of time.
    episodes: Vec<Episode>,
    merged: Vec<(u64, u64)>,
    /// The last satisfied start among the entries that are gone.
    gone_start_ms: Option<i64>,
}

#[derive(Debug, Default)]
pub struct Window {
    entries: Vec<Entry>,
    live: Option<Box<Live>>,
    distinct: Option<Box<Distinct>>,
}

/// For distinct counts that fire at once: the values of the entries from `from` on, the least `from` whose rest has fewer distinct ones than the
/// condition wants. Starts before it are decided. In order of time this makes an insert cost the same however many values there are.
#[derive(Debug, Default)]
struct Distinct {
    from: usize,
    counts: FxHashMap<u64, u32>,
}

impl Distinct {
    fn add(&mut self, value: u64) {
        *self.counts.entry(value).or_default() += 1;
    }

    fn remove(&mut self, value: u64) {
        if let Slot::Occupied(mut slot) = self.counts.entry(value) {
            *slot.get_mut() -= 1;
            if *slot.get() == 0 {
                slot.remove();
            }
        }
    }
}

/// Events whose ids an alert refers to.
pub const IDS_MAX: usize = 100;

impl Window {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.live.is_none()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What the window takes on the heap, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let live = self.live.as_ref().map_or(0, |live| {
            size_of::<Live>()
                + live.episodes.capacity() * size_of::<Episode>()
                + live.merged.capacity() * size_of::<(u64, u64)>()
        });
        let distinct = self.distinct.as_ref().map_or(0, |d| size_of::<Distinct>() + d.counts.capacity() * 17);
        self.entries.capacity() * size_of::<Entry>() + live + distinct
    }

    /// Takes an entry in and, for conditions that fire at once, finds the starts that it satisfies.
    pub fn insert(&mut self, spec: &Spec, entry: Entry, stream_ms: i64) -> Inserted {
        if entry.time_ms < spec.closed(stream_ms) {
            return Inserted::Late;
        }
        // Nearly always at or near the end.
        let mut at = self.entries.len();
        if self.entries.last().is_some_and(|last| last.place() >= entry.place()) {
            match self.entries.binary_search_by(|known| known.place().cmp(&entry.place())) {
                Ok(_) => return Inserted::Known,
                Err(place) => at = place,
            }
        }
        if self.entries.len() >= spec.entries_max {
            return self.count_only(spec, entry.time_ms);
        }
        if self.entries.capacity() == self.entries.len() {
            // Most groups stay small, and there are many of them: grow by what is there, from one on.
            self.entries.reserve_exact(self.entries.len().clamp(1, 4_096));
        }
        self.entries.insert(at, entry);
        if let Some(distinct) = &mut self.distinct {
            if at < distinct.from {
                distinct.from += 1;
            } else {
                distinct.add(entry.what);
            }
        }
        if spec.condition.at_once() {
            self.satisfy_around(spec, at);
        }
        self.touch(spec, entry.time_ms);
        Inserted::New
    }

    /// Closes the past: answers what could not be answered before, folds entries that no window can need any more into their episode and drops
    /// them. Stream time does not go back; an earlier one changes nothing.
    pub fn advance(&mut self, spec: &Spec, stream_ms: i64) {
        let closed = spec.closed(stream_ms);
        let gone = self.entries.partition_point(|entry| entry.time_ms < closed);
        if gone > 0 {
            if !spec.condition.at_once() {
                self.satisfy_closed(spec, gone);
            }
            self.fold(spec, gone);
        }
        if let Some(live) = &mut self.live
            && live.merged.is_empty()
        {
            live.episodes
                .retain(|episode| episode.changed || episode.last_start_ms.saturating_add(spec.join_ms) >= closed);
            if live.episodes.is_empty() {
                self.live = None;
            }
        }
    }

    /// When [`Window::advance`] will next have something to do; `None` for an empty window.
    pub fn due_ms(&self, spec: &Spec) -> Option<i64> {
        let entry = self.entries.first().map(|entry| entry.time_ms);
        let episode = self
            .live
            .iter()
            .flat_map(|live| &live.episodes)
            .map(|e| e.last_start_ms.saturating_add(spec.join_ms))
            .min();
        let first = entry.into_iter().chain(episode).min()?;
        Some(first.saturating_add(spec.timespan_ms).saturating_add(spec.lateness_ms).saturating_add(1))
    }

    /// Whether there is something to tell.
    pub fn has_changes(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| !live.merged.is_empty() || live.episodes.iter().any(|episode| episode.changed))
    }

    /// Tells each episode that is not as it was last told.
    pub fn tell(&mut self, spec: &Spec, mut hear: impl FnMut(Change)) {
        let Some(live) = &mut self.live else { return };
        for (from, into) in live.merged.drain(..) {
            hear(Change::Merged { from, into });
        }
        for episode in live.episodes.iter_mut().filter(|episode| episode.changed) {
            episode.changed = false;
            let mut told =
                Told { count: episode.folded, first_ms: episode.folded_first_ms, last_ms: episode.folded_last_ms };
            let mut ids = Vec::new();
            let mut covered_to = live.gone_start_ms.map_or(i64::MIN, |start| start.saturating_add(spec.timespan_ms));
            let end = episode.last_start_ms.saturating_add(spec.timespan_ms);
            let from = self.entries.partition_point(|entry| entry.time_ms < episode.first_start_ms);
            // A start may share its millisecond with entries that sort before it.
            for same in self.entries[from..].chunk_by(|a, b| a.time_ms == b.time_ms) {
                let time_ms = same.first().map_or(i64::MAX, |entry| entry.time_ms);
                if time_ms > end {
                    break;
                }
                if same.iter().any(Entry::satisfied) && time_ms <= episode.last_start_ms {
                    covered_to = covered_to.max(time_ms.saturating_add(spec.timespan_ms));
                }
                if time_ms > covered_to {
                    continue;
                }
                told.count += same.len() as u64;
                told.first_ms = told.first_ms.min(time_ms);
                told.last_ms = told.last_ms.max(time_ms);
                ids.extend(same.iter().map(Entry::id).take(IDS_MAX.saturating_sub(ids.len())));
            }
            if episode.told != Some(told) {
                episode.told = Some(told);
                let Told { count, first_ms, last_ms } = told;
                hear(Change::Episode { name: episode.name, count, first_ms, last_ms, ids });
            }
        }
    }

    fn count_only(&mut self, spec: &Spec, time_ms: i64) -> Inserted {
        for episode in self.live.iter_mut().flat_map(|live| &mut live.episodes) {
            if time_ms >= episode.first_start_ms && time_ms <= episode.last_start_ms.saturating_add(spec.timespan_ms) {
                episode.fold(time_ms);
            }
        }
        Inserted::Counted
    }

    /// Marks episodes that an entry of this time may belong to.
    fn touch(&mut self, spec: &Spec, time_ms: i64) {
        for episode in self.live.iter_mut().flat_map(|live| &mut live.episodes) {
            episode.changed |=
                time_ms >= episode.first_start_ms && time_ms <= episode.last_start_ms.saturating_add(spec.timespan_ms);
        }
    }

    /// Finds the starts that the entry at `at` makes satisfied: those up to the timespan before it, and its own.
    fn satisfy_around(&mut self, spec: &Spec, at: usize) {
        let Some(time_ms) = self.entries.get(at).map(|entry| entry.time_ms) else { return };
        let earliest = time_ms.saturating_sub(spec.timespan_ms);
        match &spec.condition {
            Condition::EventCount(bounds) => {
                let Some(least) = bounds.least_count() else { return };
                // The window from `start` is satisfied when the entry `least - 1` places on is still inside.
                let from = self.first_of_time((at + 1).saturating_sub(least), earliest);
                for start in from..=at {
                    let Some(last) = self.entries.get(start + least - 1) else { break };
                    if last.time_ms.saturating_sub(self.entries[start].time_ms) <= spec.timespan_ms {
                        self.satisfy(spec, start);
                    }
                }
            }
            Condition::ValueCount(bounds) => {
                let Some(least) = bounds.least_count() else { return };
                self.satisfy_distinct(spec, at, least);
            }
            condition => {
                let from = self.entries.partition_point(|entry| entry.time_ms < earliest);
                let latest = time_ms.saturating_add(spec.timespan_ms);
                let to = at + self.entries[at..].partition_point(|entry| entry.time_ms <= latest);
                let found = match condition {
                    Condition::TemporalOrdered(rules) => {
                        ordered_starts(&self.entries[from..to], *rules, spec.timespan_ms, at - from)
                    }
                    Condition::Temporal(expression) => {
                        present_starts(&self.entries[from..to], spec.timespan_ms, at - from, |present| {
                            expression.holds(present)
                        })
                    }
                    _ => Vec::new(),
                };
                for start in found {
                    self.satisfy(spec, from + start);
                }
            }
        }
    }

    /// The first place, from `place` on, of an entry not before `earliest`; and back to the first entry of its millisecond, because a
    /// window that starts in a millisecond holds all of it.
    fn first_of_time(&self, place: usize, earliest: i64) -> usize {
        let place = place + self.entries[place..].partition_point(|entry| entry.time_ms < earliest);
        let Some(time_ms) = self.entries.get(place).map(|entry| entry.time_ms) else { return place };
        self.entries[..place].iter().rposition(|entry| entry.time_ms < time_ms).map_or(0, |before| before + 1)
    }

    fn satisfy_distinct(&mut self, spec: &Spec, at: usize, least: usize) {
        let mut distinct = self.distinct.take().unwrap_or_else(|| {
            let mut distinct = Distinct::default();
            self.entries.iter().for_each(|entry| distinct.add(entry.what));
            Box::new(distinct)
        });
        if at + 1 < self.entries.len() {
            self.satisfy_distinct_before(spec, at, distinct.from, least);
        }
        let last_ms = self.entries.last().map_or(i64::MIN, |entry| entry.time_ms);
        while let Some(start) = self.entries.get(distinct.from).copied() {
            let within = last_ms.saturating_sub(start.time_ms) <= spec.timespan_ms;
            if within && distinct.counts.len() < least {
                break;
            }
            if within {
                self.satisfy(spec, distinct.from);
            } else if !start.satisfied() {
                // Its window ends before the last entry: decided by what is inside it.
                self.satisfy_distinct_one(spec, distinct.from, least);
            }
            distinct.remove(start.what);
            distinct.from += 1;
        }
        self.distinct = Some(distinct);
    }

    /// For an entry out of order: the starts before `decided` that are not satisfied and whose window has it.
    fn satisfy_distinct_before(&mut self, spec: &Spec, at: usize, decided: usize, least: usize) {
        let Some(time_ms) = self.entries.get(at).map(|entry| entry.time_ms) else { return };
        let from = self.entries.partition_point(|entry| entry.time_ms < time_ms.saturating_sub(spec.timespan_ms));
        let mut counts: FxHashMap<u64, u32> = FxHashMap::default();
        let mut to = from;
        for start in from..decided.min(at + 1) {
            let end = self.entries[start].time_ms.saturating_add(spec.timespan_ms);
            // Nothing is counted while the starts are satisfied, which in a flood they are.
            if counts.is_empty() && self.entries[start].satisfied() {
                to = start + 1;
                continue;
            }
            while let Some(entry) = self.entries.get(to).filter(|entry| entry.time_ms <= end) {
                *counts.entry(entry.what).or_default() += 1;
                to += 1;
                if counts.len() >= least {
                    break;
                }
            }
            if counts.len() >= least {
                self.satisfy(spec, start);
            }
            let what = self.entries[start].what;
            if let Slot::Occupied(mut slot) = counts.entry(what) {
                *slot.get_mut() -= 1;
                if *slot.get() == 0 {
                    slot.remove();
                }
            }
        }
    }

    fn satisfy_distinct_one(&mut self, spec: &Spec, start: usize, least: usize) {
        let end = self.entries[start].time_ms.saturating_add(spec.timespan_ms);
        let window = self.entries[start..].partition_point(|entry| entry.time_ms <= end);
        if window < least {
            return;
        }
        let mut values: Vec<u64> = self.entries[start..start + window].iter().map(|entry| entry.what).collect();
        values.sort_unstable();
        values.dedup();
        if values.len() >= least {
            self.satisfy(spec, start);
        }
    }

    /// Answers the windows of the first `gone` entries, which are closed.
    fn satisfy_closed(&mut self, spec: &Spec, gone: usize) {
        let mut to = 0;
        let mut start = 0;
        while start < gone {
            let time_ms = self.entries[start].time_ms;
            let end = time_ms.saturating_add(spec.timespan_ms);
            to = to.max(start);
            to += self.entries[to..].partition_point(|entry| entry.time_ms <= end);
            if spec.condition.holds(&self.entries[start..to]) {
                self.satisfy(spec, start);
            }
            start += self.entries[start..].partition_point(|entry| entry.time_ms <= time_ms);
        }
    }

    /// Marks a start and joins it to an episode.
    fn satisfy(&mut self, spec: &Spec, place: usize) {
        let Some(entry) = self.entries.get_mut(place).filter(|entry| !entry.satisfied()) else { return };
        entry.satisfy();
        let (start_ms, name) = (entry.time_ms, entry.id());
        let live = self.live.get_or_insert_default();
        let near = |episode: &Episode| {
            start_ms >= episode.first_start_ms.saturating_sub(spec.join_ms)
                && start_ms <= episode.last_start_ms.saturating_add(spec.join_ms)
                && start_ms <= episode.first_start_ms.saturating_add(EPISODE_MS_MAX)
        };
        let Some(at) = live.episodes.iter().position(near) else {
            let at = live.episodes.partition_point(|episode| episode.first_start_ms < start_ms);
            live.episodes.insert(at, Episode::new(name, start_ms));
            return;
        };
        let episode = &mut live.episodes[at];
        episode.first_start_ms = episode.first_start_ms.min(start_ms);
        episode.last_start_ms = episode.last_start_ms.max(start_ms);
        episode.changed = true;
        // The next one may now be near enough to be the same.
        let (first, last) = (episode.first_start_ms, episode.last_start_ms);
        if let Some(next) = live.episodes.get(at + 1)
            && next.first_start_ms <= last.saturating_add(spec.join_ms)
            && next.last_start_ms <= first.saturating_add(EPISODE_MS_MAX)
        {
            let next = live.episodes.remove(at + 1);
            let episode = &mut live.episodes[at];
            episode.last_start_ms = episode.last_start_ms.max(next.last_start_ms);
            episode.folded += next.folded;
            episode.folded_first_ms = episode.folded_first_ms.min(next.folded_first_ms);
            episode.folded_last_ms = episode.folded_last_ms.max(next.folded_last_ms);
            if next.told.is_some() {
                live.merged.push((next.name, episode.name));
            }
        }
    }

    /// Drops the first `gone` entries; those inside a satisfied window are counted in its episode.
    fn fold(&mut self, spec: &Spec, gone: usize) {
        if let Some(live) = &mut self.live {
            for same in self.entries[..gone].chunk_by(|a, b| a.time_ms == b.time_ms) {
                let Some(time_ms) = same.first().map(|entry| entry.time_ms) else { continue };
                if same.iter().any(Entry::satisfied) {
                    live.gone_start_ms = Some(time_ms);
                }
                let Some(start) = live.gone_start_ms.filter(|start| time_ms <= start.saturating_add(spec.timespan_ms))
                else {
                    continue;
                };
                let of = |episode: &&mut Episode| start >= episode.first_start_ms && start <= episode.last_start_ms;
                if let Some(episode) = live.episodes.iter_mut().find(of) {
                    // What was counted as kept is now counted as folded: nothing to tell.
                    let changed = episode.changed;
                    same.iter().for_each(|_| episode.fold(time_ms));
                    episode.changed = changed;
                }
            }
        }
        self.entries.drain(..gone);
        if let Some(distinct) = &mut self.distinct {
            // Decided starts are dropped as they are; of the others the values are still counted.
            if gone <= distinct.from {
                distinct.from -= gone;
            } else {
                self.distinct = None;
            }
        }
        if self.entries.capacity() > 4 * self.entries.len().max(4) {
            self.entries.shrink_to(2 * self.entries.len());
        }
        if self.entries.is_empty() {
            self.distinct = None;
        }
    }
}

impl Episode {
    fn new(name: u64, start_ms: i64) -> Self {
        Self {
            name,
            first_start_ms: start_ms,
            last_start_ms: start_ms,
            folded: 0,
            folded_first_ms: i64::MAX,
            folded_last_ms: i64::MIN,
            told: None,
            changed: true,
        }
    }

    fn fold(&mut self, time_ms: i64) {
        self.folded += 1;
        self.folded_first_ms = self.folded_first_ms.min(time_ms);
        self.folded_last_ms = self.folded_last_ms.max(time_ms);
        self.changed = true;
    }
}

/// The starts, up to the place `to`, from which all rules match in order within the timespan.
fn ordered_starts(entries: &[Entry], rules: u8, timespan_ms: i64, to: usize) -> Vec<usize> {
    let rules = usize::from(rules);
    // For each rule, the earliest time at which it and all later ones are complete, from here on.
    let mut complete: Vec<i64> = vec![i64::MAX; rules + 1];
    let mut found = Vec::new();
    let mut end = entries.len();
    while end > 0 {
        let time_ms = entries[end - 1].time_ms;
        let begin = entries[..end].iter().rposition(|entry| entry.time_ms < time_ms).map_or(0, |before| before + 1);
        // Entries of one millisecond stand in no order: later rules first, so that they can follow one another.
        complete[rules] = time_ms;
        for rule in (0..rules).rev() {
            if entries[begin..end].iter().any(|entry| entry.what == rule as u64) {
                complete[rule] = complete[rule + 1];
            }
        }
        complete[rules] = i64::MAX;
        if complete[0].saturating_sub(time_ms) <= timespan_ms {
            found.extend((begin..end).filter(|start| *start <= to));
        }
        end = begin;
    }
    found
}

/// The starts, up to the place `to`, whose window has rules that satisfy.
fn present_starts(entries: &[Entry], timespan_ms: i64, to: usize, holds: impl Fn(u64) -> bool) -> Vec<usize> {
    let mut counts = [0u32; super::condition::RULES_MAX];
    let mut present = 0u64;
    let mut found = Vec::new();
    let mut end = 0;
    let bit = |entry: &Entry| (entry.what & 63) as usize;
    let mut start = 0;
    while start < entries.len() && start <= to {
        let time_ms = entries[start].time_ms;
        while let Some(entry) = entries.get(end).filter(|entry| entry.time_ms.saturating_sub(time_ms) <= timespan_ms) {
            counts[bit(entry)] += 1;
            present |= 1 << bit(entry);
            end += 1;
        }
        let same = entries[start..].partition_point(|entry| entry.time_ms <= time_ms);
        if holds(present) {
            found.extend(start..(start + same).min(to + 1));
        }
        for entry in &entries[start..start + same] {
            counts[bit(entry)] -= 1;
            if counts[bit(entry)] == 0 {
                present &= !(1 << bit(entry));
            }
        }
        start += same;
    }
    found
}
