//! What the user wrote: the file and the environment merged, each value still with its place, and read out by form.
//!
//! The file is parsed once, with positions, and handed to `config` as a source, so that a place and a value can never belong to
//! different readings. Unknown keys are found before the merge, because `config` takes a key such as `a[9999999]` for a path and
//! would make the list. Faults are collected, not returned: a reader that finds one goes on with the key's absence.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use saphyr_parser::{Event, Parser};

use super::fault::{Fault, did_you_mean};
use super::keys::{self, Default, Form, TOPIC_KEYS};
use super::secret::{self, Secret};

/// A settings file is some hundred lines; more is a wrong file.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The deepest key of ours lies at 4.
const NESTING_LEVELS_MAX: usize = 32;

const ENVIRONMENT: &str = "environment";
const PREFIX: &str = "SLUICE__";

/// The merged settings. Every `Option` it gives is `None` when the key is absent or when its fault is already noted.
pub struct Raw<'a> {
    file: &'a str,
    environment: &'a HashMap<String, String>,
    root: Value,
    places: Places,
    pub faults: Vec<Fault>,
}

/// Line and column of a value's key and of the value itself, by the key's path; list items as `kafka.topics[0]`.
#[derive(Clone, Debug, std::default::Default)]
struct Places(HashMap<String, [(usize, usize); 2]>);

/// The parsed file as a source of `config`.
#[derive(Clone, Debug)]
struct Parsed(Map<String, Value>);

impl Source for Parsed {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

impl<'a> Raw<'a> {
    /// `Err` when there is nothing to read values from: the text is no YAML.
    pub fn read(file: &'a str, text: &str, environment: &'a HashMap<String, String>) -> Result<Raw<'a>, Vec<Fault>> {
        let mut raw = Raw { file, environment, root: Value::default(), places: Places::default(), faults: Vec::new() };
        let parsed = raw.parse_file(text).map_err(|fault| vec![fault])?;
        let variables = raw.known_variables();
        let from_environment = config::Environment::with_prefix("SLUICE").separator("__").source(Some(variables));
        let merged = Config::builder().add_source(Parsed(parsed)).add_source(from_environment).build();
        match merged {
            Ok(merged) => raw.root = merged.cache,
            Err(error) => return Err(vec![Fault::of_file(file, error.to_string())]),
        }
        Ok(raw)
    }

    /// Notes a fault at the value of `path`, or at the variable that set it.
    pub fn fault(&mut self, path: &str, message: impl Into<String>) {
        let mut fault = self.place(path);
        fault.message = format!("{}: {}", fault.message, message.into());
        self.faults.push(fault);
    }

    /// A fault that so far says only which key it is of, and where that stands.
    pub fn place(&self, path: &str) -> Fault {
        let key_path = path.split('[').next().unwrap_or(path);
        let is_from_environment = self.find(key_path).is_some_and(|value| !is_from_file(value));
        if is_from_environment {
            let variable = format!("{PREFIX}{}", key_path.to_uppercase().replace('.', "__"));
            Fault::of_file(ENVIRONMENT, variable)
        } else {
            let (line, column) = self.places.0.get(path).map_or((0, 0), |[_, value]| *value);
            Fault::new(self.file, line, column, path)
        }
    }

