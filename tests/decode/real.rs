//! Records that real senders wrote, and AWS's documented shapes: how many events each gives, and of which kind. The data lies outside the project; a test
//! that does not find it says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::open;

fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SLUICE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let path = root.join(folder);
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn documented_shapes_of_aws() {
    let Some(folder) = shared("aws-shapes") else { return };
    let trail = ("cloudtrail.v1", "aws.cloudtrail");
    for (file, expected, control_messages) in [
        ("cloudtrail-s3-file.json", vec![trail], 0),
        ("concatenated-gzip-members.gz", vec![trail; 4], 0),
        ("concatenated-no-newline.json", vec![trail; 4], 1),
        ("cwl-control-message.json", vec![], 1),
        ("cwl-control-message.json.gz", vec![], 1),
        ("cwl-data-message.json", vec![trail; 2], 0),
        ("cwl-data-message.json.gz", vec![trail; 2], 0),
        ("cwl-lambda-awslogs.json", vec![trail; 2], 0),
        ("eventbridge-guardduty.json", vec![("guardduty.v1", "aws.guardduty")], 0),
        ("firehose-http-request-gz.json", vec![trail; 2], 1),
        ("firehose-http-request-plain.json", vec![("", ""), ("", ""), trail, trail, trail, trail], 0),
        ("firehose-http-response-err.json", vec![("", "")], 0),
        ("firehose-http-response-ok.json", vec![("", "")], 0),
        ("firehose-transform-in.json", vec![trail; 2], 0),
        ("firehose-transform-out.json", vec![trail], 0),
    ] {
        let outcome = open(fs::read(folder.join(file)).unwrap());
        assert_eq!(outcome.rejects, [], "{file}");
        let found: Vec<_> = outcome
            .events
            .iter()
            .map(|event| (event.extractor, event.dataset.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(found, expected, "{file}");
        assert_eq!(outcome.control_messages, control_messages, "{file}");
    }
}

#[test]
fn records_that_beats_sent() {
    let Some(folder) = shared("beats") else { return };
    for file in [
        "ab.ndjson",
        "console.ndjson",
        "kafka-records.txt",
        "mb.ndjson",
        "modules-records.txt",
        "pb.ndjson",
        "xmod.ndjson",
    ] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let outcome = open(line);
            assert_eq!(outcome.bodies().len(), 1, "{file}: {line}");
            let event = &outcome.events[0];
            assert_eq!((event.envelope.as_str(), event.original.as_str()), ("Beats", line), "{file}");
            let document: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&event.body).unwrap(), document, "{file}");
            assert_eq!(event.dataset.as_deref(), document["event"]["dataset"].as_str(), "{file}");
            assert_eq!(event.pipeline.as_deref(), document["@metadata"]["pipeline"].as_str(), "{file}");
            let is_trail = event.dataset.as_deref() == Some("aws.cloudtrail");
            assert_eq!(event.extractor == "cloudtrail.v1", is_trail, "{file}: {line}");
            *kinds.entry(event.dataset.clone().unwrap_or_default()).or_default() += 1;
        }
        assert!(!kinds.is_empty(), "{file} holds no record");
    }
}
