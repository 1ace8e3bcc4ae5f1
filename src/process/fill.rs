//! What a document is made of besides what its pipeline does: what the envelope knew, a time, the fields that data streams go by, and the marks
//! of rules and of a pipeline that failed.
//!
//! Only what is missing is filled in; a value that the event has is never replaced, also when it stands under a dotted key. Marks add to what is there.

use std::fmt::Write as _;

use bumpalo::collections::String as BumpString;

use super::sources::Form;
use crate::decode::{Body, Envelope, RawEvent};
use crate::detect::rules::Rule;
use crate::event::{Arena, Object, Value, parse, write};
use crate::pipeline::document::{Failure, Origin};

/// The document of an event before any pipeline: the event's own object, which this uses up, or a new one with its text as `message`.
pub fn document<'a>(arena: &'a Arena, event: &RawEvent<'a>, form: Form) -> &'a Object<'a> {
    let document = match event.body {
        Body::Object(object) if form == Form::Event || object.contains("message") => object,
        Body::Object(_) => message(arena, event.original),
        Body::Text(line) => message(arena, line),
    };
    complete_envelope(arena, document, event);
    document
}

/// As [`document`], made once more from the event's text, in any arena.
pub fn document_anew<'a, 'e: 'a>(arena: &'a Arena, event: &RawEvent<'e>, form: Form) -> &'a Object<'a> {
    let parsed = match event.body {
        Body::Object(_) => parse::document(arena, event.original.as_bytes(), parse::NESTING_LEVELS_MAX).ok(),
        Body::Text(_) => None,
    };
    let parsed = parsed.and_then(|value| value.as_object());
    let document = parsed.filter(|object| form == Form::Event || object.contains("message"));
    let document = document.unwrap_or_else(|| message(arena, event.original));
    complete_envelope(arena, document, event);
    document
}

fn message<'a>(arena: &'a Arena, text: &'a str) -> &'a Object<'a> {
    let object = arena.object();
    object.set_str("message", Value::Str(text));
    object
}

fn complete_envelope<'a, 'e: 'a>(arena: &'a Arena, document: &'a Object<'a>, event: &RawEvent<'e>) {
    if event.envelope == Envelope::Beats {
        // What a Beat tells its output, and no part of the event: Logstash does not index it either.
        document.remove_str("@metadata");
    }
    for fact in event.facts {
        put_missing(arena, document, fact.field, own(arena, fact.value));
    }
}

/// A value that this document shares with no other: pipelines change lists and objects in place.
fn own<'a, 'e: 'a>(arena: &'a Arena, value: Value<'e>) -> Value<'a> {
    match value {
        Value::Null | Value::Java(_) => Value::Null,
        Value::Bool(flag) => Value::Bool(flag),
        Value::Number(text) => Value::Number(text),
        Value::Int(number) => Value::Int(number),
        Value::Long(number) => Value::Long(number),
        Value::Float(number) => Value::Float(number),
        Value::Double(number) => Value::Double(number),
        Value::Str(text) => Value::Str(text),
        Value::List(_) | Value::Object(_) => {
            let text = arena.str(&write::to_string(&value));
            parse::document(arena, text.as_bytes(), parse::NESTING_LEVELS_MAX).unwrap_or(Value::Null)
        }
    }
}

/// Says on the document of an event that its pipeline failed, as ECS has it.
pub fn mark_failure<'a>(arena: &'a Arena, document: &'a Object<'a>, failure: &Failure<'a>) {
    let mut text = BumpString::new_in(arena.bump());
    // Writing to a string of the arena cannot fail.
    let _ = match &failure.origin {
        None => write!(text, "{}", failure.reason),
        Some(origin) => {
            let (space, tag) = origin.tag.map_or(("", ""), |tag| (" ", tag));
            let Origin { processor, pipeline, .. } = origin;
            write!(text, "processor {processor}{space}{tag} of pipeline {pipeline} failed: {}", failure.reason)
        }
    };
    let message = Value::Str(text.into_bump_str());
    match document.get_str("error") {
        None => put_missing(arena, document, "error.message", message),
        Some(Value::Object(error)) => add(arena, error, "message", message),
        Some(_) => add(arena, document, "error.message", message),
    }
    add(arena, document, "tags", Value::Str("pipeline_failure"));
    put_missing(arena, document, "event.kind", Value::Str("pipeline_error"));
}

