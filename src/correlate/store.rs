//! The windows of one rule on one partition: a bounded cache that says what it lost.
//!
//! The quota is in bytes and per rule, so that a flood in one rule cannot push out another's windows; within a rule, groups that come back are
//! favoured over a flood of fresh ones (TinyLFU). A window is weighed when it is put in and again when it has outgrown its size class, not at every
//! entry. Whoever owns the partition is the only one to write, on one thread: no window is written to after it was pushed out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::notification::RemovalCause;
use moka::sync::Cache;
use rustc_hash::FxBuildHasher;

use super::key::GroupKey;
use super::window::Window;

/// What an entry of the cache takes besides the group itself, as measured.
const CACHE_BYTES: usize = 312;

/// One group's window with what its owner knows of it.
#[derive(Debug)]
pub struct Group {
    pub window: Window,
    /// Where it stands in the wheel.
    pub place: Option<i64>,
    /// It has changes to be told.
    pub waiting: bool,
    class: u8,
    values: Values,
}

/// The group's values, packed: most windows never alert, and nobody reads theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Values(Box<[u8]>);

impl Values {
    fn pack(values: &[String]) -> Values {
        let mut packed = Vec::with_capacity(values.iter().map(|value| value.len() + 2).sum());
        for value in values {
            packed.extend_from_slice(&(value.len() as u16).to_be_bytes());
            packed.extend_from_slice(value.as_bytes());
        }
        Values(packed.into())
    }

    fn unpack(&self) -> Vec<String> {
        let mut values = Vec::new();
        let mut rest = &*self.0;
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).unwrap_or_default();
            values.push(String::from_utf8_lossy(value).into_owned());
            rest = after;
        }
        values
    }
}

impl Group {
    pub fn new(values: &[String]) -> Group {
        Group { window: Window::default(), place: None, waiting: false, class: 0, values: Values::pack(values) }
    }

    /// Of several spellings the least is shown, so that it does not depend on which came first.
    pub fn spelled(&mut self, values: &[String]) {
        let mut packed = &*self.values.0;
        let same = values.iter().all(|value| {
            let Some((length, after)) = packed.split_first_chunk::<2>() else { return false };
            let Some((known, after)) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))) else {
                return false;
            };
            packed = after;
            known == value.as_bytes()
        });
        if !same {
            self.values = Values::pack(values).min(self.values.clone());
        }
    }

    pub fn values(&self) -> Vec<String> {
        self.values.unpack()
    }

    /// Bytes with everything that belongs to the group, allocators' rounding left out.
    fn bytes(&self) -> usize {
        CACHE_BYTES + size_of::<Mutex<Group>>() + 16 + self.values.0.len() + self.window.heap_bytes()
    }

    /// Classes grow by a quarter, so that a weight is wrong by no more.
    fn class_of(bytes: usize) -> u8 {
        let octave = bytes.max(1).ilog2();
        let quarter = if octave >= 2 { bytes >> (octave - 2) & 3 } else { 0 };
        (octave * 4) as u8 + quarter as u8
    }

    fn class_bytes(class: u8) -> u32 {
        let octave = u32::from(class / 4).min(30);
        let quarter = u32::from(class % 4);
        (1u32 << octave).saturating_add((1u32 << octave) / 4 * (quarter + 1))
    }
}

