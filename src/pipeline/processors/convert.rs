//! `convert`: values to Java's types, with Java's readings of text and its error texts.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::event::Value;
use crate::java::numbers;

use super::super::document::{Document, Done, Failure, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("convert", convert)];

#[derive(Clone, Copy, PartialEq)]
enum To {
    Integer,
    Long,
    Double,
    Float,
    Boolean,
    Ip,
    Text,
    Auto,
}

struct Convert {
    field: FieldPath,
    target: Option<FieldPath>,
    to: To,
    ignore_missing: bool,
}

fn convert(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let to = match options.text("type")?.to_lowercase().as_str() {
        "integer" => To::Integer,
        "long" => To::Long,
        "double" => To::Double,
        "float" => To::Float,
        "boolean" => To::Boolean,
        "ip" => To::Ip,
        "string" => To::Text,
        "auto" => To::Auto,
        _ => {
            return Err(
                options.fault("type", "must be one of integer, long, double, float, boolean, ip, string and auto")
            );
        }
    };
    Ok(Box::new(Convert {
        field: options.path("field")?,
        target: options.optional_path("target_field")?,
        to,
        ignore_missing: options.flag("ignore_missing", false)?,
    }))
}

impl Processor for Convert {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let new = match document.find(path) {
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Next),
            None => return document.get(path).map(|_| Flow::Next),
            Some(Value::Null) => {
                return Err(document.fail(format_args!(
                    "Field [{}] is null, cannot be converted to type [{}]",
                    path.text(),
                    self.to.name()
                )));
            }
            Some(Value::List(list)) => {
                let new = document.arena.list();
                for value in list.iter() {
                    new.push(self.to.turn(document, value)?);
                }
                Value::List(new)
            }
            Some(value) => self.to.turn(document, value)?,
        };
        document.set(self.target.as_ref().map_or(path, FieldPath::path), new)?;
        Ok(Flow::Next)
    }
}

impl To {
    fn name(self) -> &'static str {
        match self {
            To::Integer => "integer",
            To::Long => "long",
            To::Double => "double",
            To::Float => "float",
            To::Boolean => "boolean",
            To::Ip => "ip",
            To::Text => "string",
            To::Auto => "auto",
        }
    }

    fn turn<'a>(self, document: &Document<'a>, value: Value<'a>) -> Result<Value<'a>, Failure<'a>> {
        if let (To::Integer, Value::Int(_)) | (To::Text, Value::Str(_)) | (To::Boolean, Value::Bool(_)) = (self, &value)
        {
            return Ok(value);
        }
        if self == To::Auto {
            return Ok(match value {
                Value::Str(text) => automatic(text),
                other => other,
            });
        }
        let text = match value {
            Value::Str(text) => text,
            other => document.print(&other),
        };
        let because = |fault: numbers::NumberFault| {
            document
                .fail_because(format_args!("unable to convert [{text}] to {}", self.name()), format_args!("{fault}"))
        };
        match self {
            To::Integer => integer(text).map(Value::Int).map_err(because),
            To::Long => long(text).map(Value::Long).map_err(because),
            To::Double => numbers::parse_double(text).map(Value::Double).map_err(because),
            To::Float => numbers::parse_float(text).map(Value::Float).map_err(because),
            To::Boolean => boolean(text).ok_or_else(|| {
                document.fail(format_args!("[{text}] is not a boolean value, cannot convert to boolean"))
            }),
            To::Ip => match value {
                Value::Str(text) if is_ip(text) => Ok(value),
                _ => Err(document.fail(format_args!("[{text}] is not a valid ipv4/ipv6 address"))),
            },
            To::Text | To::Auto => Ok(Value::Str(text)),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("-0x")
}

fn integer(text: &str) -> Result<i32, numbers::NumberFault> {
    if is_hex(text) { numbers::decode_int(text) } else { numbers::parse_int(text, 10) }
}

fn long(text: &str) -> Result<i64, numbers::NumberFault> {
    if is_hex(text) { numbers::decode_long(text) } else { numbers::parse_long(text, 10) }
}

fn boolean<'a>(text: &str) -> Option<Value<'a>> {
    if text.eq_ignore_ascii_case("true") {
        Some(Value::Bool(true))
    } else if text.eq_ignore_ascii_case("false") {
        Some(Value::Bool(false))
    } else {
        None
    }
}

/// The first type that takes the text, or the text.
fn automatic(text: &str) -> Value<'_> {
    boolean(text)
        .or_else(|| integer(text).ok().map(Value::Int))
        .or_else(|| long(text).ok().map(Value::Long))
        .or_else(|| numbers::parse_float(text).ok().map(Value::Float))
        .unwrap_or(Value::Str(text))
}

/// What Elasticsearch's `InetAddresses` takes: no leading zeros, IPv6 with an embedded IPv4, and a zone.
pub fn is_ip(text: &str) -> bool {
    let address = match text.split_once('%') {
        Some((address, zone)) if address.contains(':') && !zone.is_empty() => address,
        Some(_) => return false,
        None => text,
    };
    address.parse::<Ipv4Addr>().is_ok() || address.parse::<Ipv6Addr>().is_ok()
}