    pub fn is_given(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    pub fn text(&mut self, path: &str) -> Option<String> {
        let value = self.value(path)?;
        self.as_text(path, &value)
    }

    pub fn secret(&mut self, path: &str) -> Option<Secret> {
        let text = self.text(path)?;
        self.resolve(path, &text)
    }

    pub fn texts(&mut self, path: &str) -> Vec<String> {
        let items = self.items(path);
        items.iter().filter_map(|(path, value)| self.as_text(path, value)).collect()
    }

    /// The items of a list with their paths. Text is split at commas where the environment or a default gave it.
    pub fn items(&mut self, path: &str) -> Vec<(String, Value)> {
        let Some(value) = self.value(path) else { return Vec::new() };
        match &value.kind {
            ValueKind::Array(items) => {
                items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item.clone())).collect()
            }
            ValueKind::String(text) if !is_from_file(&value) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| (path.to_string(), Value::new(value.origin().map(String::from).as_ref(), item)))
                .collect(),
            _ => {
                self.fault(path, format!("a list is wanted, as {}", example(path)));
                Vec::new()
            }
        }
    }

    pub fn flag(&mut self, path: &str) -> Option<bool> {
        let value = self.value(path)?;
        let flag = match &value.kind {
            ValueKind::Boolean(flag) => Some(*flag),
            ValueKind::String(text) if !is_from_file(&value) => text.to_lowercase().parse().ok(),
            _ => None,
        };
        if flag.is_none() {
            self.fault(path, "true or false is wanted");
        }
        flag
    }

    pub fn count(&mut self, path: &str) -> Option<u64> {
        let value = self.value(path)?;
        let Some(Form::Count { min, max }) = keys::key(path).map(|key| key.form) else { return None };
        let count = match &value.kind {
            ValueKind::I64(number) => u64::try_from(*number).ok(),
            ValueKind::String(text) if !is_from_file(&value) => text.parse().ok(),
            _ => None,
        };
        let count = count.filter(|count| (min..=max).contains(count));
        if count.is_none() {
            self.fault(path, format!("a whole number from {min} to {max} is wanted"));
        }
        count
    }

    pub fn duration(&mut self, path: &str) -> Option<Duration> {
        let text = match self.value(path)?.kind {
            ValueKind::String(text) => text,
            _ => String::new(),
        };
        let Some(Form::Duration { min_ms, max_ms }) = keys::key(path).map(|key| key.form) else { return None };
        let duration_ms = parse_duration_ms(&text).filter(|ms| (min_ms..=max_ms).contains(ms));
        if duration_ms.is_none() {
            let (min, max) = (write_duration(min_ms), write_duration(max_ms));
            self.fault(
                path,
                format!("a time from {min} to {max} is wanted: a number with ms, s, m, h or d, as {}", example(path)),
            );
        }
        duration_ms.map(Duration::from_millis)
    }

    /// A mapping of single values, references resolved, each with its path. In a variable's name `_` stands for the dot that
    /// shells do not allow there.
    pub fn properties(&mut self, path: &str) -> BTreeMap<String, (String, Secret)> {
        let mut properties = BTreeMap::new();
        let Some(value) = self.find(path).cloned() else { return properties };
        let ValueKind::Table(table) = value.kind else {
            self.fault(path, format!("a mapping is wanted, as {}", example(path)));
            return properties;
        };
        let mut entries: Vec<_> = table.into_iter().collect();
        // Those of the environment last, so that they win.
        entries.sort_by(|(a, a_value), (b, b_value)| (!is_from_file(a_value), a).cmp(&(!is_from_file(b_value), b)));
        for (name, value) in entries {
            let entry_path = format!("{path}.{name}");
            let text = match &value.kind {
                ValueKind::String(text) => text.clone(),
                ValueKind::I64(number) => number.to_string(),
                ValueKind::Boolean(flag) => flag.to_string(),
                ValueKind::Float(_) => {
                    self.fault(&entry_path, "put a number with a fraction in quotes");
                    continue;
                }
                _ => {
                    self.fault(&entry_path, "one value is wanted: text, a number, true or false");
                    continue;
                }
            };
            if let Some(secret) = self.resolve(&entry_path, &text) {
                let name = if is_from_file(&value) { name } else { name.replace('_', ".") };
                properties.insert(name, (entry_path, secret));
            }
        }
        properties
    }

    /// One value that must be text, at `path`.
    pub fn as_text(&mut self, path: &str, value: &Value) -> Option<String> {
        let wanted = match &value.kind {
            ValueKind::String(text) if text.trim().is_empty() => "it is empty; give it a value or leave the key out",
            ValueKind::String(text) => return Some(text.clone()),
            ValueKind::I64(_) | ValueKind::Float(_) | ValueKind::Boolean(_) => "text is wanted: put it in quotes",
            _ => "text is wanted",
        };
        self.fault(path, wanted);
        None
    }

    fn resolve(&mut self, path: &str, text: &str) -> Option<Secret> {
        match secret::resolve(text, self.environment) {
            Ok(secret) => Some(secret),
            Err(message) => {
                self.fault(path, message);
                None
            }
        }
    }

    /// The value given, or the default; a required key's absence is a fault.
    fn value(&mut self, path: &str) -> Option<Value> {
        if let Some(value) = self.find(path) {
            return Some(value.clone());
        }
        match keys::key(path)?.default {
            Default::Value(text) => Some(Value::new(None, text)),
            Default::Unset => None,
            Default::Required => {
                let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
                let message = format!("{path} is missing; set it, as `{section}: {{{name}: {}}}`", example(path));
                self.faults.push(Fault::of_file(self.file, message));
                None
            }
        }
    }

    /// The value given at a path of plain names; a key that is there without a value counts as absent.
    fn find(&self, path: &str) -> Option<&Value> {
        let mut value = &self.root;
        let mut rest = path;
        while !rest.is_empty() {
            let ValueKind::Table(table) = &value.kind else { return None };
            // Names of properties contain dots themselves, so that the longest name is tried first.
            if let Some(found) = table.get(rest) {
                return Some(found).filter(|found| found.kind != ValueKind::Nil);
            }
            let (name, after) = rest.split_once('.')?;
            value = table.get(name)?;
            rest = after;
        }
        None
    }

    fn parse_file(&mut self, text: &str) -> Result<Map<String, Value>, Fault> {
        let file = self.file;
        check_nesting(file, text)?;
        let documents = MarkedYaml::load_from_str(text).map_err(|error| scan_fault(file, &error))?;
        let root = match documents.as_slice() {
            [] => return Ok(Map::new()),
            [root] => root,
            [_, second, ..] => {
                let (line, column) = place(second);
                return Err(Fault::new(
                    file,
                    line,
                    column,
                    "a second document; settings are one document, so remove the `---`",
                ));
            }
        };
        match &root.data {
            YamlData::Mapping(_) => match self.section(root, "").kind {
                ValueKind::Table(table) => Ok(table),
                _ => Ok(Map::new()),
            },
            YamlData::Value(Scalar::Null) => Ok(Map::new()),
            _ => {
                let (line, column) = place(root);
                Err(Fault::new(file, line, column, "settings are a mapping, as `kafka:` with its keys below it"))
            }
        }
    }

    /// A mapping whose names [`keys`] declare. What is unknown is noted and left out.
    fn section(&mut self, node: &MarkedYaml, path: &str) -> Value {
        let YamlData::Mapping(mapping) = &node.data else {
            if !matches!(node.data, YamlData::Value(Scalar::Null)) {
                let (line, column) = place(node);
                let names = keys::names_under(path).join(", ");
                self.faults.push(Fault::new(
                    self.file,
                    line,
                    column,
                    format!("{path}: a mapping is wanted, of {names}"),
                ));
            }
            return Value::default();
        };
        let mut table = Map::new();
        for (key, value) in mapping {
            let (name, key_place) = (key_text(key), place(key));
            let child = join(path, &name);
            self.places.0.insert(child.clone(), [key_place, place(value)]);
            let read = match keys::key(&child) {
                // `config` would take it for a path, and which of two spellings wins would be left to chance.
                _ if name.contains('.') => {
                    let (line, column) = key_place;
                    let message =
                        format!("a dot in the key {name}; write each part as a key of its own, one below the other");
                    self.faults.push(Fault::new(self.file, line, column, message));
                    continue;
                }
                Some(declared) if declared.form == Form::Topics => self.topics(value, &child),
                Some(_) => self.any(value, &child),
                None if keys::is_section(&child) => self.section(value, &child),
                None => {
                    self.unknown(&name, path, key_place, &keys::names_under(path));
                    continue;
                }
            };
            table.insert(name, read);
        }
        self.from_file(ValueKind::Table(table))
    }

    fn topics(&mut self, node: &MarkedYaml, path: &str) -> Value {
        if let YamlData::Sequence(items) = &node.data {
            for (index, item) in items.iter().enumerate() {
                let YamlData::Mapping(mapping) = &item.data else { continue };
                for key in mapping.keys() {
                    let name = key_text(key);
                    if !TOPIC_KEYS.contains(&name.as_str()) {
                        self.unknown(&name, &format!("{path}[{index}]"), place(key), &TOPIC_KEYS);
                    }
                }
            }
        }
        self.any(node, path)
    }

    /// A value of any form, its places noted; the nesting was bounded when the file was scanned.
    fn any(&mut self, node: &MarkedYaml, path: &str) -> Value {
        let kind = match &node.data {
            YamlData::Mapping(mapping) => {
                let mut table = Map::new();
                for (key, value) in mapping {
                    let name = key_text(key);
                    let child = join(path, &name);
                    self.places.0.insert(child.clone(), [place(key), place(value)]);
                    table.insert(name, self.any(value, &child));
                }
                ValueKind::Table(table)
            }
            YamlData::Sequence(items) => {
                let mut list = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let child = format!("{path}[{index}]");
                    self.places.0.insert(child.clone(), [place(item), place(item)]);
                    list.push(self.any(item, &child));
                }
                ValueKind::Array(list)
            }
            YamlData::Value(Scalar::Boolean(flag)) => ValueKind::Boolean(*flag),
            YamlData::Value(Scalar::Integer(number)) => ValueKind::I64(*number),
            YamlData::Value(Scalar::FloatingPoint(number)) => ValueKind::Float(number.into_inner()),
            YamlData::Value(Scalar::String(text)) => ValueKind::String(text.to_string()),
            YamlData::Value(Scalar::Null) => ValueKind::Nil,
            YamlData::Tagged(_, inner) => return self.any(inner, path),
            YamlData::Representation(text, ..) => ValueKind::String(text.to_string()),
            YamlData::BadValue | YamlData::Alias(_) => ValueKind::Nil,
        };
        self.from_file(kind)
    }

    fn from_file(&self, kind: ValueKind) -> Value {
        Value::new(Some(&self.file.to_string()), kind)
    }

    fn unknown(&mut self, name: &str, parent: &str, (line, column): (usize, usize), known: &[&str]) {
        let place = if parent.is_empty() { String::new() } else { format!(" in {parent}") };
        let advice = match did_you_mean(name, known.iter().copied()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("known are {}", known.join(", ")),
        };
        self.faults.push(Fault::new(self.file, line, column, format!("unknown key {name}{place}; {advice}")));
    }

    /// The variables that set a key of ours; the other ones of our prefix are faults.
    fn known_variables(&mut self) -> Map<String, String> {
        let mut variables = Map::new();
        let mut given: Vec<_> = self
            .environment
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix(PREFIX)?.to_lowercase().replace("__", "."), name, value))
            })
            .collect();
        given.sort();
        for (path, name, value) in given {
            let is_property = path.strip_prefix("kafka.properties.").is_some_and(|property| {
                !property.is_empty() && property.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            });
            if is_property || keys::key(&path).is_some_and(|key| key.form != Form::Properties) {
                variables.insert(name.clone(), value.clone());
                continue;
            }
            let known = keys::KEYS.iter().map(|key| key.path);
            let advice = match did_you_mean(&path, known) {
                Some(meant) => format!("did you mean {PREFIX}{}?", meant.to_uppercase().replace('.', "__")),
                None => format!("a variable is named like its key, as {PREFIX}KAFKA__BROKERS for kafka.brokers"),
            };
            self.faults.push(Fault::of_file(ENVIRONMENT, format!("unknown variable {name}; {advice}")));
        }
        variables
    }
}

