//! JSON text to events: one strict pass over everything, a tree only for the levels that are looked at.
//!
//! [`document`] checks the whole text (RFC 8259, depth, keys an object, UTF-8), builds the first level as it goes and leaves the
//! objects and lists below as text. They are parsed by [`object_level`] and [`list_level`] at the first look, which may rely on
//! valid text. Of duplicate keys the last one counts, at the first one's place; a subtree in which the check suspects duplicates
//! is written level by level and never copied as text (an index refuses documents that hold any). A `\u` escape that is half of a
//! surrogate pair becomes U+FFFD, since no UTF-8 text can hold it.

use std::collections::HashMap;

use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use thiserror::Error;

use super::arena::{Arena, Key};
use super::scan::plain_end;
use super::value::{List, Object, Value};

/// However high the caller's limit: as deep as [`super::write`] writes.
pub const NESTING_LEVELS_MAX: usize = super::write::NESTING_LEVELS_MAX;

/// Keys of one object are found by a walk over them. More would let a hostile record buy quadratic time; fewer might refuse
/// the widest records there are (indices allow 1,000 fields by default).
pub const OBJECT_KEYS_MAX: usize = 16_384;

/// Key hashes that the check remembers, over all objects that are open at one time, to tell duplicates. Past it every object
/// counts as suspect, which costs time and nothing else.
const CHECKED_KEYS_MAX: usize = 96;

/// Up to this many keys a walk finds a duplicate faster than a hash map is built.
const WALKED_KEYS_MAX: usize = 48;

#[derive(Debug, Error, PartialEq, Eq)]
#[error("{what} at byte {at}")]
pub struct ParseError {
    pub what: &'static str,
    pub at: usize,
}

/// Parses a text that is one JSON value and white space.
pub fn document<'a>(arena: &'a Arena, text: &'a [u8], nesting_levels_max: usize) -> Result<Value<'a>, ParseError> {
    let text = utf8(text)?;
    let (value, end) = text_prefix(arena, text, nesting_levels_max)?;
    let mut scanner = Scanner::new(text, end, nesting_levels_max);
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
    text_prefix(arena, utf8(text)?, nesting_levels_max)
}

/// As [`prefix`], for a text that is known to be UTF-8, so that many values in one text do not check its whole rest each time.
pub fn text_prefix<'a>(
    arena: &'a Arena,
    text: &'a str,
    nesting_levels_max: usize,
) -> Result<(Value<'a>, usize), ParseError> {
    let mut scanner = Scanner::new(text, 0, nesting_levels_max);
    scanner.white();
    let start = scanner.at;
    let value = if scanner.peek() == Some(b'{') {
        let entries = scanner.check_object_level(arena)?;
        Value::Object(arena.bump().alloc(Object::parsed(arena, &text[start..scanner.at], entries)))
    } else {
        scanner.check_value(0)?;
        scanner.checked_value(arena, start)
    };
    Ok((value, scanner.at))
}

/// The entries of a valid, whole object.
pub(super) fn object_level<'a>(arena: &'a Arena, text: &'a str, suspect: bool) -> BumpVec<'a, (Key<'a>, Value<'a>)> {
    let mut entries = BumpVec::with_capacity_in(8, arena.bump());
    let mut seen = Seen::default();
    let mut scanner = Scanner::new(text, 1, 0);
    loop {
        scanner.white();
        match scanner.peek() {
            Some(b',') => scanner.at += 1,
            Some(b'"') => {
                let key = scanner.skip_string();
                let key = arena.key(unescape(arena, key));
                scanner.white();
                scanner.at += 1; // the colon
                scanner.white();
                let start = scanner.at;
                scanner.skip_value();
                seen.put(&mut entries, key, value_of(arena, &text[start..scanner.at], suspect));
            }
            _ => return entries,
        }
    }
}

/// The items of a valid, whole list.
pub(super) fn list_level<'a>(arena: &'a Arena, text: &'a str, suspect: bool) -> BumpVec<'a, Value<'a>> {
    let mut items = BumpVec::with_capacity_in(4, arena.bump());
    items.extend(elements(arena, text, suspect));
    items
}

/// The elements of a valid JSON array one after another, each as it is asked for, so that a list of millions takes no memory.
pub(super) fn elements<'a>(arena: &'a Arena, text: &'a str, suspect: bool) -> impl Iterator<Item = Value<'a>> {
    let mut scanner = Scanner::new(text, 1, 0);
    std::iter::from_fn(move || {
        loop {
            scanner.white();
            match scanner.peek() {
                Some(b',') => scanner.at += 1,
                Some(b']') | None => return None,
                Some(_) => {
                    let start = scanner.at;
                    scanner.skip_value();
                    return Some(value_of(arena, &text[start..scanner.at], suspect));
                }
            }
        }
    })
}

/// How many members and elements a valid JSON object or list has on all its levels, give or take empty ones.
pub fn count_values(text: &str) -> usize {
    let mut scanner = Scanner::new(text, 0, 0);
    let mut count = 0;
    while let Some(byte) = scanner.peek() {
        match byte {
            b'"' => {
                scanner.skip_string();
                continue;
            }
            b'{' | b'[' | b',' => count += 1,
            _ => {}
        }
        scanner.at += 1;
    }
    count
}

