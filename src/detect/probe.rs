//! Tests of single values: what the index does not answer is answered here, value by value.
//!
//! An item that no rule is triggered by is not in the index; it is asked only when a rule that a trigger woke needs it. Its tests are
//! made ready once as [`Probes`]: searchers for parts, one automaton or one set where there are many alternatives.

use std::net::IpAddr;

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;
use rustc_hash::FxHashSet;

use super::fold::Number;
use super::glob::Place;
use super::item::{Test, TimePart};
use crate::event::Value;

/// From here on alternatives are searched for together.
const TOGETHER_MIN: usize = 12;

/// A value in the forms in which tests look at it. Texts are `None` for null, lists and objects.
#[derive(Clone, Copy)]
pub struct Subject<'v, 'a> {
    pub value: &'v Value<'a>,
    pub text: Option<&'v str>,
    pub folded: Option<&'v str>,
}

/// Tests that are asked one value at a time, made ready.
#[derive(Default)]
pub struct Probes {
    texts: FxHashSet<Box<str>>,
    finders: Vec<Finder<'static>>,
    automaton: Option<AhoCorasick>,
    /// Numbers of the tests that are asked as they stand.
    rest: Vec<u32>,
}

impl Probes {
    pub fn new(tests: &[Test]) -> Probes {
        let mut probes = Probes::default();
        let mut parts: Vec<&str> = Vec::new();
        let mut exact: Vec<(u32, &str)> = Vec::new();
        for (number, test) in tests.iter().enumerate() {
            match test {
                Test::Text { place: Place::Contains, text, cased: false } => parts.push(text),
                Test::Text { place: Place::Exact, text, cased: false } => exact.push((number as u32, text)),
                _ => probes.rest.push(number as u32),
            }
        }
        if exact.len() >= TOGETHER_MIN {
            probes.texts = exact.iter().map(|(_, text)| Box::from(*text)).collect();
        } else {
            probes.rest.extend(exact.iter().map(|(number, _)| *number));
        }
        if parts.len() >= TOGETHER_MIN {
            probes.automaton = AhoCorasick::new(&parts).ok();
        }
        if probes.automaton.is_none() {
            probes.finders = parts.iter().map(|part| Finder::new(part.as_bytes()).into_owned()).collect();
        }
        probes
    }

    pub fn any(&self, tests: &[Test], subject: &Subject<'_, '_>, reference: &impl Fn(&Test) -> bool) -> bool {
        if let Some(folded) = subject.folded
            && ((!self.texts.is_empty() && self.texts.contains(folded))
                || self.finders.iter().any(|finder| finder.find(folded.as_bytes()).is_some())
                || self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(folded)))
        {
            return true;
        }
        self.rest.iter().filter_map(|number| tests.get(*number as usize)).any(|test| holds(test, subject, reference))
    }

    pub fn heap_bytes(&self) -> usize {
        self.texts.iter().map(|text| text.len() + 32).sum::<usize>()
            + self.finders.iter().map(|finder| size_of::<Finder<'_>>() + finder.needle().len()).sum::<usize>()
            + self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
            + self.rest.len() * 4
    }
}

/// Whether one value passes one test. `reference` answers `fieldref`, which needs the event.
pub fn holds(test: &Test, subject: &Subject<'_, '_>, reference: &impl Fn(&Test) -> bool) -> bool {
    let text_for = |cased: bool| if cased { subject.text } else { subject.folded };
    match test {
        Test::Text { place, text, cased } => text_for(*cased).is_some_and(|value| stands(*place, value, text)),
        Test::Glob { glob, cased } => text_for(*cased).is_some_and(|value| glob.is_match(value)),
        Test::Regex(pattern) => subject.text.is_some_and(|value| pattern.is_match(value)),
        Test::AnyText => subject.text.is_some(),
        Test::Number(n) => Number::of(subject.value) == Some(*n),
        Test::Bool(expected) => match subject.value {
            Value::Bool(value) => value == expected,
            Value::Str(_) => matches!(
                (subject.folded, expected),
                (Some("true" | "1" | "yes"), true) | (Some("false" | "0" | "no"), false)
            ),
            _ => false,
        },
        Test::Compare(comparison, bound) => {
            Number::of(subject.value).is_some_and(|n| comparison.holds(n.as_f64(), *bound))
        }
        Test::Network(network) => {
            subject.text.and_then(|text| text.parse::<IpAddr>().ok()).is_some_and(|ip| network.contains(ip))
        }
        Test::FieldRef { .. } => reference(test),
        Test::Time { part, comparison, value } => {
            time_part(subject, *part).is_some_and(|n| comparison.holds(n, *value))
        }
        // Of the field as a whole.
        Test::Null | Test::Exists(_) => false,
    }
}

#[inline]
pub fn stands(place: Place, value: &str, text: &str) -> bool {
    match place {
        Place::Exact => value == text,
        Place::Prefix => value.starts_with(text),
        Place::Suffix => value.ends_with(text),
        Place::Contains => memchr::memmem::find(value.as_bytes(), text.as_bytes()).is_some(),
    }
}

/// A part of a time in UTC: RFC 3339, the same without zone (with `T` or a space), or a number of seconds or milliseconds.
fn time_part(subject: &Subject<'_, '_>, part: TimePart) -> Option<f64> {
    /// Seconds beyond this are milliseconds (the year 33658 otherwise).
    const SECONDS_MAX: f64 = 1e12;
    let time = match subject.value {
        Value::Str(text) => text
            .parse::<jiff::Timestamp>()
            .map(|time| jiff::tz::TimeZone::UTC.to_datetime(time))
            .or_else(|_| text.parse::<jiff::civil::DateTime>())
            .ok()?,
        other => {
            let n = Number::of(other)?.as_f64();
            let seconds = if n.abs() > SECONDS_MAX { n / 1000.0 } else { n };
            let time = jiff::Timestamp::from_second(seconds.floor() as i64).ok()?;
            jiff::tz::TimeZone::UTC.to_datetime(time)
        }
    };
    Some(match part {
        TimePart::Minute => f64::from(time.minute()),
        TimePart::Hour => f64::from(time.hour()),
        TimePart::Day => f64::from(time.day()),
        TimePart::Week => f64::from(time.date().iso_week_date().week()),
        TimePart::Month => f64::from(time.month()),
        TimePart::Year => f64::from(time.year()),
    })
}
