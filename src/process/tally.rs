//! What pipelines and rules did, counted by a worker and added to the metrics once a batch.
//!
//! Rules come and go with reloads, and each is a series of its own to whoever reads the metrics, for good: past a number of them the rest
//! is counted together.

use std::sync::{Mutex, PoisonError};

use metrics::counter;
use rustc_hash::{FxHashMap, FxHashSet};

use super::generation::Generation;
use crate::detect::overlay::State;
use crate::detect::rules::RuleId;
use crate::pipeline::run::PipelineId;
use crate::telemetry::names;

/// Names that get a series of their own. More than all of SigmaHQ's rules; each costs some hundred bytes here and in Prometheus.
const LABELS_MAX: usize = 8_000;
/// What stands for all others.
const OTHER: &str = "other";

/// The names that have been shown in metrics; shared by all workers.
#[derive(Debug, Default)]
pub struct Labels(Mutex<FxHashSet<String>>);

impl Labels {
    /// The name, or [`OTHER`] when there are too many already.
    fn admit<'n>(&self, name: &'n str) -> &'n str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return name;
        }
        if known.len() >= LABELS_MAX {
            return OTHER;
        }
        known.insert(name.to_owned());
        name
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Kept,
    Dropped,
    Failed,
}

/// Belongs to one generation, between two calls of [`Tally::flush`].
#[derive(Debug, Default)]
pub struct Tally {
    rules: FxHashMap<RuleId, u64>,
    pipelines: FxHashMap<(PipelineId, Outcome), u64>,
    passed: u64,
}

impl Tally {
    pub fn matched(&mut self, rule: RuleId) {
        *self.rules.entry(rule).or_default() += 1;
    }

    pub fn took(&mut self, pipeline: PipelineId, outcome: Outcome) {
        *self.pipelines.entry((pipeline, outcome)).or_default() += 1;
    }

    /// No pipeline took an event.
    pub fn passed(&mut self) {
        self.passed += 1;
    }

    /// Adds what was counted to the metrics and begins anew.
    pub fn flush(&mut self, generation: &Generation, labels: &Labels) {
        for (id, count) in self.rules.drain() {
            let Some(rule) = generation.rules.rule(id) else { continue };
            let state = if rule.state == State::Shadow { "shadow" } else { "on" };
            counter!(names::RULE_MATCHES, "rule" => labels.admit(&rule.id).to_owned(), "state" => state)
                .increment(count);
        }
        for ((id, outcome), count) in self.pipelines.drain() {
            let Some(name) = generation.pipelines.name(id) else { continue };
            let outcome = match outcome {
                Outcome::Kept => "kept",
                Outcome::Dropped => "dropped",
                Outcome::Failed => "failed",
            };
            let pipeline = labels.admit(name).to_owned();
            counter!(names::PIPELINE_EVENTS, "pipeline" => pipeline, "outcome" => outcome).increment(count);
        }
        if self.passed > 0 {
            counter!(names::PIPELINE_EVENTS, "pipeline" => "", "outcome" => "passed").increment(self.passed);
            self.passed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_names_are_counted_together_and_known_ones_are_not() {
        let labels = Labels::default();
        for number in 0..LABELS_MAX {
            assert_ne!(labels.admit(&format!("rule-{number}")), OTHER);
        }
        assert_eq!(labels.admit("one-more"), OTHER);
        assert_eq!(labels.admit("rule-7"), "rule-7");
    }
}
