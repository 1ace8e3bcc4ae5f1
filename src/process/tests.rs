//! Records in, documents out: pipelines, rules and what is filled in, as a worker joins them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Part;
use super::generation::{Content, Current, Generation, Plan};
use super::sources::SourceFile;
use super::worker::{Job, Worker};
use crate::detect::load::RuleFile;
use crate::index::bulk;
use crate::pipeline::files;
use crate::record::{Coordinates, Record};
use crate::settings::{Faults, Settings};

const NOW_MS: i64 = 1_790_000_000_123;
const CLOUDTRAIL: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice"},"eventTime":"2026-09-21T14:13:19Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","eventID":"e-1"}"#;
const FLOW: &str =
    "2 123456789010 eni-1235b8ca123456789 192.0.2.1 192.0.2.2 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

fn settings(more: &str) -> Settings {
    let topics = "[logs, {name: flows, source: aws_vpcflow}]";
    let text = format!("kafka: {{brokers: 'a:1', topics: {topics}}}\nopensearch: {{nodes: ['http://a:1']}}\n{more}");
    Settings::parse("sluice.yml", &text, &HashMap::new()).unwrap()
}

/// The sources that come with the program.
fn own() -> Content {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sources");
    Content::read(&settings(&format!("pipelines: {{dir: {dir}}}"))).unwrap()
}

fn with_pipeline(mut content: Content, name: &str, scope: Option<&str>, text: &str) -> Content {
    let file = format!("{name}/pipeline.yml");
    content.pipelines.push(files::Source { name: name.into(), file, text: text.into(), scope: scope.map(Into::into) });
    content
}

fn with_source(mut content: Content, pipeline: &str, text: &str) -> Content {
    let file = format!("{pipeline}/source.yml");
    content.sources.push(SourceFile { pipeline: pipeline.into(), file, text: text.into() });
    content
}

fn compile(content: &Content) -> Result<Generation, Faults> {
    Generation::compile(content, &settings("")).map(|loaded| loaded.generation)
}

