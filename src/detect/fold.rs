//! How values are compared: letters without case, numbers by their value, and a value's text.
//!
//! Folding is context-free (each character by itself), because a rule's part of a word must fold as the same letters do inside
//! a longer value; that is why `str::to_lowercase`, which knows a final sigma, is not used. The two characters beyond ASCII that
//! regular expressions hold equal to an ASCII letter (the long s and the Kelvin sign) fold to that letter, so that a folded literal is a
//! safe prefilter for a case-insensitive expression.

use crate::event::{Arena, Value};

/// Appends `text` without case to `out`.
pub fn fold_into(text: &str, out: &mut String) {
    let start = out.len();
    if text.is_ascii() {
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
        return;
    }
    for c in text.chars() {
        match c {
            'ſ' => out.push('s'),
            _ => out.extend(c.to_lowercase()),
        }
    }
}

pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// A number by its value: whole numbers exactly, so that two ids past 2^53 that differ in the last digit are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Number {
    Int(i64),
    /// The bits of a float that is no whole number or too large for `Int`.
    Float(u64),
}

impl Number {
    pub fn from_f64(n: f64) -> Option<Number> {
        if n.is_nan() {
            return None;
        }
        // 2^63 is exact as a float; anything whole below it converts without loss.
        if n.fract() == 0.0 && n.abs() < 9_223_372_036_854_775_808.0 {
            return Some(Number::Int(n as i64));
        }
        Some(Number::Float(n.to_bits()))
    }

    pub fn parse(text: &str) -> Option<Number> {
        // Most values are no numbers: one look at the first byte spares the parsers.
        if !matches!(text.as_bytes().first(), Some(b'0'..=b'9' | b'+' | b'-' | b'.')) {
            return None;
        }
        if let Ok(n) = text.parse::<i64>() {
            return Some(Number::Int(n));
        }
        text.parse::<f64>().ok().and_then(Number::from_f64)
    }

    pub fn of(value: &Value<'_>) -> Option<Number> {
        match value {
            Value::Number(text) | Value::Str(text) => Number::parse(text),
            Value::Int(n) => Some(Number::Int(i64::from(*n))),
            Value::Long(n) => Some(Number::Int(*n)),
            Value::Float(n) => Number::from_f64(f64::from(*n)),
            Value::Double(n) => Number::from_f64(*n),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) | Value::Java(_) => None,
        }
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(n) => n as f64,
            Number::Float(bits) => f64::from_bits(bits),
        }
    }
}

/// The text of a scalar; null, lists and objects have none. A number made by a pipeline is written into the arena.
pub fn text_of<'a>(value: &Value<'a>, arena: &'a Arena) -> Option<&'a str> {
    match value {
        Value::Str(text) | Value::Number(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Int(n) => Some(arena.str(itoa::Buffer::new().format(*n))),
        Value::Long(n) => Some(arena.str(itoa::Buffer::new().format(*n))),
        Value::Float(n) => Some(arena.str(&n.to_string())),
        Value::Double(n) => Some(arena.str(&n.to_string())),
        Value::Null | Value::List(_) | Value::Object(_) | Value::Java(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_fold_alike_wherever_they_stand() {
        for (a, b) in [("CMD.exe", "cmd.EXE"), ("ΟΔΟΣ", "οδοσ"), ("Straſe", "STRASE"), ("ÄÖ", "äö"), ("\u{212a}", "k")]
        {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_ne!(fold("a"), fold("ä"));
    }

    #[test]
    fn numbers_are_equal_by_value() {
        for (a, b, same) in [
            ("4624", "4624.0", true),
            ("1e3", "1000", true),
            ("+5", "5", true),
            ("9007199254740993", "9007199254740992", false),
            ("0.5", ".5", true),
            ("-0", "0", true),
            ("-0.0", "0", true),
        ] {
            assert_eq!(Number::parse(a) == Number::parse(b), same, "{a} {b}");
        }
        for text in ["", "x", "0x10", "nan", "inf", " 1", "1 "] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }
}
