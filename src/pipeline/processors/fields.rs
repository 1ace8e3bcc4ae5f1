//! Processors that move fields: `set`, `append`, `remove`, `remove_by_pattern`, `rename`, `copy`, `dot_expander`.
//!
//! What is copied is copied deep: two fields of a document never share an object, or a later change to one would change the other.

use crate::event::{Key, Object, Value};

use super::super::document::{Document, Done, Failure, Flow};
use super::super::options::Options;
use super::super::path::{FieldPath, Path};
use super::super::source::Fault;
use super::super::template::{FieldName, Literal};
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[
    ("set", set),
    ("append", append),
    ("remove", remove),
    ("remove_by_pattern", remove_by_pattern),
    ("rename", rename),
    ("copy", copy),
    ("dot_expander", dot_expander),
];

struct Set {
    field: FieldName,
    value: SetValue,
    overrides: bool,
    ignore_empty_value: bool,
}

enum SetValue {
    Literal(Literal),
    CopyFrom(FieldName),
}

fn set(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let field = options.field_name("field")?;
    let value = match options.optional_field_name("copy_from")? {
        Some(_) if options.has("value") => {
            return Err(options.fault("copy_from", "and `value` exclude each other"));
        }
        Some(from) => SetValue::CopyFrom(from),
        None => {
            let media_type = media_type(options)?;
            let literal = options.literal("value")?;
            SetValue::Literal(literal.escaped_for(media_type))
        }
    };
    let overrides = options.flag("override", true)?;
    let ignore_empty_value = options.flag("ignore_empty_value", false)?;
    Ok(Box::new(Set { field, value, overrides, ignore_empty_value }))
}

/// How `{{x}}` in a value is escaped.
fn media_type(options: &mut Options<'_, '_>) -> Result<super::super::template::Escape, Fault> {
    use super::super::template::Escape;
    match options.optional_text("media_type")? {
        None | Some("application/json" | "application/json; charset=UTF-8") => Ok(Escape::Json),
        Some("text/plain") => Ok(Escape::Nothing),
        Some("application/x-www-form-urlencoded") => Ok(Escape::Url),
        Some(_) => {
            Err(options
                .fault("media_type", "must be application/json, text/plain or application/x-www-form-urlencoded"))
        }
    }
}

impl Processor for Set {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path(document)?;
        if !self.overrides && document.find(path).is_some_and(|old| !old.is_null()) {
            return Ok(Flow::Next);
        }
        let value = match &self.value {
            SetValue::Literal(literal) => {
                let value = literal.resolve(document)?;
                if self.ignore_empty_value && literal.is_template() && value.as_str().is_some_and(str::is_empty) {
                    return Ok(Flow::Next);
                }
                value
            }
            SetValue::CopyFrom(from) => {
                let from = from.path(document)?;
                let value = match document.find(from) {
                    Some(value) => value,
                    None if self.ignore_empty_value => return Ok(Flow::Next),
                    None => document.get(from)?,
                };
                if self.ignore_empty_value && (value.is_null() || value.as_str().is_some_and(str::is_empty)) {
                    return Ok(Flow::Next);
                }
                document.deep_copy(value)?
            }
        };
        document.set(path, value)?;
        Ok(Flow::Next)
    }
}

struct Append {
    field: FieldName,
    value: SetValue,
    allow_duplicates: bool,
    ignore_empty_values: bool,
}

fn append(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let field = options.field_name("field")?;
    let value = match options.optional_field_name("copy_from")? {
        Some(_) if options.has("value") => {
            return Err(options.fault("copy_from", "and `value` exclude each other"));
        }
        Some(from) => SetValue::CopyFrom(from),
        None => {
            let media_type = media_type(options)?;
            let literal = options.literal("value")?;
            SetValue::Literal(literal.escaped_for(media_type))
        }
    };
    let allow_duplicates = options.flag("allow_duplicates", true)?;
    let ignore_empty_values = options.flag("ignore_empty_values", false)?;
    Ok(Box::new(Append { field, value, allow_duplicates, ignore_empty_values }))
}

impl Processor for Append {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path(document)?;
        let value = match &self.value {
            SetValue::Literal(literal) => literal.resolve(document)?,
            SetValue::CopyFrom(from) => {
                let value = document.get(from.path(document)?)?;
                document.deep_copy(value)?
            }
        };
        let empty = |value: &Value<'_>| match value {
            Value::Null => true,
            Value::Str(text) => text.is_empty(),
            _ => false,
        };
        let value = match value {
            value if !self.ignore_empty_values => value,
            Value::List(items) => {
                let kept = document.arena.list();
                items.iter().filter(|item| !empty(item)).for_each(|item| kept.push(item));
                if kept.is_empty() {
                    return Ok(Flow::Next);
                }
                Value::List(kept)
            }
            value if empty(&value) => return Ok(Flow::Next),
            value => value,
        };
        document.append(path, value, self.allow_duplicates)?;
        Ok(Flow::Next)
    }
}

