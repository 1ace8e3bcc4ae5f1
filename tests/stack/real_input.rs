//! What Beats and AWS really send goes through Kafka into OpenSearch, and every event is found again: counts per kind, and the
//! documents themselves. The records are those of `../shared/data`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::world::{Replica, World, wait_for};

/// A payload file of `aws-shapes`: the events in it, and how many of them AWS gave no id. These are documents of their own; the others are
/// known by that id, and one that comes again, in whatever shape, is one document.
const AWS_SHAPES: [(&str, usize, usize); 15] = [
    ("cloudtrail-s3-file.json", 1, 0),
    ("concatenated-gzip-members.gz", 4, 0),
    ("concatenated-no-newline.json", 4, 0),
    ("cwl-control-message.json", 0, 0),
    ("cwl-control-message.json.gz", 0, 0),
    ("cwl-data-message.json", 2, 0),
    ("cwl-data-message.json.gz", 2, 0),
    ("cwl-lambda-awslogs.json", 2, 0),
    ("eventbridge-guardduty.json", 1, 0),
    ("firehose-http-request-gz.json", 2, 0),
    ("firehose-http-request-plain.json", 6, 2),
    ("firehose-http-response-err.json", 1, 1),
    ("firehose-http-response-ok.json", 1, 1),
    ("firehose-transform-in.json", 2, 0),
    ("firehose-transform-out.json", 1, 0),
];
/// The events that AWS gave an id: one sign-in, which most of the files carry, another that two Beats records carry, and one finding.
const AWS_KNOWN: usize = 3;
const AWS_CONTROL_MESSAGES: usize = 4;
const HEADER_LINES: usize = 1;

/// The files of Beats records, and how many records are no document of their own: AWS gave them an id, or they are the header line of a
/// flow log, which its pipeline drops.
const BEATS: [(&str, usize); 7] = [
    ("ab.ndjson", 0),
    ("console.ndjson", 0),
    ("kafka-records.txt", 0),
    ("mb.ndjson", 0),
    ("modules-records.txt", 0),
    ("pb.ndjson", 0),
    ("xmod.ndjson", 3 + HEADER_LINES),
];

fn shared_data() -> Option<PathBuf> {
    let path = std::env::var_os("SLUICE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    if !path.is_dir() {
        println!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// The records of a file: each line that is a JSON object is one; captures have a line about the record before it.
fn beats_records(text: &str) -> Vec<Vec<u8>> {
    text.lines().filter(|line| line.starts_with('{')).map(|line| line.as_bytes().to_vec()).collect()
}

/// Everything that a Beat said must be found in the document; `@metadata` is about the transport and not part of it.
fn contains(document: &Value, sent: &Value, path: &str) -> Result<(), String> {
    match (document, sent) {
        (Value::Object(have), Value::Object(sent)) => sent.iter().try_for_each(|(key, value)| match have.get(key) {
            Some(have) => contains(have, value, &format!("{path}.{key}")),
            None => Err(format!("{path}.{key} is missing")),
        }),
        (have, sent) if have == sent => Ok(()),
        (have, sent) => Err(format!("{path} is {have} instead of {sent}")),
    }
}

/// The name of a file as a namespace.
fn namespace(file: &str) -> String {
    file.replace(['.', '-'], "_")
}

/// The sum of a metric over its labels.
fn sum(metrics: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
    };
    metrics.lines().filter_map(value).sum::<f64>() as u64
}

#[test]
fn what_beats_and_aws_send_is_found_again() {
    let Some(data) = shared_data() else { return };
    let Some(world) = World::new("real-input") else { return };
    let mut inputs: Vec<(String, usize, Vec<Vec<u8>>)> = Vec::new();
    for (name, _, own) in AWS_SHAPES {
        inputs.push((namespace(name), own, vec![fs::read(data.join("aws-shapes").join(name)).unwrap()]));
    }
    for (name, known) in BEATS {
        let records = beats_records(&fs::read_to_string(data.join("beats").join(name)).unwrap());
        assert!(!records.is_empty(), "{name}");
        inputs.push((namespace(name), records.len() - known, records));
    }
    let beats: usize = inputs.iter().skip(AWS_SHAPES.len()).map(|(.., records)| records.len()).sum();
    let events = beats + AWS_SHAPES.iter().map(|(_, events, _)| events).sum::<usize>();
    let mut topics = Vec::new();
    for (namespace, _, records) in &inputs {
        let topic = world.topic(namespace);
        world.make_topic(&topic, 1);
        world.produce(&topic, records.iter().map(|record| (0, None, Some(record.clone()))));
        topics.push(format!("{{name: {topic}, namespace: {namespace}}}"));
    }
    let settings = world.settings("sluice.yml", &topics, &world.opensearch, "");
    world.setup(&settings);
    let mut replica = Replica::start(&world, "replica", &settings);
    wait_for("all records to be committed", || {
        replica.assert_runs();
        inputs.iter().all(|(namespace, ..)| world.lag(&world.topic(namespace)) == 0)
    });
    let mut counts = (0, 0);
    wait_for("the events to be counted", || {
        let metrics = replica.get(&world, "/metrics").1;
        counts = (sum(&metrics, "sluice_events_indexed_total"), sum(&metrics, "sluice_events_dropped_total"));
        counts.0 + counts.1 + sum(&metrics, "sluice_events_dead_lettered_total")
            >= (events + AWS_CONTROL_MESSAGES) as u64
    });
    let dropped = AWS_CONTROL_MESSAGES + HEADER_LINES;
    assert_eq!(counts, ((events - HEADER_LINES) as u64, dropped as u64), "events indexed and dropped");
    assert!(replica.stop().success());
    let letters = world.dead_letters();
    assert!(letters.is_empty(), "{:?}", letters.values().map(|letter| &letter.headers).collect::<Vec<_>>());

    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for (_, document) in world.documents() {
        *found.entry(document["data_stream"]["namespace"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let mut known = 0;
    for (namespace, documents, _) in &inputs {
        let found = found.get(namespace).copied().unwrap_or(0);
        // Whichever input came first gave the document of an event that several carry.
        assert!(found >= *documents, "{found} documents of {namespace}");
        known += found - documents;
    }
    assert_eq!(known, AWS_KNOWN, "{found:?}");
    // Beats records whose pipeline changes nothing but the top are found again to the last field.
    let console = fs::read_to_string(data.join("beats/console.ndjson")).unwrap();
    let found = world.documents_of(&format!("{}-console_ndjson-*", world.index_prefix()));
    for record in beats_records(&console) {
        let mut sent: Value = serde_json::from_slice(&record).unwrap();
        sent.as_object_mut().unwrap().remove("@metadata");
        let differences: Vec<String> =
            found.iter().filter_map(|(_, document)| contains(document, &sent, "").err()).collect();
        assert!(differences.len() < found.len(), "no document is\n{sent}\n{}", differences.join("\n"));
    }
}
