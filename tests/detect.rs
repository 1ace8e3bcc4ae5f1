//! Sigma rules at work on real events: SigmaHQ's rules, its regression data, and a peer that must agree.
//!
//! The data lies outside the project; without it these tests say so and have nothing to check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rsigma_eval::event::JsonEvent;
use rsigma_parser::LogSource;
use sluice::detect::evaluate::{Routing, Scratch};
use sluice::detect::fault::Severity;
use sluice::detect::load::{self, RuleFile};
use sluice::detect::rules::{Options, RuleSet};
use sluice::event::{Arena, Object, Symbols, Value, parse};

pub fn shared(part: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SLUICE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let path = folder.join(part);
    if path.exists() {
        return Some(path);
    }
    println!("{part} of the shared data is not here: nothing checked");
    None
}

struct Case {
    given: (Option<String>, Vec<String>, Option<String>),
    event: serde_json::Value,
    text: String,
    case: String,
}

fn cases(part: &str) -> Option<Vec<Case>> {
    let text = std::fs::read_to_string(shared(part)?).unwrap();
    let name = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let case = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut categories: Vec<String> =
            line["ls"]["cs"].as_array().map(|cs| cs.iter().filter_map(name).collect()).unwrap_or_default();
        if let Some(category) = name(&line["ls"]["c"]).filter(|c| !categories.contains(c)) {
            categories.push(category);
        }
        Case {
            given: (name(&line["ls"]["p"]), categories, name(&line["ls"]["s"])),
            text: line["ev"].to_string(),
            event: line["ev"].clone(),
            case: name(&line["case"]).unwrap_or_default(),
        }
    };
    Some(text.lines().map(case).collect())
}

struct Ours {
    rules: RuleSet,
    symbols: Arc<Symbols>,
    scratch: Scratch,
}

impl Ours {
    fn new(files: &[RuleFile]) -> Ours {
        let mut symbols = Symbols::new();
        let (rules, faults) = RuleSet::compile(files, &Options::default(), &mut symbols);
        let errors: Vec<_> = faults.iter().filter(|fault| fault.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let scratch = Scratch::new(&rules);
        Ours { rules, symbols: Arc::new(symbols), scratch }
    }

    fn matches(&mut self, event: &str, routing: &Routing<'_>) -> BTreeSet<String> {
        let arena = Arena::new(Arc::clone(&self.symbols));
        let Ok(Value::Object(event)) = parse::document(&arena, event.as_bytes(), 100) else { panic!("{event}") };
        let event: &Object<'_> = event;
        let found = self.rules.evaluate(&mut self.scratch, event, routing);
        found.iter().map(|m| self.rules.rule(m.rule).unwrap().id.clone()).collect()
    }
}

fn sigma_rules() -> Option<Vec<RuleFile>> {
    Some(load::read(&shared("sigma")?).unwrap())
}

fn peer(files: &[RuleFile]) -> rsigma_eval::Engine {
    let mut engine = rsigma_eval::Engine::new();
    for file in files {
        let parsed = rsigma_parser::parse_sigma_yaml(&file.text).unwrap();
        for rule in &parsed.rules {
            engine.add_rules([rule]).iter().for_each(|(_, e)| panic!("{}: {e}", file.name));
        }
    }
    engine
}

#[test]
fn explore() {
    let Some(files) = sigma_rules() else { return };
    let mut ours = Ours::new(&files);
    let mut engine = rsigma_eval::Engine::new();
    let rules: Vec<_> = files.iter().flat_map(|f| rsigma_parser::parse_sigma_yaml(&f.text).unwrap().rules).collect();
    let errors = engine.add_rules(&rules);
    println!("{errors:?}");
    for part in
        ["events/sigma-regression.ndjson", "events/windows-attack-samples.ndjson", "events/cloudtrail-stratus.ndjson"]
    {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut total = (0, 0);
        for case in cases(part).unwrap() {
            let o = ours.matches(&case.text, &Routing::Open);
            let p: BTreeSet<String> = engine
                .evaluate(&JsonEvent::borrow(&case.event))
                .into_iter()
                .map(|r| r.header.rule_id.unwrap())
                .collect();
            total.0 += o.len();
            total.1 += p.len();
            for id in o.symmetric_difference(&p) {
                let rule = ours.rules.rules().iter().find(|r| r.id == *id).unwrap();
                *seen
                    .entry(format!("{} {} {}", if o.contains(id) { "ours" } else { "peer" }, rule.file, rule.title))
                    .or_default() += 1;
            }
        }
        println!("{part} {total:?}");
        for (k, n) in seen {
            println!("  {n} {k}");
        }
    }
    let _ = (LogSource::default(), peer);
}
