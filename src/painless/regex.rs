//! Regular expressions of scripts: literals, `=~` and `==~`, `Pattern` and `Matcher`, `replaceAll` with a function.
//!
//! The engine is [`crate::java::regex`]; here positions become UTF-16 units, and places of matches live in the arena.

use std::cell::Cell;

use super::api::Name;
use super::error::{self, Throw, throw, throw_bare};
use super::machine::Machine;
use super::methods::string::{byte_of, unit_of};
use super::methods::{Args, int, object, text};
use super::types::Type;
use super::value::{Held, held, thing};
use crate::event::Value;
use crate::java::regex::{Captures, Flags, Regex, Replacement};

/// A literal of the script.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    pub(super) fn compile(pattern: &str, flags: &str) -> Result<Pattern, String> {
        let mut all = Flags::NONE;
        for flag in flags.chars() {
            all = all
                | match flag {
                    'i' => Flags::CASE_INSENSITIVE,
                    'l' => Flags::LITERAL,
                    'm' => Flags::MULTILINE,
                    's' => Flags::DOTALL,
                    'U' => Flags::UNICODE_CHARACTER_CLASS,
                    'u' => Flags::UNICODE_CASE,
                    'x' => Flags::COMMENTS,
                    other => return Err(format!("the flag [{other}] is not supported")),
                };
        }
        Regex::compile(pattern, all).map(Pattern).map_err(|fault| fault.to_string())
    }

    pub(super) fn text(&self) -> &str {
        self.0.pattern()
    }
}

/// The place of a match and its groups, in bytes.
type Groups<'a> = &'a [Option<(usize, usize)>];

#[derive(Debug)]
pub(super) struct Matcher<'a> {
    pattern: &'a Pattern,
    text: &'a str,
    found: Cell<Option<Groups<'a>>>,
    /// Where the next `find()` begins; past the text when there was none.
    next: Cell<usize>,
}

/// A search that took too many steps stops the script, as Elasticsearch's limit factor does.
fn exhausted(fault: impl std::fmt::Display) -> Throw {
    throw(error::Class::CircuitBreaking, fault.to_string())
}

fn pattern_of<'a>(value: &Value<'a>) -> Result<&'a Pattern, Throw> {
    match held(value) {
        Some(Held::Pattern(pattern)) => Ok(pattern),
        _ if value.is_null() => Err(throw_bare(error::Class::NullPointer)),
        _ => Err(super::operate::bad_cast(value, "java.util.regex.Pattern")),
    }
}

/// `text =~ pattern` and, for the whole text, `text ==~ pattern`.
pub(super) fn matches<'a>(
    m: &mut Machine<'a>,
    whole: bool,
    left: Value<'a>,
    right: Value<'a>,
) -> Result<Value<'a>, Throw> {
    let pattern = pattern_of(&right)?;
    let text = text(m, &left)?;
    m.step(1 + text.len() as u64 / 64)?;
    let found = if whole { pattern.0.is_full_match(text) } else { pattern.0.is_match(text) };
    found.map(Value::Bool).map_err(exhausted)
}

pub(super) fn pattern<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    pattern: &'a Pattern,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    Ok(match (name, args) {
        (Name::matcher, [of]) => {
            let text = text(m, of)?;
            let matcher = Matcher { pattern, text, found: Cell::new(None), next: Cell::new(0) };
            thing(m.arena, Held::Matcher(matcher))
        }
        (Name::pattern, []) => Value::Str(pattern.text()),
        (Name::flags, []) => Value::Int(pattern.0.flags().bits() as i32),
        (Name::split, [of, ..]) => {
            let text = text(m, of)?;
            let limit = match args.get(1) {
                Some(limit) => int(m, limit)?,
                None => 0,
            };
            m.step(text.len() as u64 / 16)?;
            let parts = pattern.0.split(text, limit).map_err(exhausted)?;
            let list = m.list_from(parts.into_iter().map(Value::Str));
            thing(m.arena, Held::Array { element: Type::STRING, list })
        }
        (Name::splitAsStream, [of]) => {
            let text = text(m, of)?;
            let parts = pattern.0.split(text, 0).map_err(exhausted)?;
            super::methods::stream_of(m, parts.into_iter().map(Value::Str).collect())
        }
        (Name::asPredicate, []) => super::methods::bound(m, receiver, Name::find),
        // `asPredicate()` called.
        (Name::find, [of]) => return matches(m, false, *of, receiver),
        _ => return object(m, receiver, name, args),
    })
}

impl<'a> Matcher<'a> {
    fn keep(&self, m: &Machine<'a>, found: bool, captures: &Captures) -> bool {
        if !found {
            self.found.set(None);
            self.next.set(self.text.len() + 1);
            return false;
        }
        let groups: Vec<_> = (0..=self.pattern.0.group_count()).map(|group| captures.get(group)).collect();
        self.next.set(Regex::next_start(self.text, captures.whole()));
        self.found.set(Some(m.arena.bump().alloc_slice_copy(&groups)));
        true
    }

