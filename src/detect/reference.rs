//! The definition that the index must equal: every item of every rule asked of every value, nothing indexed, nothing remembered.
//!
//! It reads plain JSON and shares with the engine only the lowered items and expressions; how a field is found, what a list means and how
//! values compare are written down here a second time, as plainly as possible.

use serde_json::Value;

use super::expr::Expr;
use super::fold::{Number, fold};
use super::glob::Place;
use super::item::{FieldId, KEYWORDS, Test};
use super::rules::RuleSet;

/// Ids of the rules that an event matches when every rule is asked.
pub fn matches(rules: &RuleSet, event: &Value) -> Vec<String> {
    let truth = |number: u32| {
        let item = &rules.items[number as usize];
        let values = if item.field == KEYWORDS { Some(vec![event.clone()]) } else { field(rules, item.field, event) };
        let Some(values) = values else {
            let of_nothing = |test: &Test| matches!(test, Test::Null | Test::Exists(false));
            return !item.negated && item.tests.iter().any(of_nothing);
        };
        let null = values.len() == 1 && values[0].is_null() && item.field != KEYWORDS;
        let mut scalars = Vec::new();
        values.iter().for_each(|value| flatten(value, item.field == KEYWORDS, &mut scalars));
        let any = item.tests.iter().any(|test| match test {
            Test::Null => null,
            Test::Exists(expected) => *expected,
            test => {
                let both_null = matches!(test, Test::FieldRef { field: other, place: Place::Exact, .. }
                    if null && field(rules, *other, event).is_some_and(|v| v.len() == 1 && v[0].is_null()));
                both_null || scalars.iter().any(|value| passes(rules, event, test, value))
            }
        });
        any != item.negated
    };
    let eval = |expr: &Expr| expr.eval(&mut |item| truth(item));
    rules
        .rules
        .iter()
        .zip(rules.rules())
        .filter(|(rule, _)| eval(&rule.expr))
        .map(|(_, rule)| rule.id.clone())
        .collect()
}

/// What stands at the first place of a field that is there.
fn field(rules: &RuleSet, field: FieldId, event: &Value) -> Option<Vec<Value>> {
    let name = rules.fields.name(field);
    if let Some(value) = event.get(name) {
        return Some(vec![value.clone()]);
    }
    let mut found = Vec::new();
    follow(event, &name.split('.').collect::<Vec<_>>(), &mut found);
    (!found.is_empty()).then_some(found)
}

fn follow(value: &Value, path: &[&str], found: &mut Vec<Value>) {
    match (value, path.split_first()) {
        (value, None) => found.push(value.clone()),
        (Value::Object(object), Some((key, rest))) => {
            if let Some(inner) = object.get(*key) {
                follow(inner, rest, found);
            }
        }
        (Value::Array(list), Some(_)) => list.iter().for_each(|element| follow(element, path, found)),
        _ => {}
    }
}

fn flatten(value: &Value, into_objects: bool, scalars: &mut Vec<Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|element| flatten(element, into_objects, scalars)),
        Value::Object(object) if into_objects => object.values().for_each(|inner| flatten(inner, true, scalars)),
        scalar => scalars.push(scalar.clone()),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::String(text) => Number::parse(text),
        Value::Number(n) => Number::parse(&n.to_string()),
        _ => None,
    }
}

fn compared(place: Place, value: &str, text: &str) -> bool {
    match place {
        Place::Exact => value == text,
        Place::Prefix => value.starts_with(text),
        Place::Suffix => value.ends_with(text),
        Place::Contains => value.contains(text),
    }
}

