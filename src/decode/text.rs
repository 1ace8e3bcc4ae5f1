//! Lines of text: one event each, with the form of their beginning and, for syslog, their time.
//!
//! Fields are the pipelines' business. The time is read here because an event whose pipeline fails, or that has none, still needs one.

use crate::event::time;

use super::payload::{Context, Fault, Payload};
use super::{Body, Envelope, TextForm};

pub(super) fn lines<'a>(payload: &mut Payload<'a, '_>, bytes: &'a [u8], context: Context<'a>) -> Result<(), Fault> {
    let mut at = 0;
    for bytes in bytes.split(|byte| *byte == b'\n') {
        let start = at;
        at += bytes.len() + 1;
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        payload.alone(|payload| match std::str::from_utf8(bytes) {
            Ok(text) => line(payload, text, context),
            Err(error) => {
                let at = start + error.valid_up_to();
                Err(Fault::broken("invalid_utf8", format!("invalid UTF-8 at byte {at}")))
            }
        })?;
    }
    Ok(())
}

/// One event of text; it may have several lines when its envelope says that it is one message.
pub(super) fn line<'a>(payload: &mut Payload<'a, '_>, text: &'a str, context: Context<'a>) -> Result<(), Fault> {
    let text = text.trim_end_matches(['\r', '\n']);
    let (form, time) = recognise(text);
    let time_ms = context.time_ms.or_else(|| match time? {
        Time::Full(time) => time::rfc3339_ms(time),
        Time::Yearless(time) => time::yearless_ms(time, &payload.topic.zone, payload.record.first().timestamp_ms),
    });
    payload.event(Body::Text(text), text, Context { envelope: envelope(context.envelope, form), time_ms, ..context })
}

/// An envelope that says more than "text" is kept.
fn envelope(around: Envelope, form: TextForm) -> Envelope {
    match around {
        Envelope::Json => Envelope::Text(form),
        other => other,
    }
}

enum Time<'t> {
    Full(&'t str),
    /// `Feb 22 16:45:20`
    Yearless(&'t str),
}

fn recognise(text: &str) -> (TextForm, Option<Time<'_>>) {
    if text.starts_with("CEF:") {
        return (TextForm::Cef, None);
    }
    let (form, time) = match after_priority(text) {
        Some(rest) => match rest.split_once(' ') {
            Some((version, rest)) if matches!(version.as_bytes(), [b'1'..=b'9']) => {
                (TextForm::Syslog5424, rest.split(' ').next().map(Time::Full))
            }
            _ => (TextForm::Syslog3164, header_time(rest)),
        },
        None => match yearless(text) {
            Some(time) => (TextForm::Syslog3164, Some(Time::Yearless(time))),
            None => return (TextForm::Plain, None),
        },
    };
    if text.contains(" CEF:0|") || text.contains(" CEF:1|") { (TextForm::Cef, time) } else { (form, time) }
}

/// The rest of a line after `<191>`, the most that a priority can be.
fn after_priority(text: &str) -> Option<&str> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let number: u8 = if digits.len() <= 3 { digits.parse().ok()? } else { return None };
    (number <= 191).then_some(rest)
}

/// RFC 3164 asks for the year-less form; rsyslog and others write RFC 3339 in its place.
fn header_time(rest: &str) -> Option<Time<'_>> {
    match yearless(rest) {
        Some(time) => Some(Time::Yearless(time)),
        None => rest.split(' ').next().map(Time::Full),
    }
}

/// `Mmm dd hh:mm:ss` at the beginning, the day padded with a blank.
fn yearless(text: &str) -> Option<&str> {
    let time = text.get(..15)?;
    let bytes = time.as_bytes();
    let shape =
        bytes[3] == b' ' && bytes[6] == b' ' && bytes[9] == b':' && bytes[12] == b':' && bytes[0].is_ascii_uppercase();
    shape.then_some(time)
}
