//! What records are processed with: compiled once, shared by all workers, replaced as a whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::decode::{Limits, TopicRules};
use crate::event::Symbols;
use crate::settings::{self, IndexName, Settings};

/// Everything that a reload replaces. Immutable; a batch keeps the one that it began with.
pub struct Generation {
    /// The key names that anything in this generation mentions.
    pub symbols: Arc<Symbols>,
}

impl Generation {
    pub fn load() -> Generation {
        Generation { symbols: Arc::new(Symbols::new()) }
    }
}

/// The generation that the next batch begins with. One lock per batch.
pub struct Current(Mutex<Arc<Generation>>);

impl Current {
    pub fn new(generation: Generation) -> Self {
        Self(Mutex::new(Arc::new(generation)))
    }

    pub fn get(&self) -> Arc<Generation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, generation: Generation) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(generation);
    }
}

/// What the settings fix for the records of one topic.
pub struct Topic {
    pub rules: TopicRules,
    pub namespace: String,
}

/// What the settings fix for all batches; no reload changes it.
pub struct Plan {
    pub topics: HashMap<Arc<str>, Topic>,
    pub limits: Limits,
    pub index: IndexName,
}

impl Plan {
    pub fn new(settings: &Settings) -> Plan {
        let topic = |topic: &settings::Topic| {
            let fixed = Topic { rules: topic.rules.clone(), namespace: topic.namespace.clone() };
            (Arc::from(topic.name.as_str()), fixed)
        };
        Plan {
            topics: settings.kafka.topics.iter().map(topic).collect(),
            limits: settings.limits.decode.clone(),
            index: settings.events.index.clone(),
        }
    }
}
