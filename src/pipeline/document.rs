//! The document as a processor sees it: Elasticsearch's `IngestDocument`, with its rules for paths and its error texts.
//!
//! The texts matter: pipelines put `_ingest.on_failure_message` into fields that people search. Formatting them costs, so a failure
//! that nobody will read ([`Document::quiet`]) has none.

use std::fmt;

use bumpalo::collections::String as BumpString;

use crate::event::{Arena, Key, List, Object, Value};

use super::path::{Path, Root};
use super::run::{Limits, Pipeline, Pipelines};
use super::template;

/// Why a processor failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// What happened.
    pub reason: &'a str,
    /// The innermost cause's text, which is what `_ingest.on_failure_message` gets; the reason itself, where nothing lies beneath it.
    pub cause: &'a str,
    /// The processor that failed and where, filled in by the runner.
    pub origin: Option<Origin<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub processor: &'a str,
    /// The processor has a condition and no handlers of its own: `_ingest.on_failure_processor_type` is then `conditional`, as in the originals.
    pub conditional: bool,
    pub tag: Option<&'a str>,
    pub pipeline: &'a str,
}

/// What a processor did, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Next,
    /// The document is not wanted: nothing is indexed.
    Drop,
    /// No further processor of this pipeline runs.
    Terminate,
    /// No further processor of any pipeline runs.
    Rerouted,
}

pub type Done<'a> = Result<Flow, Failure<'a>>;

pub struct Document<'a> {
    pub arena: &'a Arena,
    /// The document with its metadata (`_index`, `_id`, `_version` and so on), as scripts see it.
    pub ctx: &'a Object<'a>,
    /// The ingest metadata: `_ingest.timestamp`, `_ingest._value` and so on.
    pub ingest: &'a Object<'a>,
    pub now_ms: i64,
    pub limits: &'a Limits,
    /// Nobody will read the text of a failure: `ignore_failure` without handlers.
    pub quiet: bool,
    pub(super) pipelines: &'a Pipelines,
    /// The pipelines being run, the outermost first.
    pub(super) stack: bumpalo::collections::Vec<'a, &'a Pipeline>,
    pub(super) bytes_at_start: usize,
    pub(super) steps: usize,
}

impl<'a> Document<'a> {
    /// A failure with a text, made only when somebody reads it.
    #[cold]
    pub fn fail(&self, what: fmt::Arguments<'_>) -> Failure<'a> {
        let reason = self.text(what);
        Failure { reason, cause: reason, origin: None }
    }

    /// A failure on top of another one's text.
    #[cold]
    pub fn fail_because(&self, what: fmt::Arguments<'_>, cause: fmt::Arguments<'_>) -> Failure<'a> {
        Failure { reason: self.text(what), cause: self.text(cause), origin: None }
    }

