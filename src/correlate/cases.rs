//! Tests that lie beside correlations: `x.test.yml` says which events raise which alerts in `x.yml`, and which events raise none.
//!
//! ```yaml
//! events:
//!   - {at: 0s, repeat: {times: 20, every: 10s}, EventID: 4625, TargetUserName: bob}   # {n} in a text is the number of the repetition, from 1
//! alerts:
//!   - {at: 190s, group: {TargetUserName: bob}, count: 20}                             # or [] for silence
//! ```
//!
//! A file may hold several such documents, with `logsource` when the events do not show it. Every case is run a second time with its events in reverse order and each twice: a
//! correlation that is right only for one order of arrival is not right.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::document::timespan_ms;
use super::engine::{Alert, Arrival, Engine};
use super::key::GroupKey;
use super::rule::{Correlations, Limits, Match, Missed};
use super::window::{Change, EPISODE_MS_MAX};
use crate::detect::evaluate::{Routing, Scratch};
use crate::detect::fault::Severity;
use crate::detect::load::RuleFile;
use crate::detect::rules::{Options, RuleSet};
use crate::detect::source::Given;
use crate::event::{Arena, Symbols, Value as EventValue, parse};

const NESTING_LEVELS_MAX: usize = 100;
/// Events of one case, repetitions included.
const EVENTS_MAX: usize = 100_000;
const RULE_BYTES_MAX: u64 = 256 << 20;
/// 1 January 2026: an hour of the day must not decide a test.
const START_MS: i64 = 1_767_225_600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    logsource: Option<CaseSource>,
    events: Vec<Map<String, Value>>,
    alerts: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseSource {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
}

/// What is left out may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The event that raises it; only conditions that are answered before their window is closed have one.
    at: Option<String>,
    /// Id or title, where a file has several.
    correlation: Option<String>,
    group: Option<BTreeMap<String, Value>>,
    count: Option<u64>,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Raised {
    first_ms: i64,
    rule: u32,
    values: Vec<String>,
    last_ms: i64,
    count: u64,
}

struct Event {
    at_ms: i64,
    json: String,
}

/// What is wrong with correlations by the words of their test.
pub fn check(files: &[RuleFile], test: &str, options: &Options) -> Vec<String> {
    let mut symbols = Symbols::new();
    let (rules, mut faults) = RuleSet::compile(files, options, &mut symbols);
    let limits = Limits { lateness_ms: EPISODE_MS_MAX, ..Limits::default() };
    let (correlations, more) = Correlations::compile(&rules, &options.overlay, &limits, &mut symbols);
    faults.extend(more);
    let mut wrong: Vec<String> =
        faults.iter().filter(|fault| fault.severity == Severity::Error).map(ToString::to_string).collect();
    if correlations.is_empty() && wrong.is_empty() {
        wrong.push("there is no correlation to test".to_owned());
    }
    if !wrong.is_empty() {
        return wrong;
    }
    let symbols = Arc::new(symbols);
    let (mut fires, mut silent) = (false, false);
    for (number, document) in yaml_serde::Deserializer::from_str(test).enumerate() {
        let case = match Case::deserialize(document) {
            Ok(case) => case,
            Err(error) => {
                wrong.push(format!("case {}: {error}", number + 1));
                return wrong;
            }
        };
        fires |= !case.alerts.is_empty();
        silent |= case.alerts.is_empty();
        let found = Runner { rules: &rules, correlations: &correlations, symbols: &symbols }.check(&case);
        wrong.extend(found.into_iter().map(|what| format!("case {}: {what}", number + 1)));
    }
    if !fires {
        wrong.push("no case raises an alert".to_owned());
    }
    if !silent {
        wrong.push("no case stays silent (`alerts: []`)".to_owned());
    }
    wrong
}

struct Runner<'r> {
    rules: &'r RuleSet,
    correlations: &'r Correlations,
    symbols: &'r Arc<Symbols>,
}

