//! The command line: what can be typed, one file per command, and how a command ends.
//!
//! Exit codes are a contract: 0 fine, 1 faults found or the command failed, 2 wrong usage. An error that ends a command is printed
//! here, once. Help, shell completions and man pages all come from the declarations in these files.

mod check;
mod correlating;
mod demo;
mod dlq;
mod manual;
mod r#match;
mod rules;
mod run;
mod setup;
mod simulate;
mod test;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Faults, Settings};

/// Kafka to OpenSearch for security logs: each event exactly once, normalised, matched against rules and correlated.
#[derive(Parser)]
#[command(name = "sluice", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Dlq(dlq::Arguments),
    Simulate(simulate::Arguments),
    Test(test::Arguments),
    Completions(manual::CompletionsArguments),
    Demo(demo::Arguments),
    Man(manual::ManArguments),
    Match(r#match::Arguments),
    Setup(setup::Arguments),
    Rules(rules::Arguments),
    Run(run::Arguments),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are "errors" of clap's too, to standard output and with exit code 0; a closed pipe is no fault.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let ended = match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Dlq(arguments) => dlq::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Man(arguments) => manual::man(&arguments),
        Command::Match(arguments) => r#match::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    };
    ended.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error:#}");
        ExitCode::FAILURE
    })
}

/// The settings file, for every command that needs one.
#[derive(Args)]
struct SettingsFile {
    /// The settings file; variables SLUICE__… of the environment override it
    #[arg(short = 'c', long = "config", value_name = "FILE", default_value = "sluice.yml")]
    config: PathBuf,
}

impl SettingsFile {
    fn load(&self) -> Result<Settings, Faults> {
        Settings::load(&self.config, &environment())
    }
}

/// The process's environment as a map; a variable that is not UTF-8 can be no setting.
fn environment() -> HashMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Writes to standard output. Whoever closed the other end, as `head` does, has what he wanted.
fn print(text: &str) -> io::Result<()> {
    print_bytes(text.as_bytes())
}

/// As [`print`], for what may be no text.
fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