/// A group that several hold and one writes.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<Group>>);

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Group> {
        // Whoever panicked with it left at worst a window that was not told.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The windows of one rule.
#[derive(Debug)]
pub struct Store {
    cache: Cache<GroupKey, Shared, FxBuildHasher>,
    lost: Arc<AtomicU64>,
}

impl Store {
    pub fn new(rule: &str, bytes_max: u64) -> Store {
        let lost = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&lost);
        let cache = Cache::builder()
            .name(rule)
            .max_capacity(bytes_max)
            .weigher(|_, group: &Shared| Group::class_bytes(group.lock().class))
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build_with_hasher(FxBuildHasher);
        Store { cache, lost }
    }

    pub fn get(&self, key: GroupKey) -> Option<Shared> {
        self.cache.get(&key)
    }

    pub fn insert(&self, key: GroupKey, mut group: Group) {
        group.class = Group::class_of(group.bytes());
        self.cache.insert(key, Shared(Arc::new(Mutex::new(group))));
    }

    /// Weighs a window again if it has outgrown its class, or shrunk well below it.
    pub fn reweigh(&self, key: GroupKey, shared: &Shared) {
        let mut group = shared.lock();
        let class = Group::class_of(group.bytes());
        if class > group.class || class + 4 < group.class {
            group.class = class;
            drop(group);
            self.cache.insert(key, shared.clone());
        }
    }

    pub fn remove(&self, key: GroupKey) {
        self.cache.invalidate(&key);
    }

    /// Does what the cache has put off, so that the numbers below are exact.
    pub fn settle(&self) {
        self.cache.run_pending_tasks();
    }

    /// Live windows, as of the last [`Store::settle`].
    pub fn len(&self) -> u64 {
        self.cache.entry_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn bytes(&self) -> u64 {
        self.cache.weighted_size()
    }

    /// Windows pushed out or not let in because the quota was full.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::condition::{Bounds, Condition, Operator};
    use crate::correlate::window::{Entry, Spec};

    #[test]
    fn classes_hold_what_they_are_for() {
        for bytes in [8, 9, 100, 450, 511, 512, 513, 40_000, 500_000, 10_000_000] {
            let weight = Group::class_bytes(Group::class_of(bytes)) as usize;
            assert!(weight >= bytes && weight <= bytes * 5 / 4 + 2, "{bytes}: {weight}");
        }
    }

    #[test]
    fn spellings_are_kept_whole_and_the_least_is_shown() {
        let values = |of: &[&str]| of.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let mut group = Group::new(&values(&["bob", "", "ü"]));
        assert_eq!(group.values(), ["bob", "", "ü"]);
        group.spelled(&values(&["Bob", "", "ü"]));
        group.spelled(&values(&["boB", "", "ü"]));
        assert_eq!(group.values(), ["Bob", "", "ü"]);
    }

    #[test]
    fn a_flood_of_fresh_groups_is_counted_and_those_that_come_back_stay() {
        let store = Store::new("rule", 2_000_000);
        for key in 0..100u128 {
            store.insert(key << 64, Group::new(&[]));
        }
        for _ in 0..20 {
            (0..100u128).for_each(|key| drop(store.get(key << 64)));
            store.settle();
        }
        let mut held = 0;
        for key in 0..50_000u128 {
            store.insert(1 | key << 32, Group::new(&[]));
            if key % 1_000 == 0 {
                held = (0..100u128).filter(|key| store.get(key << 64).is_some()).count();
            }
        }
        store.settle();
        assert!(store.bytes() <= 2_000_000);
        assert_eq!(store.lost() + store.len(), 50_100);
        assert!(held >= 95, "{held}");
    }

    #[test]
    fn a_window_that_grows_is_weighed_again() {
        let spec = Spec {
            condition: Condition::EventCount(Bounds(vec![(Operator::Gte, 1e6)])),
            timespan_ms: 1_000_000,
            join_ms: 1_000_000,
            lateness_ms: 0,
            entries_max: 10_000,
        };
        let store = Store::new("rule", 10_000_000);
        store.insert(1, Group::new(&[]));
        let shared = store.get(1).unwrap();
        for n in 0..10_000 {
            shared.lock().window.insert(&spec, Entry::new(n, n as u64, 0), 0);
            store.reweigh(1, &shared);
        }
        store.settle();
        assert!((240_000..330_000).contains(&store.bytes()), "{}", store.bytes());
        assert_eq!(store.lost(), 0);
    }
}
