//! Events to JSON text, straight into the bulk body.
//!
//! Text that nobody looked at is copied as it came; numbers of the payload keep their text; Java's number types are written as Jackson writes them.

use super::scan::plain_end;
use super::value::Value;

/// How deep a document may be when it is written. Painless can tie a map into itself; past this depth `null` is written.
pub const NESTING_LEVELS_MAX: usize = 256;

pub fn to_string(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    // The writer copies only `str`s and ASCII.
    String::from_utf8(out).unwrap_or_default()
}

pub fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    write_at(value, out, 0);
}

fn write_at(value: &Value<'_>, out: &mut Vec<u8>, depth: usize) {
    match value {
        // No Java object outlives the script that made it.
        Value::Null | Value::Java(_) => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(text) => out.extend_from_slice(text.as_bytes()),
        Value::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
        Value::Long(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
        Value::Float(n) if n.is_finite() => out.extend_from_slice(ryu::Buffer::new().format_finite(*n).as_bytes()),
        Value::Double(n) if n.is_finite() => out.extend_from_slice(ryu::Buffer::new().format_finite(*n).as_bytes()),
        // Jackson writes a not-a-number as a string.
        Value::Float(n) => write_string(not_finite(f64::from(*n)), out),
        Value::Double(n) => write_string(not_finite(*n), out),
        Value::Str(text) => write_string(text, out),
        Value::List(_) | Value::Object(_) if depth >= NESTING_LEVELS_MAX => out.extend_from_slice(b"null"),
        Value::List(list) => {
            if let Some(raw) = list.raw_text() {
                return write_raw(raw, out);
            }
            out.push(b'[');
            list.with_items(|items| {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_at(item, out, depth + 1);
                }
            });
            out.push(b']');
        }
        Value::Object(object) => {
            if let Some(raw) = object.raw_text() {
                return write_raw(raw, out);
            }
            out.push(b'{');
            object.with_entries(|entries| {
                for (index, (key, item)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(key.text, out);
                    out.push(b':');
                    write_at(item, out, depth + 1);
                }
            });
            out.push(b'}');
        }
    }
}

fn not_finite(n: f64) -> &'static str {
    if n.is_nan() {
        "NaN"
    } else if n > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A line break may stand between tokens of a pretty-printed payload, and never inside a string; it would end the bulk line.
fn write_raw(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        out.extend_from_slice(&rest[..at]);
        out.push(b' ');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Writes a JSON string with the escapes that RFC 8259 section 7 demands and no others.
#[inline]
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let plain = plain_end(bytes, 0);
    out.extend_from_slice(&bytes[..plain]);
    if plain < bytes.len() {
        write_escaped(&bytes[plain..], out);
    }
    out.push(b'"');
}

/// What follows the first byte of a string that must be escaped.
fn write_escaped(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
        let plain = plain_end(after, 0);
        out.extend_from_slice(&after[..plain]);
        rest = &after[plain..];
    }
}