impl Runner<'_> {
    fn check(&self, case: &Case) -> Vec<String> {
        let events = match expand(&case.events) {
            Ok(events) => events,
            Err(what) => return vec![what],
        };
        let in_order = self.matches(case, &events);
        let (raised, told) = self.run(in_order.iter());
        let mut wrong = Vec::new();
        let (again, _) = self.run(in_order.iter().rev().flat_map(|one| [one, one]));
        if again != raised {
            wrong.push("the alerts differ when the events arrive in reverse order and twice".to_owned());
        }
        let mut left: Vec<&Raised> = raised.iter().collect();
        for expected in &case.alerts {
            let fits = |one: &&Raised| self.fits(expected, one, told.get(*one).copied());
            match left.iter().position(fits) {
                Some(place) => drop(left.remove(place)),
                None => wrong.push(format!("no alert is {}", show(expected))),
            }
        }
        wrong.extend(
            left.into_iter().map(|one| format!("an alert too many: {}", self.shown(one, told.get(one).copied()))),
        );
        wrong
    }

    /// What each event is to the correlations, with its time and number, in order of time.
    fn matches(&self, case: &Case, events: &[Event]) -> Vec<(i64, u64, Match)> {
        let mut scratch = Scratch::new(self.rules);
        let mut arena = Arena::new(Arc::clone(self.symbols));
        let mut matches = Vec::new();
        let category = case.logsource.as_ref().and_then(|source| source.category.as_deref());
        let categories: Vec<&str> = category.into_iter().collect();
        let routing = match &case.logsource {
            None => Routing::Event,
            Some(source) => Routing::Given(Given {
                product: source.product.as_deref(),
                service: source.service.as_deref(),
                categories: &categories,
            }),
        };
        for (number, event) in (1u64..).zip(events) {
            if let Ok(EventValue::Object(parsed)) = parse::document(&arena, event.json.as_bytes(), NESTING_LEVELS_MAX) {
                let mut missed = Missed::default();
                for found in self.rules.evaluate(&mut scratch, parsed, &routing) {
                    let hear = |one| matches.push((START_MS + event.at_ms, number, one));
                    self.correlations.matches(found.rule, "", parsed, &mut missed, hear);
                }
            }
            arena.reset();
        }
        matches.sort_by_key(|(time_ms, number, _)| (*time_ms, *number));
        matches
    }

    /// The alerts, and of each the time of the event at which it was first told.
    fn run<'m>(&self, matches: impl Iterator<Item = &'m (i64, u64, Match)>) -> (Vec<Raised>, BTreeMap<Raised, i64>) {
        let specs = self.correlations.all().iter().map(|one| (one.id.clone(), one.spec.clone()));
        let mut engine = Engine::new(specs, RULE_BYTES_MAX);
        let mut alerts: BTreeMap<(u32, GroupKey, u64), (Raised, i64)> = BTreeMap::new();
        let mut hear = |alert: Alert, now_ms: i64| {
            let Alert { rule, key, values, change } = alert;
            match change {
                Change::Episode { name, count, first_ms, last_ms, .. } => {
                    let raised = Raised { first_ms, rule, values, last_ms, count };
                    let at_ms = alerts.get(&(rule, key, name)).map_or(now_ms, |(_, at_ms)| *at_ms);
                    alerts.insert((rule, key, name), (raised, at_ms));
                }
                Change::Merged { from, .. } => drop(alerts.remove(&(rule, key, from))),
            }
        };
        for (time_ms, id, Match { correlation, key, values, what }) in matches {
            engine.take(&Arrival {
                rule: *correlation,
                key: *key,
                values,
                time_ms: *time_ms,
                appended_ms: None,
                id: *id,
                what: *what,
            });
            engine.tell(|alert| hear(alert, *time_ms));
        }
        engine.finish(|alert| hear(alert, i64::MAX));
        let mut raised: Vec<Raised> = alerts.values().map(|(raised, _)| raised.clone()).collect();
        raised.sort();
        (raised, alerts.into_values().collect())
    }

    fn fits(&self, expected: &Expected, one: &Raised, told_ms: Option<i64>) -> bool {
        let Some(correlation) = self.correlations.all().get(one.rule as usize) else { return false };
        let at =
            |text: &Option<String>, ms: i64| text.as_ref().is_none_or(|text| relative_ms(text) == Ok(ms - START_MS));
        let group = |wanted: &BTreeMap<String, Value>| {
            wanted.len() == correlation.group_by.len()
                && correlation.group_by.iter().zip(&one.values).all(|(name, value)| {
                    wanted.get(name).is_some_and(|wanted| match wanted {
                        Value::String(text) => text == value,
                        other => other.to_string() == *value,
                    })
                })
        };
        expected.correlation.as_ref().is_none_or(|name| *name == correlation.id || *name == correlation.title)
            && expected.count.is_none_or(|count| count == one.count)
            && expected.group.as_ref().is_none_or(group)
            && at(&expected.first, one.first_ms)
            && at(&expected.last, one.last_ms)
            && expected
                .at
                .as_ref()
                .is_none_or(|_| told_ms.is_some_and(|told_ms| told_ms != i64::MAX && at(&expected.at, told_ms)))
    }

    fn shown(&self, one: &Raised, told_ms: Option<i64>) -> String {
        let correlation = self.correlations.all().get(one.rule as usize);
        let names = correlation.map(|correlation| correlation.group_by.as_slice()).unwrap_or_default();
        let group: Vec<String> =
            names.iter().zip(&one.values).map(|(name, value)| format!("{name}: {value}")).collect();
        let at = match told_ms {
            Some(told_ms) if told_ms != i64::MAX => seconds(told_ms - START_MS),
            _ => "the end of its window".to_owned(),
        };
        let id = correlation.map(|correlation| correlation.id.as_str()).unwrap_or_default();
        format!(
            "{id} at {at}, group {{{}}}, count {}, first {}, last {}",
            group.join(", "),
            one.count,
            seconds(one.first_ms - START_MS),
            seconds(one.last_ms - START_MS)
        )
    }
}

