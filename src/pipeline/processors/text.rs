//! Processors that turn one text into another: `lowercase`, `uppercase`, `trim`, `urldecode`, `html_strip`, `bytes`.
//!
//! All take a text or a list of texts and share `field`, `target_field` and `ignore_missing`. Letters change case as in Java's root locale.

use bumpalo::collections::String as BumpString;

use crate::event::Value;

use super::super::document::{Document, Done, Failure, Flow, class_of};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[
    ("lowercase", |options| build(options, lowercase)),
    ("uppercase", |options| build(options, uppercase)),
    ("trim", |options| build(options, trim)),
    ("urldecode", |options| build(options, urldecode)),
    ("html_strip", |options| build(options, html_strip)),
    ("bytes", |options| build(options, bytes)),
];

/// How one text becomes a value.
type Turn = for<'a> fn(&Document<'a>, &'a str) -> Result<Value<'a>, Failure<'a>>;

struct TextProcessor {
    fields: TextFields,
    turn: Turn,
}

fn build(options: &mut Options<'_, '_>, turn: Turn) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(TextProcessor { fields: TextFields::build(options)?, turn }))
}

impl Processor for TextProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        self.fields.run(document, |document, text| (self.turn)(document, text))
    }
}

/// The options that processors of texts share, and the way over lists.
pub struct TextFields {
    field: FieldPath,
    target: Option<FieldPath>,
    ignore_missing: bool,
}

impl TextFields {
    pub fn build(options: &mut Options<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            field: options.path("field")?,
            target: options.optional_path("target_field")?,
            ignore_missing: options.flag("ignore_missing", false)?,
        })
    }

    pub fn run<'a>(
        &'a self,
        document: &mut Document<'a>,
        turn: impl Fn(&Document<'a>, &'a str) -> Result<Value<'a>, Failure<'a>>,
    ) -> Done<'a> {
        let path = self.field.path();
        let field = path.text();
        let new = match document.find(path) {
            Some(Value::Str(text)) => turn(document, text)?,
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Next),
            None => return Err(document.get(path).err().unwrap_or_else(|| document.fail(format_args!("")))),
            Some(Value::Null) => {
                return Err(document.fail(format_args!("field [{field}] is null, cannot process it.")));
            }
            Some(Value::List(list)) => {
                let new = document.arena.list();
                for value in list.iter() {
                    let Value::Str(text) = value else {
                        return Err(document.fail(format_args!(
                            "value [{}] of type [{}] in list field [{field}] cannot be cast to [java.lang.String]",
                            document.print(&value),
                            class_of(&value)
                        )));
                    };
                    new.push(turn(document, text)?);
                }
                Value::List(new)
            }
            Some(other) => return Err(document.cannot_cast(path, &other, "java.lang.String")),
        };
        document.set(self.target.as_ref().map_or(path, FieldPath::path), new)?;
        Ok(Flow::Next)
    }
}

fn lowercase<'a>(document: &Document<'a>, text: &'a str) -> Result<Value<'a>, Failure<'a>> {
    if !text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        return Ok(Value::Str(text));
    }
    if text.is_ascii() {
        let lower = document.arena.bump().alloc_str(text);
        lower.make_ascii_lowercase();
        return Ok(Value::Str(lower));
    }
    Ok(Value::Str(document.arena.str(&text.to_lowercase())))
}

fn uppercase<'a>(document: &Document<'a>, text: &'a str) -> Result<Value<'a>, Failure<'a>> {
    if text.is_ascii() {
        let upper = document.arena.bump().alloc_str(text);
        upper.make_ascii_uppercase();
        return Ok(Value::Str(upper));
    }
    Ok(Value::Str(document.arena.str(&text.to_uppercase())))
}

/// Java's `String.trim`: everything up to U+0020 at both ends.
fn trim<'a>(_: &Document<'a>, text: &'a str) -> Result<Value<'a>, Failure<'a>> {
    Ok(Value::Str(text.trim_matches(|c| c <= ' ')))
}