    fn text(&self, what: fmt::Arguments<'_>) -> &'a str {
        if self.quiet { "" } else { self.format(what) }
    }

    /// Formats into the arena.
    pub fn format(&self, what: fmt::Arguments<'_>) -> &'a str {
        let mut text = BumpString::new_in(self.arena.bump());
        // Writing to an arena string cannot fail.
        let _ = fmt::Write::write_fmt(&mut text, what);
        text.into_bump_str()
    }

    /// A value as Java prints it.
    pub fn print(&self, value: &Value<'_>) -> &'a str {
        let mut text = BumpString::new_in(self.arena.bump());
        template::print(value, &mut text, 0);
        text.into_bump_str()
    }

    /// How many bytes the document may still grow by; see [`Limits::growth_bytes_max`].
    pub fn growth_bytes_left(&self) -> usize {
        let grown = self.arena.allocated_bytes().saturating_sub(self.bytes_at_start);
        self.limits.growth_bytes_max.saturating_sub(grown)
    }

    /// The path of a name that a template or another field gave.
    pub fn path(&self, text: &'a str) -> Result<Path<'a>, Failure<'a>> {
        Path::parse(text, self.arena).map_err(|e| self.fail(format_args!("{e}")))
    }

    fn root(&self, path: Path<'_>) -> &'a Object<'a> {
        match path.root() {
            Root::Document => self.ctx,
            Root::Ingest => self.ingest,
        }
    }

    /// The value of a field, `null` included; `None` when there is none. No text is made.
    #[inline]
    pub fn find(&self, path: Path<'_>) -> Option<Value<'a>> {
        self.find_in(Value::Object(self.root(path)), path)
    }

    /// The value at a path that begins at `start`.
    #[inline]
    pub fn find_in(&self, start: Value<'a>, path: Path<'_>) -> Option<Value<'a>> {
        let mut context = start;
        for key in path.elements() {
            context = match context {
                Value::Object(object) => object.get(&key)?,
                Value::List(list) => list.get(key.text.parse::<i32>().ok()?.try_into().ok()?)?,
                _ => return None,
            };
        }
        Some(context)
    }

    /// The value of a field; missing is a failure.
    pub fn get(&self, path: Path<'_>) -> Result<Value<'a>, Failure<'a>> {
        match self.find(path) {
            Some(value) => Ok(value),
            None => Err(self.why_missing(path, path.len())),
        }
    }

    /// The text of a field. `None` when it is missing or null and `ignore_missing` says that this is fine.
    ///
    /// `processor` names the wanted use in the failure's text, as "cannot be uppercased".
    pub fn get_text(&self, path: Path<'_>, ignore_missing: bool) -> Result<Option<&'a str>, Failure<'a>> {
        match self.find(path) {
            Some(Value::Str(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            Some(other) => Err(self.cannot_cast(path, &other, "java.lang.String")),
            None if ignore_missing => Ok(None),
            None => Err(self.why_missing(path, path.len())),
        }
    }

    #[cold]
    pub fn cannot_cast(&self, path: Path<'_>, value: &Value<'_>, class: &str) -> Failure<'a> {
        let of = class_of(value);
        self.fail(format_args!("field [{}] of type [{of}] cannot be cast to [{class}]", path.text()))
    }

    pub fn has(&self, path: Path<'_>) -> bool {
        self.find(path).is_some()
    }

    /// Why the first `depth` elements of a path lead nowhere.
    #[cold]
    fn why_missing(&self, path: Path<'_>, depth: usize) -> Failure<'a> {
        let full = path.text();
        let mut context = Value::Object(self.root(path));
        for key in path.elements().take(depth) {
            let element = key.text;
            context = match context {
                Value::Object(object) => match object.get(&key) {
                    Some(value) => value,
                    None => {
                        return self.fail(format_args!("field [{element}] not present as part of path [{full}]"));
                    }
                },
                Value::List(list) => match self.position(list, element, full) {
                    Ok(index) => list.get(index).unwrap_or(Value::Null),
                    Err(failure) => return failure,
                },
                Value::Null => {
                    return self.fail(format_args!("cannot resolve [{element}] from null as part of path [{full}]"));
                }
                other => {
                    return self.fail(format_args!(
                        "cannot resolve [{element}] from object of type [{}] as part of path [{full}]",
                        class_of(&other)
                    ));
                }
            };
        }
        self.fail(format_args!("field [{full}] not present"))
    }

    fn position(&self, list: &List<'a>, element: &str, full: &str) -> Result<usize, Failure<'a>> {
        let Ok(index) = element.parse::<i32>() else {
            return Err(self.fail(format_args!(
                "[{element}] is not an integer, cannot be used as an index as part of path [{full}]"
            )));
        };
        match usize::try_from(index) {
            Ok(at) if at < list.len() => Ok(at),
            _ => Err(self.fail(format_args!(
                "[{index}] is out of bounds for array with length [{}] as part of path [{full}]",
                list.len()
            ))),
        }
    }

    /// The object or list that holds the leaf, made on the way where `make` says so.
    fn parent(&self, path: Path<'a>) -> Result<Value<'a>, Failure<'a>> {
        let full = path.text();
        let mut context = Value::Object(self.root(path));
        for key in path.parents() {
            let element = key.text;
            context = match context {
                Value::Object(object) => match object.get(&key) {
                    Some(value) => value,
                    None => {
                        let made = Value::Object(self.arena.object());
                        object.set(key, made);
                        made
                    }
                },
                Value::List(list) => list.get(self.position(list, element, full)?).unwrap_or(Value::Null),
                Value::Null => {
                    return Err(
                        self.fail(format_args!("cannot resolve [{element}] from null as part of path [{full}]"))
                    );
                }
                other => {
                    return Err(self.fail(format_args!(
                        "cannot resolve [{element}] from object of type [{}] as part of path [{full}]",
                        class_of(&other)
                    )));
                }
            };
        }
        Ok(context)
    }

    /// Sets a field, making the objects on the way.
    pub fn set(&self, path: Path<'a>, value: Value<'a>) -> Result<(), Failure<'a>> {
        let leaf = path.leaf();
        match self.parent(path)? {
            Value::Object(object) => {
                object.set(leaf, value);
                Ok(())
            }
            Value::List(list) => {
                list.set(self.position(list, leaf.text, path.text())?, value);
                Ok(())
            }
            other => Err(self.cannot_set(&other, path)),
        }
    }

    #[cold]
    fn cannot_set(&self, parent: &Value<'_>, path: Path<'_>) -> Failure<'a> {
        let (leaf, full) = (path.leaf().text, path.text());
        match parent {
            Value::Null => self.fail(format_args!("cannot set [{leaf}] with null parent as part of path [{full}]")),
            other => self.fail(format_args!(
                "cannot set [{leaf}] with parent object of type [{}] as part of path [{full}]",
                class_of(other)
            )),
        }
    }

    /// Appends a value, or every element of a list, to a field; what is no list becomes one first.
    pub fn append(&self, path: Path<'a>, value: Value<'a>, allow_duplicates: bool) -> Result<(), Failure<'a>> {
        let leaf = path.leaf();
        match self.parent(path)? {
            Value::Object(object) => {
                match object.get(&leaf) {
                    None => {
                        let list = self.arena.list();
                        append_all(list, value, true);
                        object.set(leaf, Value::List(list));
                    }
                    Some(old) => {
                        if let Some(list) = self.appended(old, value, allow_duplicates) {
                            object.set(leaf, list);
                        }
                    }
                }
                Ok(())
            }
            Value::List(parent) => {
                let index = self.position(parent, leaf.text, path.text())?;
                let old = parent.get(index).unwrap_or(Value::Null);
                if let Some(list) = self.appended(old, value, allow_duplicates) {
                    parent.set(index, list);
                }
                Ok(())
            }
            other => Err(self.cannot_set(&other, path)),
        }
    }

    /// The list that takes the place of `old`; `None` when `old` stays in its place.
    fn appended(&self, old: Value<'a>, value: Value<'a>, allow_duplicates: bool) -> Option<Value<'a>> {
        if let Value::List(list) = old {
            append_all(list, value, allow_duplicates);
            return None;
        }
        let list = self.arena.list();
        list.push(old);
        append_all(list, value, allow_duplicates).then_some(Value::List(list))
    }

    /// Removes a field and gives what it held; missing is a failure.
    pub fn remove(&self, path: Path<'_>) -> Result<Value<'a>, Failure<'a>> {
        let mut context = Value::Object(self.root(path));
        for (depth, key) in path.parents().enumerate() {
            let next = match context {
                Value::Object(object) => object.get(&key),
                Value::List(list) => key.text.parse().ok().and_then(|index| list.get(index)),
                _ => None,
            };
            let Some(next) = next else { return Err(self.why_missing(path, depth + 1)) };
            context = next;
        }
        let (leaf, full) = (path.leaf(), path.text());
        match context {
            Value::Object(object) => object
                .remove(&leaf)
                .ok_or_else(|| self.fail(format_args!("field [{}] not present as part of path [{full}]", leaf.text))),
            Value::List(list) => {
                let index = self.position(list, leaf.text, full)?;
                Ok(list.remove(index).unwrap_or(Value::Null))
            }
            Value::Null => {
                Err(self.fail(format_args!("cannot remove [{}] from null as part of path [{full}]", leaf.text)))
            }
            other => Err(self.fail(format_args!(
                "cannot remove [{}] from object of type [{}] as part of path [{full}]",
                leaf.text,
                class_of(&other)
            ))),
        }
    }

    /// Removes a field where there is one.
    pub fn take(&self, path: Path<'_>) -> Option<Value<'a>> {
        let mut context = Value::Object(self.root(path));
        for key in path.parents() {
            context = match context {
                Value::Object(object) => object.get(&key)?,
                Value::List(list) => list.get(key.text.parse().ok()?)?,
                _ => return None,
            };
        }
        match context {
            Value::Object(object) => object.remove(&path.leaf()),
            Value::List(list) => list.remove(path.leaf().text.parse().ok()?),
            _ => None,
        }
    }

    /// Whether there is such a field; a position past the end of a list is a failure.
    pub fn has_within_bounds(&self, path: Path<'_>) -> Result<bool, Failure<'a>> {
        if self.has(path) {
            return Ok(true);
        }
        let mut context = Value::Object(self.root(path));
        for key in path.elements() {
            let next = match context {
                Value::Object(object) => object.get(&key),
                Value::List(list) if key.text.parse::<i32>().is_ok() => {
                    list.get(self.position(list, key.text, path.text())?)
                }
                _ => None,
            };
            let Some(next) = next else { return Ok(false) };
            context = next;
        }
        Ok(true)
    }

    /// A copy that shares nothing with the value; its size is limited as the document's growth is.
    pub fn deep_copy(&self, value: Value<'a>) -> Result<Value<'a>, Failure<'a>> {
        match value {
            Value::Object(_) | Value::List(_) => {
                let mut values_left = self.growth_bytes_left() / COPIED_VALUE_BYTES;
                if !fits(&value, 0, &mut values_left) {
                    return Err(self.fail(format_args!("a value is too large or nested too deep to be copied")));
                }
                Ok(value.deep_copy(self.arena))
            }
            scalar => Ok(scalar),
        }
    }

    /// Sets a key of the ingest metadata.
    pub fn set_ingest(&self, name: &'static str, value: Value<'a>) {
        self.ingest.set_str(name, value);
    }

    pub fn key(&self, text: &'a str) -> Key<'a> {
        self.arena.key(text)
    }
}

/// What one value of a copied object takes: key, value, and its share of an object.
const COPIED_VALUE_BYTES: usize = 64;

/// Whether a value has at most so many parts and no more levels than are written; a script can tie a map into itself.
pub(super) fn fits(value: &Value<'_>, level: usize, values_left: &mut usize) -> bool {
    if *values_left == 0 || level > crate::event::write::NESTING_LEVELS_MAX {
        return false;
    }
    *values_left -= 1;
    match value {
        Value::Object(object) if object.raw_text().is_none() => {
            object.iter().all(|(_, value)| fits(&value, level + 1, values_left))
        }
        Value::List(list) if list.raw_text().is_none() => list.iter().all(|value| fits(&value, level + 1, values_left)),
        _ => true,
    }
}

/// Whether anything was added.
fn append_all<'a>(list: &'a List<'a>, value: Value<'a>, allow_duplicates: bool) -> bool {
    match value {
        Value::List(more) => {
            let mut added = false;
            // The length is taken first: a list appended to itself doubles once.
            for index in 0..more.len() {
                let Some(item) = more.get(index) else { break };
                added |= append_one(list, item, allow_duplicates);
            }
            added
        }
        item => append_one(list, item, allow_duplicates),
    }
}

fn append_one<'a>(list: &'a List<'a>, item: Value<'a>, allow_duplicates: bool) -> bool {
    let wanted = allow_duplicates || !list.iter().any(|old| equal(&old, &item));
    if wanted {
        list.push(item);
    }
    wanted
}

/// How deep two values are compared; what is nested deeper counts as different.
const EQUAL_LEVELS_MAX: usize = 128;

/// Java's `equals`: numbers of different types differ, the order of keys does not matter.
pub fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    equal_at(a, b, 0)
}

fn equal_at(a: &Value<'_>, b: &Value<'_>, level: usize) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            level < EQUAL_LEVELS_MAX
                && a.len() == b.len()
                && a.iter().zip(b.iter()).all(|(a, b)| equal_at(&a, &b, level + 1))
        }
        (Value::Object(a), Value::Object(b)) => {
            level < EQUAL_LEVELS_MAX
                && a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(&key).is_some_and(|b| equal_at(&a, &b, level + 1)))
        }
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

