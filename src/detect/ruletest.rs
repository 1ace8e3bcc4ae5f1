//! Tests that lie beside rules: `x.test.yml` says of `x.yml` which events it must fire on and on which it must stay silent.
//!
//! ```yaml
//! logsource: {product: windows, category: process_creation}   # of the events; without it the events are routed by themselves
//! fires:
//!   - {Image: 'C:\Windows\System32\certutil.exe', CommandLine: certutil -urlcache -f http://x/y}
//! silent:
//!   - {Image: 'C:\Windows\System32\certutil.exe'}              # a field that the rule needs is missing
//!   - {}
//! ```
//!
//! Without a rule for the events of `silent` a test of silence would always pass; so at least one event must fire, and at least one
//! of the silent ones must be a firing one without one of its fields.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::evaluate::{Routing, Scratch};
use super::fault::Severity;
use super::load::{self, RuleFile};
use super::rules::{Options, RuleSet};
use super::source::Given;
use crate::event::{Arena, Symbols, Value as EventValue, parse};

const NESTING_LEVELS_MAX: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    logsource: Option<TestSource>,
    fires: Vec<Map<String, Value>>,
    silent: Vec<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestSource {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
}

/// What came of one test file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The test file.
    pub file: PathBuf,
    /// Sentences; none when it passed.
    pub failures: Vec<String>,
}

/// The rule files of a folder that have no test beside them.
pub fn untested(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let files = load::read(folder)?;
    Ok(files
        .into_iter()
        .map(|file| PathBuf::from(file.name))
        .filter(|path| !path.with_extension("test.yml").exists())
        .collect())
}

/// Runs the tests beside the rules of a folder, one by one.
pub fn run(folder: &Path, options: &Options) -> std::io::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for rule in load::read(folder)? {
        let file = PathBuf::from(&rule.name).with_extension("test.yml");
        if file.exists() {
            let text = std::fs::read_to_string(&file)?;
            outcomes.push(Outcome { file, failures: check(rule, &text, options) });
        }
    }
    Ok(outcomes)
}

/// What is wrong with a rule by the words of its test.
pub fn check(rule: RuleFile, test: &str, options: &Options) -> Vec<String> {
    let test: TestFile = match yaml_serde::from_str(test) {
        Ok(test) => test,
        Err(error) => return vec![error.to_string()],
    };
    let mut symbols = Symbols::new();
    let (rules, faults) = RuleSet::compile(&[rule], options, &mut symbols);
    let mut failures: Vec<String> =
        faults.iter().filter(|fault| fault.severity == Severity::Error).map(ToString::to_string).collect();
    if test.fires.is_empty() {
        failures.push("`fires` names no event".to_owned());
    }
    let lacks_one = |silent: &Map<String, Value>| {
        let is_part = |fires: &&Map<String, Value>| {
            fires.len() == silent.len() + 1 && silent.iter().all(|(name, value)| fires.get(name) == Some(value))
        };
        test.fires.iter().find(is_part).is_some()
    };
    if !test.silent.iter().any(lacks_one) {
        failures.push("no event of `silent` is one of `fires` without one of its fields".to_owned());
    }
    let symbols = Arc::new(symbols);
    let mut scratch = Scratch::new(&rules);
    let mut fires = |event: &Map<String, Value>| {
        let arena = Arena::new(Arc::clone(&symbols));
        let text = Value::Object(event.clone()).to_string();
        let Ok(EventValue::Object(parsed)) = parse::document(&arena, text.as_bytes(), NESTING_LEVELS_MAX) else {
            return false;
        };
        let category = test.logsource.as_ref().and_then(|source| source.category.as_deref());
        let categories: Vec<&str> = category.into_iter().collect();
        let routing = match &test.logsource {
            None => Routing::Event,
            Some(source) => Routing::Given(Given {
                product: source.product.as_deref(),
                service: source.service.as_deref(),
                categories: &categories,
            }),
        };
        !rules.evaluate(&mut scratch, parsed, &routing).is_empty()
    };
    for (number, event) in test.fires.iter().enumerate() {
        if !fires(event) {
            failures.push(format!("event {} of `fires` does not fire", number + 1));
        }
    }
    for (number, event) in test.silent.iter().enumerate() {
        if fires(event) {
            failures.push(format!("event {} of `silent` fires", number + 1));
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_says_what_is_wrong() {
        let rule = || RuleFile {
            name: "r.yml".into(),
            text: "title: r\nlogsource: {product: x}\ndetection:\n  s: {a: 1, b: 2}\n  condition: s\n".into(),
        };
        let source = "logsource: {product: x}\n";
        for (test, expected) in [
            (format!("{source}fires: [{{a: 1, b: 2}}]\nsilent: [{{a: 1}}]\n"), vec![]),
            (format!("{source}fires: [{{a: 1}}]\nsilent: [{{}}]\n"), vec!["event 1 of `fires` does not fire"]),
            (
                format!("{source}fires: [{{a: 1, b: 2}}]\nsilent: [{{a: 1}}, {{a: '1', b: 2}}]\n"),
                vec!["event 2 of `silent` fires"],
            ),
            (
                format!("{source}fires: []\nsilent: [{{}}]\n"),
                vec!["`fires` names no event", "no event of `silent` is one of `fires` without one of its fields"],
            ),
            // Another log source: routed past the rule.
            (
                "logsource: {product: y}\nfires: [{a: 1, b: 2}]\nsilent: [{a: 1}]\n".to_owned(),
                vec!["event 1 of `fires` does not fire"],
            ),
        ] {
            assert_eq!(check(rule(), &test, &Options::default()), expected, "{test}");
        }
    }
}
