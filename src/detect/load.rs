//! Rule files to parsed documents: rules, filters and correlations, each with where it came from.
//!
//! Files are split into documents before they are parsed, so that a fault belongs to one document and a correlation of a type that
//! the rule parser does not know does not take its neighbours with it. `action: global`, `reset` and `repeat` are applied by parsing a
//! document together with those before it that it builds on.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rsigma_parser::{FilterRule, SigmaRule, parse_sigma_yaml};

use super::fault::{Fault, Severity, Step, locate};

/// A larger file is no rule.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Documents of one file.
const DOCUMENTS_MAX: usize = 1000;

/// A file with rules.
#[derive(Clone, Debug)]
pub struct RuleFile {
    pub name: String,
    pub text: String,
}

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    pub file: Arc<str>,
    /// Lines of the file before the document.
    pub lines_before: usize,
    pub text: Arc<str>,
}

impl Document {
    pub fn fault(&self, severity: Severity, path: &[Step], what: impl Into<String>) -> Fault {
        let (line, column) = locate(&self.text, path);
        Fault { file: self.file.to_string(), line: self.lines_before + line, column, severity, what: what.into() }
    }
}

#[derive(Default)]
pub struct Loaded {
    pub rules: Vec<(Document, SigmaRule)>,
    pub filters: Vec<(Document, FilterRule)>,
    /// Correlation rules as text: they are not compiled here.
    pub correlations: Vec<Document>,
    pub faults: Vec<Fault>,
}