/// Adds to a list; a single value becomes the list's first.
fn add<'a>(arena: &'a Arena, object: &'a Object<'a>, key: &'static str, value: Value<'a>) {
    match object.get_str(key) {
        Some(Value::List(list)) => list.push(value),
        None | Some(Value::Null) => {
            let value = if key == "tags" { list_of(arena, [value]) } else { value };
            object.set_str(key, value);
        }
        Some(there) => drop(object.set_str(key, list_of(arena, [there, value]))),
    }
}

fn list_of<'a, const N: usize>(arena: &'a Arena, values: [Value<'a>; N]) -> Value<'a> {
    let list = arena.list();
    values.into_iter().for_each(|value| list.push(value));
    Value::List(list)
}

/// Names the rules that an event matched, under `sluice`, which is ours: nothing that came with an event stays there.
pub fn mark_matches<'a>(document: &'a Object<'a>, rules: impl Iterator<Item = &'a Rule>) {
    let arena = document.arena();
    document.remove_str("sluice");
    let (ids, titles) = (arena.list(), arena.list());
    let mut highest = None;
    for rule in rules {
        ids.push(Value::Str(&rule.id));
        titles.push(Value::Str(&rule.title));
        highest = highest.max(rule.level);
    }
    if ids.is_empty() {
        return;
    }
    let marks = arena.object();
    marks.set_str("rules", Value::List(ids));
    marks.set_str("rule_titles", Value::List(titles));
    if let Some(level) = highest {
        marks.set_str("level", Value::Str(level.name()));
    }
    document.set_str("sluice", Value::Object(marks));
}

/// What the index and its views rely on.
pub fn complete<'a, 'e: 'a>(
    arena: &'a Arena,
    document: &'a Object<'a>,
    event: &RawEvent<'e>,
    namespace: &'a str,
    now: &'a str,
) {
    if !document.contains("@timestamp") {
        let time_ms = event.time_ms.unwrap_or_else(|| event.record.first().timestamp_ms);
        if let Some(text) = timestamp(arena, time_ms) {
            document.set_str("@timestamp", Value::Str(text));
        }
    }
    let dataset = own_text(document, "data_stream", "dataset")
        .or(own_text(document, "event", "dataset"))
        .or(event.hints.dataset)
        .unwrap_or("generic");
    put_missing(arena, document, "event.dataset", Value::Str(dataset));
    if let Some(module) = event.hints.module {
        put_missing(arena, document, "event.module", Value::Str(module));
    }
    put_missing(arena, document, "event.ingested", Value::Str(now));
    put_missing(arena, document, "data_stream.type", Value::Str("logs"));
    put_missing(arena, document, "data_stream.dataset", Value::Str(dataset));
    put_missing(arena, document, "data_stream.namespace", Value::Str(namespace));
}

/// The text under `parent.child`, as nested objects or under the dotted key.
pub fn own_text<'a>(document: &'a Object<'a>, parent: &str, child: &str) -> Option<&'a str> {
    let nested = document.get_str(parent).and_then(|value| value.as_object()).and_then(|object| object.get_str(child));
    nested.or_else(|| dotted(document, parent, child)).and_then(|value| value.as_str())
}

fn dotted<'a>(document: &'a Object<'a>, parent: &str, child: &str) -> Option<Value<'a>> {
    let is_dotted = |key: &str| key.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')) == Some(child);
    document.iter().find(|(key, _)| is_dotted(key.text)).map(|(_, value)| value)
}

/// Sets a dotted path when the event has nothing there. An event whose `event` is no object keeps what it has.
pub fn put_missing<'a>(arena: &'a Arena, document: &'a Object<'a>, path: &'static str, value: Value<'a>) {
    if document.contains(path) {
        return;
    }
    let mut object = document;
    let mut rest = path;
    while let Some((parent, child)) = rest.split_once('.') {
        object = match object.get_str(parent) {
            Some(Value::Object(inner)) => inner,
            Some(_) => return,
            None => {
                let inner = arena.object();
                object.set_str(parent, Value::Object(inner));
                inner
            }
        };
        rest = child;
        if object.contains(rest) {
            return;
        }
    }
    object.set_str(rest, value);
}

