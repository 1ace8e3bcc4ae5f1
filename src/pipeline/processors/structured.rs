//! Processors that take one text apart into fields: `json`, `kv`, `csv`.
//!
//! The quirks are the originals' too, as that `csv` sets nothing for an empty last column, because documents must come out the same.

use crate::event::{Object, Value, parse};
use crate::java::regex::{Flags, Regex, Replacement};

use super::super::document::{Document, Done, Failure, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::super::template::{FieldName, Literal, Template};
use super::lists::Separator;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("json", json), ("kv", kv), ("csv", csv)];

/// As deep as Jackson reads by default.
const JSON_LEVELS_MAX: usize = 1000;

struct Json {
    field: FieldPath,
    /// `None` for the root of the document.
    target: Option<FieldPath>,
    merge: bool,
    allow_duplicate_keys: bool,
    strict: bool,
}

fn json(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let field = options.path("field")?;
    let target = options.optional_path("target_field")?;
    let add_to_root = options.flag("add_to_root", false)?;
    if add_to_root && target.is_some() {
        return Err(options.fault("target_field", "and `add_to_root` exclude each other"));
    }
    let merge = match options.optional_text("add_to_root_conflict_strategy")? {
        None | Some("replace") => false,
        Some("merge") => true,
        Some(_) => return Err(options.fault("add_to_root_conflict_strategy", "must be replace or merge")),
    };
    if options.has("add_to_root_conflict_strategy") && !add_to_root {
        return Err(options.fault("add_to_root_conflict_strategy", "means nothing without `add_to_root`"));
    }
    let target = if add_to_root { None } else { Some(target.unwrap_or_else(|| field.clone())) };
    let allow_duplicate_keys = options.flag("allow_duplicate_keys", false)?;
    let strict = options.flag("strict_json_parsing", true)?;
    Ok(Box::new(Json { field, target, merge, allow_duplicate_keys, strict }))
}

impl Processor for Json {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let text = match document.get(self.field.path())? {
            Value::Null => "null",
            Value::Str(text) => text,
            other => document.print(&other),
        };
        let (value, end) = parse::prefix(document.arena, text.as_bytes(), JSON_LEVELS_MAX)
            .map_err(|e| document.fail(format_args!("{e} of the field [{}]", self.field.text())))?;
        let rest = text.get(end..).unwrap_or_default();
        // Whatever is strict or not, text may not run into a scalar.
        let scalar = !matches!(value, Value::Object(_) | Value::List(_));
        let runs_on = scalar && !rest.is_empty() && !rest.starts_with([' ', '\t', '\n', '\r']);
        if runs_on || self.strict && !rest.trim().is_empty() {
            return Err(document.fail(format_args!(
                "The input {text} is not valid JSON and the strict_json_parsing parameter is true"
            )));
        }
        if !self.allow_duplicate_keys
            && let Some(key) = duplicate_key(text.get(..end).unwrap_or_default())
        {
            return Err(document.fail(format_args!("Duplicate field '{key}'")));
        }
        match (&self.target, value) {
            (Some(target), value) => document.set(target.path(), value)?,
            (None, Value::Object(object)) if self.merge => merge(document.ctx, object, 0),
            (None, Value::Object(object)) => {
                for (key, value) in object.iter() {
                    document.ctx.set(key, value);
                }
            }
            (None, _) => {
                return Err(document.fail(format_args!("cannot add non-map fields to root of document")));
            }
        }
        Ok(Flow::Next)
    }
}

fn merge<'a>(into: &'a Object<'a>, from: &'a Object<'a>, level: usize) {
    for (key, value) in from.iter() {
        match (into.get(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) if level < JSON_LEVELS_MAX => merge(old, new, level + 1),
            _ => {
                into.set(key, value);
            }
        }
    }
}

