//! Processors between texts and lists, and `gsub`: `split`, `join`, `sort`, `gsub`.

use std::cmp::Ordering;

use crate::event::Value;
use crate::java::numbers;
use crate::java::regex::{Flags, Regex, Replacement};

use super::super::document::{Document, Done, Flow, Number, class_of, number};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::text::TextFields;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("split", split), ("join", join), ("sort", sort), ("gsub", gsub)];

/// A pattern, or the one character that most separators are.
pub enum Separator {
    Char(char),
    Regex(Regex),
}

impl Separator {
    pub fn build(options: &mut Options<'_, '_>, name: &'static str) -> Result<Separator, Fault> {
        let text = options.text(name)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next(), chars.next()) {
            (Some(c), None, None) if !"\\.[]{}()*+-?^$|".contains(c) => Ok(Separator::Char(c)),
            (Some('\\'), Some(c), None) if c.is_ascii_punctuation() => Ok(Separator::Char(c)),
            _ => Regex::compile(text, Flags::NONE)
                .map(Separator::Regex)
                .map_err(|e| options.fault(name, format_args!("is no regular expression: {e}"))),
        }
    }

    /// Java's `split`: with a limit of 0 without the empty ends, below 0 with them, else so many parts at most.
    pub fn split<'a>(
        &self,
        text: &'a str,
        limit: i32,
        document: &Document<'a>,
    ) -> Result<Vec<&'a str>, super::super::document::Failure<'a>> {
        match self {
            Separator::Regex(regex) => regex.split(text, limit).map_err(|e| document.fail(format_args!("{e}"))),
            Separator::Char(c) => {
                let mut parts: Vec<&str> = match usize::try_from(limit) {
                    Ok(limit @ 1..) => text.splitn(limit, *c).collect(),
                    _ => text.split(*c).collect(),
                };
                // A text without a separator stays as it is, an empty one too.
                if limit == 0 && parts.len() > 1 {
                    while parts.last().is_some_and(|part| part.is_empty()) {
                        parts.pop();
                    }
                }
                Ok(parts)
            }
        }
    }
}

struct Split {
    field: FieldPath,
    target: Option<FieldPath>,
    separator: Separator,
    ignore_missing: bool,
    preserve_trailing: bool,
}

fn split(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(Split {
        field: options.path("field")?,
        target: options.optional_path("target_field")?,
        separator: Separator::build(options, "separator")?,
        ignore_missing: options.flag("ignore_missing", false)?,
        preserve_trailing: options.flag("preserve_trailing", false)?,
    }))
}

impl Processor for Split {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null, cannot split.", path.text())));
        };
        let list = document.arena.list();
        for part in self.separator.split(text, if self.preserve_trailing { -1 } else { 0 }, document)? {
            list.push(Value::Str(part));
        }
        document.set(self.target.as_ref().map_or(path, FieldPath::path), Value::List(list))?;
        Ok(Flow::Next)
    }
}

struct Join {
    field: FieldPath,
    target: Option<FieldPath>,
    separator: Box<str>,
}

fn join(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(Join {
        field: options.path("field")?,
        target: options.optional_path("target_field")?,
        separator: options.text("separator")?.into(),
    }))
}

impl Processor for Join {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let list = match document.get(path)? {
            Value::List(list) => list,
            Value::Null => {
                return Err(document.fail(format_args!("field [{}] is null, cannot join.", path.text())));
            }
            other => return Err(document.cannot_cast(path, &other, "java.util.List")),
        };
        let mut out = bumpalo::collections::String::new_in(document.arena.bump());
        let bytes_max = document.growth_bytes_left();
        for (index, value) in list.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.separator);
            }
            super::super::template::print(&value, &mut out, 0);
            if out.len() > bytes_max {
                return Err(document.fail(format_args!("the joined text is larger than {bytes_max} bytes")));
            }
        }
        document.set(self.target.as_ref().map_or(path, FieldPath::path), Value::Str(out.into_bump_str()))?;
        Ok(Flow::Next)
    }
}

struct Sort {
    field: FieldPath,
    target: Option<FieldPath>,
    descending: bool,
}

fn sort(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let field = options.path("field")?;
    let target = options.optional_path("target_field")?;
    let descending = match options.optional_text("order")? {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(options.fault("order", "must be asc or desc")),
    };
    Ok(Box::new(Sort { field, target, descending }))
}

impl Processor for Sort {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let list = match document.get(path)? {
            Value::List(list) => list,
            Value::Null => {
                return Err(document.fail(format_args!("field [{}] is null, cannot sort.", path.text())));
            }
            other => return Err(document.cannot_cast(path, &other, "java.util.List")),
        };
        let mut values: Vec<Value<'a>> = list.iter().collect();
        // Java compares neighbours only as it needs to; whatever mixes types is refused here.
        for pair in values.windows(2) {
            let [a, b] = pair else { continue };
            if compare(a, b).is_none() {
                let (a, b) = (class_of(a), class_of(b));
                return Err(document.fail(format_args!("class {b} cannot be cast to class {a}")));
            }
        }
        values.sort_by(|a, b| {
            let order = compare(a, b).unwrap_or(Ordering::Equal);
            if self.descending { order.reverse() } else { order }
        });
        let new = document.arena.list();
        values.into_iter().for_each(|value| new.push(value));
        document.set(self.target.as_ref().map_or(path, FieldPath::path), Value::List(new))?;
        Ok(Flow::Next)
    }
}

/// The order of two values of one Java type; `None` when they have no order.
fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        // Java orders texts by their UTF-16 units.
        (Value::Str(a), Value::Str(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => match (number(a)?, number(b)?) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (Number::Long(a), Number::Long(b)) => Some(a.cmp(&b)),
            (Number::Float(a), Number::Float(b)) => Some(a.total_cmp(&b)),
            (Number::Double(a), Number::Double(b)) => Some(a.total_cmp(&b)),
            (Number::Big(a), Number::Big(b)) => {
                let (a, b) = (numbers::parse_double(a).ok()?, numbers::parse_double(b).ok()?);
                Some(a.total_cmp(&b))
            }
            _ => None,
        },
    }
}

struct Gsub {
    fields: TextFields,
    pattern: Regex,
    replacement: Replacement,
}

fn gsub(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let pattern = Regex::compile(options.text("pattern")?, Flags::NONE)
        .map_err(|e| options.fault("pattern", format_args!("is no regular expression: {e}")))?;
    let replacement = Replacement::new(&pattern, options.text("replacement")?);
    Ok(Box::new(Gsub { fields: TextFields::build(options)?, pattern, replacement }))
}

impl Processor for Gsub {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        self.fields.run(document, |document, text| {
            let bytes_max = document.growth_bytes_left();
            match self.pattern.replace(text, &self.replacement, false, bytes_max) {
                Ok(std::borrow::Cow::Borrowed(same)) => Ok(Value::Str(same)),
                Ok(std::borrow::Cow::Owned(new)) => Ok(Value::Str(document.arena.str(&new))),
                Err(e) => Err(document.fail(format_args!("{e}"))),
            }
        })
    }
}