/// ISO 8601 in UTC with milliseconds; `None` for a time that no calendar has.
pub fn timestamp(arena: &Arena, time_ms: i64) -> Option<&str> {
    let time = jiff::Timestamp::from_millisecond(time_ms).ok()?;
    let mut text = BumpString::new_in(arena.bump());
    write!(text, "{time:.3}").ok()?;
    Some(text.into_bump_str())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decode::{Decoded, Limits, TopicRules, decode};
    use crate::event::Symbols;
    use crate::record::{Coordinates, Record};

    fn documents(payload: &'static str) -> Vec<String> {
        let arena = Arena::new(Arc::new(Symbols::new()));
        let at = Coordinates { topic: "logs".into(), partition: 0, offset: 7 };
        let record = Record::new(at, 0, 1_790_000_000_123, None, Some(payload.as_bytes().into()));
        let mut decoded = Decoded::default();
        decode(&arena, &record, &TopicRules::default(), &Limits::default(), &mut decoded);
        assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
        let filled = decoded.events.iter().map(|event| {
            let document = document(&arena, event, Form::Event);
            complete(&arena, document, event, "prod", "2026-11-23T00:00:00.000Z");
            write::to_string(&Value::Object(document))
        });
        filled.collect()
    }

    #[test]
    fn a_document_made_anew_is_the_same() {
        let bridge = r#"{"source":"s","detail-type":"t","resources":["r"],"account":"1","detail":{"a":{"b":[1.10]}}}"#;
        let beat = r#"{"@metadata":{"beat":"filebeat"},"message":"m","a":1}"#;
        for payload in [bridge, beat, "plain words", r#"{"Records":[{"a":1},{"b":[{}]}]}"#] {
            let (arena, spare) = (Arena::new(Arc::new(Symbols::new())), Arena::new(Arc::new(Symbols::new())));
            let at = Coordinates { topic: "logs".into(), partition: 0, offset: 7 };
            let record = Record::new(at, 0, 1_790_000_000_123, None, Some(payload.as_bytes().into()));
            let mut decoded = Decoded::default();
            decode(&arena, &record, &TopicRules::default(), &Limits::default(), &mut decoded);
            assert!(!decoded.events.is_empty(), "{payload}");
            for (event, form) in decoded.events.iter().flat_map(|event| [(event, Form::Message), (event, Form::Event)])
            {
                let anew = write::to_string(&Value::Object(document_anew(&spare, event, form)));
                assert_eq!(anew, write::to_string(&Value::Object(document(&arena, event, form))), "{form:?}");
            }
        }
    }

    #[test]
    fn only_what_is_missing_is_filled_in() {
        let full = r#"{"@timestamp":"t","event":{"dataset":"a.b","ingested":"i","module":"a"},"data_stream":{"type":"x","dataset":"y","namespace":"z"}}"#;
        assert_eq!(documents(full), [full]);
        assert_eq!(
            documents(r#"{"event.dataset":"a.b","data_stream.type":"x"}"#),
            [
                r#"{"event.dataset":"a.b","data_stream.type":"x","@timestamp":"2026-09-21T14:13:20.123Z","event":{"ingested":"2026-11-23T00:00:00.000Z"},"data_stream":{"dataset":"a.b","namespace":"prod"}}"#
            ]
        );
    }

    #[test]
    fn a_field_of_another_form_is_left_alone() {
        assert_eq!(
            documents(r#"{"@timestamp":1,"event":"login","data_stream":null}"#),
            [r#"{"@timestamp":1,"event":"login","data_stream":null}"#]
        );
    }

    #[test]
    fn a_line_is_a_message() {
        assert_eq!(
            documents("plain words"),
            [
                r#"{"message":"plain words","@timestamp":"2026-09-21T14:13:20.123Z","event":{"dataset":"generic","ingested":"2026-11-23T00:00:00.000Z"},"data_stream":{"type":"logs","dataset":"generic","namespace":"prod"}}"#
            ]
        );
    }
}
