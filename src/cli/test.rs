//! `sluice test`: runs the tests that lie beside pipelines and says what differs.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::clock;
use crate::pipeline::cases::{self, CaseResult};
use crate::pipeline::processors::Resources;

/// Run the tests of sources: ours (pipeline.yml with tests/ beside it) or a folder of Elastic packages
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
