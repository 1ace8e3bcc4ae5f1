//! What every document has, whatever its pipeline did: a time, what the envelope knew, and the fields that data streams go by.
//!
//! Only what is missing is filled in; a value that the event has is never replaced, also when it stands under a dotted key.

use crate::decode::{Body, Envelope, RawEvent};
use crate::event::{Arena, Object, Value};

/// The document of an event before any pipeline: the event's own object, or a new one with a line of text as its `message`.
pub fn document<'a>(arena: &'a Arena, event: &RawEvent<'a>) -> &'a Object<'a> {
    let document = match event.body {
        Body::Object(object) => object,
        Body::Text(line) => {
            let object = arena.object();
            object.set_str("message", Value::Str(line));
            object
        }
    };
    if event.envelope == Envelope::Beats {
        // What a Beat tells its output, and no part of the event: Logstash does not index it either.
        document.remove_str("@metadata");
    }
    for fact in event.facts {
        put_missing(arena, document, fact.field, fact.value);
    }
    document
}

/// What the index and its views rely on.
pub fn complete<'a>(
    arena: &'a Arena,
    document: &'a Object<'a>,
    event: &RawEvent<'a>,
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
    Some(arena.str(&format!("{time:.3}")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decode::{Decoded, Limits, TopicRules, decode};
    use crate::event::{Symbols, write};
    use crate::record::{Coordinates, Record};

    fn documents(payload: &'static str) -> Vec<String> {
        let arena = Arena::new(Arc::new(Symbols::new()));
        let at = Coordinates { topic: "logs".into(), partition: 0, offset: 7 };
        let record = Record::new(at, 0, 1_790_000_000_123, None, Some(payload.as_bytes().into()));
        let mut decoded = Decoded::default();
        decode(&arena, &record, &TopicRules::default(), &Limits::default(), &mut decoded);
        assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
        let filled = decoded.events.iter().map(|event| {
            let document = document(&arena, event);
            complete(&arena, document, event, "prod", "2026-11-23T00:00:00.000Z");
            write::to_string(&Value::Object(document))
        });
        filled.collect()
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