fn utf8(text: &[u8]) -> Result<&str, ParseError> {
    simdutf8::basic::from_utf8(text).map_err(|_| ParseError {
        what: "invalid UTF-8",
        at: std::str::from_utf8(text).err().map_or(0, |e| e.valid_up_to()),
    })
}

/// The value of a valid JSON text, objects and lists left as text.
#[inline]
fn value_of<'a>(arena: &'a Arena, text: &'a str, suspect: bool) -> Value<'a> {
    match text.as_bytes().first() {
        Some(b'{') => Value::Object(arena.bump().alloc(Object::raw(arena, text, suspect))),
        Some(b'[') => Value::List(arena.bump().alloc(List::raw(arena, text, suspect))),
        Some(b'"') => Value::Str(unescape(arena, &text[1..text.len() - 1])),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') | None => Value::Null,
        Some(_) => Value::Number(text),
    }
}

/// The text between the quotes of a valid JSON string, without its escapes; borrowed when it has none.
#[inline]
fn unescape<'a>(arena: &'a Arena, text: &'a str) -> &'a str {
    let first = plain_end(text.as_bytes(), 0);
    if first == text.len() { text } else { unescape_from(arena, text, first) }
}

fn unescape_from<'a>(arena: &'a Arena, text: &'a str, first: usize) -> &'a str {
    let mut out = BumpString::with_capacity_in(text.len(), arena.bump());
    let mut rest = text;
    let mut escape = first;
    while escape < rest.len() {
        out.push_str(&rest[..escape]);
        let (plain, used) = match rest.as_bytes().get(escape + 1) {
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'u') => unescape_unicode(&rest[escape..]),
            Some(other) => (char::from(*other), 2),
            None => break,
        };
        out.push(plain);
        rest = &rest[escape + used..];
        escape = plain_end(rest.as_bytes(), 0);
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

/// Keeps the keys of one object apart: a walk while they are few, a map once they are many. The map's hash has a secret, because whoever
/// writes the payload chooses the keys.
#[derive(Default)]
struct Seen<'a> {
    places: HashMap<&'a str, usize>,
}

impl<'a> Seen<'a> {
    #[inline]
    fn put(&mut self, entries: &mut BumpVec<'a, (Key<'a>, Value<'a>)>, key: Key<'a>, value: Value<'a>) {
        let place = if entries.len() < WALKED_KEYS_MAX {
            entries.iter().position(|(k, _)| k.same(&key))
        } else {
            if self.places.is_empty() {
                self.places.extend(entries.iter().enumerate().map(|(place, (key, _))| (key.text, place)));
            }
            let next = entries.len();
            let place = *self.places.entry(key.text).or_insert(next);
            (place < next).then_some(place)
        };
        match place.and_then(|place| entries.get_mut(place)) {
            Some((_, old)) => *old = value,
            None => entries.push((key, value)),
        }
    }
}