/// The first key of a valid JSON text that stands twice in one object.
fn duplicate_key(text: &str) -> Option<&str> {
    /// Objects of fewer keys are searched in line, larger ones by a set.
    const IN_LINE_KEYS_MAX: usize = 16;
    struct Level<'t> {
        object: bool,
        keys: Vec<&'t str>,
        set: rustc_hash::FxHashSet<&'t str>,
    }
    let bytes = text.as_bytes();
    let mut open: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    let mut key_next = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                key_next = *byte == b'{';
                open.push(Level { object: key_next, keys: Vec::new(), set: Default::default() });
            }
            b'}' | b']' => {
                open.pop();
                key_next = false;
            }
            b',' => key_next = open.last().is_some_and(|level| level.object),
            b'"' => {
                let start = at + 1;
                at = string_end(bytes, start);
                if key_next && let Some(level) = open.last_mut() {
                    key_next = false;
                    let key = text.get(start..at).unwrap_or_default();
                    let known = if level.set.is_empty() { level.keys.contains(&key) } else { level.set.contains(key) };
                    if known {
                        return Some(key);
                    }
                    level.keys.push(key);
                    if level.keys.len() > IN_LINE_KEYS_MAX {
                        if level.set.is_empty() {
                            level.set.extend(level.keys.iter().copied());
                        }
                        level.set.insert(key);
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The closing quote of the string that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

struct Kv {
    field: FieldName,
    target: Option<Template>,
    prefix: Box<str>,
    field_split: Separator,
    value_split: Separator,
    value_split_text: Box<str>,
    include_keys: Option<Vec<Box<str>>>,
    exclude_keys: Vec<Box<str>>,
    ignore_missing: bool,
    trim_key: Option<Trim>,
    trim_value: Option<Trim>,
    strip_brackets: bool,
}

/// Takes characters off both ends.
enum Trim {
    Chars(Vec<char>),
    /// What stands between the brackets of a class is more than characters.
    Regex(Regex, Replacement),
}

fn trim(options: &mut Options<'_, '_>, name: &'static str) -> Result<Option<Trim>, Fault> {
    let Some(text) = options.optional_text(name)? else { return Ok(None) };
    if text.chars().all(|c| !"\\[]^-&".contains(c)) && !text.is_empty() {
        return Ok(Some(Trim::Chars(text.chars().collect())));
    }
    let regex = Regex::compile(&format!("(^([{text}]+))|([{text}]+$)"), Flags::NONE)
        .map_err(|e| options.fault(name, format_args!("cannot stand in a class of characters: {e}")))?;
    let nothing = Replacement::literal("");
    Ok(Some(Trim::Regex(regex, nothing)))
}

impl Trim {
    fn apply<'a>(&self, text: &'a str, document: &Document<'a>) -> Result<&'a str, Failure<'a>> {
        match self {
            // The end is also before a last line end, where characters are taken out of the text's inside.
            Trim::Chars(chars) => match last_line_end(text) {
                Some((body, end)) if body.ends_with(chars.as_slice()) && !end.contains(chars.as_slice()) => {
                    Ok(document.format(format_args!("{}{end}", body.trim_matches(chars.as_slice()))))
                }
                _ => Ok(text.trim_matches(chars.as_slice())),
            },
            Trim::Regex(regex, nothing) => match regex.replace(text, nothing, false, text.len()) {
                Ok(std::borrow::Cow::Borrowed(same)) => Ok(same),
                Ok(std::borrow::Cow::Owned(new)) => Ok(document.arena.str(&new)),
                Err(e) => Err(document.fail(format_args!("{e}"))),
            },
        }
    }
}

/// A text before its last line end, and the line end; `None` when it ends in none.
fn last_line_end(text: &str) -> Option<(&str, &str)> {
    ["\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
        .into_iter()
        .find_map(|end| text.strip_suffix(end).map(|body| (body, text.get(body.len()..).unwrap_or_default())))
}

fn kv(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let owned = |texts: Vec<&str>| texts.into_iter().map(Into::into).collect::<Vec<Box<str>>>();
    Ok(Box::new(Kv {
        field: options.field_name("field")?,
        target: options.optional_template("target_field")?,
        prefix: options.optional_text("prefix")?.unwrap_or_default().into(),
        field_split: Separator::build(options, "field_split")?,
        value_split: Separator::build(options, "value_split")?,
        value_split_text: options.text("value_split")?.into(),
        include_keys: options.optional_texts("include_keys")?.map(owned),
        exclude_keys: options.optional_texts("exclude_keys")?.map(owned).unwrap_or_default(),
        ignore_missing: options.flag("ignore_missing", false)?,
        trim_key: trim(options, "trim_key")?,
        trim_value: trim(options, "trim_value")?,
        strip_brackets: options.flag("strip_brackets", false)?,
    }))
}

impl Processor for Kv {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let target = match &self.target {
            Some(target) => target.render(document)?,
            None => "",
        };
        let path = match &self.field {
            FieldName::Fixed(path) => path.path(),
            FieldName::Template(template) => match template.render(document)? {
                "" if self.ignore_missing => return Ok(Flow::Next),
                "" => return Err(document.fail(format_args!("field [] doesn't exist"))),
                name => document.path(name)?,
            },
        };
        if !document.has_within_bounds(path)? {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] doesn't exist", path.text())));
        }
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            let field = path.text();
            return Err(document.fail(format_args!("field [{field}] is null, cannot extract key-value pairs.")));
        };
        for part in self.field_split.split(text, 0, document)? {
            let parts = self.value_split.split(part, 2, document)?;
            let [key, value] = parts.as_slice() else {
                return Err(document.fail(format_args!(
                    "field [{}] does not contain value_split [{}]",
                    path.text(),
                    self.value_split_text
                )));
            };
            let key = match &self.trim_key {
                Some(trim) => trim.apply(key, document)?,
                None => key,
            };
            let wanted = self.include_keys.as_ref().is_none_or(|keys| keys.iter().any(|k| **k == *key))
                && !self.exclude_keys.iter().any(|k| **k == *key);
            if !wanted {
                continue;
            }
            let value = if self.strip_brackets { strip_brackets(value) } else { value };
            let value = match &self.trim_value {
                Some(trim) => trim.apply(value, document)?,
                None => value,
            };
            let name = match (target.is_empty(), self.prefix.is_empty()) {
                (true, true) => key,
                (true, false) => document.format(format_args!("{}{key}", self.prefix)),
                (false, _) => document.format(format_args!("{target}.{}{key}", self.prefix)),
            };
            let path = document.path(name)?;
            if document.has(path) {
                document.append(path, Value::Str(value), true)?;
            } else {
                document.set(path, Value::Str(value))?;
            }
        }
        Ok(Flow::Next)
    }
}