/// A number as Jackson would have read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number<'a> {
    Int(i32),
    Long(i64),
    /// Past 64 bits: kept as its text.
    Big(&'a str),
    Float(f32),
    Double(f64),
}

/// The number that a value is, typed as Java would have it.
pub fn number<'a>(value: &Value<'a>) -> Option<Number<'a>> {
    match *value {
        Value::Int(n) => Some(Number::Int(n)),
        Value::Long(n) => Some(Number::Long(n)),
        Value::Float(n) => Some(Number::Float(n)),
        Value::Double(n) => Some(Number::Double(n)),
        Value::Number(text) => Some(if text.contains(['.', 'e', 'E']) {
            Number::Double(text.parse().unwrap_or(f64::NAN))
        } else if let Ok(n) = text.parse::<i32>() {
            Number::Int(n)
        } else if let Ok(n) = text.parse::<i64>() {
            Number::Long(n)
        } else {
            Number::Big(text)
        }),
        _ => None,
    }
}

/// The Java class that the original's error texts name.
pub fn class_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "java.lang.Boolean",
        Value::Str(_) => "java.lang.String",
        Value::List(_) => "java.util.ArrayList",
        Value::Object(_) => "java.util.HashMap",
        other => match number(other) {
            Some(Number::Int(_)) | None => "java.lang.Integer",
            Some(Number::Long(_)) => "java.lang.Long",
            Some(Number::Big(_)) => "java.math.BigInteger",
            Some(Number::Float(_)) => "java.lang.Float",
            Some(Number::Double(_)) => "java.lang.Double",
        },
    }
}