/// Java's `URLDecoder`: `+` is a blank, a broken escape is a failure, bytes that are no UTF-8 become U+FFFD.
fn urldecode<'a>(document: &Document<'a>, text: &'a str) -> Result<Value<'a>, Failure<'a>> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Ok(Value::Str(text));
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let broken = |what: &str| {
                    document.fail_because(
                        format_args!("Unable to URL-decode value [{text}]"),
                        format_args!("URLDecoder: {what}"),
                    )
                };
                let Some(hex) = bytes.get(at..at + 2) else {
                    return Err(broken("Incomplete trailing escape (%) pattern"));
                };
                let digits = std::str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(byte) = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                    return Err(broken("Illegal hex characters in escape (%) pattern"));
                };
                out.push(byte);
                at += 2;
            }
            other => out.push(*other),
        }
    }
    Ok(Value::Str(document.arena.str(&String::from_utf8_lossy(&out))))
}

/// Takes the tags out and the entities apart. As in the original (Lucene's filter) a tag that breaks lines leaves a line break, any other nothing.
fn html_strip<'a>(document: &Document<'a>, text: &'a str) -> Result<Value<'a>, Failure<'a>> {
    if memchr::memchr2(b'<', b'&', text.as_bytes()).is_none() {
        return Ok(Value::Str(text));
    }
    let mut out = BumpString::with_capacity_in(text.len(), document.arena.bump());
    super::html::strip(text, &mut out);
    Ok(Value::Str(out.into_bump_str()))
}

/// `1kb` and the like as a number of bytes.
fn bytes<'a>(document: &Document<'a>, text: &'a str) -> Result<Value<'a>, Failure<'a>> {
    const UNITS: [(&str, f64); 6] = [
        ("kb", 1024.0),
        ("mb", 1_048_576.0),
        ("gb", 1_073_741_824.0),
        ("tb", 1_099_511_627_776.0),
        ("pb", 1_125_899_906_842_624.0),
        ("b", 1.0),
    ];
    let lower = text.to_lowercase();
    let lower = lower.trim();
    let unit_of = |lower: &str| UNITS.iter().find(|(unit, _)| lower.ends_with(unit)).copied();
    let found = unit_of(lower).or_else(|| {
        // k, m, g, t and p alone are taken too.
        UNITS
            .iter()
            .take(5)
            .find(|(unit, _)| unit.get(..1).is_some_and(|first| lower.ends_with(first)))
            .map(|(unit, factor)| (unit.get(..1).unwrap_or(unit), *factor))
    });
    let failure = |why: &str| {
        document.fail_because(
            format_args!("failed to parse setting [Ingest Field] with value [{text}]"),
            format_args!("failed to parse setting [Ingest Field] with value [{text}]{why}"),
        )
    };
    match found {
        Some((unit, factor)) => {
            let digits = lower.strip_suffix(unit).unwrap_or_default().trim();
            if let Ok(whole) = digits.parse::<i64>() {
                return match (whole, whole.checked_mul(factor as i64)) {
                    (-1, _) => Err(failure(": Values less than -1 bytes are not supported")),
                    (0.., Some(bytes)) => Ok(Value::Long(bytes)),
                    (0.., None) => Err(failure(": Values greater than 9223372036854775807 bytes are not supported")),
                    _ => Err(failure(": Values less than -1 bytes are not supported")),
                };
            }
            match digits.parse::<f64>() {
                Ok(n) if n >= 0.0 && n.is_finite() => Ok(Value::Long((n * factor) as i64)),
                _ => Err(failure("")),
            }
        }
        None if lower == "-1" => Ok(Value::Long(-1)),
        None if lower == "0" => Ok(Value::Long(0)),
        None => Err(failure(": unit is missing or unrecognized")),
    }
}
