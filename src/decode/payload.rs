//! The way through one payload: layers of packing, JSON values after one another, lines; counting, limits and rejects.
//!
//! A [`Fault`] travels up to the smallest thing that can be given up alone (an event, a record of an envelope), or, when it is a limit, to the payload.

use memchr::memmem;

use crate::event::parse::{self, ParseError};
use crate::event::{Arena, Value};
use crate::record::{Identity, Record};
use crate::reject::{Reject, Stage};

use super::{Body, Decoded, Envelope, Fact, Format, Hints, Limits, RawEvent, TopicRules, envelope, text, unpack};

/// Below this an event cannot hold enough values to matter, and nobody counts them.
const COUNTED_BYTES_MIN: usize = 64 << 10;

/// Why something could not be opened.
#[derive(Debug)]
pub(super) struct Fault {
    pub kind: &'static str,
    pub reason: String,
    /// A limit of the payload was passed: nothing of it is kept.
    pub whole: bool,
}

impl Fault {
    pub fn broken(kind: &'static str, reason: impl Into<String>) -> Fault {
        Fault { kind, reason: reason.into(), whole: false }
    }

    pub fn limit(kind: &'static str, reason: impl Into<String>) -> Fault {
        Fault { kind, reason: reason.into(), whole: true }
    }

    /// Says where in the envelope it was.
    pub fn within(self, place: impl std::fmt::Display) -> Fault {
        Fault { reason: format!("{place}: {}", self.reason), ..self }
    }
}

/// What the envelopes around a value said.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub envelope: Envelope,
    pub hints: Hints<'a>,
    pub facts: &'a [Fact<'a>],
    pub time_ms: Option<i64>,
    /// An id that the envelope gives to the one event in it.
    pub identity: Option<Identity<'a>>,
    /// Within a message that is one event whatever it looks like: no list is opened.
    pub single: bool,
    pub layers: u8,
}

pub(super) struct Payload<'a, 'o> {
    pub arena: &'a Arena,
    pub record: &'a Record,
    pub topic: &'o TopicRules,
    limits: &'o Limits,
    pub out: &'o mut Decoded<'a>,
    position: u32,
    unpacked_bytes: usize,
}

impl<'a, 'o> Payload<'a, 'o> {
    pub fn new(
        arena: &'a Arena,
        record: &'a Record,
        topic: &'o TopicRules,
        limits: &'o Limits,
        out: &'o mut Decoded<'a>,
    ) -> Self {
        Payload { arena, record, topic, limits, out, position: 0, unpacked_bytes: 0 }
    }

    pub fn open(&mut self) -> Result<(), Fault> {
        let Some(value) = &self.record.value else {
            return Err(Fault::limit("tombstone", "the record has no value (a tombstone)"));
        };
        if value.len() > self.limits.payload_bytes_max {
            let (bytes, max) = (value.len(), self.limits.payload_bytes_max);
            return Err(Fault::limit(
                "payload_too_large",
                format!("the payload has {bytes} bytes, at most {max} are taken"),
            ));
        }
        if value.iter().all(u8::is_ascii_whitespace) {
            return Err(Fault::limit("empty", "the record's value is empty"));
        }
        let context = Context {
            envelope: Envelope::Json,
            hints: Hints::default(),
            facts: &[],
            time_ms: None,
            identity: None,
            single: false,
            layers: 0,
        };
        self.bytes(value, context)
    }

