//! `sluice rules list`: the rules of a folder and what they cover.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::r#match::{compile, options};
use super::print;
use crate::detect::coverage::{Counts, Coverage, log_source_name, techniques};
use crate::detect::overlay::State;
use crate::detect::rules::RuleSet;
use crate::event::Symbols;

/// Look into a folder of rules
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(ListArguments),
}

/// List rules, and how many there are for each log source and ATT&CK technique
///
/// Rules with faults are named on standard error and not listed; the exit code is then 1.
#[derive(Args)]
struct ListArguments {
    /// A folder of rules, searched to the bottom, or one file; may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    rules: Vec<PathBuf>,
    /// An overlay: states and levels of rules
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
    /// Only the coverage, not each rule
    #[arg(long)]
    coverage: bool,
    /// JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Command::List(arguments) = &arguments.command;
    let options = options(&[], arguments.overlay.as_deref(), None)?;
    let (rules, sound) = compile(&arguments.rules, &options, &mut Symbols::new())?;
    let coverage = Coverage::of(&rules);
    let text = if arguments.json {
        as_json(&rules, &coverage, !arguments.coverage)
    } else {
        as_tables(&rules, &coverage, !arguments.coverage)
    };
    print(&text)?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn state(state: State) -> &'static str {
    match state {
        State::On => "on",
        State::Shadow => "shadow",
        State::Off => "off",
    }
}

fn as_json(rules: &RuleSet, coverage: &Coverage, each: bool) -> String {
    let mut object = json!({ "log_sources": coverage.log_sources, "techniques": coverage.techniques });
    if each {
        let rule = |rule: &crate::detect::rules::Rule| {
            json!({
                "id": rule.id,
                "title": rule.title,
                "level": rule.level.map(|level| level.name()),
                "state": state(rule.state),
                "log_source": log_source_name(&rule.logsource),
                "techniques": techniques(rule).collect::<Vec<_>>(),
                "file": &*rule.file,
            })
        };
        object["rules"] = rules.rules().iter().map(rule).collect();
    }
    format!("{object:#}\n")
}

fn as_tables(rules: &RuleSet, coverage: &Coverage, each: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if each {
        for rule in rules.rules() {
            let level = rule.level.map_or("-", |level| level.name());
            let source = log_source_name(&rule.logsource);
            let _ = writeln!(text, "{level:<13}  {:<6}  {source:<40}  {}  {}", state(rule.state), rule.id, rule.title);
        }
        text.push('\n');
    }
    let mut table = |title: &str, rows: &std::collections::BTreeMap<String, Counts>| {
        let width = rows.keys().map(String::len).max().unwrap_or(0).max(title.len());
        let _ = writeln!(text, "{title:<width$}  rules  high  shadow");
        for (name, counts) in rows {
            let _ = writeln!(text, "{name:<width$}  {:>5}  {:>4}  {:>6}", counts.rules, counts.high, counts.shadow);
        }
        text.push('\n');
    };
    table("log source (product/category/service)", &coverage.log_sources);
    table("technique", &coverage.techniques);
    let _ = writeln!(text, "{} rules", rules.len());
    text
}
