//! `grok` and `redact`: fields out of a text by grok patterns, and what must not be read covered in it.

use bumpalo::collections::String as BumpString;

use crate::event::Value;
use crate::java::regex::Captures;

use super::super::document::{Document, Done, Failure, Flow};
use super::super::grok::{Captured, Definitions, Grok, PatternSet};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("grok", grok), ("redact", redact)];

struct GrokProcessor {
    field: FieldPath,
    patterns: Vec<Pattern>,
    ignore_missing: bool,
    trace_match: bool,
    capture_all_matches: bool,
    match_index: FieldPath,
}

struct Pattern {
    grok: Grok,
    /// Where each of its fields goes.
    targets: Vec<FieldPath>,
    index: String,
}

/// The texts of an option's own definitions, and the patterns compiled over them.
fn patterns(options: &mut Options<'_, '_>, ecs_option: bool) -> Result<Vec<Grok>, Fault> {
    let own = options.optional_text_map("pattern_definitions")?.unwrap_or_default();
    let set = match if ecs_option { options.optional_text("ecs_compatibility")? } else { None } {
        None | Some("disabled") => PatternSet::Legacy,
        Some("v1") => PatternSet::EcsV1,
        Some(other) => {
            return Err(options.fault("ecs_compatibility", format_args!("must be disabled or v1, not {other}")));
        }
    };
    let texts = options.texts("patterns")?;
    if texts.is_empty() {
        return Err(options.fault("patterns", "must not be an empty list"));
    }
    let definitions = Definitions::new(set, own);
    texts
        .iter()
        .map(|text| {
            Grok::compile(text, &definitions)
                .map_err(|e| options.fault("patterns", format_args!("holds an invalid pattern `{text}`: {e}")))
        })
        .collect()
}

fn grok(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let mut compiled = Vec::new();
    for (index, grok) in patterns(options, true)?.into_iter().enumerate() {
        let targets = grok
            .fields()
            .iter()
            .map(|field| options.compile_path("patterns", &field.name))
            .collect::<Result<Vec<_>, _>>()?;
        compiled.push(Pattern { grok, targets, index: index.to_string() });
    }
    Ok(Box::new(GrokProcessor {
        field: options.path("field")?,
        patterns: compiled,
        ignore_missing: options.flag("ignore_missing", false)?,
        trace_match: options.flag("trace_match", false)?,
        capture_all_matches: options.flag("capture_all_matches", false)?,
        match_index: options.compile_path("trace_match", "_ingest._grok_match_index")?,
    }))
}

impl Processor for GrokProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null, cannot process it.", path.text())));
        };
        let mut captures = Captures::new();
        let Some(pattern) = self.first(document, text, &mut captures)? else {
            return Err(document.fail(format_args!("Provided Grok expressions do not match field value: [{text}]")));
        };
        for (field, target) in pattern.grok.fields().iter().zip(&pattern.targets) {
            let mut first = None;
            let mut all = None;
            for group in &field.groups {
                let Some(text) = captures.text(text, *group) else { continue };
                let value = match field.capture_type.convert(text) {
                    Ok(captured) => value(captured),
                    Err(fault) => return Err(document.fail(format_args!("{fault}"))),
                };
                match (first, all) {
                    (None, _) => first = Some(value),
                    (Some(_), _) if !self.capture_all_matches => break,
                    (Some(one), None) => {
                        let list = document.arena.list();
                        list.push(one);
                        list.push(value);
                        all = Some(list);
                    }
                    (Some(_), Some(list)) => list.push(value),
                }
            }
            if let Some(value) = all.map(Value::List).or(first) {
                document.set(target.path(), value)?;
            }
        }
        if self.trace_match {
            document.set(self.match_index.path(), Value::Str(&pattern.index))?;
        }
        Ok(Flow::Next)
    }
}