    /// Opens bytes of which nothing is known.
    pub fn bytes(&mut self, bytes: &'a [u8], context: Context<'a>) -> Result<(), Fault> {
        let context = self.deeper(context)?;
        if bytes.starts_with(unpack::GZIP) {
            let unpacked = unpack::gzip(bytes, self.unpacked_bytes_left())?;
            return self.unpacked(&unpacked, context);
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii();
        if bytes.is_empty() {
            // An empty record of an envelope holds no event, as an empty line does not.
            return Ok(());
        }
        if self.topic.format == Format::Text {
            return text::lines(self, bytes, context);
        }
        if unpack::looks_like_base64(bytes) {
            let unpacked = unpack::base64(bytes, self.unpacked_bytes_left())?;
            return self.unpacked(&unpacked, context);
        }
        if looks_like_json(bytes) {
            return self.values(bytes, context);
        }
        match self.topic.format {
            Format::Json => {
                Err(Fault::broken("json_invalid", "neither a JSON object nor a list, and the topic takes JSON only"))
            }
            Format::Auto | Format::Text => text::lines(self, bytes, context),
        }
    }

    /// Opens what was unpacked, after moving it to where the events may borrow from it.
    pub fn unpacked(&mut self, unpacked: &[u8], context: Context<'a>) -> Result<(), Fault> {
        self.unpacked_bytes += unpacked.len();
        self.bytes(self.arena.bump().alloc_slice_copy(unpacked), context)
    }

    pub fn unpacked_bytes_left(&self) -> usize {
        self.limits.unpacked_bytes_max.saturating_sub(self.unpacked_bytes)
    }

    pub fn deeper(&self, context: Context<'a>) -> Result<Context<'a>, Fault> {
        if context.layers >= self.limits.layers_max {
            let max = self.limits.layers_max;
            return Err(Fault::limit(
                "layers_too_many",
                format!("more than {max} envelopes and compressions in one another"),
            ));
        }
        Ok(Context { layers: context.layers + 1, ..context })
    }

    /// JSON values one after another, with or without anything but white space between them. After a broken one the next begins where a line
    /// begins with `{`.
    fn values(&mut self, bytes: &'a [u8], context: Context<'a>) -> Result<(), Fault> {
        let mut at = 0;
        let mut valid = Valid::new(bytes, 0);
        let mut alone = true;
        loop {
            at += bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if at >= bytes.len() {
                return Ok(());
            }
            let parsed = match valid.from(bytes, at) {
                "" => Err(ParseError { what: "the JSON text ends too early", at: 0 }),
                text => parse::text_prefix(self.arena, text, self.limits.nesting_levels_max),
            };
            match parsed {
                Ok((value, end)) => {
                    self.alone(|payload| payload.value(value, context))?;
                    at += end;
                }
                Err(error) => {
                    let fault = valid.fault(bytes, at, error);
                    let next = memmem::find(&bytes[at..], b"\n{");
                    if alone && next.is_none() {
                        return Err(fault);
                    }
                    self.alone(|_| Err(fault))?;
                    let Some(next) = next else { return Ok(()) };
                    at += next + 1;
                }
            }
            alone = false;
        }
    }

    /// One value of the payload, or one element of a list in it.
    fn value(&mut self, value: Value<'a>, context: Context<'a>) -> Result<(), Fault> {
        match value {
            Value::Object(object) => envelope::object(self, object, context),
            Value::List(list) => {
                let context = self.deeper(context)?;
                for (index, element) in list.lazily().enumerate() {
                    self.alone(|payload| {
                        payload.element(element, context).map_err(|fault| fault.within(format_args!("[{index}]")))
                    })?;
                }
                Ok(())
            }
            _ => Err(not_an_event(value)),
        }
    }

    /// One element of a list: an object with whatever is in it, or a line of text.
    pub fn element(&mut self, value: Value<'a>, context: Context<'a>) -> Result<(), Fault> {
        match value {
            Value::Object(object) => envelope::object(self, object, context),
            Value::Str(line) => text::line(self, line, context),
            _ => Err(not_an_event(value)),
        }
    }

    /// Runs `open` for something that can be given up alone: a fault that is no limit becomes a reject with its position.
    pub fn alone(&mut self, open: impl FnOnce(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        match open(self) {
            Err(fault) if !fault.whole => {
                let position = self.next_position()?;
                self.out.rejects.push(Reject {
                    record: self.record.clone(),
                    position: Some(position),
                    stage: Stage::Decode,
                    kind: fault.kind,
                    reason: fault.reason,
                });
                Ok(())
            }
            other => other,
        }
    }

    /// Emits one event.
    pub fn event(&mut self, body: Body<'a>, original: &'a str, context: Context<'a>) -> Result<(), Fault> {
        if original.len() >= COUNTED_BYTES_MIN && matches!(body, Body::Object(_)) {
            self.check_values(original)?;
        }
        let position = self.next_position()?;
        self.out.events.push(RawEvent {
            record: self.record,
            position,
            identity: context.identity.unwrap_or(Identity::Position(position)),
            body,
            original,
            envelope: context.envelope,
            hints: context.hints,
            time_ms: context.time_ms,
            facts: context.facts,
        });
        Ok(())
    }

    fn check_values(&self, text: &str) -> Result<(), Fault> {
        if parse::count_values(text) > self.limits.event_values_max {
            let max = self.limits.event_values_max;
            let reason = format!("the event has more than {max} members and elements");
            return Err(Fault::broken("values_too_many", reason));
        }
        Ok(())
    }

    fn next_position(&mut self) -> Result<u32, Fault> {
        if self.position >= self.limits.events_max {
            let max = self.limits.events_max;
            return Err(Fault::limit("events_too_many", format!("the payload holds more than {max} events")));
        }
        self.position += 1;
        Ok(self.position - 1)
    }
}

/// A whole text that is one JSON object, as a message inside an envelope may be.
pub(super) fn whole_object<'a>(payload: &Payload<'a, '_>, text: &'a str) -> Option<&'a crate::event::Object<'a>> {
    let text = text.trim_ascii();
    if !(text.starts_with('{') && text.ends_with('}')) {
        return None;
    }
    match parse::text_prefix(payload.arena, text, payload.limits.nesting_levels_max) {
        Ok((Value::Object(object), end)) if end == text.len() => Some(object),
        _ => None,
    }
}

/// Lines of logs may well begin with a bracket, as Apache's do; only what cannot be one is taken for a list.
fn looks_like_json(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(b'{') => true,
        Some(b'[') => matches!(bytes[1..].trim_ascii_start().first(), Some(b'{' | b'[' | b']')),
        _ => false,
    }
}

fn not_an_event(value: Value<'_>) -> Fault {
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Str(_) => "a string",
        Value::List(_) => "a list",
        Value::Object(_) | Value::Java(_) => "an object",
        Value::Number(_) | Value::Int(_) | Value::Long(_) | Value::Float(_) | Value::Double(_) => "a number",
    };
    Fault::broken("not_an_event", format!("{what} stands where an event should"))
}

/// The part of a payload from `at` on that is UTF-8; looked for again only past a byte that is not, so that all looks together cost one pass.
struct Valid<'a> {
    at: usize,
    text: &'a str,
}

impl<'a> Valid<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        let rest = &bytes[at..];
        let text = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        Valid { at, text }
    }

    fn from(&mut self, bytes: &'a [u8], at: usize) -> &'a str {
        if at > self.at + self.text.len() {
            *self = Valid::new(bytes, at);
        }
        self.text.get(at - self.at..).unwrap_or_default()
    }

    /// The fault of the value at `at`: what the parser said, or that its text is no UTF-8 where the parser came to the end of what is.
    fn fault(&self, bytes: &[u8], at: usize, error: ParseError) -> Fault {
        let end = self.at + self.text.len();
        if at + error.at >= end && end < bytes.len() {
            return Fault::broken("invalid_utf8", format!("invalid UTF-8 at byte {end}"));
        }
        let kind = match error.what {
            "nested too deep" => "nesting_too_deep",
            "the JSON text ends too early" => "json_truncated",
            "too many keys in one object" => "values_too_many",
            _ => "json_invalid",
        };
        Fault::broken(kind, format!("{} at byte {}", error.what, at + error.at))
    }
}
