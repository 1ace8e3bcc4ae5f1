//! Sigma rules at work: SigmaHQ's rules on real events, its regression data, a peer that must agree, our own pack, the command.
//!
//! What lies outside the project is looked for in the shared data; without it these tests say so and have nothing to check.
//!
//! Where we and rsigma-eval 0.23 differ, the specification 2.1 decides, and the tests know these reasons:
//! - `windash`: each of the five dashes stands for each other one; the peer replaces hyphens only ("converts the aforementioned characters
//!   interchangeably").
//! - `startswith` and `endswith` with a wildcard inside: the peer anchors the other end.
//! - `*` and `?` match line breaks ("unbounded length wildcard"); the peer's do not.
//! - `exists` is about the key, whatever its value ("only verifies the presence of a field, not its value, be it empty or null").
//! - keywords under `|all` are parts of the event's text like any keyword; the peer compares whole values.
//! - `base64offset` drops the last character that a neighbour's bits reach; the peer keeps it and misses.
//! - `wide` without base64 encodes; the peer ignores it. `expand` takes its values from tables, the peer from fields of the event.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use proptest::prelude::*;
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::LogSource;
use serde_json::{Value, json};
use sluice::detect::evaluate::{Routing, Scratch};
use sluice::detect::fault::Severity;
use sluice::detect::fields::FieldMap;
use sluice::detect::load::{self, RuleFile};
use sluice::detect::rules::{Options, RuleSet};
use sluice::detect::ruletest;
use sluice::detect::source::Given;
use sluice::event::{Arena, Symbols, Value as EventValue, parse};

const WINDOWS: &str = "events/windows-attack-samples.ndjson";
const CLOUDTRAIL: &str = "events/cloudtrail-stratus.ndjson";
const REGRESSION: &str = "events/sigma-regression.ndjson";

fn shared(part: &str) -> Option<PathBuf> {
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
    product: Option<String>,
    service: Option<String>,
    categories: Vec<String>,
    event: Value,
    /// The rule that the event was recorded for.
    case: String,
}

impl Case {
    fn matches(&self, ours: &mut Ours) -> BTreeSet<String> {
        let categories: Vec<&str> = self.categories.iter().map(String::as_str).collect();
        let given =
            Given { product: self.product.as_deref(), service: self.service.as_deref(), categories: &categories };
        ours.matches(&self.event, &Routing::Given(given))
    }
}

