//! `sluice setup`: topics, templates and aliases; what is there already stays or is brought to this version.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::index::opensearch::{Client, Product, ProductKind};
use crate::index::template;
use crate::settings::Settings;
use crate::source::admin::{self, Admin, Found};

/// Make the topics in Kafka and the templates and aliases in OpenSearch; may be run again at any time
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: super::SettingsFile,
    /// Print every request and send none
    #[arg(long)]
    dry_run: bool,
    /// Partitions of an input topic that is made
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    partitions: i32,
    /// Replicas of a topic that is made; as the broker is set unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=100))]
    replicas: Option<i32>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = match arguments.settings.load() {
        Ok(settings) => settings,
        Err(faults) => {
            eprintln!("{faults}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(async {
        if arguments.dry_run { show(arguments, &settings).await } else { set_up(arguments, &settings).await }
    })
}

async fn show(arguments: &Arguments, settings: &Settings) -> anyhow::Result<ExitCode> {
    for plan in admin::plans(&settings.kafka, arguments.partitions, arguments.replicas.unwrap_or(-1)) {
        super::print(&format!("{plan}\n"))?;
    }
    let client = Client::new(&settings.opensearch).await?;
    let product = match client.product().await {
        Ok(product) => product,
        Err(failure) => {
            let assumed = Product { kind: ProductKind::OpenSearch, major: 3, version: "3.0.0".into() };
            super::print(&format!("# {failure}; {assumed} is assumed\n"))?;
            assumed
        }
    };
    for request in template::requests(&product, settings) {
        let body = serde_json::to_string_pretty(&request.body)?;
        super::print(&format!("\n{} /{}\n{body}\n", request.method, request.path))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Goes on after a failure, so that one run shows everything that is wrong.
async fn set_up(arguments: &Arguments, settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut failures = 0;
    for outcome in [topics(arguments, settings).await, templates(settings).await] {
        match outcome {
            Ok(failed) => failures += failed,
            Err(error) => {
                failures += 1;
                eprintln!("error: {error:#}");
            }
        }
    }
    if failures > 0 {
        eprintln!("{failures} failed; run it again when that is repaired");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn topics(arguments: &Arguments, settings: &Settings) -> anyhow::Result<usize> {
    let admin = Admin::new(&settings.kafka).map_err(anyhow::Error::msg)?;
    let mut failures = 0;
    for plan in admin::plans(&settings.kafka, arguments.partitions, arguments.replicas.unwrap_or(-1)) {
        let name = &plan.name;
        let line = match admin.make(&plan).await {
            Ok(Found::Made) => format!("topic {name}: made\n"),
            Ok(Found::ThereAlready) => format!("topic {name}: there already\n"),
            Ok(Found::SendersTime) => format!(
                "topic {name}: there already, with the sender's time; with its own time a broker protects index days from wrong \
                 clocks: kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config \
                 message.timestamp.type=LogAppendTime\n"
            ),
            Err(fault) => {
                failures += 1;
                eprintln!("error: topic {name}: {fault}");
                // Without a broker the other topics would wait as long again, to say the same.
                if fault.contains("does not answer") {
                    break;
                }
                continue;
            }
        };
        super::print(&line)?;
    }
    Ok(failures)
}

async fn templates(settings: &Settings) -> anyhow::Result<usize> {
    let client = Client::new(&settings.opensearch).await?;
    let product = client.product().await?;
    super::print(&format!("{product}\n"))?;
    let mut failures = 0;
    for request in template::requests(&product, settings) {
        let what = format!("{} /{}", request.method, request.path);
        match template::install(&client, &request).await {
            Ok(true) => super::print(&format!("{what}: done\n"))?,
            Ok(false) => super::print(&format!("{what}: no index yet; the template gives it to the first one\n"))?,
            Err(failure) => {
                failures += 1;
                eprintln!("error: {what}: {failure}");
            }
        }
    }
    Ok(failures)
}
