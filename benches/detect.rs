//! Sigma rules over real events against rsigma-eval with its index and log source pruning on, in one run on one thread;
//! `cargo bench --bench detect`. Needs the shared data; says so when it is not there.
//!
//! Each line: events per second with JSON parsing and by the matcher alone, ours and the peer's (the best of its settings), and the ratio.
//! Both give the same detections on the same log sources; the tests hold them to that, and the counts are printed.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::LogSource;
use sluice::detect::evaluate::{Routing, Scratch};
use sluice::detect::load;
use sluice::detect::rules::{Options, RuleSet};
use sluice::detect::source::Given;
use sluice::event::{Arena, Symbols, Value, parse};

/// Each measurement is the best of this many rounds.
const ROUNDS: usize = 5;
/// Events that share an arena, as in the service.
const BATCH_EVENTS: usize = 500;

struct Case {
    text: Vec<u8>,
    event: serde_json::Value,
    product: Option<String>,
    service: Option<String>,
    categories: Vec<String>,
}

fn cases(path: PathBuf) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    let name = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let case = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let categories = line["ls"]["cs"].as_array().map(|cs| cs.iter().filter_map(name).collect()).unwrap_or_default();
        Case {
            text: line["ev"].to_string().into_bytes(),
            event: line["ev"].clone(),
            product: name(&line["ls"]["p"]),
            service: name(&line["ls"]["s"]),
            categories,
        }
    };
    text.lines().map(case).collect()
}

/// The shortest time of a pass, and how many detections it made.
fn best(mut pass: impl FnMut() -> usize) -> (Duration, usize) {
    let mut best = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let detections = pass();
        let took = started.elapsed();
        if took < best.0 {
            best = (took, detections);
        }
    }
    best
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn main() {
    let folder = std::env::var_os("SLUICE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    if !folder.join("sigma").exists() {
        println!("the shared data is not here: nothing measured");
        return;
    }
    let files = load::read(&folder.join("sigma")).unwrap();
    let windows = cases(folder.join("events/windows-attack-samples.ndjson"));
    let cloudtrail = cases(folder.join("events/cloudtrail-stratus.ndjson"));
    let product = |name: &'static str| {
        move |file: &&load::RuleFile| file.text.lines().any(|line| line.trim() == format!("product: {name}"))
    };
    let only_windows: Vec<_> = files.iter().filter(product("windows")).cloned().collect();
    let only_aws: Vec<_> = files.iter().filter(product("aws")).cloned().collect();
    for (name, files, cases) in [
        ("Windows events, Windows rules", &only_windows, &windows),
        ("Windows events, all rules", &files, &windows),
        ("CloudTrail events, AWS rules", &only_aws, &cloudtrail),
        ("CloudTrail events, all rules", &files, &cloudtrail),
    ] {
        compare(name, files, cases);
    }
}

fn compare(name: &str, files: &[load::RuleFile], cases: &[Case]) {
    let before_kib = resident_kib();
    let started = Instant::now();
    let mut symbols = Symbols::new();
    let (rules, _) = RuleSet::compile(files, &Options::default(), &mut symbols);
    let compiled = started.elapsed();
    let resident_mib = resident_kib().saturating_sub(before_kib) as f64 / 1024.0;
    let symbols = Arc::new(symbols);
    println!(
        "{name}: {} rules compiled in {:.2} s, {resident_mib:.0} MiB resident ({:.0} MiB counted)",
        rules.len(),
        compiled.as_secs_f64(),
        rules.heap_bytes() as f64 / (1 << 20) as f64
    );
    let ours = ours(&rules, &symbols, cases);
    let peer = peer(files, cases);
    for (what, (ours, ours_found), (peer, peer_found)) in
        [("with parsing", ours.0, peer.0), ("matcher alone", ours.1, peer.1)]
    {
        let rate = |took: Duration| cases.len() as f64 / took.as_secs_f64() / 1000.0;
        println!(
            "  {what}: {:.0} k/s, peer {:.0} k/s, ratio {:.1} ({ours_found} and {peer_found} detections)",
            rate(ours),
            rate(peer),
            peer.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

type Measured = ((Duration, usize), (Duration, usize));

fn ours(rules: &RuleSet, symbols: &Arc<Symbols>, cases: &[Case]) -> Measured {
    let mut scratch = Scratch::new(rules);
    let categories: Vec<Vec<&str>> = cases.iter().map(|c| c.categories.iter().map(String::as_str).collect()).collect();
    let mut arena = Arena::new(Arc::clone(symbols));
    let mut pass = |parse_only: bool| {
        let mut found = 0;
        for (batch, categories) in cases.chunks(BATCH_EVENTS).zip(categories.chunks(BATCH_EVENTS)) {
            for (case, categories) in batch.iter().zip(categories) {
                let Ok(Value::Object(event)) = parse::document(&arena, &case.text, 100) else { continue };
                if parse_only {
                    black_box(event.len());
                    continue;
                }
                let given = Given { product: case.product.as_deref(), service: case.service.as_deref(), categories };
                found += rules.evaluate(&mut scratch, event, &Routing::Given(given)).len();
            }
            arena.reset();
        }
        found
    };
    let whole = best(|| pass(false));
    let parsing = best(|| pass(true));
    (whole, (whole.0.saturating_sub(parsing.0), whole.1))
}

fn peer(files: &[load::RuleFile], cases: &[Case]) -> Measured {
    let parsed: Vec<_> =
        files.iter().flat_map(|file| rsigma_parser::parse_sigma_yaml(&file.text).unwrap().rules).collect();
    let sources: Vec<LogSource> = cases
        .iter()
        .map(|case| LogSource {
            product: case.product.clone(),
            service: case.service.clone(),
            category: case.categories.first().cloned(),
            ..LogSource::default()
        })
        .collect();
    let mut fastest: Option<Measured> = None;
    for bloom in [false, true] {
        let mut engine = Engine::new();
        engine.set_bloom_prefilter(bloom);
        engine.add_rules(&parsed);
        // Its stricter routing, the same as ours.
        let whole = best(|| {
            let events = cases.iter().zip(&sources).map(|(case, source)| {
                let event: serde_json::Value = serde_json::from_slice(&case.text).unwrap();
                engine.evaluate_with_logsource(&JsonEvent::borrow(&event), source).len()
            });
            events.sum()
        });
        let pruned = best(|| {
            let events = cases.iter().zip(&sources).map(|(case, source)| {
                let event: serde_json::Value = serde_json::from_slice(&case.text).unwrap();
                engine.evaluate_pruned(&JsonEvent::borrow(&event), source).len()
            });
            events.sum()
        });
        let alone = best(|| {
            let events = cases.iter().zip(&sources);
            events
                .map(|(case, source)| engine.evaluate_with_logsource(&JsonEvent::borrow(&case.event), source).len())
                .sum()
        });
        let alone_pruned = best(|| {
            let events = cases.iter().zip(&sources);
            events.map(|(case, source)| engine.evaluate_pruned(&JsonEvent::borrow(&case.event), source).len()).sum()
        });
        let measured = (whole.min(pruned), alone.min(alone_pruned));
        fastest = Some(fastest.map_or(measured, |f: Measured| (f.0.min(measured.0), f.1.min(measured.1))));
    }
    fastest.unwrap_or_default()
}
