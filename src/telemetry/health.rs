//! Whether this process is ready and alive, and why not.
//!
//! A condition is a name and a reason. Whoever finds something wrong sets it, and clears it when it is over; nothing is polled. Not ready
//! means that an operator should look; not alive means that only a restart helps, which is true of a loop that has stopped turning.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Conditions kept by name; more are only counted. A member has some hundred partitions at most.
const CONDITIONS_MAX: usize = 1_000;
/// A loop turns many times a second; this long without a turn, it never will again.
const BEAT_AGE_MS_MAX: i64 = 120_000;

/// What is wrong at the moment. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Conditions(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    reasons: BTreeMap<String, String>,
    beats: BTreeMap<&'static str, i64>,
}

impl Conditions {
    /// Sets a condition, or gives it another reason. Says whether it is new, so that it can be logged once.
    pub fn set(&self, name: &str, reason: impl Into<String>) -> bool {
        let mut state = self.state();
        if !state.reasons.contains_key(name) && state.reasons.len() >= CONDITIONS_MAX {
            return false;
        }
        state.reasons.insert(name.to_owned(), reason.into()).is_none()
    }

    /// Says whether it was set.
    pub fn clear(&self, name: &str) -> bool {
        self.state().reasons.remove(name).is_some()
    }

    /// Clears every condition whose name begins so.
    pub fn clear_all(&self, prefix: &str) {
        self.state().reasons.retain(|name, _| !name.starts_with(prefix));
    }

    pub fn is_ready(&self) -> bool {
        self.state().reasons.is_empty()
    }

    /// Names and reasons, by name.
    pub fn reasons(&self) -> Vec<(String, String)> {
        self.state().reasons.iter().map(|(name, reason)| (name.clone(), reason.clone())).collect()
    }

    /// A loop has turned. The first beat of a name begins its watch.
    pub fn beat(&self, name: &'static str, now_ms: i64) {
        self.state().beats.insert(name, now_ms);
    }

    /// A loop has ended as it should.
    pub fn rest(&self, name: &'static str) {
        self.state().beats.remove(name);
    }

    /// The loops that have stopped turning.
    pub fn stopped(&self, now_ms: i64) -> Vec<&'static str> {
        let state = self.state();
        state.beats.iter().filter(|(_, beat_ms)| now_ms - **beat_ms > BEAT_AGE_MS_MAX).map(|(name, _)| *name).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_nothing_is_set() {
        let conditions = Conditions::default();
        assert!(conditions.is_ready());
        assert!(conditions.set("index", "halted"));
        assert!(!conditions.set("index", "halted, still"));
        conditions.set("stalled logs/1", "x");
        conditions.set("stalled logs/2", "x");
        assert_eq!(conditions.reasons()[0], ("index".to_owned(), "halted, still".to_owned()));
        conditions.clear_all("stalled ");
        assert_eq!(conditions.reasons().len(), 1);
        assert!(conditions.clear("index") && !conditions.clear("index"));
        assert!(conditions.is_ready());
    }

    #[test]
    fn a_loop_that_stopped_is_named_and_one_that_ended_is_not() {
        let conditions = Conditions::default();
        conditions.beat("a", 0);
        conditions.beat("b", 0);
        conditions.rest("b");
        assert!(conditions.stopped(BEAT_AGE_MS_MAX).is_empty());
        assert_eq!(conditions.stopped(BEAT_AGE_MS_MAX + 1), ["a"]);
        conditions.beat("a", BEAT_AGE_MS_MAX);
        assert!(conditions.stopped(BEAT_AGE_MS_MAX + 1).is_empty());
    }
}
