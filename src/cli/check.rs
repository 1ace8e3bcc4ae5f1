//! `sluice check`: reads everything that `run` would read and lists every fault, without a server.

use std::process::ExitCode;

use clap::Args;

use crate::process::generation::Generation;
use crate::settings::Fault;

/// Check the settings and what they name: every fault with its file, line and column
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: super::SettingsFile,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let loaded = arguments.settings.load().and_then(|settings| Generation::load(&settings));
    let (faults, warnings) = match loaded {
        Ok(loaded) => (Vec::new(), loaded.warnings),
        Err(faults) => (faults.0, Vec::new()),
    };
    let mut report = String::new();
    for fault in &faults {
        report.push_str(&format!("{fault}\n"));
    }
    for warning in warnings {
        report.push_str(&format!("{}\n", Fault { message: format!("warning: {}", warning.message), ..warning }));
    }
    if faults.is_empty() {
        report.push_str(&format!("{}: no faults\n", arguments.settings.config.display()));
        super::print(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plural = if faults.len() == 1 { "" } else { "s" };
    report.push_str(&format!("{} fault{plural}\n", faults.len()));
    super::print(&report)?;
    Ok(ExitCode::FAILURE)
}