/// Takes one bracket or quote off each end, alike or not.
fn strip_brackets(text: &str) -> &str {
    let text = text.strip_prefix(['(', '[', '<', '"', '\'']).unwrap_or(text);
    text.strip_suffix([']', ')', '>', '"', '\'']).unwrap_or(text)
}

struct Csv {
    field: FieldPath,
    targets: Vec<FieldPath>,
    separator: char,
    quote: char,
    trim: bool,
    empty_value: Option<Literal>,
    ignore_missing: bool,
}

fn csv(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let field = options.path("field")?;
    let names = options.texts("target_fields")?;
    let targets =
        names.into_iter().map(|name| options.compile_path("target_fields", name)).collect::<Result<Vec<_>, Fault>>()?;
    if targets.is_empty() {
        return Err(options.fault("target_fields", "names no field"));
    }
    let character = |options: &mut Options<'_, '_>, name: &'static str, default: char| {
        let Some(text) = options.optional_text(name)? else { return Ok(default) };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(options.fault(name, "must be one character")),
        }
    };
    Ok(Box::new(Csv {
        field,
        targets,
        separator: character(options, "separator", ',')?,
        quote: character(options, "quote", '"')?,
        trim: options.flag("trim", false)?,
        empty_value: options.optional_literal("empty_value")?.filter(|value| !matches!(value, Literal::Null)),
        ignore_missing: options.flag("ignore_missing", false)?,
    }))
}

impl Processor for Csv {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(line) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null, cannot process it.", path.text())));
        };
        CsvLine { csv: self, line, start: 0, unescaped: None, column: 0 }.read(document)?;
        Ok(Flow::Next)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum CsvState {
    Start,
    Unquoted,
    Quoted,
    QuotedEnd,
    /// Behind a quoted value that has been set; only blanks may follow.
    Behind,
}

