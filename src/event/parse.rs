//! JSON text to events: one strict pass over everything, a tree only for the level that is looked at.
//!
//! [`document`] checks the whole text (RFC 8259, depth, UTF-8) and leaves objects and lists as text; they are parsed by
//! [`object_level`] and [`list_level`] at the first look, which may therefore rely on valid text. Of duplicate keys the last one
//! counts. A `\u` escape that is half of a surrogate pair becomes U+FFFD, since no UTF-8 text can hold it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use thiserror::Error;

use super::arena::{Arena, Key};
use super::value::{List, Object, Value};

/// Up to this many members a duplicate key is searched for one by one, which is faster than to hash.
const SEARCHED_MEMBERS_MAX: usize = 64;

#[derive(Debug, Error, PartialEq, Eq)]
#[error("{what} at byte {at}")]
pub struct ParseError {
    pub what: &'static str,
    pub at: usize,
}

/// Parses a text that is one JSON value and white space.
pub fn document<'a>(arena: &'a Arena, text: &'a [u8], nesting_levels_max: usize) -> Result<Value<'a>, ParseError> {
    let (value, end) = prefix(arena, text, nesting_levels_max)?;
    let mut scanner = Scanner { bytes: text, at: end };
    scanner.white();
    match scanner.peek() {
        None => Ok(value),
        Some(_) => Err(scanner.fault("text after the JSON value")),
    }
}

/// Parses the JSON value that `text` begins with and tells where it ends: for values written one after another.
pub fn prefix<'a>(
    arena: &'a Arena,
    text: &'a [u8],
    nesting_levels_max: usize,
) -> Result<(Value<'a>, usize), ParseError> {
    let valid = std::str::from_utf8(text).map_err(|e| ParseError { what: "invalid UTF-8", at: e.valid_up_to() })?;
    text_prefix(arena, valid, nesting_levels_max)
}

/// As [`prefix`], for a text that is known to be UTF-8, so that many values in one text do not check its whole rest each time.
pub fn text_prefix<'a>(
    arena: &'a Arena,
    text: &'a str,
    nesting_levels_max: usize,
) -> Result<(Value<'a>, usize), ParseError> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.white();
    let start = scanner.at;
    scanner.check_value(nesting_levels_max)?;
    let end = scanner.at;
    Ok((value_of(arena, &text[start..end]), end))
}

/// The value of a valid JSON text, objects and lists left as text.
fn value_of<'a>(arena: &'a Arena, text: &'a str) -> Value<'a> {
    match text.as_bytes().first() {
        Some(b'{') => Value::Object(arena.bump().alloc(Object::raw(arena, text))),
        Some(b'[') => Value::List(arena.bump().alloc(List::raw(arena, text))),
        Some(b'"') => Value::Str(unescape(arena, &text[1..text.len() - 1])),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') | None => Value::Null,
        Some(_) => Value::Number(text),
    }
}

/// The elements of a valid JSON array one after another, each as it is asked for, so that a list of millions takes no memory.
pub(super) fn elements<'a>(arena: &'a Arena, text: &'a str) -> impl Iterator<Item = Value<'a>> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 1 };
    std::iter::from_fn(move || {
        loop {
            scanner.white();
            match scanner.peek() {
                Some(b',') => scanner.at += 1,
                Some(b']') | None => return None,
                Some(_) => {
                    let start = scanner.at;
                    scanner.skip_value();
                    return Some(value_of(arena, &text[start..scanner.at]));
                }
            }
        }
    })
}

/// How many members and elements the first `levels` levels of a valid JSON object or list have, give or take empty ones.
pub fn count_values(text: &str, levels: usize) -> usize {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    let (mut open, mut count) = (0usize, 1);
    while let Some(byte) = scanner.peek() {
        match byte {
            b'"' => {
                scanner.skip_string();
                continue;
            }
            b'{' | b'[' => {
                open += 1;
                count += usize::from(open > 1 && open <= levels);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            b',' => count += usize::from(open <= levels),
            _ => {}
        }
        scanner.at += 1;
    }
    count
}

pub(super) fn object_level<'a>(arena: &'a Arena, text: &'a str) -> BumpVec<'a, (Key<'a>, Value<'a>)> {
    let mut entries: BumpVec<'a, (Key<'a>, Value<'a>)> = BumpVec::with_capacity_in(16, arena.bump());
    // Only for objects with many members: a search per member would be quadratic, and whoever writes the payload chooses how many.
    let mut places: HashMap<&'a str, usize> = HashMap::new();
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 1 };
    loop {
        scanner.white();
        match scanner.peek() {
            Some(b',') => scanner.at += 1,
            Some(b'"') => {
                let start = scanner.at + 1;
                scanner.skip_string();
                let key = arena.key(unescape(arena, &text[start..scanner.at - 1]));
                scanner.white();
                scanner.at += 1; // the colon
                scanner.white();
                let start = scanner.at;
                scanner.skip_value();
                let value = value_of(arena, &text[start..scanner.at]);
                if entries.len() < SEARCHED_MEMBERS_MAX {
                    match entries.iter_mut().find(|(k, _)| k.same(&key)) {
                        Some((_, old)) => *old = value,
                        None => entries.push((key, value)),
                    }
                    continue;
                }
                if places.is_empty() {
                    places.extend(entries.iter().enumerate().map(|(place, (key, _))| (key.text, place)));
                }
                match places.entry(key.text) {
                    Entry::Occupied(place) => entries[*place.get()].1 = value,
                    Entry::Vacant(place) => {
                        place.insert(entries.len());
                        entries.push((key, value));
                    }
                }
            }
            _ => return entries,
        }
    }
}

