//! What Beats and AWS really send goes through Kafka into OpenSearch, and every event is found again: counts per kind, and the
//! documents themselves. The records are those of `../shared/data`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::world::{Replica, World, wait_for};

/// A payload file of `aws-shapes` and the documents it must become. One event that comes twice under the id that AWS gave it is one
/// document, and a control message is none.
const AWS_SHAPES: [(&str, usize); 15] = [
    ("cloudtrail-s3-file.json", 1),
    ("concatenated-gzip-members.gz", 2),
    ("concatenated-no-newline.json", 2),
    ("cwl-control-message.json", 0),
    ("cwl-control-message.json.gz", 0),
    ("cwl-data-message.json", 2),
    ("cwl-data-message.json.gz", 2),
    ("cwl-lambda-awslogs.json", 2),
    ("eventbridge-guardduty.json", 1),
    ("firehose-http-request-gz.json", 2),
    ("firehose-http-request-plain.json", 4),
    ("firehose-http-response-err.json", 1),
    ("firehose-http-response-ok.json", 1),
    ("firehose-transform-in.json", 2),
    ("firehose-transform-out.json", 1),
];

const BEATS: [&str; 7] = [
    "ab.ndjson",
    "console.ndjson",
    "kafka-records.txt",
    "mb.ndjson",
    "modules-records.txt",
    "pb.ndjson",
    "xmod.ndjson",
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

#[test]
fn what_beats_and_aws_send_is_found_again() {
    let Some(data) = shared_data() else { return };
    let Some(world) = World::new("real-input") else { return };
    let mut topics = Vec::new();
    let mut expected = Vec::new();
    let add = |name: &str, records: Vec<Vec<u8>>, documents: usize, topics: &mut Vec<String>| {
        let namespace = name.replace('.', "_");
        let topic = world.topic(&namespace);
        world.make_topic(&topic, 1);
        world.produce(&topic, records.into_iter().map(|record| (0, None, Some(record))));
        topics.push(format!("{{name: {topic}, namespace: {namespace}}}"));
        (namespace, topic, documents)
    };
    for (name, documents) in AWS_SHAPES {
        let payload = fs::read(data.join("aws-shapes").join(name)).unwrap();
        expected.push(add(name, vec![payload], documents, &mut topics));
    }
    for name in BEATS {
        let records = beats_records(&fs::read_to_string(data.join("beats").join(name)).unwrap());
        assert!(!records.is_empty(), "{name}");
        let documents = records.len();
        expected.push(add(name, records, documents, &mut topics));
    }
    let settings = world.settings("sluice.yml", &topics, &world.opensearch, "");
    world.setup(&settings);
    let mut replica = Replica::start(&world, "replica", &settings);
    wait_for("all records to be committed", || {
        replica.assert_runs();
        expected.iter().all(|(_, topic, _)| world.lag(topic) == 0)
    });
    assert!(replica.stop().success());
    let letters = world.dead_letters();
    assert!(letters.is_empty(), "{:?}", letters.values().map(|letter| &letter.headers).collect::<Vec<_>>());
    for (namespace, _, documents) in &expected {
        let found = world.documents_of(&format!("{}-{namespace}-*", world.index_prefix()));
        assert_eq!(found.len(), *documents, "documents of {namespace}");
        let ids: BTreeSet<&String> = found.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), found.len());
    }
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
