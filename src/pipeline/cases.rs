//! The tests of pipelines, in the form of Elastic's packages: finding them, running them, telling what differs.
//!
//! A case is a file of events (`x.json`) or of lines (`x.log`) with `x-expected.json` and perhaps `x-config.yml` beside it. It lies in
//! `_dev/test/pipeline` of a package's data stream, whose pipelines are in `elasticsearch/ingest_pipeline`, or in `tests` beside the
//! `pipeline.yml` of a source of our own. Comparing is elastic-package's: fields declared dynamic are matched and then left out, numbers are
//! equal by value.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::event::{Arena, Symbols, Value, parse, write};
use crate::settings::Fault;

use super::compare;
use super::files::{self, Source};
use super::load;
use super::processors::Resources;
use super::run::{Limits, Metadata, Moment, Outcome, PipelineId, Pipelines};
use super::source;

/// Pipelines and the files of their cases.
#[derive(Debug)]
pub struct Suite {
    pub dir: PathBuf,
    sources: Vec<Source>,
    entry: String,
    files: Vec<PathBuf>,
}

#[derive(Debug)]
pub struct CaseResult {
    pub file: PathBuf,
    /// What is wrong, a line each; empty when the case passed.
    pub wrong: Vec<String>,
}

/// Folders inside folders; a link that leads back ends here.
const FOLDER_LEVELS_MAX: usize = 16;
/// As many events as a file of cases may hold.
const EVENTS_MAX: usize = 100_000;

/// All suites under a folder, in order.
pub fn find(dir: &Path) -> Result<Vec<Suite>, Fault> {
    let mut suites = Vec::new();
    search(dir, 0, &mut suites)?;
    Ok(suites)
}

fn search(dir: &Path, level: usize, suites: &mut Vec<Suite>) -> Result<(), Fault> {
    let packaged = dir.join("_dev/test/pipeline");
    let pipelines = dir.join("elasticsearch/ingest_pipeline");
    if packaged.is_dir() && pipelines.is_dir() {
        suites.push(Suite {
            dir: dir.to_owned(),
            sources: files::read_dir(&pipelines)?,
            entry: "default".into(),
            files: case_files(&packaged)?,
        });
    }
    if dir.join("pipeline.yml").is_file() {
        suites.push(Suite {
            dir: dir.to_owned(),
            sources: files::read_dir(dir)?.into_iter().filter(|source| source.name != "source").collect(),
            entry: "pipeline".into(),
            files: case_files(&dir.join("tests"))?,
        });
    }
    if level < FOLDER_LEVELS_MAX {
        for path in files::entries(dir)? {
            if path.is_dir() {
                search(&path, level + 1, suites)?;
            }
        }
    }
    Ok(())
}

fn case_files(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = files::entries(dir)?;
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        (name.ends_with(".log") || name.ends_with(".json")) && !name.ends_with("-expected.json")
    });
    Ok(files)
}

impl Suite {
    /// Loads the pipelines and runs every case; when they do not load, every case fails with what is wrong with them.
    pub fn run(&self, resources: &Resources, now_ms: i64) -> Vec<CaseResult> {
        let mut symbols = Symbols::new();
        let loaded = Pipelines::load(&self.sources, &mut symbols, resources, Limits::default());
        let pipelines = match loaded {
            Ok(pipelines) => pipelines,
            Err(faults) => {
                let wrong: Vec<String> = faults.iter().map(Fault::to_string).collect();
                return self.files.iter().map(|file| CaseResult { file: file.clone(), wrong: wrong.clone() }).collect();
            }
        };
        let Some(id) = pipelines.id(&self.entry) else {
            let wrong = format!("there is no pipeline `{}` in {}", self.entry, self.dir.display());
            let results = self.files.iter().map(|file| CaseResult { file: file.clone(), wrong: vec![wrong.clone()] });
            return results.collect();
        };
        let symbols = Arc::new(symbols);
        let moment = Moment::new(now_ms);
        let results = self.files.iter().map(|file| {
            let case = Case { pipelines: &pipelines, id, symbols: &symbols, moment: &moment };
            let wrong = case.run(file).unwrap_or_else(|what| vec![what]);
            CaseResult { file: file.clone(), wrong }
        });
        results.collect()
    }
}

struct Case<'s> {
    pipelines: &'s Pipelines,
    id: PipelineId,
    symbols: &'s Arc<Symbols>,
    moment: &'s Moment,
}