pub(super) fn list_level<'a>(arena: &'a Arena, text: &'a str) -> BumpVec<'a, Value<'a>> {
    let mut items = BumpVec::with_capacity_in(8, arena.bump());
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 1 };
    loop {
        scanner.white();
        match scanner.peek() {
            Some(b',') => scanner.at += 1,
            Some(b']') | None => return items,
            Some(_) => {
                let start = scanner.at;
                scanner.skip_value();
                items.push(value_of(arena, &text[start..scanner.at]));
            }
        }
    }
}

/// The text between the quotes of a valid JSON string, without its escapes; borrowed when it has none.
fn unescape<'a>(arena: &'a Arena, text: &'a str) -> &'a str {
    let Some(first) = memchr::memchr(b'\\', text.as_bytes()) else { return text };
    let mut out = BumpString::with_capacity_in(text.len(), arena.bump());
    let mut rest = text;
    let mut at = Some(first);
    while let Some(escape) = at {
        out.push_str(&rest[..escape]);
        let (plain, used) = match rest.as_bytes()[escape + 1] {
            b'n' => ('\n', 2),
            b't' => ('\t', 2),
            b'r' => ('\r', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'u' => unescape_unicode(&rest[escape..]),
            other => (char::from(other), 2),
        };
        out.push(plain);
        rest = &rest[escape + used..];
        at = memchr::memchr(b'\\', rest.as_bytes());
    }
    out.push_str(rest);
    out.into_bump_str()
}

fn unescape_unicode(text: &str) -> (char, usize) {
    let unit = |from: usize| text.get(from + 2..from + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(high) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if (0xD800..0xDC00).contains(&high)
        && text[6..].starts_with("\\u")
        && let Some(low) = unit(6)
        && (0xDC00..0xE000).contains(&low)
    {
        let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault(&self, what: &'static str) -> ParseError {
        ParseError {
            what: if self.at >= self.bytes.len() { "the JSON text ends too early" } else { what },
            at: self.at,
        }
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over one value, checking it; without recursion, so that depth costs a byte a level.
    fn check_value(&mut self, nesting_levels_max: usize) -> Result<(), ParseError> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            // At the start of a value.
            self.white();
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.white();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                    } else {
                        if open.len() >= nesting_levels_max {
                            return Err(self.fault("nested too deep"));
                        }
                        open.push(b'{');
                        self.check_key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.white();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                    } else {
                        if open.len() >= nesting_levels_max {
                            return Err(self.fault("nested too deep"));
                        }
                        open.push(b'[');
                        continue;
                    }
                }
                Some(b'"') => self.check_string()?,
                Some(b't') => self.check_word(b"true")?,
                Some(b'f') => self.check_word(b"false")?,
                Some(b'n') => self.check_word(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.check_number()?,
                _ => return Err(self.fault("no JSON value")),
            }
            // After a value: close what ends here.
            loop {
                let Some(container) = open.last() else { return Ok(()) };
                self.white();
                match (container, self.peek()) {
                    (b'{', Some(b',')) => {
                        self.at += 1;
                        self.white();
                        self.check_key()?;
                        break;
                    }
                    (b'[', Some(b',')) => {
                        self.at += 1;
                        break;
                    }
                    (b'{', Some(b'}')) | (b'[', Some(b']')) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.fault("neither a comma nor the end of the object or list")),
                }
            }
        }
    }

    fn check_key(&mut self) -> Result<(), ParseError> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("no key in quotes"));
        }
        self.check_string()?;
        self.white();
        if self.peek() != Some(b':') {
            return Err(self.fault("no colon after the key"));
        }
        self.at += 1;
        Ok(())
    }

    fn check_word(&mut self, word: &[u8]) -> Result<(), ParseError> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.fault("no JSON value"))
        }
    }

    fn check_number(&mut self) -> Result<(), ParseError> {
        let digits = |scanner: &mut Self| {
            let start = scanner.at;
            while matches!(scanner.peek(), Some(b'0'..=b'9')) {
                scanner.at += 1;
            }
            if scanner.at == start { Err(scanner.fault("a digit is missing")) } else { Ok(()) }
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            digits(self)?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            digits(self)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            digits(self)?;
        }
        Ok(())
    }

    fn check_string(&mut self) -> Result<(), ParseError> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            let hex = self.bytes.get(self.at + 1..self.at + 5);
                            if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                                return Err(self.fault("an escape with other than four hexadecimal digits"));
                            }
                            self.at += 5;
                        }
                        _ => return Err(self.fault("an unknown escape")),
                    }
                }
                Some(0..0x20) => return Err(self.fault("a control character inside a string")),
                Some(_) => self.at += 1,
                None => return Err(self.fault("")),
            }
        }
    }

    /// Steps over a string of valid text.
    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(found) = memchr::memchr2(b'"', b'\\', &self.bytes[self.at..]) {
            self.at += found + 1;
            if self.bytes[self.at - 1] == b'"' {
                return;
            }
            self.at += 1;
        }
        self.at = self.bytes.len();
    }

    /// Steps over a value of valid text.
    fn skip_value(&mut self) {
        let mut open = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.skip_string();
                    if open == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' if open == 0 => return,
                b'}' | b']' => {
                    open -= 1;
                    if open == 0 {
                        self.at += 1;
                        return;
                    }
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' if open == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Symbols, write};
    use super::*;

    fn round(text: &str) -> Result<String, ParseError> {
        let arena = Arena::new(Arc::new(Symbols::new()));
        let value = document(&arena, text.as_bytes(), 128)?;
        if let Value::Object(object) = value {
            // One look, so that the first level is written from the tree.
            object.len();
        }
        Ok(write::to_string(&value))
    }

    #[test]
    fn text_survives_a_look() {
        for (text, written) in [
            (r#"{"a":1.10,"b":[1,2,{"c":null}],"d":{"e":"f"}}"#, r#"{"a":1.10,"b":[1,2,{"c":null}],"d":{"e":"f"}}"#),
            (r#" { "a" : 18446744073709551616 , "a" : 1E400 } "#, r#"{"a":1E400}"#),
            (
                r#"{"a\n\"":"\u00e9\ud83d\ude00\ud800","b":"\u0001\/"}"#,
                "{\"a\\n\\\"\":\"é😀\u{fffd}\",\"b\":\"\\u0001/\"}",
            ),
            ("{\"a\":{\n\"b\":1\n}}", r#"{"a":{ "b":1 }}"#),
        ] {
            assert_eq!(round(text).as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn the_last_of_duplicate_keys_counts_however_many_there_are() {
        let members = |value: u32| (0..200).map(|n| format!("\"k{n}\":{value}")).collect::<Vec<_>>().join(",");
        assert_eq!(round(&format!("{{{},{}}}", members(1), members(2))), Ok(format!("{{{}}}", members(2))));
        // A search for each would take hours.
        let many = (0..1_000_000).map(|n| format!("\"{n}\":{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(round(&format!("{{{many}}}")), Ok(format!("{{{many}}}")));
    }

    #[test]
    fn values_are_counted_as_deep_as_asked() {
        for (text, levels, count) in [
            (r#"{"a":1,"b":"x,y{[","c":[1,2,{"d":3}]}"#, 1, 3),
            (r#"{"a":1,"b":"x,y{[","c":[1,2,{"d":3}]}"#, usize::MAX, 7),
            (r#"[1,[2,3],4]"#, 1, 3),
        ] {
            assert_eq!(count_values(text, levels), count, "{text} to level {levels}");
        }
    }

    #[test]
    fn faults_are_named_with_their_place() {
        for (text, what, at) in [
            ("", "the JSON text ends too early", 0),
            (r#"{"a":}"#, "no JSON value", 5),
            (r#"{"a":1"#, "the JSON text ends too early", 6),
            (r#"{"a":1}x"#, "text after the JSON value", 7),
            (r#"{"a":01}"#, "neither a comma nor the end of the object or list", 6),
            (r#"{"a":"\q"}"#, "an unknown escape", 7),
            (r#"[1,]"#, "no JSON value", 3),
            ("[\"a\nb\"]", "a control character inside a string", 3),
        ] {
            assert_eq!(round(text), Err(ParseError { what, at }), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(round(&deep).map_err(|e| e.what), Err("nested too deep"));
    }
}