fn cases(part: &str) -> Option<Vec<Case>> {
    let text = std::fs::read_to_string(shared(part)?).unwrap();
    let name = |value: &Value| value.as_str().map(str::to_owned);
    let case = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let categories = line["ls"]["cs"].as_array();
        Case {
            product: name(&line["ls"]["p"]),
            service: name(&line["ls"]["s"]),
            categories: categories.map(|cs| cs.iter().filter_map(name).collect()).unwrap_or_default(),
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
    fn new(files: &[RuleFile], options: &Options) -> Ours {
        let mut symbols = Symbols::new();
        let (rules, faults) = RuleSet::compile(files, options, &mut symbols);
        let errors: Vec<_> = faults.iter().filter(|fault| fault.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let scratch = Scratch::new(&rules);
        Ours { rules, symbols: Arc::new(symbols), scratch }
    }

    fn matches(&mut self, event: &Value, routing: &Routing<'_>) -> BTreeSet<String> {
        let arena = Arena::new(Arc::clone(&self.symbols));
        let text = event.to_string();
        let Ok(EventValue::Object(event)) = parse::document(&arena, text.as_bytes(), 100) else { panic!("{text}") };
        let found = self.rules.evaluate(&mut self.scratch, event, routing);
        found.iter().map(|m| self.rules.rule(m.rule).unwrap().id.clone()).collect()
    }
}

fn sigma_rules() -> Option<Vec<RuleFile>> {
    Some(load::read(&shared("sigma")?).unwrap())
}

/// The peer's matches where ours and its differ for no reason of the list above: (event, rule, who has it).
fn differences(files: &[RuleFile], cases: &[Case], open: bool) -> Vec<String> {
    let mut ours = Ours::new(files, &Options::default());
    let mut engine = Engine::new();
    let parsed: Vec<_> = files.iter().flat_map(|f| rsigma_parser::parse_sigma_yaml(&f.text).unwrap().rules).collect();
    assert!(engine.add_rules(&parsed).is_empty());
    let text_of: BTreeMap<&str, &str> = parsed
        .iter()
        .map(|rule| rule.id.as_deref().unwrap())
        .zip(files.iter().filter(|f| f.text.contains("detection:")).map(|f| f.text.as_str()))
        .collect();
    let mut found = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let event = JsonEvent::borrow(&case.event);
        let ids = |results: Vec<rsigma_eval::EvaluationResult>| results.into_iter().map(|r| r.header.rule_id.unwrap());
        let (own, peer): (BTreeSet<String>, BTreeSet<String>) = if open {
            (ours.matches(&case.event, &Routing::Open), ids(engine.evaluate(&event)).collect())
        } else {
            let mut categories: Vec<Option<String>> = case.categories.iter().cloned().map(Some).collect();
            // What the taxonomy says of Sysmon's event 12, which the given source leaves out.
            categories.extend(
                match (&case.event["EventID"], case.event["EventType"].as_str(), case.service.as_deref()) {
                    (id, Some("CreateKey"), Some("sysmon")) if *id == 12 => Some(Some("registry_add".to_owned())),
                    (id, Some("DeleteKey" | "DeleteValue"), Some("sysmon")) if *id == 12 => {
                        Some(Some("registry_delete".to_owned()))
                    }
                    _ => None,
                },
            );
            categories.push(None);
            let source = |category| LogSource {
                product: case.product.clone(),
                service: case.service.clone(),
                category,
                ..LogSource::default()
            };
            let peer =
                categories.into_iter().flat_map(|c| ids(engine.evaluate_with_logsource(&event, &source(c)))).collect();
            (case.matches(&mut ours), peer)
        };
        for id in own.symmetric_difference(&peer) {
            let only_ours = own.contains(id);
            if only_ours && text_of[id.as_str()].contains("windash") {
                continue;
            }
            found.push(format!("event {number}: {id} only by {}", if only_ours { "us" } else { "the peer" }));
        }
    }
    found
}

#[test]
fn every_rule_of_sigmahq_compiles() {
    let Some(files) = sigma_rules() else { return };
    let (rules, faults) = RuleSet::compile(&files, &Options::default(), &mut Symbols::new());
    let rule_files = files.iter().filter(|file| file.text.contains("\ndetection:")).count();
    assert_eq!(rules.len(), rule_files);
    // Known: two rules need a table of the site's, and one file is no rule.
    let unknown: Vec<String> = faults
        .iter()
        .filter(|f| f.severity == Severity::Error || !(f.what.contains("%known_cdcs%") || f.file.ends_with("thor.yml")))
        .map(ToString::to_string)
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(rules.heap_bytes() < 150 << 20, "{} bytes", rules.heap_bytes());
}

#[test]
fn every_rule_fires_on_the_events_recorded_for_it() {
    let (Some(files), Some(cases), Some(expected)) =
        (sigma_rules(), cases(REGRESSION), shared("events/sigma-regression.expect.json"))
    else {
        return;
    };
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(expected).unwrap()).unwrap();
    let mut ours = Ours::new(&files, &Options::default());
    let mut engine = Engine::new();
    engine.add_rules(
        &files.iter().flat_map(|f| rsigma_parser::parse_sigma_yaml(&f.text).unwrap().rules).collect::<Vec<_>>(),
    );
    let mut counts: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for case in &cases {
        let [given, shown, peer] = counts.entry(&case.case).or_default();
        *given += u64::from(case.matches(&mut ours).contains(&case.case));
        *shown += u64::from(ours.matches(&case.event, &Routing::Event).contains(&case.case));
        let found = engine.evaluate(&JsonEvent::borrow(&case.event));
        *peer += u64::from(found.iter().any(|r| r.header.rule_id.as_deref() == Some(&case.case)));
    }
    let expected = expected.as_object().unwrap();
    for (id, expected) in expected {
        let [given, shown, peer] = counts[id.as_str()];
        assert!(given > 0 && shown > 0, "{id} does not fire");
        if let Some(count) = expected["match_count"].as_u64() {
            assert!(given == count || given == peer, "{id}: {given} events, {count} expected, the peer has {peer}");
            assert_eq!(given, shown, "{id}");
        }
    }
    println!("{} of {} rules", counts.values().filter(|c| c[0] > 0).count(), expected.len());
}