impl Case<'_> {
    /// What differs; `Err` when the case itself cannot be read.
    fn run(&self, file: &Path) -> Result<Vec<String>, String> {
        let config = Config::read(file)?;
        let events = read_events(file, &config)?;
        let expected = read_expected(file)?;
        let mut wrong = Vec::new();
        if expected.len() != events.len() {
            wrong.push(format!("{} events are expected, and there are {}", expected.len(), events.len()));
        }
        for (number, (event, expected)) in events.iter().zip(&expected).enumerate() {
            let number = number + 1;
            match self.run_one(event) {
                Ok(mut got) => {
                    wrong.extend(config.check_dynamic(&got).into_iter().map(|what| format!("event {number}: {what}")));
                    let mut expected = expected.clone();
                    for (key, _) in &config.dynamic {
                        remove_dotted(&mut got, key);
                        remove_dotted(&mut expected, key);
                    }
                    let differences = compare::differences(&expected, &got);
                    wrong.extend(differences.into_iter().map(|what| format!("event {number}: {what}")));
                }
                Err(reason) => wrong.push(format!("event {number}: the pipeline failed: {reason}")),
            }
        }
        Ok(wrong)
    }

    fn run_one(&self, event: &Json) -> Result<Json, String> {
        let text = event.to_string();
        let arena = Arena::new(self.symbols.clone());
        let document = parse::document(&arena, text.as_bytes(), load::DOCUMENT_LEVELS_MAX);
        let Ok(Value::Object(ctx)) = document else { return Err("the event is no JSON object".into()) };
        // What elastic-package's documents have in the original's `_simulate`.
        let metadata = Metadata { index: "_index", id: Some("_id") };
        match self.pipelines.run(self.id, &arena, ctx, metadata, self.moment) {
            Outcome::Keep(_) => {
                let written = write::to_string(&Value::Object(ctx));
                serde_json::from_str(&written).map_err(|e| format!("the document is no JSON afterwards: {e}"))
            }
            Outcome::Dropped => Ok(Json::Null),
            Outcome::Failed(failure) => {
                let origin = failure.origin.map_or(String::new(), |origin| {
                    let tag = origin.tag.map_or(String::new(), |tag| format!(" ({tag})"));
                    format!("{}{tag}: ", origin.processor)
                });
                Err(format!("{origin}{}", failure.reason))
            }
        }
    }
}

#[derive(Default)]
struct Config {
    fields: Vec<(String, Json)>,
    dynamic: Vec<(String, Regex)>,
    first_line: Option<Regex>,
    exclude_lines: Vec<Regex>,
}

impl Config {
    /// The folder's common settings, then the file's own.
    fn read(file: &Path) -> Result<Config, String> {
        let mut config = Config::default();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        for name in ["test-common-config.yml".to_owned(), format!("{stem}-config.yml"), format!("{name}-config.yml")] {
            let path = file.with_file_name(name);
            if path.is_file() {
                let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                config.add(&path, &text).map_err(|fault| fault.to_string())?;
            }
        }
        Ok(config)
    }

    fn add(&mut self, path: &Path, text: &str) -> Result<(), Fault> {
        let node = source::parse(&path.display().to_string(), text)?;
        let regex = |node: &source::Node| {
            let pattern = node.text().unwrap_or_default();
            Regex::new(&go_pattern(pattern)).map_err(|e| node.fault(format!("is no regular expression: {e}")))
        };
        for (key, value) in node.map().unwrap_or_default() {
            match key.text.as_str() {
                "fields" => {
                    for (name, value) in value.map().unwrap_or_default() {
                        set_field(&mut self.fields, &name.text, value.to_json());
                    }
                }
                "dynamic_fields" => {
                    for (name, value) in value.map().unwrap_or_default() {
                        self.dynamic.push((name.text.clone(), regex(value)?));
                    }
                }
                // elastic-package knows this one option, and passes over a Beat's others.
                "multiline" => {
                    if let Some(pattern) = value.get("first_line_pattern") {
                        self.first_line = Some(regex(pattern)?);
                    }
                }
                "exclude_lines" => {
                    for item in value.list().unwrap_or_default() {
                        self.exclude_lines.push(regex(item)?);
                    }
                }
                // These speak of mappings, not of what a pipeline does.
                "numeric_keyword_fields" | "string_number_fields" => {}
                other => return Err(key.at.fault(format!("the test has no option `{other}`"))),
            }
        }
        Ok(())
    }