/// Values of the environment carry the name that `config` gives it, defaults none.
fn is_from_file(value: &Value) -> bool {
    value.origin().is_some_and(|origin| origin != "the environment")
}

fn example(path: &str) -> &'static str {
    keys::key(path).map_or("", |key| key.example)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

fn key_text(key: &MarkedYaml) -> String {
    match &key.data {
        YamlData::Value(Scalar::String(text)) => text.to_string(),
        YamlData::Value(Scalar::Integer(number)) => number.to_string(),
        YamlData::Value(Scalar::Boolean(flag)) => flag.to_string(),
        YamlData::Value(Scalar::Null) => "null".to_string(),
        _ => "(not text)".to_string(),
    }
}

fn place(node: &MarkedYaml) -> (usize, usize) {
    (node.span.start.line(), node.span.start.col() + 1)
}

fn scan_fault(file: &str, error: &saphyr_parser::ScanError) -> Fault {
    Fault::new(file, error.marker().line(), error.marker().col() + 1, format!("not YAML: {}", error.info()))
}

/// Refuses nesting so deep that recursion over the tree would matter, before a tree is made.
fn check_nesting(file: &str, text: &str) -> Result<(), Fault> {
    let mut parser = Parser::new_from_str(text);
    let mut levels = 0_usize;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| scan_fault(file, &error))?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => levels += 1,
            Event::MappingEnd | Event::SequenceEnd => levels = levels.saturating_sub(1),
            _ => {}
        }
        if levels > NESTING_LEVELS_MAX {
            let message = format!("nested deeper than {NESTING_LEVELS_MAX} levels; no setting needs that");
            return Err(Fault::new(file, span.start.line(), span.start.col() + 1, message));
        }
    }
    Ok(())
}

fn parse_duration_ms(text: &str) -> Option<u64> {
    let digits = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(unit_ms)
}

fn write_duration(ms: u64) -> String {
    let unit = UNITS.iter().find(|(_, unit_ms)| ms.is_multiple_of(*unit_ms));
    unit.map_or_else(|| format!("{ms}ms"), |(name, unit_ms)| format!("{}{name}", ms / unit_ms))
}

/// The largest first, as durations are written.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
