//! `StringBuilder`, `StringJoiner` and `StringTokenizer`.

use std::cell::{Cell, RefCell};

use bumpalo::collections::Vec as BumpVec;

use super::{Args, Name, int, object, string, text};
use crate::event::{List, Value};
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, Java, thing};

pub(super) fn new<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let mut units = BumpVec::new_in(m.arena.bump());
    match args {
        [] | [Value::Int(_)] => {}
        [start, ..] => units.extend(text(m, start)?.encode_utf16()),
    }
    Ok(thing(m.arena, Held::Builder(RefCell::new(units))))
}

type Units<'a> = RefCell<BumpVec<'a, u16>>;

fn place(at: i32, len: usize) -> Result<usize, Throw> {
    usize::try_from(at)
        .ok()
        .filter(|place| *place < len)
        .ok_or_else(|| throw(error::Class::StringIndex, format!("index {at},length {len}")))
}

/// Puts units in the place of those from `from` to `to`.
fn splice<'a>(m: &mut Machine<'a>, units: &Units<'a>, from: usize, to: usize, with: &[u16]) -> Result<(), Throw> {
    m.step(1 + with.len() as u64 / 64)?;
    let mut all = units.borrow_mut();
    if (all.len() + with.len()) * 2 > m.env.limits.string_bytes_max {
        drop(all);
        return Err(m.too_long());
    }
    let (from, to) = (from.min(all.len()), to.min(all.len()));
    if from == all.len() {
        all.extend_from_slice(with);
        return Ok(());
    }
    let tail: Vec<u16> = all.iter().skip(to.max(from)).copied().collect();
    all.truncate(from);
    all.extend_from_slice(with);
    all.extend_from_slice(&tail);
    Ok(())
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    units: &'a Units<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let len = units.borrow().len();
    m.step(1)?;
    Ok(match (name, args) {
        (Name::append, [value]) => {
            match plain_text(m, value)? {
                Piece::Unit(unit) => splice(m, units, len, len, &[unit])?,
                Piece::Text(text) => {
                    let with: Vec<u16> = text.encode_utf16().collect();
                    splice(m, units, len, len, &with)?;
                }
            }
            receiver
        }
        (Name::append, [value, from, to]) => {
            let (from, to) = (int(m, from)?, int(m, to)?);
            let text = text(m, value)?;
            let with: Vec<u16> = m.slice(text, from, to)?.encode_utf16().collect();
            splice(m, units, len, len, &with)?;
            receiver
        }
        (Name::appendCodePoint, [point]) => {
            let point = int(m, point)?;
            let Some(c) = u32::try_from(point).ok().and_then(char::from_u32) else {
                return Err(throw(
                    error::Class::IllegalArgument,
                    format!("Not a valid Unicode code point: 0x{point:X}"),
                ));
            };
            let mut buffer = [0; 2];
            let with = c.encode_utf16(&mut buffer).to_vec();
            splice(m, units, len, len, &with)?;
            receiver
        }
        (Name::insert, [at, value]) => {
            let at = int(m, at)?;
            let Some(place) = usize::try_from(at).ok().filter(|place| *place <= len) else {
                return Err(throw(error::Class::StringIndex, format!("offset {at}, length {len}")));
            };
            let with: Vec<u16> = match plain_text(m, value)? {
                Piece::Unit(unit) => vec![unit],
                Piece::Text(text) => text.encode_utf16().collect(),
            };
            m.step(len as u64 / 64)?;
            splice(m, units, place, place, &with)?;
            receiver
        }
        (Name::delete | Name::replace, [from, to, ..]) => {
            let (from, to) = (int(m, from)?, int(m, to)?);
            if from < 0 || from as usize > len || from > to {
                return Err(throw(error::Class::StringIndex, format!("start {from}, end {to}, length {len}")));
            }
            let with: Vec<u16> = match args.get(2) {
                Some(with) => text(m, with)?.encode_utf16().collect(),
                None => Vec::new(),
            };
            m.step(len as u64 / 64)?;
            splice(m, units, from as usize, to as usize, &with)?;
            receiver
        }
        (Name::deleteCharAt, [at]) => {
            let at = place(int(m, at)?, len)?;
            m.step(len as u64 / 64)?;
            units.borrow_mut().remove(at);
            receiver
        }
        (Name::setCharAt, [at, value]) => {
            let at = place(int(m, at)?, len)?;
            let unit = match plain_text(m, value)? {
                Piece::Unit(unit) => unit,
                Piece::Text(text) => text.encode_utf16().next().unwrap_or(0),
            };
            if let Some(place) = units.borrow_mut().get_mut(at) {
                *place = unit;
            }
            Value::Null
        }
        (Name::setLength, [to]) => {
            let to = int(m, to)?;
            let Ok(to) = usize::try_from(to) else {
                return Err(throw(error::Class::StringIndex, format!("String index out of range: {to}")));
            };
            if to * 2 > m.env.limits.string_bytes_max {
                return Err(m.too_long());
            }
            units.borrow_mut().resize(to, 0);
            Value::Null
        }
        (Name::reverse, []) => {
            let whole = String::from_utf16_lossy(&units.borrow());
            let reversed: Vec<u16> = whole.chars().rev().collect::<String>().encode_utf16().collect();
            m.step(len as u64 / 64)?;
            let mut all = units.borrow_mut();
            all.clear();
            all.extend_from_slice(&reversed);
            receiver
        }
        (Name::length, []) => Value::Int(len as i32),
        (Name::capacity, []) => Value::Int(len.max(16) as i32),
        (Name::charAt, [at]) => {
            let at = int(m, at)?;
            let at = place(at, len)?;
            Value::Java(Java::Char(units.borrow().get(at).copied().unwrap_or(0)))
        }
        (Name::isEmpty | Name::equals | Name::hashCode, _) => return object(m, receiver, name, args),
        (Name::toString, []) => Value::Str(m.text(&receiver)?),
        // What only looks at the text is what a string does.
        _ if super::has(&receiver, name, args.len()) => {
            let whole = m.text(&receiver)?;
            string::call(m, whole, name, args)?
        }
        _ => return object(m, receiver, name, args),
    })
}