/// All `.yml` and `.yaml` files below a folder, or the one file, in the order of their names; tests of rules (`.test.yml`) are left out.
pub fn read(path: &Path) -> io::Result<Vec<RuleFile>> {
    let named = |e: io::Error, path: &Path| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    let mut found = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    if path.is_file() {
        folders.clear();
        found.push(path.to_path_buf());
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| named(e, &folder))? {
            let entry = entry.map_err(|e| named(e, &folder))?;
            let path = entry.path();
            // A link to a folder is not followed: it may lead in a circle.
            if entry.file_type().map_err(|e| named(e, &path))?.is_dir() {
                folders.push(path);
            } else if is_rule_file(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    let mut files = Vec::with_capacity(found.len());
    for path in found {
        let size = std::fs::metadata(&path).map_err(|e| named(e, &path))?.len();
        if size > FILE_BYTES_MAX {
            let what =
                format!("{}: {size} bytes are too many for a rule file ({FILE_BYTES_MAX} at most)", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| named(e, &path))?;
        files.push(RuleFile { name: path.display().to_string(), text });
    }
    Ok(files)
}

fn is_rule_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    yaml && !name.ends_with(".test.yml") && !name.ends_with(".test.yaml") && !name.starts_with('.')
}

/// Parses files on as many threads as the machine has: this is most of the time that loading takes.
pub fn parse(files: &[RuleFile]) -> Loaded {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let share = files.len().div_ceil(threads).max(1);
    let parts: Vec<Loaded> = std::thread::scope(|scope| {
        let workers: Vec<_> = files.chunks(share).map(|chunk| scope.spawn(|| parse_some(chunk))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let mut loaded = Loaded::default();
    for part in parts {
        loaded.rules.extend(part.rules);
        loaded.filters.extend(part.filters);
        loaded.correlations.extend(part.correlations);
        loaded.faults.extend(part.faults);
    }
    loaded
}

fn parse_some(files: &[RuleFile]) -> Loaded {
    let mut loaded = Loaded::default();
    for file in files {
        parse_file(file, &mut loaded);
    }
    loaded
}

fn parse_file(file: &RuleFile, loaded: &mut Loaded) {
    let documents = split(file);
    if documents.len() > DOCUMENTS_MAX {
        let what = format!("{} documents are too many for one file ({DOCUMENTS_MAX} at most)", documents.len());
        loaded.faults.extend(documents.first().map(|document| document.fault(Severity::Error, &[], what)));
        return;
    }
    // What a document builds on: the global part and, for a repetition, the document before.
    let mut global: Option<&Document> = None;
    let mut before: Vec<&Document> = Vec::new();
    for document in &documents {
        let mut base: Vec<&Document> = global.into_iter().collect();
        match top_level(&document.text, "action") {
            Some("global") => {
                global = Some(document);
                continue;
            }
            Some("reset") => {
                global = None;
                continue;
            }
            Some("repeat") => base.extend(&before),
            _ => before.clear(),
        }
        before.push(document);
        // Other YAML lies among rules too; what a global part completes may itself have none of these.
        if base.is_empty()
            && !["detection", "filter", "correlation", "logsource"]
                .iter()
                .any(|key| top_level(&document.text, key).is_some())
        {
            loaded.faults.push(document.fault(
                Severity::Warning,
                &[],
                "neither a rule nor a filter nor a correlation: left out",
            ));
            continue;
        }
        if top_level(&document.text, "correlation").is_some() {
            loaded.correlations.push(document.clone());
            continue;
        }
        parse_document(document, &base, loaded);
    }
}

fn parse_document(document: &Document, base: &[&Document], loaded: &mut Loaded) {
    let mut text = String::new();
    for part in base.iter().copied().chain([document]) {
        text.push_str("---\n");
        text.push_str(&part.text);
        text.push('\n');
    }
    let parsed = if base.is_empty() { parse_sigma_yaml(&document.text) } else { parse_sigma_yaml(&text) };
    let mut collection = match parsed {
        Ok(collection) => collection,
        Err(e) => {
            loaded.faults.push(fault_of(document, &e.to_string()));
            return;
        }
    };
    loaded.faults.extend(collection.errors.iter().map(|what| fault_of(document, what)));
    // Of a repetition, the last one is this document; the others were taken before.
    if base.len() > 1 && collection.has_errors() {
        return;
    }
    if let Some(rule) = collection.rules.pop() {
        loaded.rules.push((document.clone(), rule));
    } else if let Some(filter) = collection.filters.pop() {
        loaded.filters.push((document.clone(), filter));
    }
}

/// A fault that the parser gives as a sentence, put where its words point.
fn fault_of(document: &Document, what: &str) -> Fault {
    let key = |keys: &[&str]| keys.iter().map(|key| Step::Key((*key).to_owned())).collect::<Vec<_>>();
    // These say that a value was left out of an otherwise usable rule.
    let value = ["status", "level", "related", "sigma-version"].into_iter().find(|name| {
        what.starts_with(&format!("invalid {name}")) || what.starts_with(name) || what.starts_with(&format!("'{name}'"))
    });
    if let Some(name) = value {
        return document.fault(Severity::Warning, &key(&[name]), what);
    }
    if what.to_lowercase().contains("condition") {
        return document.fault(Severity::Error, &key(&["detection", "condition"]), what);
    }
    let mut fault = document.fault(Severity::Error, &key(&["detection"]), what);
    // "… at line 3 column 5" of the YAML reader.
    let number_after = |word: &str| {
        let rest = what.split_once(word)?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    if let (Some(line), Some(column)) = (number_after("line "), number_after("column ")) {
        fault.line = document.lines_before + line;
        fault.column = column;
    } else if let Some(modifier) = what
        .split_once("modifier")
        .and_then(|(_, rest)| rest.split(['\'', '`', '"', ' ', ':']).rfind(|w| !w.is_empty()))
        && let Some((line, text)) =
            document.text.lines().enumerate().find(|(_, text)| text.contains(&format!("|{modifier}")))
    {
        fault.line = document.lines_before + line + 1;
        fault.column = text.find('|').unwrap_or(0) + 2;
    }
    fault
}

/// The documents of a file. In YAML a line that begins with `---` always parts documents.
fn split(file: &RuleFile) -> Vec<Document> {
    let name: Arc<str> = file.name.as_str().into();
    let mut documents = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let (mut at, mut lines) = (0, 0);
    let mut push = |from: usize, to: usize, lines_before: usize| {
        let text = file.text.get(from..to).unwrap_or_default();
        if text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
            documents.push(Document { file: Arc::clone(&name), lines_before, text: text.into() });
        }
    };
    for line in file.text.split_inclusive('\n') {
        lines += 1;
        at += line.len();
        let marker = line.trim_end();
        if marker == "---" || marker.starts_with("--- ") || marker == "..." {
            push(start, at - line.len(), lines_before);
            (start, lines_before) = (at, lines);
        }
    }
    push(start, file.text.len(), lines_before);
    documents
}

/// The value of a top-level key, as it stands behind the colon.
fn top_level<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?.trim_start().strip_prefix(':')?;
        Some(rest.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']))
    })
}
