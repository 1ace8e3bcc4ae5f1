//! `sluice demo`: the whole way of a record in one process, on librdkafka's in-process broker, with no server.
//!
//! Owns the bundled records, their broker and the sinks that write files instead of requests; everything between is the code that
//! `sluice run` runs. The records are made up: documentation addresses, example accounts, a quiet half hour and one attack in it.
//! They are made anew with each run, so that their times are those of the last half hour, and from a fixed seed, so that there are
//! always as many.

mod attack;
mod aws;
mod beats;
mod broker;
mod files;
mod records;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::clock;
use crate::deadletter::DeadLetter;
use crate::delivery::runtime;
use crate::pipeline::files::Source as PipelineFile;
use crate::process::generation::{Content, Generation};
use crate::process::sources::SourceFile;
use crate::settings::Settings;

use broker::Broker;
use files::EventsFile;

/// What the demo has done.
pub struct Report {
    /// Records of the input topics.
    pub records: usize,
    pub events: u64,
    pub events_file: PathBuf,
    pub dead_letters: Vec<DeadLetter>,
    pub dead_letters_file: PathBuf,
    /// From the first record read to the last offset committed.
    pub took: Duration,
}

/// Runs all of it and writes the files into `out`, a folder that is there. `show` is told how many events have been written.
pub fn run(out: &Path, mut show: impl FnMut(u64)) -> anyhow::Result<Report> {
    let (events_path, dead_letters_path) = (out.join("events.ndjson"), out.join("dead-letters.ndjson"));
    let samples = records::records(clock::now_ms());
    let inputs = [records::CLOUDTRAIL, records::FLOWS, records::BEATS];
    let events = Arc::new(EventsFile::create(&events_path)?);

    let text = format!("kafka: {{group: demo, topics: [{}]}}", inputs.join(", "));
    // A settings file must name its servers; the broker is known only now, and nobody asks the node.
    let mut given = HashMap::from([("SLUICE__OPENSEARCH__NODES".to_string(), "http://127.0.0.1:9200".to_string())]);
    let dead_letters_topic = "sluice.dead-letters";
    let broker = Broker::start(&inputs, dead_letters_topic)?;
    given.insert("SLUICE__KAFKA__BROKERS".to_string(), broker.bootstrap_servers());
    given.insert("SLUICE__KAFKA__DEAD_LETTERS".to_string(), dead_letters_topic.to_string());
    let settings = Settings::parse("the demo's settings", &text, &given)?;

    let ends = broker.fill(&samples)?;
    let started = Instant::now();
    let file = events.clone();
    let send = move |body: bytes::Bytes, _| {
        let reply = file.bulk(&body);
        async move { reply }
    };
    let generation = Generation::compile(&bundled(), &settings)?.generation;
    runtime::run_to_the_end(&settings, generation, &ends, send, |_| {
        show(events.written());
        match events.failure() {
            None => Ok(()),
            Some(error) => Err(error).with_context(|| format!("write {}", events_path.display())),
        }
    })?;
    let took = started.elapsed();
    events.finish().with_context(|| format!("write {}", events_path.display()))?;
    let dead_letters = files::write_dead_letters(&dead_letters_path, broker.dead_letters(dead_letters_topic)?)?;
    Ok(Report {
        records: samples.len(),
        events: events.written(),
        events_file: events_path,
        dead_letters,
        dead_letters_file: dead_letters_path,
        took,
    })
}

/// The pipelines of the records' sources, as they lie in the program.
fn bundled() -> Content {
    macro_rules! source {
        ($name:literal) => {{
            let pipeline = PipelineFile {
                name: $name.into(),
                file: concat!($name, "/pipeline.yml").into(),
                text: include_str!(concat!("../../pipelines/sources/", $name, "/pipeline.yml")).into(),
                scope: None,
            };
            let source = SourceFile {
                pipeline: $name.into(),
                file: concat!($name, "/source.yml").into(),
                text: include_str!(concat!("../../pipelines/sources/", $name, "/source.yml")).into(),
            };
            (pipeline, source)
        }};
    }
    let bundled = [source!("aws_cloudtrail"), source!("aws_vpcflow"), source!("nginx_access"), source!("system_auth")];
    let (pipelines, sources) = bundled.into_iter().unzip();
    Content { pipelines, sources, ..Content::default() }
}
