//! `sluice test`: runs the tests that lie beside pipelines, rules and correlations and says what differs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::clock;
use crate::correlate;
use crate::detect::load::RuleFile;
use crate::detect::rules::Options;
use crate::detect::ruletest;
use crate::pipeline::cases::{self, CaseResult};
use crate::pipeline::processors::Resources;

/// Run the tests of sources, rules and correlations: ours, or a folder of Elastic packages
///
/// A source's tests lie in tests/ beside its pipeline.yml. A rule x.yml has x.test.yml beside it, with events on which it `fires` and is
/// `silent`; a correlation's names `events` at times and the `alerts` that they raise.
#[derive(Args)]
pub struct Arguments {
    /// Folders to search for tests
    #[arg(value_name = "DIR", default_value = "pipelines")]
    dirs: Vec<PathBuf>,
    /// Also write the results as a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The folder of the MaxMind databases (*.mmdb) for geoip and ip2geo
    #[arg(long, value_name = "DIR", env = "SLUICE_GEO_DATABASES")]
    geo_databases: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let resources = Resources { geo_databases_dir: arguments.geo_databases.clone() };
    let mut results = Vec::new();
    for dir in &arguments.dirs {
        for suite in cases::find(dir)? {
            for result in suite.run(&resources, clock::now_ms()) {
                super::print(&report(&result))?;
                results.push(result);
            }
        }
        for file in beside(dir)? {
            let result = run_beside(file)?;
            super::print(&report(&result))?;
            results.push(result);
        }
    }
    let failed = results.iter().filter(|result| !result.wrong.is_empty()).count();
    if let Some(path) = &arguments.junit {
        std::fs::write(path, junit(&results)).with_context(|| format!("write {}", path.display()))?;
    }
    super::print(&format!("{} passed, {failed} failed\n", results.len() - failed))?;
    if results.is_empty() {
        writeln!(io::stderr(), "no tests were found")?;
    }
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Tests of rules and correlations (`x.test.yml` beside `x.yml`) below a folder, in the order of their names.
fn beside(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
            let entry = entry.with_context(|| format!("read {}", folder.display()))?;
            let path = entry.path();
            // A link to a folder is not followed: it may lead in a circle.
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if rule_of(&path).is_some_and(|rule| rule.exists()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn rule_of(test: &Path) -> Option<PathBuf> {
    let name = test.file_name()?.to_str()?.strip_suffix(".test.yml")?;
    Some(test.with_file_name(format!("{name}.yml")))
}

fn run_beside(file: PathBuf) -> anyhow::Result<CaseResult> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    let test = read(&file)?;
    let rule = rule_of(&file).unwrap_or_default();
    let rule = RuleFile { name: rule.display().to_string(), text: read(&rule)? };
    let correlates = test.lines().any(|line| line.starts_with("events:"));
    let wrong = if correlates {
        correlate::cases::check(&[rule], &test, &Options::default())
    } else {
        ruletest::check(rule, &test, &Options::default())
    };
    Ok(CaseResult { file, wrong })
}

fn report(result: &CaseResult) -> String {
    let file = result.file.display();
    if result.wrong.is_empty() {
        return format!("ok      {file}\n");
    }
    let mut text = format!("FAILED  {file}\n");
    for wrong in &result.wrong {
        text.push_str(&format!("        {wrong}\n"));
    }
    text
}

fn junit(results: &[CaseResult]) -> String {
    let failed = results.iter().filter(|result| !result.wrong.is_empty()).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&format!("<testsuite name=\"sluice\" tests=\"{}\" failures=\"{failed}\">\n", results.len()));
    for result in results {
        let class = result.file.parent().map(|dir| dir.display().to_string()).unwrap_or_default();
        let name = result.file.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("  <testcase classname=\"{}\" name=\"{}\"", xml(&class), xml(&name)));
        if result.wrong.is_empty() {
            text.push_str("/>\n");
        } else {
            let first = result.wrong.first().map(String::as_str).unwrap_or_default();
            text.push_str(&format!(
                ">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                xml(first),
                xml(&result.wrong.join("\n"))
            ));
        }
    }
    text.push_str("</testsuite>\n");
    text
}

/// Text as XML takes it; characters that XML cannot hold become U+FFFD.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