fn passes(rules: &RuleSet, event: &Value, test: &Test, value: &Value) -> bool {
    let cased_text = |cased: bool| text(value).map(|text| if cased { text } else { fold(&text) });
    match test {
        Test::Text { place, text, cased } => cased_text(*cased).is_some_and(|value| compared(*place, &value, text)),
        Test::Glob { glob, cased } => cased_text(*cased).is_some_and(|value| glob.is_match(&value)),
        Test::Regex(pattern) => text(value).is_some_and(|value| pattern.is_match(&value)),
        Test::AnyText => text(value).is_some(),
        Test::Number(n) => number(value) == Some(*n),
        Test::Bool(expected) => match value {
            Value::Bool(value) => value == expected,
            Value::String(text) if *expected => ["true", "1", "yes"].contains(&fold(text).as_str()),
            Value::String(text) => ["false", "0", "no"].contains(&fold(text).as_str()),
            _ => false,
        },
        Test::Compare(comparison, bound) => number(value).is_some_and(|n| comparison.holds(n.as_f64(), *bound)),
        Test::Network(network) => text(value).and_then(|text| text.parse().ok()).is_some_and(|ip| network.contains(ip)),
        Test::FieldRef { field: other, place, cased } => {
            let mut others = Vec::new();
            field(rules, *other, event).iter().flatten().for_each(|value| flatten(value, false, &mut others));
            let own = cased_text(*cased);
            others
                .iter()
                .filter_map(text)
                .map(|text| if *cased { text } else { fold(&text) })
                .any(|other| own.as_ref().is_some_and(|own| compared(*place, own, &other)))
        }
        Test::Time { .. } | Test::Null | Test::Exists(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::evaluate::{Routing, Scratch};
    use super::super::load::RuleFile;
    use super::super::rules::Options;
    use super::*;
    use crate::event::{Arena, Symbols, parse};

    /// Few words, so that generated rules and events meet; with letters of both cases, dashes, wildcards and what folds oddly.
    fn word() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "a",
            "A",
            "ab",
            "abc",
            "ABCD",
            "abcde",
            "xabcy",
            "\\cmd.exe",
            "C:\\x\\cmd.EXE",
            "-enc",
            "/enc",
            " -e –n ",
            "10.1.2.3",
            "192.168.0.1",
            "2001:db8::1",
            "4624",
            "4625.0",
            "true",
            "no",
            "",
            "ÄÖ",
            "äö",
            "ſk",
            "SK",
            "line\nbreak",
            "*",
            "a*c",
            "a?c",
        ])
        .prop_map(str::to_owned)
    }

    fn field_name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["A", "B", "C.d", "C.e.f", "L.x"]).prop_map(str::to_owned)
    }

    fn quoted(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    fn item() -> impl Strategy<Value = String> {
        let text = prop::sample::select(vec![
            "",
            "|contains",
            "|startswith",
            "|endswith",
            "|cased",
            "|contains|cased",
            "|windash",
            "|contains|windash",
            "|neq",
            "|contains|neq",
            "|base64offset|contains",
            "|wide|contains",
            "|endswith|cased",
        ]);
        let texts = (field_name(), text, prop::collection::vec(word(), 1..4), any::<bool>()).prop_map(
            |(field, modifiers, values, all)| {
                let all = if all && values.len() > 1 { "|all" } else { "" };
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                // Text with a wildcard cannot be encoded.
                let values = if modifiers.contains("64") || modifiers.contains("wide") {
                    vec![quoted("ab"), quoted("cmd")]
                } else {
                    values
                };
                format!("{field}{modifiers}{all}: [{}]", values.join(", "))
            },
        );
        let plain = prop::sample::select(vec![
            ": null",
            ": 4624",
            ": 4625",
            ": true",
            ": ''",
            ": '*'",
            "|exists: true",
            "|exists: false",
            "|gt: 4000",
            "|lte: 4625",
            "|cidr: 10.0.0.0/8",
            "|cidr: ['192.168.0.0/16', '2001:db8::/32']",
            "|re: '^a.*c'",
            "|re|i: 'CMD\\.exe$'",
            "|re: '[ab]+'",
            "|fieldref: A",
            "|fieldref|contains: B",
            "|re: '(?i)sk'",
        ]);
        prop_oneof![texts, (field_name(), plain).prop_map(|(field, rest)| format!("{field}{rest}"))]
    }

    fn selection() -> impl Strategy<Value = String> {
        let map = prop::collection::vec(item(), 1..3).prop_map(|items| {
            let mut seen = std::collections::HashSet::new();
            let items: Vec<String> =
                items.into_iter().filter(|item| seen.insert(item.split(": ").next().unwrap().to_owned())).collect();
            format!("{{{}}}", items.join(", "))
        });
        let map = map.boxed();
        let list = prop::collection::vec(map.clone(), 1..3).prop_map(|maps| format!("[{}]", maps.join(", ")));
        let keywords = prop::collection::vec(word(), 1..3)
            .prop_map(|words| format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")));
        prop_oneof![4 => map, 1 => list, 1 => keywords]
    }

    fn rule() -> impl Strategy<Value = String> {
        let condition = prop::sample::select(vec![
            "s1",
            "s1 and s2",
            "s1 or s2",
            "not s1",
            "s1 and not s2",
            "1 of s*",
            "all of s*",
            "1 of them and not _x",
            "2 of s*",
            "not (s1 and s2)",
            "not 1 of s*",
        ]);
        (selection(), selection(), selection(), condition).prop_map(|(a, b, c, condition)| {
            format!("title: t\nid: ID\ndetection:\n  s1: {a}\n  s2: {b}\n  _x: {c}\n  condition: {condition}\n")
        })
    }

    fn event() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            6 => word().prop_map(Value::from),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            1 => prop::sample::select(vec![4624, 4625, 10, -1]).prop_map(Value::from),
        ];
        let value = prop_oneof![4 => scalar.clone(), 1 => prop::collection::vec(scalar, 0..3).prop_map(Value::from)];
        let inner = prop::collection::btree_map(prop::sample::select(vec!["d", "x", "e"]), value.clone(), 0..3)
            .prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()));
        let nested = prop_oneof![inner.clone(), prop::collection::vec(inner, 0..3).prop_map(Value::from)];
        let flat = prop::collection::btree_map(prop::sample::select(vec!["A", "B", "C.d", "Z"]), value, 0..4);
        let deep = prop::collection::btree_map(prop::sample::select(vec!["C", "L"]), nested, 0..3);
        (flat, deep).prop_map(|(flat, deep)| {
            Value::Object(flat.into_iter().chain(deep).map(|(k, v)| (k.to_owned(), v)).collect())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
        #[test]
        fn the_index_equals_the_definition(texts in prop::collection::vec(rule(), 1..12), events in prop::collection::vec(event(), 1..12)) {
            let files: Vec<RuleFile> = texts
                .iter()
                .enumerate()
                .map(|(n, text)| RuleFile { name: format!("{n}.yml"), text: text.replace("ID", &format!("r{n}")) })
                .collect();
            let mut symbols = Symbols::new();
            let (rules, faults) = RuleSet::compile(&files, &Options::default(), &mut symbols);
            prop_assert!(faults.is_empty(), "{faults:?}\n{texts:#?}");
            let mut scratch = Scratch::new(&rules);
            let symbols = Arc::new(symbols);
            for event in &events {
                let arena = Arena::new(Arc::clone(&symbols));
                let text = event.to_string();
                let Ok(crate::event::Value::Object(parsed)) = parse::document(&arena, text.as_bytes(), 100) else { panic!("{text}") };
                let found = rules.evaluate(&mut scratch, parsed, &Routing::Open);
                let found: Vec<String> = found.iter().map(|m| rules.rule(m.rule).unwrap().id.clone()).collect();
                prop_assert_eq!(found, matches(&rules, event), "{}\n{:#?}", text, texts);
            }
        }
    }
}
