//! `String` and what it shares with other texts. Positions count UTF-16 units, as in Java.

use super::{Args, Name, int, object, text};
use crate::event::Value;
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::regex;
use crate::painless::types::Type;
use crate::painless::value::{Held, Java, compare_str, thing};

pub(super) fn call<'a>(m: &mut Machine<'a>, s: &'a str, name: Name, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    let receiver = Value::Str(s);
    Ok(match (name, args) {
        (Name::contains, [part]) => Value::Bool(s.contains(text(m, part)?)),
        (Name::startsWith, [prefix]) => Value::Bool(s.starts_with(text(m, prefix)?)),
        (Name::startsWith, [prefix, from]) => {
            let (prefix, from) = (text(m, prefix)?, int(m, from)?);
            let rest = usize::try_from(from).ok().and_then(|from| byte_of(s, from)).and_then(|at| s.get(at..));
            Value::Bool(rest.is_some_and(|rest| rest.starts_with(prefix)))
        }
        (Name::endsWith, [suffix]) => Value::Bool(s.ends_with(text(m, suffix)?)),
        (Name::toLowerCase, [] | [_]) => lower(m, s)?,
        (Name::toUpperCase, [] | [_]) => upper(m, s)?,
        (Name::isEmpty, []) => Value::Bool(s.is_empty()),
        (Name::length, []) => Value::Int(units(s) as i32),
        (Name::equals, [other]) => Value::Bool(other.as_str() == Some(s)),
        (Name::equalsIgnoreCase, [other]) => {
            Value::Bool(matches!(other, Value::Str(other) if same_ignoring_case(s, other)))
        }
        (Name::trim, []) => Value::Str(s.trim_matches(|c: char| c <= ' ')),
        (Name::substring, [from]) => {
            let from = int(m, from)?;
            Value::Str(m.slice(s, from, units(s) as i32)?)
        }
        (Name::substring | Name::subSequence, [from, to]) => {
            let (from, to) = (int(m, from)?, int(m, to)?);
            Value::Str(m.slice(s, from, to)?)
        }
        (Name::indexOf, [part]) => {
            let part = text(m, part)?;
            Value::Int(s.find(part).map_or(-1, |at| unit_of(s, at)))
        }
        (Name::indexOf, [part, from]) => {
            let (part, from) = (text(m, part)?, int(m, from)?.max(0));
            let start = byte_of(s, from as usize).unwrap_or(s.len());
            let found = s.get(start..).and_then(|rest| rest.find(part)).map(|at| at + start);
            Value::Int(found.map_or(-1, |at| unit_of(s, at)))
        }
        (Name::lastIndexOf, [part]) => {
            let part = text(m, part)?;
            Value::Int(s.rfind(part).map_or(-1, |at| unit_of(s, at)))
        }
        (Name::lastIndexOf, [part, from]) => {
            let (part, from) = (text(m, part)?, int(m, from)?);
            let end = usize::try_from(from)
                .ok()
                .map(|from| byte_of(s, from).unwrap_or(s.len()).saturating_add(part.len()).min(s.len()));
            let found = end
                .and_then(|end| s.as_bytes().get(..end))
                .and_then(|head| memchr::memmem::rfind(head, part.as_bytes()));
            Value::Int(found.map_or(-1, |at| unit_of(s, at)))
        }
        (Name::charAt, [at]) => {
            let at = int(m, at)?;
            Value::Java(Java::Char(unit_at(s, at).ok_or_else(|| out_of_bounds("Index", at, s))?))
        }
        (Name::replace, [from, to]) => {
            let (from, to) = (text_or_char(m, from)?, text_or_char(m, to)?);
            replace(m, s, from, to)?
        }
        (Name::chars | Name::codePoints, []) => {
            let items: Vec<_> = if name == Name::chars {
                s.encode_utf16().map(|unit| Value::Int(i32::from(unit))).collect()
            } else {
                s.chars().map(|c| Value::Int(c as i32)).collect()
            };
            super::stream::new(m, Class::IntStream, items)
        }
        (Name::replaceAll | Name::replaceFirst, [pattern, function]) => {
            regex::replace_with(m, s, name, pattern, *function)?
        }
        (Name::encodeBase64 | Name::decodeBase64 | Name::sha1 | Name::sha256 | Name::sha512, []) => {
            super::util::digest(m, s, name)?
        }
        (Name::splitOnToken, [token]) => split_on(m, s, token, -1)?,
        (Name::splitOnToken, [token, limit]) => {
            let limit = int(m, limit)?;
            split_on(m, s, token, limit)?
        }
        (Name::concat, [other]) => {
            let other = text(m, other)?;
            return m.concat(receiver, Value::Str(other));
        }
        (Name::compareTo, [other]) => {
            let other = text(m, other)?;
            Value::Int(difference(s, other))
        }
        (Name::compareToIgnoreCase, [other]) => {
            let other = text(m, other)?;
            Value::Int(difference(&fold(s), &fold(other)))
        }
        (Name::contentEquals, [other]) => Value::Bool(text(m, other)? == s),
        (Name::toString, []) => receiver,
        (Name::toCharArray, []) => {
            let list = m.arena.list();
            for unit in s.encode_utf16() {
                m.step(1)?;
                list.push(Value::Java(Java::Char(unit)));
            }
            thing(m.arena, Held::Array { element: Type::CHAR, list })
        }
        (Name::codePointAt, [at]) => {
            let at = int(m, at)?;
            Value::Int(code_point_at(s, at).ok_or_else(|| out_of_bounds("Index", at, s))?)
        }
        (Name::codePointBefore, [at]) => {
            let at = int(m, at)?;
            let before = usize::try_from(at - 1).ok().and_then(|before| {
                let units: Vec<u16> = s.encode_utf16().take(before + 1).collect();
                if units.len() <= before {
                    return None;
                }
                char::decode_utf16(units)
                    .last()
                    .map(|c| c.map_or_else(|e| i32::from(e.unpaired_surrogate()), |c| c as i32))
            });
            Value::Int(before.ok_or_else(|| out_of_bounds("Index", at, s))?)
        }
        (Name::codePointCount, [from, to]) => {
            let (from, to) = (int(m, from)?, int(m, to)?);
            Value::Int(m.slice(s, from, to)?.chars().count() as i32)
        }
        (Name::offsetByCodePoints, [from, by]) => {
            let (from, by) = (int(m, from)?, int(m, by)?);
            Value::Int(offset_by(s, from, by).ok_or_else(|| throw_bare(error::Class::IndexOutOfBounds))?)
        }
        (Name::regionMatches, [at, other, from, len]) => region(m, s, false, at, other, from, len)?,
        (Name::regionMatches, [ignore, at, other, from, len]) => {
            region(m, s, matches!(ignore, Value::Bool(true)), at, other, from, len)?
        }
        _ => return object(m, receiver, name, args),
    })
}

