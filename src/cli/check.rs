//! `sluice check`: reads everything that `run` would read and lists every fault, without a server.

use std::process::ExitCode;

use clap::Args;

use crate::event::Symbols;
use crate::pipeline::processors::Resources;
use crate::pipeline::run::{Limits, Pipelines};
use crate::settings::{Fault, Settings};

/// Check the settings and what they name: every fault with its file, line and column
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: super::SettingsFile,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let faults = match arguments.settings.load() {
        // What the settings name (pipelines, rules) is read here, each kind adding its own faults.
        Ok(settings) => faults_of_pipelines(&settings),
        Err(faults) => faults.0,
    };
    if faults.is_empty() {
        super::print(&format!("{}: no faults\n", arguments.settings.config.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = String::new();
    for fault in &faults {
        report.push_str(&format!("{fault}\n"));
    }
    let plural = if faults.len() == 1 { "" } else { "s" };
    report.push_str(&format!("{} fault{plural}\n", faults.len()));
    super::print(&report)?;
    Ok(ExitCode::FAILURE)
}

fn faults_of_pipelines(settings: &Settings) -> Vec<Fault> {
    let Some(dir) = &settings.pipelines.dir else { return Vec::new() };
    let loaded = Pipelines::load_tree(dir, &mut Symbols::new(), &Resources::default(), Limits::default());
    loaded.err().unwrap_or_default()
}
