//! What records are processed with: compiled once, shared by all workers, replaced as a whole.
//!
//! [`Content`] is what lies in files, [`Generation`] what is made of it. All or nothing: one fault anywhere and there is no generation, so that
//! a reload leaves the old one in its place.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::sources::{Chosen, SourceFile, Sources};
use super::tally::Labels;
use crate::decode::{Limits, TopicRules};
use crate::detect::fault::Severity;
use crate::detect::fields::FieldMap;
use crate::detect::load::{self, RuleFile};
use crate::detect::overlay::Overlay;
use crate::detect::rules::{Options, RuleSet};
use crate::event::Symbols;
use crate::pipeline::files;
use crate::pipeline::processors::Resources;
use crate::pipeline::run::{self, Pipelines};
use crate::settings::{self, Fault, Faults, IndexName, Settings};

/// Where rules' fields lie in events that are normalised.
const FIELDS: &str = include_str!("../../pipelines/fields/ecs.yml");

/// Pipelines and rules as text.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pub pipelines: Vec<files::Source>,
    pub sources: Vec<SourceFile>,
    pub rules: Vec<RuleFile>,
    /// The name and text of the overlay.
    pub overlay: Option<(String, String)>,
}

impl Content {
    /// Reads what the settings name.
    pub fn read(settings: &Settings) -> Result<Content, Vec<Fault>> {
        let mut content = Content::default();
        let mut faults = Vec::new();
        if let Some(dir) = &settings.pipelines.dir {
            match files::read_tree(dir) {
                Ok(pipelines) => content.pipelines = pipelines,
                Err(fault) => faults.push(fault),
            }
        }
        for pipeline in &content.pipelines {
            let Some(path) = Path::new(&pipeline.file).parent().map(|dir| dir.join("source.yml")) else { continue };
            if !pipeline.file.ends_with("pipeline.yml") || !path.is_file() {
                continue;
            }
            match files::read(&path) {
                Ok(text) => content.sources.push(SourceFile {
                    pipeline: pipeline.name.clone(),
                    file: path.display().to_string(),
                    text,
                }),
                Err(fault) => faults.push(fault),
            }
        }
        for dir in &settings.rules.dirs {
            match load::read(dir) {
                Ok(rules) => content.rules.extend(rules),
                Err(error) => faults.push(Fault::of_file("rules.dirs", error.to_string())),
            }
        }
        if let Some(path) = &settings.rules.overlay {
            match files::read(path) {
                Ok(text) => content.overlay = Some((path.display().to_string(), text)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(content) } else { Err(faults) }
    }
}

/// Everything that a reload replaces. Immutable; a batch keeps the one that it began with.
pub struct Generation {
    /// The key names that anything in this generation mentions.
    pub symbols: Arc<Symbols>,
    pub pipelines: Pipelines,
    pub sources: Sources,
    pub rules: RuleSet,
    /// The pipelines of topics that have a `source`.
    pub topics: HashMap<Arc<str>, Chosen>,
}

/// A generation, and what its makers should look at all the same.
pub struct Loaded {
    pub generation: Generation,
    pub warnings: Vec<Fault>,
}

impl Generation {
    /// Reads and compiles what the settings name.
    pub fn load(settings: &Settings) -> Result<Loaded, Faults> {
        Content::read(settings).map_err(Faults).and_then(|content| Generation::compile(&content, settings))
    }

    pub fn compile(content: &Content, settings: &Settings) -> Result<Loaded, Faults> {
        let mut symbols = Symbols::new();
        let mut faults = Vec::new();
        let limits = pipeline_limits(settings.limits.memory_bytes);
        let compiled = Pipelines::load(&content.pipelines, &mut symbols, &Resources::default(), limits);
        let pipelines = compiled.and_then(|pipelines| {
            let sources = Sources::load(&pipelines, &content.pipelines, &content.sources, &mut symbols)?;
            let topics = topics(settings, &sources)?;
            Ok((pipelines, sources, topics))
        });
        let (rules, warnings) = rules(content, &mut symbols, &mut faults);
        match pipelines {
            Ok((pipelines, sources, topics)) if faults.is_empty() => {
                let generation = Generation { symbols: Arc::new(symbols), pipelines, sources, rules, topics };
                Ok(Loaded { generation, warnings })
            }
            pipelines => {
                faults.extend(pipelines.err().unwrap_or_default());
                faults.sort();
                Err(Faults(faults))
            }
        }
    }
}

/// One document may take a sixteenth of the memory: every worker may have one such at a time.
fn pipeline_limits(memory_bytes: usize) -> run::Limits {
    let mut limits = run::Limits::default();
    let most = memory_bytes / 16;
    limits.growth_bytes_max = limits.growth_bytes_max.min(most);
    limits.script.memory_bytes_max = limits.script.memory_bytes_max.min(most);
    limits
}

fn topics(settings: &Settings, sources: &Sources) -> Result<HashMap<Arc<str>, Chosen>, Vec<Fault>> {
    let mut topics = HashMap::new();
    let mut faults = Vec::new();
    for topic in &settings.kafka.topics {
        let Some(source) = &topic.source else { continue };
        match sources.named(&source.name) {
            Some(chosen) => drop(topics.insert(Arc::from(topic.name.as_str()), chosen)),
            None => {
                let mut fault = source.at.clone();
                let hint = match (&settings.pipelines.dir, sources.did_you_mean(&source.name)) {
                    (None, _) => "pipelines.dir is not set".to_owned(),
                    (Some(_), Some(known)) => format!("did you mean `{known}`?"),
                    (Some(dir), None) => {
                        format!("it would be {}", dir.join(&source.name).join("pipeline.yml").display())
                    }
                };
                fault.message = format!("{}: there is no pipeline `{}`: {hint}", fault.message, source.name);
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() { Ok(topics) } else { Err(faults) }
}

fn rules(content: &Content, symbols: &mut Symbols, faults: &mut Vec<Fault>) -> (RuleSet, Vec<Fault>) {
    let mut options = Options::default();
    match FieldMap::parse(FIELDS) {
        Ok(fields) => options.fields = fields,
        Err(what) => faults.push(Fault::of_file("the program's own field names", what)),
    }
    if let Some((file, text)) = &content.overlay {
        match Overlay::parse(text) {
            Ok(overlay) => options.overlay = overlay,
            Err(what) => faults.push(overlay_fault(file, &what)),
        }
    }
    let (rules, found) = RuleSet::compile(&content.rules, &options, symbols);
    let mut warnings = Vec::new();
    for fault in found {
        let is_error = fault.severity == Severity::Error;
        let list = if is_error { &mut *faults } else { &mut warnings };
        list.push(Fault::new(fault.file, fault.line, fault.column, fault.what));
    }
    (rules, warnings)
}

/// The YAML reader says where in words: "… at line 3 column 5".
fn overlay_fault(file: &str, what: &str) -> Fault {
    let number_after = |word: &str| {
        let rest = what.rsplit_once(word)?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    match (number_after("line "), number_after("column ")) {
        (Some(line), Some(column)) => Fault::new(file, line, column, what),
        _ => Fault::of_file(file, what),
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

/// What is the same for all batches; no reload changes it.
pub struct Plan {
    pub topics: HashMap<Arc<str>, Topic>,
    pub limits: Limits,
    pub index: IndexName,
    pub labels: Labels,
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
            labels: Labels::default(),
        }
    }
}