/// Equal for equal keys, and cheap: length, beginning, middle and end.
#[inline]
fn key_hash(key: &[u8]) -> u32 {
    let word =
        |from: usize| key.get(from..from + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let length = key.len();
    if length >= 4 {
        let mixed = word(0) ^ word(length / 2 - 2).rotate_left(11) ^ word(length - 4).rotate_left(22);
        mixed.wrapping_mul(0x9E37_79B1) ^ length as u32
    } else {
        key.iter().fold(length as u32, |hash, byte| hash << 8 | u32::from(*byte))
    }
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nesting_levels_max: usize,
    hashes: [u32; CHECKED_KEYS_MAX],
    hashes_used: usize,
    /// The value being checked may hold duplicate keys.
    suspicious: bool,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str, at: usize, nesting_levels_max: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at,
            nesting_levels_max: nesting_levels_max.min(NESTING_LEVELS_MAX),
            hashes: [0; CHECKED_KEYS_MAX],
            hashes_used: 0,
            suspicious: false,
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[cold]
    fn fault(&self, what: &'static str) -> ParseError {
        ParseError {
            what: if self.at >= self.bytes.len() { "the JSON text ends too early" } else { what },
            at: self.at,
        }
    }

    #[inline]
    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over one value, checking it. Recursion is bounded by the nesting limit.
    fn check_value(&mut self, depth: usize) -> Result<(), ParseError> {
        match self.peek() {
            Some(b'"') => self.check_string(),
            Some(b'{') => self.check_object(depth),
            Some(b'[') => self.check_list(depth),
            Some(b't') => self.check_word(b"true"),
            Some(b'f') => self.check_word(b"false"),
            Some(b'n') => self.check_word(b"null"),
            Some(b'-' | b'0'..=b'9') => self.check_number(),
            _ => Err(self.fault("no JSON value")),
        }
    }

    /// Steps into an object or list: past its first byte and the white space behind it.
    #[inline]
    fn open(&mut self, depth: usize) -> Result<(), ParseError> {
        if depth >= self.nesting_levels_max {
            return Err(self.fault("nested too deep"));
        }
        self.at += 1;
        self.white();
        Ok(())
    }

    /// Steps over what must follow a member: true for a comma, false for the closing byte.
    #[inline]
    fn more(&mut self, closing: u8) -> Result<bool, ParseError> {
        self.white();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.white();
                Ok(true)
            }
            Some(byte) if byte == closing => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.fault("neither a comma nor the end of the object or list")),
        }
    }

    /// Steps over an object, building its entries.
    fn check_object_level<'a>(&mut self, arena: &'a Arena) -> Result<BumpVec<'a, (Key<'a>, Value<'a>)>, ParseError>
    where
        't: 'a,
    {
        let mut entries = BumpVec::with_capacity_in(32, arena.bump());
        let mut seen = Seen::default();
        self.open(0)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(entries);
        }
        loop {
            let key = self.check_key()?;
            let key = arena.key(unescape(arena, key));
            let start = self.at;
            self.check_value(1)?;
            seen.put(&mut entries, key, self.checked_value(arena, start));
            if entries.len() > OBJECT_KEYS_MAX {
                return Err(self.fault("too many keys in one object"));
            }
            if !self.more(b'}')? {
                return Ok(entries);
            }
        }
    }

    fn check_object(&mut self, depth: usize) -> Result<(), ParseError> {
        self.open(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let first_hash = self.hashes_used;
        let mut keys = 0;
        loop {
            let key = self.check_key()?;
            self.suspect(first_hash, key);
            self.check_value(depth + 1)?;
            keys += 1;
            if keys > OBJECT_KEYS_MAX {
                return Err(self.fault("too many keys in one object"));
            }
            if !self.more(b'}')? {
                self.hashes_used = first_hash;
                return Ok(());
            }
        }
    }

    /// Notes a key of the object whose hashes begin at `first_hash`, and whether the object may have had it before.
    #[inline]
    fn suspect(&mut self, first_hash: usize, key: &str) {
        let hash = key_hash(key.as_bytes());
        let known = self.hashes.get(first_hash..self.hashes_used).unwrap_or_default();
        if known.contains(&hash) {
            self.suspicious = true;
        }
        match self.hashes.get_mut(self.hashes_used) {
            Some(slot) => {
                *slot = hash;
                self.hashes_used += 1;
            }
            None => self.suspicious = true,
        }
    }

    /// The value that was just checked, from `start` to here.
    #[inline]
    fn checked_value<'a>(&mut self, arena: &'a Arena, start: usize) -> Value<'a>
    where
        't: 'a,
    {
        let text = self.text;
        value_of(arena, &text[start..self.at], std::mem::take(&mut self.suspicious))
    }

    fn check_list(&mut self, depth: usize) -> Result<(), ParseError> {
        self.open(depth)?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.check_value(depth + 1)?;
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Steps over a key, its colon and the white space behind; gives the text between the quotes.
    #[inline]
    fn check_key(&mut self) -> Result<&'t str, ParseError> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("no key in quotes"));
        }
        let start = self.at + 1;
        self.check_string()?;
        let key = &self.text[start..self.at - 1];
        self.white();
        if self.peek() != Some(b':') {
            return Err(self.fault("no colon after the key"));
        }
        self.at += 1;
        self.white();
        Ok(key)
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
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.check_digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.check_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.check_digits()?;
        }
        Ok(())
    }

    fn check_digits(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault("a digit is missing")) } else { Ok(()) }
    }

    #[inline]
    fn check_string(&mut self) -> Result<(), ParseError> {
        self.at = plain_end(self.bytes, self.at + 1);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(());
        }
        self.check_string_rest()
    }

    /// From the first byte of a string that is not plain.
    fn check_string_rest(&mut self) -> Result<(), ParseError> {
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
                    self.at = plain_end(self.bytes, self.at);
                }
                _ => return Err(self.fault("a control character inside a string")),
            }
        }
    }

    /// Steps over a string of valid text; gives what is between the quotes.
    #[inline]
    fn skip_string(&mut self) -> &'t str {
        let start = self.at + 1;
        self.at = plain_end(self.bytes, start);
        while self.peek() == Some(b'\\') {
            self.at = plain_end(self.bytes, self.at + 2);
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        self.at += 1;
        text
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
            (r#"{"a":{"b":1,"c":2,"b":3},"d":[{"e":{"f":1,"f":[]}}]}"#, r#"{"a":{"b":3,"c":2},"d":[{"e":{"f":[]}}]}"#),
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
        let many = (0..=OBJECT_KEYS_MAX).map(|n| format!("\"{n}\":{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(round(&format!("{{{many}}}")).map_err(|e| e.what), Err("too many keys in one object"));
    }

    #[test]
    fn values_are_counted_on_all_levels() {
        for (text, count) in [(r#"{"a":1,"b":"x,y{[\",","c":[1,2,{"d":3}]}"#, 7), ("[1,[2,3],4]", 5), ("{}", 1)] {
            assert_eq!(count_values(text), count, "{text}");
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