#[test]
fn a_peer_gives_the_same_detections_on_windows_events() {
    let (Some(files), Some(cases)) = (sigma_rules(), cases(WINDOWS)) else { return };
    assert_eq!(differences(&files, &cases, true), Vec::<String>::new(), "every rule on every event");
    assert_eq!(differences(&files, &cases, false), Vec::<String>::new(), "with log source routing");
}

#[test]
fn a_peer_gives_the_same_detections_on_cloudtrail_events() {
    let (Some(files), Some(cases)) = (sigma_rules(), cases(CLOUDTRAIL)) else { return };
    assert_eq!(differences(&files, &cases, true), Vec::<String>::new(), "every rule on every event");
    assert_eq!(differences(&files, &cases, false), Vec::<String>::new(), "with log source routing");
}

fn ecs() -> Options {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/fields/ecs.yml")).unwrap();
    Options { fields: FieldMap::parse(&text).unwrap(), ..Options::default() }
}

/// As Winlogbeat ships a Windows event.
fn winlogbeat(event: &Value) -> Value {
    let mut data = event.as_object().unwrap().clone();
    let mut take = |name: &str| data.remove(name).unwrap_or(Value::Null);
    let (channel, id, computer, provider) = (take("Channel"), take("EventID"), take("Computer"), take("Provider_Name"));
    json!({"event": {"code": id.to_string()}, "host": {"name": computer},
        "winlog": {"channel": channel, "event_id": id, "computer_name": computer, "provider_name": provider, "event_data": data}})
}

/// As Elastic's integration stores a CloudTrail record.
fn cloudtrail_ecs(event: &Value) -> Value {
    let of = |path: &str| event.pointer(path).cloned().unwrap_or(Value::Null);
    let drop_null = |value: Value| match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    json!({
        "event": drop_null(json!({"dataset": "aws.cloudtrail", "action": of("/eventName"), "provider": of("/eventSource")})),
        "cloud": drop_null(json!({"region": of("/awsRegion")})),
        "source": drop_null(json!({"address": of("/sourceIPAddress")})),
        "user_agent": drop_null(json!({"original": of("/userAgent")})),
        "aws": {"cloudtrail": drop_null(json!({
            "event_type": of("/eventType"),
            "error_code": of("/errorCode"),
            "error_message": of("/errorMessage"),
            "recipient_account_id": of("/recipientAccountId"),
            "user_identity": drop_null(json!({
                "type": of("/userIdentity/type"),
                "arn": of("/userIdentity/arn"),
                "access_key_id": of("/userIdentity/accessKeyId"),
                "user_name": of("/userIdentity/userName"),
                "invoked_by": of("/userIdentity/invokedBy"),
                "session_context": {
                    "session_issuer": drop_null(json!({"type": of("/userIdentity/sessionContext/sessionIssuer/type")})),
                },
            })),
            "flattened": drop_null(json!({
                "request_parameters": of("/requestParameters"),
                "response_elements": of("/responseElements"),
                "additional_eventdata": of("/additionalEventData"),
            })),
        }))},
    })
}