pub(super) fn units(s: &str) -> usize {
    if s.is_ascii() { s.len() } else { s.encode_utf16().count() }
}

/// The byte at which the UTF-16 unit of that number begins. The middle of a pair counts as its end.
pub(in crate::painless) fn byte_of(s: &str, unit: usize) -> Option<usize> {
    if s.is_ascii() {
        return (unit <= s.len()).then_some(unit);
    }
    let mut count = 0;
    for (at, c) in s.char_indices() {
        if count >= unit {
            return Some(at);
        }
        count += c.len_utf16();
    }
    (count >= unit).then_some(s.len())
}

pub(in crate::painless) fn unit_of(s: &str, byte: usize) -> i32 {
    let head = s.get(..byte).unwrap_or(s);
    units(head) as i32
}

pub(super) fn unit_at(s: &str, at: i32) -> Option<u16> {
    let at = usize::try_from(at).ok()?;
    if s.is_ascii() { s.as_bytes().get(at).map(|b| u16::from(*b)) } else { s.encode_utf16().nth(at) }
}

pub(super) fn code_point_at(s: &str, at: i32) -> Option<i32> {
    let at = usize::try_from(at).ok()?;
    let units: Vec<u16> = s.encode_utf16().skip(at).take(2).collect();
    char::decode_utf16(units).next().map(|c| c.map_or_else(|e| i32::from(e.unpaired_surrogate()), |c| c as i32))
}

fn offset_by(s: &str, from: i32, by: i32) -> Option<i32> {
    let byte = byte_of(s, usize::try_from(from).ok()?)?;
    let count = by.unsigned_abs() as usize;
    let target = if by >= 0 {
        let rest = s.get(byte..)?;
        let moved: Vec<usize> = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).collect();
        byte + moved.get(count)?
    } else {
        let head = s.get(..byte)?;
        head.char_indices().rev().nth(count - 1)?.0
    };
    Some(unit_of(s, target))
}

#[cold]
pub(super) fn out_of_bounds(what: &str, at: i32, s: &str) -> Throw {
    let class = if what == "Index" { error::Class::StringIndex } else { error::Class::IndexOutOfBounds };
    throw(class, format!("{what} {at} out of bounds for length {}", units(s)))
}