/// One line being read, a state machine over its characters.
struct CsvLine<'a> {
    csv: &'a Csv,
    line: &'a str,
    /// Where the text of this column begins.
    start: usize,
    /// What stands before `start` in a quoted column with doubled quotes.
    unescaped: Option<String>,
    column: usize,
}

impl<'a> CsvLine<'a> {
    fn read(mut self, document: &Document<'a>) -> Result<(), Failure<'a>> {
        let csv = self.csv;
        let mut state = CsvState::Start;
        let mut blanks = 0;
        for (at, c) in self.line.char_indices() {
            let next = at + c.len_utf8();
            let blank = c == ' ' || c == '\t';
            // A character that ends one state may have to be looked at by the next.
            if state == CsvState::Start {
                if c == csv.quote {
                    state = CsvState::Quoted;
                    self.unescaped = None;
                    self.start = next;
                    continue;
                } else if c == csv.separator {
                    self.start += c.len_utf8();
                    let start = self.start;
                    if self.set(document, start)? {
                        return Ok(());
                    }
                    continue;
                } else if blank {
                    if csv.trim {
                        self.start += 1;
                    }
                    continue;
                }
                state = CsvState::Unquoted;
                self.unescaped = None;
                blanks = 0;
            }
            match state {
                CsvState::Start => {}
                CsvState::Unquoted => {
                    if c == '\n' || c == '\r' || c == csv.quote {
                        return Err(self.refuse(document, at, "Illegal character inside unquoted field at "));
                    } else if csv.trim && blank {
                        blanks += 1;
                    } else if c == csv.separator {
                        state = CsvState::Start;
                        if self.set(document, at - blanks)? {
                            return Ok(());
                        }
                        self.start = next;
                        blanks = 0;
                    } else {
                        blanks = 0;
                    }
                }
                CsvState::Quoted => {
                    if c == csv.quote {
                        state = CsvState::QuotedEnd;
                    }
                }
                CsvState::QuotedEnd if c == csv.quote => {
                    // The first of two quotes stands for one.
                    let text = self.line.get(self.start..at).unwrap_or_default();
                    self.unescaped.get_or_insert_default().push_str(text);
                    self.start = next;
                    state = CsvState::Quoted;
                }
                CsvState::QuotedEnd | CsvState::Behind => {
                    if blank || c == csv.separator {
                        if state == CsvState::QuotedEnd && self.set(document, at - csv.quote.len_utf8())? {
                            return Ok(());
                        }
                        state = CsvState::Behind;
                        if c == csv.separator {
                            self.start = next;
                            state = CsvState::Start;
                        }
                    } else {
                        let what = document.format(format_args!("character '{c}' after quoted field at "));
                        return Err(self.refuse(document, at, what));
                    }
                }
            }
        }
        let end = self.line.len();
        match state {
            CsvState::Unquoted => self.set(document, end).map(|_| ()),
            CsvState::QuotedEnd => self.set(document, end - csv.quote.len_utf8()).map(|_| ()),
            CsvState::Quoted => Err(document.fail(format_args!("Unmatched quote"))),
            CsvState::Start | CsvState::Behind => Ok(()),
        }
    }

    #[cold]
    fn refuse(&self, document: &Document<'a>, at: usize, what: &str) -> Failure<'a> {
        let units = self.line.get(..at).unwrap_or_default().encode_utf16().count();
        document.fail(format_args!("{what}{units}"))
    }

    /// Sets the column that ends at `end`; true when it was the last that is wanted.
    fn set(&mut self, document: &Document<'a>, end: usize) -> Result<bool, Failure<'a>> {
        let text = self.line.get(self.start..end).unwrap_or_default();
        let text = match self.unescaped.take() {
            None => text,
            Some(before) => document.format(format_args!("{before}{text}")),
        };
        let csv = self.csv;
        if let Some(target) = csv.targets.get(self.column) {
            if !text.is_empty() {
                document.set(target.path(), Value::Str(text))?;
            } else if let Some(empty) = &csv.empty_value {
                document.set(target.path(), empty.resolve(document)?)?;
            }
        }
        self.column += 1;
        Ok(self.column >= csv.targets.len())
    }
}