#[test]
fn an_event_raises_the_same_detections_raw_and_normalised() {
    let Some(files) = sigma_rules() else { return };
    let mut raw = Ours::new(&files, &Options::default());
    let mut mapped = Ours::new(&files, &ecs());
    for (part, form) in
        [(WINDOWS, winlogbeat as fn(&Value) -> Value), (REGRESSION, winlogbeat), (CLOUDTRAIL, cloudtrail_ecs)]
    {
        let mut detections = 0;
        for (number, case) in cases(part).unwrap_or_default().iter().enumerate() {
            let expected = raw.matches(&case.event, &Routing::Event);
            detections += expected.len();
            assert_eq!(mapped.matches(&form(&case.event), &Routing::Event), expected, "{part}, event {number}");
        }
        println!("{part}: {detections} detections");
    }
}

/// The pack's rules on events of SigmaHQ's kind, each test a file beside its rule.
#[test]
fn our_own_rules_pass_their_tests() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/rules"));
    assert_eq!(ruletest::untested(folder).unwrap(), Vec::<PathBuf>::new());
    let outcomes = ruletest::run(folder, &ecs()).unwrap();
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let files = load::read(folder).unwrap();
    let (rules, faults) = RuleSet::compile(&files, &ecs(), &mut Symbols::new());
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(
        rules.rules().iter().all(|rule| rule.level.is_some() && !rule.tags.is_empty() && rule.description.is_some())
    );
}

fn run(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn match_reads_events_and_given_sources_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let rule = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    rule(
        "a.yml",
        "title: A\nid: a\nlevel: high\nlogsource: {product: windows, service: security}\ndetection:\n  s: {EventID: 1102}\n  condition: s\n",
    );
    rule(
        "b.yml",
        "title: B\nid: b\nlogsource: {product: linux, service: sshd}\ndetection:\n  k: [Failed]\n  condition: k\n",
    );
    rule("a.test.yml", "fires: []\nsilent: []\n");
    let rules = path("");
    let input = concat!(
        "{\"Channel\":\"Security\",\"EventID\":1102}\n",
        "{\"Channel\":\"System\",\"EventID\":1102}\n",
        "\n",
        "{\"ls\":{\"p\":\"linux\",\"c\":null,\"s\":\"sshd\"},\"ev\":{\"message\":\"failed\",\"EventID\":1102}}\n",
        "{\"ls\":{},\"ev\":{\"message\":\"failed\",\"EventID\":\"1102\"}}\n",
    );
    let a = |n: u32| format!("{{\"rule\":\"a\",\"title\":\"A\",\"level\":\"high\",\"event\":{n}}}\n");
    let b = |n: u32| format!("{{\"rule\":\"b\",\"title\":\"B\",\"level\":null,\"event\":{n}}}\n");
    let (code, out, err) = run(&["match", "--rules", &rules], input);
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), format!("{}{}{}{}", a(1), b(4), a(5), b(5)).as_str(), ""));

    let (code, out, err) =
        run(&["match", "--rules", &rules, "--no-routing", "--stats"], "{\"EventID\":1102,\"Channel\":\"System\"}");
    assert_eq!((code, out), (Some(0), a(1)));
    assert!(err.contains("2 rules in") && err.contains("1 events in") && err.contains("1 detections"), "{err}");

    rule("c.yml", "title: C\nid: c\ndetection:\n  s:\n    A|re: '('\n  condition: s and t\n");
    let (code, out, err) = run(&["match", "--rules", &rules], "{\"Channel\":\"Security\",\"EventID\":1102}\n[1]\n{\n");
    assert_eq!((code, out), (Some(1), a(1)));
    let lines: Vec<&str> = err.lines().collect();
    assert!(lines[0].ends_with("c.yml:5:5: error: `(` is no regular expression: regex parse error:"), "{err}");
    assert!(err.contains("line 2: the line is JSON but no object"), "{err}");
    assert!(err.contains("line 3: the JSON text ends too early at byte 2"), "{err}");

    std::fs::remove_file(path("c.yml")).unwrap();
    std::fs::write(
        path("overlay"),
        "rules:\n  a: {state: shadow, level: low, exceptions: [{User: bob}]}\n  b: {state: off}\n",
    )
    .unwrap();
    let overlay = path("overlay");
    let event = "{\"Channel\":\"Security\",\"EventID\":1102,\"User\":\"alice\",\"message\":\"failed\"}\n";
    let (code, out, _) =
        run(&["match", "--rules", &rules, "--overlay", &overlay], &format!("{event}{}", event.replace("alice", "bob")));
    assert_eq!(code, Some(0));
    assert_eq!(out, "{\"rule\":\"a\",\"title\":\"A\",\"level\":\"low\",\"shadow\":true,\"event\":1}\n");

    let (code, out, _) = run(&["rules", "list", "--rules", &rules, "--json"], "");
    assert_eq!(code, Some(0));
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed["log_sources"]["linux/*/sshd"]["rules"], 1);
    assert_eq!(listed["rules"][0]["id"], "a");
}

