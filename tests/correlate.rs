//! Correlations as a user meets them: the pack that comes with the program, and `sluice match` over a file of events.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sluice::correlate::cases;
use sluice::detect::fields::FieldMap;
use sluice::detect::load::{self, RuleFile};
use sluice::detect::rules::Options;

const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/correlations");

/// Each fires and stays silent where its test says so, with the vendor's field names and with ECS mapped.
#[test]
fn every_correlation_of_the_pack_passes_its_test() {
    let mapping = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/fields/ecs.yml")).unwrap();
    let ecs = Options { fields: FieldMap::parse(&mapping).unwrap(), ..Options::default() };
    let files = load::read(Path::new(PACK)).unwrap();
    assert!(files.len() >= 15);
    for file in files {
        let test = std::fs::read_to_string(PathBuf::from(&file.name).with_extension("test.yml")).unwrap();
        for options in [&Options::default(), &ecs] {
            let rule = RuleFile { name: file.name.clone(), text: file.text.clone() };
            assert_eq!(cases::check(&[rule], &test, options), [] as [String; 0], "{}", file.name);
        }
    }
}

fn run(rules: &str, arguments: &[&str], events: &[Value]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.yml"), rules).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["match", "--rules", "rules.yml"])
        .args(arguments)
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input: String = events.iter().map(|event| format!("{event}\n")).collect();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    output.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

fn rules(correlation: &str) -> String {
    format!(
        "title: Failed\nid: r-1\nname: failed\nlogsource: {{product: x}}\ndetection: {{s: {{a: 1}}, condition: s}}\n---\n\
         title: Login\nid: r-2\nname: login\nlogsource: {{product: x}}\ndetection: {{s: {{a: 2}}, condition: s}}\n---\n\
         title: C\nid: c-1\nlevel: high\ncorrelation: {correlation}\n"
    )
}

#[test]
fn alerts_come_once_per_episode_whatever_the_order() {
    let rules = rules("{type: event_count, rules: failed, group-by: [user, n], timespan: 5m, condition: {gte: 3}}");
    let event = |minute: u32, user: &str| json!({"@timestamp": format!("2026-01-02T03:{minute:02}:00Z"), "a": 1, "user": user, "n": 7});
    let mut events: Vec<Value> = [0, 1, 2, 3, 30, 31, 33].map(|minute| event(minute, "bob")).to_vec();
    events.push(event(1, "eve"));
    events.push(json!({"@timestamp": "2026-01-02T03:01:00Z", "a": 1, "n": 7}));
    let alert = |count: u32, first: &str, last: &str, events: &[u32]| {
        json!({"correlation": "c-1", "title": "C", "level": "high", "group": {"user": "bob", "n": "7"}, "count": count,
            "first": format!("2026-01-02T03:{first}:00Z"), "last": format!("2026-01-02T03:{last}:00Z"), "events": events})
    };
    let expected = [alert(4, "00", "03", &[1, 2, 3, 4]), alert(3, "30", "33", &[5, 6, 7])];
    let output = run(&rules, &[], &events);
    // The referred rule has no detections of its own.
    assert_eq!(lines(&output), expected);
    assert_eq!(output.status.code(), Some(0));
    events.reverse();
    let mut reversed = expected.clone();
    for alert in &mut reversed {
        let mut numbers: Vec<u64> =
            alert["events"].as_array().unwrap().iter().map(|n| 10 - n.as_u64().unwrap()).collect();
        numbers.sort_unstable();
        alert["events"] = json!(numbers);
    }
    assert_eq!(lines(&run(&rules, &[], &events)), reversed);
    // Without that much patience, what comes late is named.
    let mut late = vec![json!({"@timestamp": "2026-01-02T09:00:00Z"}); 256];
    late.extend(events);
    let output = run(&rules, &["--lateness", "1h"], &late);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("c-1: 8 events came later than --lateness allows"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn events_without_a_time_stand_in_the_order_of_their_lines() {
    let rules = rules("{type: temporal_ordered, rules: [failed, login], group-by: user, timespan: 1s, generate: true}");
    let event = |a: u32, user: &str| json!({"a": a, "user": user});
    let output = run(&rules, &[], &[event(2, "eve"), event(1, "eve"), event(1, "bob"), event(2, "bob")]);
    let found = lines(&output);
    let detections = found.iter().filter(|line| line.get("rule").is_some()).count();
    assert_eq!(detections, 4);
    assert_eq!(found[4]["group"], json!({"user": "bob"}));
    assert_eq!((found.len(), &found[4]["events"]), (5, &json!([3, 4])));
}

#[test]
fn a_faulty_correlation_is_named_and_the_others_run() {
    let sound = rules("{type: event_count, rules: failed, timespan: 5m, condition: {gte: 1}}");
    let text = format!(
        "{sound}---\ntitle: D\ncorrelation:\n  type: event_count\n  rules: gone\n  timespan: 9d\n  condition: {{gte: 1}}\n"
    );
    let output = run(&text, &[], &[json!({"a": 1})]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("rules.yml:21:3: error: there is no rule `gone`"), "{said}");
    assert!(said.contains("rules.yml:22:3: error: `9d` is longer than 24h"), "{said}");
    assert_eq!((lines(&output).len(), output.status.code()), (1, Some(1)));
}