impl<'a> Machine<'a> {
    /// `substring`: a borrowed part.
    pub(super) fn slice(&mut self, s: &'a str, from: i32, to: i32) -> Result<&'a str, Throw> {
        let place = |unit: i32| usize::try_from(unit).ok().and_then(|unit| byte_of(s, unit));
        match (place(from), place(to)) {
            (Some(start), Some(end)) if from <= to => Ok(s.get(start..end).unwrap_or_default()),
            _ => {
                let message = format!("begin {from}, end {to}, length {}", units(s));
                Err(throw(error::Class::StringIndex, message))
            }
        }
    }
}

/// Java's `String.compareTo`: the difference of the first units that differ, else of the lengths.
fn difference(a: &str, b: &str) -> i32 {
    if compare_str(a, b).is_eq() {
        return 0;
    }
    let unequal = a.encode_utf16().zip(b.encode_utf16()).find(|(a, b)| a != b);
    unequal.map_or_else(|| units(a) as i32 - units(b) as i32, |(a, b)| i32::from(a) - i32::from(b))
}

fn fold(s: &str) -> String {
    s.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn same_ignoring_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { fold(a) == fold(b) }
}

fn lower<'a>(m: &mut Machine<'a>, s: &'a str) -> Result<Value<'a>, Throw> {
    if s.is_ascii() && !s.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(Value::Str(s));
    }
    let lowered = s.to_lowercase();
    m.string(&lowered)
}

fn upper<'a>(m: &mut Machine<'a>, s: &'a str) -> Result<Value<'a>, Throw> {
    if s.is_ascii() && !s.bytes().any(|b| b.is_ascii_lowercase()) {
        return Ok(Value::Str(s));
    }
    let raised = s.to_uppercase();
    m.string(&raised)
}

/// `replace` also takes characters.
fn text_or_char<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<&'a str, Throw> {
    match value {
        Value::Java(Java::Char(_)) => m.text(value),
        _ => text(m, value),
    }
}

fn replace<'a>(m: &mut Machine<'a>, s: &'a str, from: &str, to: &str) -> Result<Value<'a>, Throw> {
    if from.is_empty() {
        // Java puts the replacement around every UTF-16 unit; a pair of surrogates cannot be parted here.
        if s.len().saturating_mul(to.len() + 1) > m.env.limits.string_bytes_max {
            return Err(m.too_long());
        }
        return m.string(&s.replace(from, to));
    }
    let count = memchr::memmem::find_iter(s.as_bytes(), from.as_bytes()).count();
    if count == 0 {
        return Ok(Value::Str(s));
    }
    if s.len().saturating_add(count.saturating_mul(to.len()))
        > m.env.limits.string_bytes_max + count.saturating_mul(from.len())
    {
        return Err(m.too_long());
    }
    m.string(&s.replace(from, to))
}

/// Painless' own `splitOnToken`: unlike Java's `split`, keeps empty parts at the end.
fn split_on<'a>(m: &mut Machine<'a>, s: &'a str, token: &Value<'a>, limit: i32) -> Result<Value<'a>, Throw> {
    let token = text(m, token)?;
    let list = m.arena.list();
    let mut rest = s;
    if !token.is_empty() {
        while limit < 1 || (list.len() as i64) < i64::from(limit) - 1 {
            let Some(at) = memchr::memmem::find(rest.as_bytes(), token.as_bytes()) else { break };
            m.step(1)?;
            list.push(Value::Str(rest.get(..at).unwrap_or_default()));
            rest = rest.get(at + token.len()..).unwrap_or_default();
        }
    }
    list.push(Value::Str(rest));
    Ok(thing(m.arena, Held::Array { element: Type::STRING, list }))
}

fn region<'a>(
    m: &mut Machine<'a>,
    s: &'a str,
    ignore_case: bool,
    at: &Value<'a>,
    other: &Value<'a>,
    from: &Value<'a>,
    len: &Value<'a>,
) -> Result<Value<'a>, Throw> {
    let other = text(m, other)?;
    let (at, from, len) = (int(m, at)?, int(m, from)?, int(m, len)?);
    let (Some(end), Some(other_end)) = (at.checked_add(len.max(0)), from.checked_add(len.max(0))) else {
        return Ok(Value::Bool(false));
    };
    if at < 0 || from < 0 || end as usize > units(s) || other_end as usize > units(other) {
        return Ok(Value::Bool(false));
    }
    let (a, b) = (m.slice(s, at, end)?, m.slice(other, from, other_end)?);
    Ok(Value::Bool(if ignore_case { same_ignoring_case(a, b) } else { a == b }))
}
