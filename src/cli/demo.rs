//! `sluice demo`: the whole program at work on bundled records, for who has no Kafka and no OpenSearch at hand.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::demo;
use crate::telemetry::log;

/// Run everything in one process on bundled records, with no server, and write what comes out as files
///
/// The records are a made-up half hour of CloudTrail, VPC flow logs, logins and web requests with an attack in it, packed as their
/// shippers pack them. They go through an in-process Kafka broker; DIR gets events.ndjson and dead-letters.ndjson.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder for the files; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "sluice-demo")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    log::start("warn");
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| format!("create the folder {}", out.display()))?;
    // Drawn on a terminal only.
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} events, {per_sec}") {
        progress.set_style(style);
    }
    let report = demo::run(out, |events| progress.set_position(events));
    progress.finish_and_clear();
    let report = report?;

    let mut text = format!(
        "{} records held {} events, indexed in {:.1} s: {}\n",
        report.records,
        report.events,
        report.took.as_secs_f64(),
        report.events_file.display()
    );
    let (count, file) = (report.dead_letters.len(), report.dead_letters_file.display());
    text.push_str(&format!("{count} records could not be processed: {file}\n"));
    for letter in &report.dead_letters {
        let place = letter.first;
        text.push_str(&format!(
            "  {}/{}/{}  {}  {}\n",
            letter.topic, place.partition, place.offset, letter.fault.kind, letter.fault.reason
        ));
    }
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