/// Words of which rules and events are made; without what the list at the top names as a difference.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "ABC",
        "abcd",
        "xabcy",
        "Ab",
        "10.1.2.3",
        "4624",
        "46",
        "true",
        "\\cmd.exe",
        "C:\\x\\CMD.exe",
        "äÖ",
        "-a",
        "a b",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn a_peer_gives_the_same_on_generated_rules_and_events(
        items in prop::collection::vec(
            (
                prop::sample::select(vec!["A", "B", "C.d"]),
                prop::sample::select(vec!["", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|neq", "|contains|neq", "|base64|contains", "|re", "|gt", "|cidr", "|fieldref"]),
                prop::collection::vec(word(), 1..3),
            ),
            8,
        ),
        conditions in prop::collection::vec(prop::sample::select(vec!["s0", "s0 and s1", "s0 and not s1", "1 of s*", "all of s*", "not s0 and not s1", "2 of them"]), 4),
        events in prop::collection::vec(prop::collection::btree_map(prop::sample::select(vec!["A", "B", "C"]), prop_oneof![
            4 => word().prop_map(Value::from),
            1 => prop::collection::vec(word(), 1..3).prop_map(Value::from),
            1 => Just(json!(4624)),
            1 => Just(Value::Null),
            1 => word().prop_map(|w| json!({"d": w})),
            1 => prop::collection::vec(word(), 2).prop_map(|w| json!([{"d": w[0]}, {"d": w[1]}])),
        ], 0..4), 1..8),
    ) {
        let text = |(field, modifier, values): &(&str, &str, Vec<String>)| match *modifier {
            "|gt" => format!("{{{field}|gt: 100}}"),
            "|cidr" => format!("{{{field}|cidr: 10.0.0.0/8}}"),
            "|fieldref" => format!("{{{field}|fieldref: {}}}", if *field == "A" { "B" } else { "A" }),
            "|re" => format!("{{{field}|re: '^[a-c]+d?$'}}"),
            modifier => format!("{{{field}{modifier}: {}}}", serde_json::to_string(values).unwrap()),
        };
        let files: Vec<RuleFile> = items.chunks(2).zip(&conditions).enumerate().map(|(n, (pair, condition))| RuleFile {
            name: format!("{n}.yml"),
            text: format!("title: t\nid: r{n}\ndetection:\n  s0: {}\n  s1: {}\n  condition: {condition}\n", text(&pair[0]), text(&pair[1])),
        }).collect();
        let cases: Vec<Case> = events.into_iter().map(|event| Case {
            product: None, service: None, categories: Vec::new(), case: String::new(),
            event: Value::Object(event.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        }).collect();
        // Lists against lists: the specification has any element match, the peer compares them whole.
        let two_lists = |event: &Value| event.as_object().unwrap().values().filter(|v| v.is_array()).count() > 0;
        let cases: Vec<Case> = cases.into_iter().filter(|case| !(two_lists(&case.event) && items.iter().any(|i| i.1 == "|fieldref"))).collect();
        prop_assert_eq!(differences(&files, &cases, true), Vec::<String>::new(), "{:#?} {:#?}", files, cases.iter().map(|c| &c.event).collect::<Vec<_>>());
    }
}