    fn groups(&self) -> Result<Groups<'a>, Throw> {
        self.found.get().ok_or_else(|| throw(error::Class::IllegalState, "No match found"))
    }

    fn place(&self, m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<Option<(usize, usize)>, Throw> {
        let groups = self.groups()?;
        let group = match args {
            [] => 0,
            [Value::Str(name), ..] => self.number(name)?,
            [group, ..] => int(m, group)?,
        };
        let found = usize::try_from(group).ok().and_then(|group| groups.get(group));
        found.copied().ok_or_else(|| throw(error::Class::IndexOutOfBounds, format!("No group {group}")))
    }

    fn number(&self, name: &str) -> Result<i32, Throw> {
        let number = self.pattern.0.group_number(name).map(|n| n as i32);
        number.ok_or_else(|| throw(error::Class::IllegalArgument, format!("No group with name <{name}>")))
    }

    fn part(&self, place: Option<(usize, usize)>) -> Value<'a> {
        place.and_then(|(from, to)| self.text.get(from..to)).map_or(Value::Null, Value::Str)
    }
}

pub(super) fn matcher<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    matcher: &'a Matcher<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1 + matcher.text.len() as u64 / 64)?;
    let regex = &matcher.pattern.0;
    let mut captures = Captures::new();
    Ok(match (name, args) {
        (Name::matches, []) => {
            let found = regex.matches(matcher.text, &mut captures).map_err(exhausted)?;
            Value::Bool(matcher.keep(m, found, &captures))
        }
        (Name::lookingAt, []) => {
            let found = regex.looking_at(matcher.text, &mut captures).map_err(exhausted)?;
            Value::Bool(matcher.keep(m, found, &captures))
        }
        (Name::find, _) => {
            let from = match args {
                [from] => {
                    let from = int(m, from)?;
                    let place = usize::try_from(from).ok().and_then(|from| byte_of(matcher.text, from));
                    place.ok_or_else(|| throw(error::Class::IndexOutOfBounds, "Illegal start index"))?
                }
                _ => matcher.next.get(),
            };
            if from > matcher.text.len() {
                matcher.found.set(None);
                return Ok(Value::Bool(false));
            }
            let found = regex.captures_at(matcher.text, from, &mut captures).map_err(exhausted)?;
            Value::Bool(matcher.keep(m, found, &captures))
        }
        (Name::group | Name::namedGroup, _) => {
            let place = matcher.place(m, args)?;
            matcher.part(place)
        }
        (Name::start, _) => Value::Int(matcher.place(m, args)?.map_or(-1, |(from, _)| unit_of(matcher.text, from))),
        (Name::end, _) => Value::Int(matcher.place(m, args)?.map_or(-1, |(_, to)| unit_of(matcher.text, to))),
        (Name::groupCount, []) => Value::Int(regex.group_count() as i32),
        (Name::pattern, []) => thing(m.arena, Held::Pattern(matcher.pattern)),
        (Name::reset, []) => {
            matcher.found.set(None);
            matcher.next.set(0);
            receiver
        }
        (Name::replaceAll | Name::replaceFirst, [with]) => {
            let with = Replacement::new(regex, text(m, with)?);
            let limit = m.env.limits.string_bytes_max;
            let replaced = regex.replace(matcher.text, &with, name == Name::replaceFirst, limit);
            let replaced = replaced.map_err(|fault| throw(error::Class::IndexOutOfBounds, fault.to_string()))?;
            m.string(&replaced)?
        }
        _ => return object(m, receiver, name, args),
    })
}

/// `text.replaceAll(/pattern/, m -> …)`.
pub(super) fn replace_with<'a>(
    m: &mut Machine<'a>,
    whole: &'a str,
    name: Name,
    by: &Value<'a>,
    function: Value<'a>,
) -> Result<Value<'a>, Throw> {
    let pattern = pattern_of(by)?;
    let matcher = Matcher { pattern, text: whole, found: Cell::new(None), next: Cell::new(0) };
    let value = thing(m.arena, Held::Matcher(matcher));
    let Some(Held::Matcher(matcher)) = held(&value) else { return Ok(Value::Null) };
    let mut captures = Captures::new();
    let (mut out, mut copied) = (String::new(), 0);
    while matcher.next.get() <= whole.len() {
        m.step(1)?;
        let found = pattern.0.captures_at(whole, matcher.next.get(), &mut captures).map_err(exhausted)?;
        if !matcher.keep(m, found, &captures) {
            break;
        }
        let (from, to) = captures.whole();
        out.push_str(whole.get(copied..from).unwrap_or_default());
        let with = m.invoke(function, &[value])?;
        if !with.is_null() {
            m.write_text(&with, &mut out, 0)?;
        }
        copied = to;
        if name == Name::replaceFirst {
            break;
        }
    }
    out.push_str(whole.get(copied..).unwrap_or_default());
    m.string(&out)
}