impl GrokProcessor {
    /// The pattern that matches, its groups in `captures`. As the original joins all patterns to one, what matches
    /// further left counts before what stands earlier in the list.
    fn first<'a>(
        &'a self,
        document: &Document<'a>,
        text: &str,
        captures: &mut Captures,
    ) -> Result<Option<&'a Pattern>, Failure<'a>> {
        let mut best: Option<(usize, &Pattern)> = None;
        let mut captured = false;
        for (index, pattern) in self.patterns.iter().enumerate() {
            let last = index + 1 == self.patterns.len();
            let start = if best.is_none() && last {
                // Nothing to compare with: find the groups at once.
                match pattern.grok.search(text, captures) {
                    Ok(true) => {
                        captured = true;
                        Some(captures.whole().0)
                    }
                    Ok(false) => None,
                    Err(exhausted) => return Err(document.fail(format_args!("{exhausted}"))),
                }
            } else {
                pattern.grok.start(text).map_err(|exhausted| document.fail(format_args!("{exhausted}")))?
            };
            if let Some(start) = start
                && best.is_none_or(|(known, _)| start < known)
            {
                best = Some((start, pattern));
                if start == 0 {
                    break;
                }
            }
        }
        let Some((_, pattern)) = best else { return Ok(None) };
        if !captured {
            pattern.grok.search(text, captures).map_err(|exhausted| document.fail(format_args!("{exhausted}")))?;
        }
        Ok(Some(pattern))
    }
}

fn value(captured: Captured<'_>) -> Value<'_> {
    match captured {
        Captured::Text(text) => Value::Str(text),
        Captured::Int(n) => Value::Int(n),
        Captured::Long(n) => Value::Long(n),
        Captured::Float(n) => Value::Float(n),
        Captured::Double(n) => Value::Double(n),
        Captured::Boolean(b) => Value::Bool(b),
    }
}

struct RedactProcessor {
    field: FieldPath,
    patterns: Vec<Grok>,
    ignore_missing: bool,
    prefix: String,
    suffix: String,
    /// Where `trace_redact` says that something was covered.
    trace: Option<FieldPath>,
}

fn redact(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    // Whoever runs this has no licence to ask for; the option says what to do without one.
    options.flag("skip_if_unlicensed", false)?;
    let trace = options.flag("trace_redact", false)?;
    Ok(Box::new(RedactProcessor {
        field: options.path("field")?,
        patterns: patterns(options, false)?,
        ignore_missing: options.flag("ignore_missing", true)?,
        prefix: options.optional_text("prefix")?.unwrap_or("<").to_owned(),
        suffix: options.optional_text("suffix")?.unwrap_or(">").to_owned(),
        trace: if trace { Some(options.compile_path("trace_redact", "_ingest._redact._is_redacted")?) } else { None },
    }))
}

impl Processor for RedactProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null or missing", path.text())));
        };
        let mut covers = Vec::new();
        for grok in &self.patterns {
            covered(grok, text, &mut covers).map_err(|exhausted| document.fail(format_args!("{exhausted}")))?;
        }
        if covers.is_empty() {
            return Ok(Flow::Next);
        }
        let redacted = self.cover(document, text, &mut covers);
        document.set(path, Value::Str(redacted))?;
        if let Some(trace) = &self.trace {
            document.set(trace.path(), Value::Bool(true))?;
        }
        Ok(Flow::Next)
    }
}

/// A part of the text and the name that goes in its place.
struct Cover<'p> {
    start: usize,
    end: usize,
    name: &'p str,
}

fn covered<'p>(grok: &'p Grok, text: &str, covers: &mut Vec<Cover<'p>>) -> Result<(), crate::java::regex::Exhausted> {
    let mut captures = Captures::new();
    let mut from = 0;
    while grok.search_at(text, from, &mut captures)? {
        for field in grok.fields() {
            for (start, end) in field.groups.iter().filter_map(|group| captures.get(*group)) {
                if start < end {
                    covers.push(Cover { start, end, name: &field.name });
                }
            }
        }
        let (start, end) = captures.whole();
        from = crate::java::regex::Regex::next_start(text, (start, end));
        if from > text.len() {
            break;
        }
    }
    Ok(())
}

impl RedactProcessor {
    /// Overlapping parts are covered as one, under the name of the longest.
    fn cover<'a>(&self, document: &Document<'a>, text: &str, covers: &mut Vec<Cover<'_>>) -> &'a str {
        covers.sort_by_key(|cover| (cover.start, std::cmp::Reverse(cover.end)));
        let mut out = BumpString::with_capacity_in(text.len(), document.arena.bump());
        let mut copied = 0;
        let mut all = covers.iter().peekable();
        while let Some(first) = all.next() {
            let (mut end, mut name, mut longest) = (first.end, first.name, first.end - first.start);
            while let Some(next) = all.next_if(|next| next.start < end) {
                end = end.max(next.end);
                if next.end - next.start > longest {
                    (name, longest) = (next.name, next.end - next.start);
                }
            }
            out.push_str(text.get(copied..first.start).unwrap_or_default());
            out.push_str(&self.prefix);
            out.push_str(name);
            out.push_str(&self.suffix);
            copied = end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        out.into_bump_str()
    }
}