fn process(content: &Content, topic: &str, payloads: &[&str]) -> Part {
    let settings = settings("");
    let current = Arc::new(Current::new(compile(content).unwrap()));
    let mut worker = Worker::new(Arc::new(Plan::new(&settings)), current);
    let record = |(offset, payload): (usize, &&str)| {
        let at = Coordinates { topic: topic.into(), partition: 0, offset: offset as i64 };
        Record::new(at, 0, NOW_MS, None, Some(payload.as_bytes().to_vec().into()))
    };
    let records = payloads.iter().enumerate().map(record).collect();
    let mut parts = Vec::new();
    worker.process(&Job { lane: 1, seq: 1, records, now_ms: NOW_MS }, |part| parts.push(part));
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

fn items(part: &Part) -> Vec<(String, Json)> {
    let text = std::str::from_utf8(&part.body.body).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let action = |line: &str| format!("{} {}", bulk::index_of(line.as_bytes()), bulk::id_of(line.as_bytes()));
    lines.chunks(2).map(|pair| (action(pair[0]), serde_json::from_str(pair[1]).unwrap())).collect()
}

fn document(content: &Content, topic: &str, payload: &str) -> Json {
    let part = process(content, topic, &[payload]);
    assert!(part.rejects.is_empty(), "{:?}", part.rejects);
    let mut items = items(&part);
    assert_eq!(items.len(), 1, "{payload}");
    items.remove(0).1
}

#[test]
fn events_find_their_pipelines() {
    let nginx = r#"192.0.2.9 - - [21/Sep/2026:14:13:19 +0000] \"GET /a HTTP/1.1\" 404 7 \"-\" \"curl/8\""#;
    let beat = |rest: &str| {
        format!(
            r#"{{"@timestamp":"2026-09-21T14:13:20Z","@metadata":{{"beat":"filebeat","type":"_doc"}},"message":"{nginx}",{rest}}}"#
        )
    };
    let trail_beat =
        json!({"@metadata": {"beat": "filebeat"}, "event": {"dataset": "aws.cloudtrail"}, "message": CLOUDTRAIL})
            .to_string();
    let in_cloud_watch = json!({"messageType": "DATA_MESSAGE", "owner": "123456789010", "logGroup": "g", "logStream": "s",
        "subscriptionFilters": [], "logEvents": [{"id": "1", "timestamp": NOW_MS, "message": FLOW}]});
    // Payload; then a place in the document and what stands there.
    let cases: &[(&str, String, &str, Json)] = &[
        ("by shape", CLOUDTRAIL.into(), "/event/action", json!("CreateUser")),
        ("in an envelope", format!(r#"{{"Records":[{CLOUDTRAIL}]}}"#), "/user/name", json!("alice")),
        ("a line", FLOW.into(), "/destination/port", json!(22)),
        ("a line in an envelope", in_cloud_watch.to_string(), "/source/ip", json!("192.0.2.1")),
        ("a Beat's dataset", beat(r#""event":{"dataset":"nginx.access"}"#), "/http/response/status_code", json!(404)),
        (
            "a module of 7.x",
            beat(r#""event":{"module":"nginx"},"fileset":{"name":"access"}"#),
            "/url/original",
            json!("/a"),
        ),
        ("a Beat's record as text", trail_beat.clone(), "/event/action", json!("CreateUser")),
        ("S3 notifies", CLOUDTRAIL.replace("iam.amazonaws.com", "aws:s3"), "/eventName", json!("CreateUser")),
        ("normalised already", r#"{"event":{"dataset":"nginx.access"},"a":1}"#.into(), "/tags", Json::Null),
        ("nothing known", r#"{"message":"x","a":{"b":7}}"#.into(), "/a/b", json!(7)),
    ];
    for (what, payload, place, expected) in cases {
        let document = document(&own(), "logs", payload);
        assert_eq!(document.pointer(place).unwrap_or(&Json::Null), expected, "{what}: {document}");
        assert_eq!(document.pointer("/data_stream/type"), Some(&json!("logs")), "{what}");
        assert_eq!(document.get("@metadata"), None, "{what}");
    }
}

#[test]
fn a_beat_gets_the_pipeline_that_it_asks_for() {
    let content = with_pipeline(own(), "mine", None, "processors: [{set: {field: by, value: mine}}]");
    let event =
        r#"{"@metadata":{"beat":"filebeat","pipeline":"mine"},"message":"x","event":{"dataset":"nginx.access"}}"#;
    assert_eq!(document(&content, "logs", event)["by"], json!("mine"));
    let unknown = event.replace(r#""pipeline":"mine""#, r#""pipeline":"other""#);
    assert_eq!(document(&content, "logs", &unknown)["tags"], json!(["pipeline_failure"]));
}

#[test]
fn a_package_gets_the_text_of_an_event() {
    let text = "processors: [{rename: {field: message, target_field: event.original}}]";
    let content = with_pipeline(Content::default(), "acme.audit", Some("acme.audit"), text);
    let content = with_pipeline(content, "aws_vpcflow", None, "processors: []");
    let event = r#"{"data_stream":{"dataset":"acme.audit"},"n":1.10}"#;
    assert_eq!(document(&content, "logs", event)["event"]["original"], json!(event));
    let agent = r#"{"data_stream":{"dataset":"acme.audit"},"message":"m"}"#;
    assert_eq!(document(&content, "logs", agent)["event"]["original"], json!("m"));
}

#[test]
fn what_a_pipeline_drops_is_counted_and_what_it_fails_on_is_kept_as_it_came() {
    let part = process(&own(), "flows", &["version account-id x", FLOW, "no flow at all"]);
    assert_eq!((part.dropped, part.open.as_slice()), (1, &[0, 1, 1][..]));
    let items = items(&part);
    assert_eq!(items[0].1["event"]["dataset"], json!("aws.vpcflow"));
    let failed = &items[1].1;
    assert_eq!(failed["message"], json!("no flow at all"));
    assert_eq!(failed["tags"], json!(["pipeline_failure"]));
    assert_eq!(failed["event"]["kind"], json!("pipeline_error"));
    let said = failed["error"]["message"].as_str().unwrap();
    assert!(said.starts_with("processor dissect of pipeline aws_vpcflow failed: Unable to find match"), "{said}");
    assert_eq!(failed.get("cloud"), None, "nothing that the pipeline did before it failed is left: {failed}");
}

#[test]
fn a_failure_adds_to_the_tags_and_errors_of_an_event() {
    let content = with_pipeline(own(), "mine", None, "processors: [{remove: {field: a}}, {fail: {message: no}}]");
    let content = with_source(content, "mine", "recognise: [{fields: [a, b.c]}]");
    let event = r#"{"a":1,"b":{"c":[1]},"tags":"x","error":{"message":"own"}}"#;
    let document = document(&content, "logs", event);
    assert_eq!(document["tags"], json!(["x", "pipeline_failure"]));
    assert_eq!(document["error"]["message"], json!(["own", "processor fail of pipeline mine failed: no"]));
    assert_eq!((&document["a"], &document["b"]["c"]), (&json!(1), &json!([1])));
}

#[test]
fn neither_id_nor_index_depend_on_a_pipeline() {
    let moved = "processors: [{set: {field: _id, value: x}}, {set: {field: _index, value: y}}, {set: {field: '@timestamp', value: '2001-01-01T00:00:00Z'}}]";
    let content = with_pipeline(own(), "mine", None, moved);
    let content = with_source(content, "mine", "recognise: [{fields: a}]");
    let plain = with_pipeline(Content::default(), "aws_vpcflow", None, "processors: []");
    let payloads = [CLOUDTRAIL, FLOW, r#"{"a":1}"#];
    let actions = |content| items(&process(content, "logs", &payloads)).into_iter().map(|(action, _)| action).collect();
    let (with, without): (Vec<String>, Vec<String>) = (actions(&content), actions(&plain));
    assert_eq!(with, without);
    assert!(with[2].starts_with("logs-sluice-2026.09.21 "), "{with:?}");
}

#[test]
fn events_of_one_envelope_share_nothing_that_a_pipeline_changes() {
    let text = "processors: [{append: {field: aws.eventbridge.resources, value: more}}, {rename: {field: aws.eventbridge.resources, target_field: r}}]";
    let content = with_pipeline(own(), "mine", None, text);
    let content = with_source(content, "mine", "recognise: [{event_source: aws.security*}]");
    let event =
        r#"{"source":"aws.securityhub","detail-type":"x","resources":["one"],"detail":{"findings":[{"a":1},{"a":2}]}}"#;
    let found: Vec<Json> =
        items(&process(&content, "logs", &[event])).into_iter().map(|(_, event)| event["r"].clone()).collect();
    assert_eq!(found, [json!(["one", "more"]), json!(["one", "more"])]);
}

#[test]
fn records_that_beats_sent_are_normalised() {
    let root = std::env::var("SLUICE_SHARED_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data").to_owned());
    let mut by_source: std::collections::BTreeMap<String, [usize; 2]> = Default::default();
    for file in ["modules-records.txt", "xmod.ndjson", "pb.ndjson", "ab.ndjson"] {
        let Ok(text) = std::fs::read_to_string(format!("{root}/beats/{file}")) else {
            println!("skipped: {root}/beats/{file} is not there");
            return;
        };
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
        for (_, event) in items(&process(&own(), "logs", &lines)) {
            assert_eq!(event.get("tags").filter(|tags| tags.to_string().contains("pipeline_failure")), None, "{event}");
            let dataset = event["event"]["dataset"].as_str().unwrap().to_owned();
            // What our pipelines make of events and no Beat does.
            let is_normalised = event["event"]["kind"] == "event" && event["event"]["original"].is_string();
            by_source.entry(dataset).or_default()[usize::from(is_normalised)] += 1;
        }
    }
    for dataset in ["nginx.access", "system.auth", "aws.cloudtrail"] {
        let [left, normalised] = by_source[dataset];
        assert!(left == 0 && normalised > 0, "{dataset}: {by_source:?}");
    }
}

fn with_rules(mut content: Content) -> Content {
    let rule = |id: &str, level: &str, logsource: &str, selection: &str| {
        let text = format!(
            "title: Rule {id}\nid: {id}\nlevel: {level}\nlogsource: {logsource}\ndetection:\n  sel:\n    {selection}\n  condition: sel\n"
        );
        RuleFile { name: format!("{id}.yml"), text }
    };
    let trail = "{product: aws, service: cloudtrail}";
    content.rules = vec![
        rule("created", "medium", trail, "eventName: CreateUser"),
        rule("alice", "high", trail, "userIdentity.userName: alice"),
        rule("shadowed", "critical", trail, "eventSource: iam.amazonaws.com"),
        rule("off", "critical", trail, "eventSource: iam.amazonaws.com"),
        rule("other", "low", "{product: windows}", "eventName: CreateUser"),
    ];
    let overlay = "rules: {shadowed: {state: shadow}, off: {state: off}}";
    content.overlay = Some(("overlay.yml".into(), overlay.into()));
    content
}

#[test]
fn rules_see_normalised_events_and_mark_them() {
    let content = with_rules(own());
    let marked = document(&content, "logs", CLOUDTRAIL);
    assert_eq!(marked["event"]["action"], json!("CreateUser"));
    let marks = json!({"rules": ["created", "alice"], "rule_titles": ["Rule created", "Rule alice"], "level": "high"});
    assert_eq!(marked["sluice"], marks);
    let forged = r#"{"a":1,"sluice":{"rules":["created"]}}"#;
    assert_eq!(document(&content, "logs", forged).get("sluice"), None);
}

#[test]
fn every_fault_is_found_with_its_place() {
    let mut content = with_rules(own());
    content = with_pipeline(content, "mine", None, "processors:\n  - stet: {}\n");
    let with_bad_pipeline = compile(&content).err().unwrap().to_string();
    assert_eq!(with_bad_pipeline, "mine/pipeline.yml:2:5: there is no processor `stet`; did you mean `set`?");
    content.pipelines.pop();
    content.rules[0].text = content.rules[0].text.replace("condition: sel", "condition: selection");
    content.overlay = Some(("overlay.yml".into(), "rules:\n  a: {state: of}\n".into()));
    content = with_source(content, "aws_vpcflow", "recognise:\n  - {datset: x}\n");
    content = with_source(content, "nginx_access", "recognise:\n  - {message: '('}\n");
    let faults: Vec<String> = compile(&content).err().unwrap().0.iter().map(|fault| fault.to_string()).collect();
    for (part, place) in [
        ("did you mean `dataset`?", "aws_vpcflow/source.yml:2:6: "),
        ("error: unclosed group", "nginx_access/source.yml:2:15: "),
        ("unknown variant `of`", "overlay.yml:2:"),
        ("selection", "created.yml:8:3: "),
    ] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(place) && fault.contains(part)),
            "{place}{part}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 4, "{faults:#?}");

    let absent = compile(&Content::default()).err().unwrap().to_string();
    let expected =
        "sluice.yml:1:62: kafka.topics[1].source: there is no pipeline `aws_vpcflow`: pipelines.dir is not set";
    assert_eq!(absent, expected);
}