enum Piece<'a> {
    Unit(u16),
    Text(&'a str),
}

fn plain_text<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<Piece<'a>, Throw> {
    match value {
        Value::Java(Java::Char(unit)) => Ok(Piece::Unit(*unit)),
        other => m.text(other).map(Piece::Text),
    }
}

#[derive(Debug)]
pub(in crate::painless) struct Joiner<'a> {
    separator: &'a str,
    prefix: &'a str,
    suffix: &'a str,
    empty: Cell<Option<&'a str>>,
    parts: &'a List<'a>,
}

pub(super) fn new_joiner<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let mut texts = [""; 3];
    for (place, arg) in texts.iter_mut().zip(args) {
        *place = text(m, arg)?;
    }
    let [separator, prefix, suffix] = texts;
    Ok(thing(
        m.arena,
        Held::Joiner(Joiner { separator, prefix, suffix, empty: Cell::new(None), parts: m.arena.list() }),
    ))
}

impl<'a> Joiner<'a> {
    fn inner(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().filter_map(|part| part.as_str()).collect();
        parts.join(self.separator)
    }

    pub(in crate::painless) fn text(&self) -> String {
        match self.empty.get() {
            Some(empty) if self.parts.is_empty() => empty.to_owned(),
            _ => format!("{}{}{}", self.prefix, self.inner(), self.suffix),
        }
    }
}

pub(super) fn joiner<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    joiner: &'a Joiner<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    Ok(match (name, args) {
        (Name::add, [part]) => {
            let part = m.text(part)?;
            joiner.parts.push(Value::Str(part));
            receiver
        }
        (Name::length, []) => Value::Int(string::units(&joiner.text()) as i32),
        (Name::setEmptyValue, [value]) => {
            joiner.empty.set(Some(text(m, value)?));
            receiver
        }
        (Name::merge, [other]) => {
            let Value::Java(Java::Thing(crate::painless::Thing(Held::Joiner(other)))) = other else {
                return Err(throw_bare(error::Class::NullPointer));
            };
            if !other.parts.is_empty() {
                let inner = other.inner();
                joiner.parts.push(m.string(&inner)?);
            }
            receiver
        }
        _ => return object(m, receiver, name, args),
    })
}

#[derive(Debug)]
pub(in crate::painless) struct Tokenizer<'a> {
    text: &'a str,
    delimiters: Cell<&'a str>,
    gives_delimiters: bool,
    /// Where the next look begins, in bytes.
    at: Cell<usize>,
}

pub(super) fn new_tokenizer<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let whole = text(m, args.first().unwrap_or(&Value::Null))?;
    let delimiters = match args.get(1) {
        Some(delimiters) => text(m, delimiters)?,
        None => " \t\n\r\u{c}",
    };
    let gives_delimiters = matches!(args.get(2), Some(Value::Bool(true)));
    let tokenizer = Tokenizer { text: whole, delimiters: Cell::new(delimiters), gives_delimiters, at: Cell::new(0) };
    Ok(thing(m.arena, Held::Tokenizer(tokenizer)))
}

impl<'a> Tokenizer<'a> {
    /// The token that begins at or after `at`, and where it ends.
    fn next(&self, at: usize) -> Option<(&'a str, usize)> {
        let rest = self.text.get(at..)?;
        let is_delimiter = |c: char| self.delimiters.get().contains(c);
        let first = rest.chars().next()?;
        if self.gives_delimiters && is_delimiter(first) {
            return Some((rest.get(..first.len_utf8())?, at + first.len_utf8()));
        }
        let start = at + rest.find(|c| !is_delimiter(c))?;
        let token = self.text.get(start..)?;
        let len = token.find(is_delimiter).unwrap_or(token.len());
        Some((token.get(..len)?, start + len))
    }
}

pub(super) fn tokenizer<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    tokenizer: &'a Tokenizer<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    let at = tokenizer.at.get();
    Ok(match (name, args) {
        (Name::hasMoreTokens | Name::hasMoreElements, []) => Value::Bool(tokenizer.next(at).is_some()),
        (Name::countTokens, []) => {
            let (mut count, mut at) = (0, at);
            while let Some((_, end)) = tokenizer.next(at) {
                m.step(1)?;
                count += 1;
                at = end;
            }
            Value::Int(count)
        }
        (Name::nextToken | Name::nextElement, _) => {
            if let [delimiters] = args {
                tokenizer.delimiters.set(text(m, delimiters)?);
            }
            let (token, end) = tokenizer.next(at).ok_or_else(|| throw_bare(error::Class::NoSuchElement))?;
            tokenizer.at.set(end);
            Value::Str(token)
        }
        _ => return object(m, receiver, name, args),
    })
}