enum Remove {
    Fields { fields: Vec<FieldName>, ignore_missing: bool },
    AllBut(Vec<FieldName>),
}

fn remove(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let ignore_missing = options.flag("ignore_missing", false)?;
    let names = |options: &mut Options<'_, '_>, name: &'static str| match options.optional_text_or_texts(name)? {
        None => Ok(None),
        Some(texts) => texts
            .into_iter()
            .map(|text| options.compile_field_name(name, text))
            .collect::<Result<Vec<_>, Fault>>()
            .map(Some),
    };
    let fields = names(options, "field")?;
    let keep = names(options, "keep")?;
    // OpenSearch's name for the same.
    let keep = if keep.is_none() { names(options, "exclude_field")? } else { keep };
    match (fields, keep) {
        (Some(_), Some(_)) => Err(options.fault("field", "and `keep` exclude each other")),
        (Some(fields), None) => Ok(Box::new(Remove::Fields { fields, ignore_missing })),
        (None, Some(keep)) => Ok(Box::new(Remove::AllBut(keep))),
        (None, None) => Err(options.fault("field", "or `keep` must be given")),
    }
}

impl Processor for Remove {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        match self {
            Remove::Fields { fields, ignore_missing: true } => {
                for field in fields {
                    let path = match field {
                        FieldName::Fixed(path) => path.path(),
                        FieldName::Template(template) => match template.render(document)? {
                            "" => continue,
                            name => document.path(name)?,
                        },
                    };
                    document.take(path);
                }
            }
            Remove::Fields { fields, .. } => {
                for field in fields {
                    let path = field.path(document)?;
                    document.remove(path)?;
                }
            }
            Remove::AllBut(keep) => {
                let mut kept = Vec::with_capacity(keep.len());
                for field in keep {
                    kept.push(field.path(document)?.text());
                }
                keep_only(document.ctx, "", &kept);
            }
        }
        Ok(Flow::Next)
    }
}

/// Removes every field that is neither kept itself, nor inside of one, nor around one.
fn keep_only(object: &Object<'_>, prefix: &str, kept: &[&str]) {
    let mut at = 0;
    while let Some((key, value)) = object.at(at) {
        let path = if prefix.is_empty() { key.text.to_owned() } else { format!("{prefix}.{}", key.text) };
        let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        let metadata = prefix.is_empty() && is_metadata(key.text);
        if metadata || kept.iter().any(|keep| *keep == path || inside(keep, &path)) {
            at += 1;
        } else if kept.iter().any(|keep| inside(&path, keep)) {
            // A recursion a level, and no deeper than the longest name kept.
            if let Value::Object(inner) = value {
                keep_only(inner, &path, kept);
            }
            at += 1;
        } else {
            object.remove(&key);
        }
    }
}

fn is_metadata(name: &str) -> bool {
    super::super::run::METADATA_NAMES.contains(&name)
}

struct RemoveByPattern {
    patterns: Vec<Box<str>>,
    /// The patterns say what stays.
    exclude: bool,
}

fn remove_by_pattern(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let remove = options.optional_text_or_texts("field_pattern")?;
    let keep = options.optional_text_or_texts("exclude_field_pattern")?;
    let (patterns, exclude) = match (remove, keep) {
        (Some(patterns), None) => (patterns, false),
        (None, Some(patterns)) => (patterns, true),
        _ => {
            return Err(options.fault("field_pattern", "or `exclude_field_pattern` must be given, and not both"));
        }
    };
    Ok(Box::new(RemoveByPattern { patterns: patterns.into_iter().map(Into::into).collect(), exclude }))
}

impl Processor for RemoveByPattern {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let mut at = 0;
        while let Some((key, _)) = document.ctx.at(at) {
            let matched = self.patterns.iter().any(|pattern| wildcard(pattern, key.text));
            if matched != self.exclude && !is_metadata(key.text) {
                document.ctx.remove(&key);
            } else {
                at += 1;
            }
        }
        Ok(Flow::Next)
    }
}

/// Whether a text matches a pattern in which `*` stands for anything.
fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

struct Rename {
    field: FieldName,
    target: FieldName,
    ignore_missing: bool,
    overrides: bool,
}

fn rename(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(Rename {
        field: options.field_name("field")?,
        target: options.field_name("target_field")?,
        ignore_missing: options.flag("ignore_missing", false)?,
        // OpenSearch's name for the same is `override_target`.
        overrides: options.flag("override", false)? || options.flag("override_target", false)?,
    }))
}

impl Processor for Rename {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let Some(path) = source_path(&self.field, document, self.ignore_missing, "field")? else {
            return Ok(Flow::Next);
        };
        let target = self.target.path(document)?;
        if document.has_within_bounds(target)? && !self.overrides {
            return Err(document.fail(format_args!("field [{}] already exists", target.text())));
        }
        let value = document.remove(path)?;
        if let Err(failure) = document.set(target, value) {
            document.set(path, value)?;
            return Err(failure);
        }
        Ok(Flow::Next)
    }
}