    fn check_dynamic(&self, got: &Json) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, pattern) in &self.dynamic {
            let Some(value) = get_dotted(got, key) else { continue };
            let text = match value {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            if !pattern.is_match(&text) {
                wrong.push(format!("{key}: `{text}` does not match `{pattern}`"));
            }
        }
        wrong
    }
}

fn read_events(file: &Path, config: &Config) -> Result<Vec<Json>, String> {
    let bytes = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut events = if file.extension().is_some_and(|e| e == "json") {
        let read: Json = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        match read {
            Json::Object(mut object) => match object.remove("events") {
                Some(Json::Array(events)) => events,
                _ => return Err(format!("{}: there is no list `events`", file.display())),
            },
            _ => return Err(format!("{}: there is no list `events`", file.display())),
        }
    } else {
        let line_event = |line: String| {
            let mut event = Map::new();
            event.insert("message".into(), Json::String(line));
            Json::Object(event)
        };
        lines(&text, config).into_iter().map(line_event).collect()
    };
    if events.len() > EVENTS_MAX {
        return Err(format!("{}: more than {EVENTS_MAX} events", file.display()));
    }
    for event in &mut events {
        for (key, value) in &config.fields {
            put_dotted(event, key, value.clone());
        }
    }
    Ok(events)
}

/// The entries of a log: its lines, or what begins with a line of the multiline pattern.
fn lines(text: &str, config: &Config) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines() {
        match (&config.first_line, entries.last_mut()) {
            (Some(first), Some(last)) if !first.is_match(line) => {
                last.push('\n');
                last.push_str(line);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    entries.retain(|entry| !config.exclude_lines.iter().any(|pattern| pattern.is_match(entry)));
    entries
}

fn read_expected(file: &Path) -> Result<Vec<Json>, String> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let full = file.with_file_name(format!("{name}-expected.json"));
    let path = if full.is_file() { full } else { file.with_file_name(format!("{stem}-expected.json")) };
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let read: Json = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    match read {
        Json::Object(mut object) => match object.remove("expected") {
            Some(Json::Array(events)) => Ok(events),
            _ => Err(format!("{}: there is no list `expected`", path.display())),
        },
        _ => Err(format!("{}: there is no list `expected`", path.display())),
    }
}

/// A pattern of Go's, to which a brace that begins no repetition is a brace.
fn go_pattern(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut before = ' ';
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let repetition = rest.peek().is_some_and(char::is_ascii_digit);
        if c == '{' && !repetition && !matches!(before, '\\' | 'p' | 'P') {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

/// Puts a value where a dotted name leads, making the objects on the way.
fn put_dotted(event: &mut Json, key: &str, value: Json) {
    let Json::Object(object) = event else { return };
    match key.split_once('.') {
        None => {
            object.insert(key.into(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Json::Object(Map::new()));
            if !inner.is_object() {
                *inner = Json::Object(Map::new());
            }
            put_dotted(inner, rest, value);
        }
    }
}

/// Sets a field over what the common settings say, as elastic-package merges the two: of lists each element takes the place of the one with
/// its number, and a null takes the field away.
fn set_field(fields: &mut Vec<(String, Json)>, name: &str, value: Json) {
    let known = fields.iter().position(|(known, _)| known == name);
    match (known.and_then(|at| fields.get_mut(at)), value) {
        (known_field, Json::Null) => {
            if known_field.is_some() {
                fields.retain(|(known, _)| known != name);
            }
        }
        (Some((_, Json::Array(old))), Json::Array(new)) => {
            let rest = old.split_off(new.len().min(old.len()));
            *old = new;
            old.extend(rest);
        }
        (Some((_, Json::Object(old))), Json::Object(new)) => old.extend(new),
        (Some((_, old)), value) => *old = value,
        (None, value) => fields.push((name.to_owned(), value)),
    }
}

/// The value of a dotted name; a key may have dots itself.
fn get_dotted<'j>(event: &'j Json, key: &str) -> Option<&'j Json> {
    let object = event.as_object()?;
    object.get(key).or_else(|| {
        let (first, rest) = key.split_once('.')?;
        get_dotted(object.get(first)?, rest)
    })
}

fn remove_dotted(event: &mut Json, key: &str) {
    let Some(object) = event.as_object_mut() else { return };
    if object.remove(key).is_none()
        && let Some((first, rest)) = key.split_once('.')
        && let Some(inner) = object.get_mut(first)
    {
        remove_dotted(inner, rest);
    }
}
