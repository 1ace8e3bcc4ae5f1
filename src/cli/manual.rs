//! `sluice completions` and `sluice man`: the command line's own declarations in other forms.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a shell's completions of sluice's commands and options
#[derive(Args)]
pub struct CompletionsArguments {
    shell: Shell,
}

pub fn completions(arguments: &CompletionsArguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "sluice", &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Print sluice's man page, or write one page per command
#[derive(Args)]
pub struct ManArguments {
    /// Write sluice.1 and a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn man(arguments: &ManArguments) -> anyhow::Result<ExitCode> {
    let command = super::Arguments::command();
    match &arguments.out {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
            clap_mangen::generate_to(command, dir).with_context(|| format!("write man pages to {}", dir.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).context("render the man page")?;
            super::print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