/// The path of a field that is there; `None` when it is not and that is fine.
fn source_path<'a>(
    name: &'a FieldName,
    document: &Document<'a>,
    ignore_missing: bool,
    what: &str,
) -> Result<Option<Path<'a>>, Failure<'a>> {
    let path = match name {
        FieldName::Fixed(path) => path.path(),
        FieldName::Template(template) => match template.render(document)? {
            "" if ignore_missing => return Ok(None),
            "" => return Err(document.fail(format_args!("{what} path cannot be null nor empty"))),
            name => document.path(name)?,
        },
    };
    match document.has_within_bounds(path)? {
        true => Ok(Some(path)),
        false if ignore_missing => Ok(None),
        false => Err(document.fail(format_args!("{what} [{}] doesn't exist", path.text()))),
    }
}

struct Copy {
    source: FieldName,
    target: FieldName,
    ignore_missing: bool,
    overrides: bool,
    removes: bool,
}

fn copy(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(Copy {
        source: options.field_name("source_field")?,
        target: options.field_name("target_field")?,
        ignore_missing: options.flag("ignore_missing", false)?,
        overrides: options.flag("override_target", false)?,
        removes: options.flag("remove_source", false)?,
    }))
}

impl Processor for Copy {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let Some(source) = source_path(&self.source, document, self.ignore_missing, "source field")? else {
            return Ok(Flow::Next);
        };
        let target = self.target.path(document)?;
        if source.text() == target.text() {
            return Err(document.fail(format_args!("source field path and target field path cannot be same")));
        }
        let taken = document.has_within_bounds(target)? && document.find(target).is_some_and(|old| !old.is_null());
        if taken && !self.overrides {
            return Err(document.fail(format_args!("target field [{}] already exists", target.text())));
        }
        let value = document.get(source)?;
        let copied = document.deep_copy(value)?;
        document.set(target, copied)?;
        if self.removes {
            document.remove(source)?;
        }
        Ok(Flow::Next)
    }
}

struct DotExpander {
    /// `None` stands for every name with a dot.
    field: Option<Box<str>>,
    path: Option<FieldPath>,
    overrides: bool,
}

fn dot_expander(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let field = options.text("field")?;
    let every = field == "*";
    if !every {
        if !field.contains('.') {
            return Err(options.fault("field", "has no dot and is not `*`"));
        }
        if field.starts_with('.') || field.ends_with('.') || field.contains("..") {
            return Err(options.fault("field", "has a dot with nothing before or after it"));
        }
        options.symbols().intern(field);
    }
    let path = options.optional_path("path")?;
    let overrides = options.flag("override", false)?;
    Ok(Box::new(DotExpander { field: (!every).then(|| field.into()), path, overrides }))
}

impl Processor for DotExpander {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let object = match &self.path {
            None => document.ctx,
            Some(path) => match document.get(path.path())? {
                Value::Object(object) => object,
                other => return Err(document.cannot_cast(path.path(), &other, "java.util.Map")),
            },
        };
        match &self.field {
            Some(field) => self.expand(document, object, document.key(field))?,
            None => {
                // Expanding adds keys at the end and removes them in the middle, so the names are taken first.
                let names: Vec<Key<'a>> = object
                    .iter()
                    .map(|(key, _)| key)
                    .filter(|key| key.text.find('.').is_some_and(|at| at > 0))
                    .collect();
                for name in names {
                    self.expand(document, object, name)?;
                }
            }
        }
        Ok(Flow::Next)
    }
}

impl DotExpander {
    fn expand<'a>(
        &'a self,
        document: &mut Document<'a>,
        object: &'a Object<'a>,
        name: Key<'a>,
    ) -> Result<(), Failure<'a>> {
        if object.get(&name).is_none() {
            return Ok(());
        }
        let full = match &self.path {
            Some(path) => document.format(format_args!("{}.{}", path.text(), name.text)),
            None => name.text,
        };
        let path = document.path(full)?;
        if document.has(path) {
            let Some(value) = object.remove(&name) else { return Ok(()) };
            return match self.overrides {
                true => document.set(path, value),
                false => document.append(path, value, true),
            };
        }
        for (at, _) in full.match_indices('.') {
            let part = full.get(..at).unwrap_or_default();
            match document.find(document.path(part)?) {
                None => break,
                Some(Value::Object(_)) => {}
                Some(_) => {
                    return Err(document.fail(format_args!(
                        "cannot expand [{full}], because [{part}] is not an object field, but a value field"
                    )));
                }
            }
        }
        match object.remove(&name) {
            Some(value) => document.set(path, value),
            None => Ok(()),
        }
    }
}
