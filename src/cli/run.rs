//! `sluice run`: the service.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::delivery::{reload, runtime};
use crate::process::generation::Generation;
use crate::settings::Settings;
use crate::telemetry::log;

/// Read the topics, index their events, until SIGTERM: then finish what is open, commit and exit
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: super::SettingsFile,
    /// The consumer loops that this process runs
    #[arg(long, value_delimiter = ',', default_value = "process")]
    roles: Vec<Role>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Input topics to the events index
    Process,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings: Settings = match arguments.settings.load() {
        Ok(settings) => settings,
        Err(faults) => {
            eprintln!("{faults}");
            return Ok(ExitCode::FAILURE);
        }
    };
    log::start(&settings.telemetry.log);
    let loaded = match Generation::load(&settings) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return Ok(ExitCode::FAILURE);
        }
    };
    reload::say(&loaded, "pipelines and rules are loaded");
    if arguments.roles.contains(&Role::Process) {
        runtime::run(&settings, loaded.generation)?;
    }
    Ok(ExitCode::SUCCESS)
}