fn show(expected: &Expected) -> String {
    let text = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
    let group = expected.group.as_ref().map(|group| {
        let values: Vec<String> = group.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("group {{{}}}", values.join(", "))
    });
    let parts = [
        text("of", &expected.correlation),
        text("at", &expected.at),
        group,
        expected.count.map(|count| format!("count {count}")),
        text("first", &expected.first),
        text("last", &expected.last),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn seconds(ms: i64) -> String {
    if ms % 1_000 == 0 { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}

/// `0s` is a time of an event, if not a timespan; so is a number of milliseconds.
fn relative_ms(text: &str) -> Result<i64, String> {
    if let Some(ms) = text.strip_suffix("ms").and_then(|ms| ms.parse().ok()) {
        return Ok(ms);
    }
    if text == "0" || text == "0s" { Ok(0) } else { timespan_ms(text) }
}

fn expand(events: &[Map<String, Value>]) -> Result<Vec<Event>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Repeat {
        times: usize,
        every: String,
    }
    let mut expanded = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let mut event = event.clone();
        let named = |what: String| format!("event {}: {what}", number + 1);
        let at = event.remove("at").unwrap_or_default();
        let at = at.as_str().ok_or_else(|| named("`at` says when it is, as 0s or 5m".to_owned()))?;
        let at_ms = relative_ms(at).map_err(named)?;
        let repeat = match event.remove("repeat") {
            None => Repeat { times: 1, every: "0s".to_owned() },
            Some(repeat) => {
                serde_json::from_value(repeat).map_err(|e| named(format!("`repeat` is {{times, every}}: {e}")))?
            }
        };
        let every_ms = relative_ms(&repeat.every).map_err(named)?;
        if expanded.len().saturating_add(repeat.times) > EVENTS_MAX {
            return Err(named(format!("more than {EVENTS_MAX} events")));
        }
        let json = Value::Object(event).to_string();
        for time in 0..repeat.times {
            let json = if repeat.times > 1 { json.replace("{n}", &(time + 1).to_string()) } else { json.clone() };
            expanded.push(Event { at_ms: at_ms + every_ms * time as i64, json });
        }
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "title: f\nname: f\nlogsource: {product: x}\ndetection: {s: {a: 1}, condition: s}\n---\n\
                         title: c\nid: c\ncorrelation: {type: event_count, rules: f, group-by: u, timespan: 10s, condition: {gte: 3}}\n";

    #[test]
    fn a_test_says_what_is_wrong() {
        let silence = "---\nevents: [{at: 0s, a: 1, u: bob}]\nalerts: []\n";
        let burst = "events: [{at: 0s, repeat: {times: 3, every: 2s}, a: 1, u: bob}]\n";
        for (test, expected) in [
            (
                format!(
                    "{burst}alerts: [{{at: 4s, group: {{u: bob}}, count: 3, first: 0s, last: 4s, correlation: c}}]\n{silence}"
                ),
                vec![],
            ),
            (format!("{burst}alerts: [{{}}]\n{silence}"), vec![]),
            (
                format!("{burst}alerts: [{{at: 2s}}]\n{silence}"),
                vec![
                    "case 1: no alert is at 2s",
                    "case 1: an alert too many: c at 4s, group {u: bob}, count 3, first 0s, last 4s",
                ],
            ),
            (
                format!("{burst}alerts: [{{group: {{u: eve}}}}]\n{silence}"),
                vec![
                    "case 1: no alert is group {u: \"eve\"}",
                    "case 1: an alert too many: c at 4s, group {u: bob}, count 3, first 0s, last 4s",
                ],
            ),
            (format!("{burst}alerts: [{{count: 3}}]\n"), vec!["no case stays silent (`alerts: []`)"]),
            (silence.to_owned(), vec!["no case raises an alert"]),
            (
                format!("events: [{{a: 1}}]\nalerts: [{{}}]\n{silence}"),
                vec!["case 1: event 1: `at` says when it is, as 0s or 5m"],
            ),
        ] {
            let files = [RuleFile { name: "c.yml".into(), text: RULES.into() }];
            assert_eq!(check(&files, &test, &Options::default()), expected, "{test}");
        }
    }
}
