//! `sluice simulate`: documents through a pipeline, a line out for each line in.

use std::io::{self, BufRead, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::clock;
use crate::event::{Arena, Symbols, Value, parse, write};
use crate::pipeline::files;
use crate::pipeline::load::DOCUMENT_LEVELS_MAX;
use crate::pipeline::processors::Resources;
use crate::pipeline::run::{Limits, Metadata, Moment, Outcome, Pipelines};

/// Run documents (NDJSON on standard input) through a pipeline and print what becomes of each
///
/// For each document one line: {"doc":{…}}, {"dropped":true} or {"error":{"reason":…,"processor":…,"tag":…}}.
#[derive(Args)]
pub struct Arguments {
    /// The folder of the pipelines, one NAME.yml or NAME.json each
    #[arg(long, value_name = "DIR")]
    pipelines: PathBuf,
    /// The pipeline to run; it may call the others
    #[arg(long, value_name = "NAME")]
    pipeline: String,
    /// The folder of the MaxMind databases (*.mmdb) for geoip and ip2geo
    #[arg(long, value_name = "DIR", env = "SLUICE_GEO_DATABASES")]
    geo_databases: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let resources = Resources { geo_databases_dir: arguments.geo_databases.clone() };
    let mut symbols = Symbols::new();
    let loaded = files::read_dir(&arguments.pipelines)
        .map_err(|fault| vec![fault])
        .and_then(|sources| Pipelines::load(&sources, &mut symbols, &resources, Limits::default()));
    let pipelines = match loaded {
        Ok(pipelines) => pipelines,
        Err(faults) => {
            for fault in &faults {
                writeln!(io::stderr(), "{fault}")?;
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let id = pipelines.id(&arguments.pipeline).with_context(|| {
        let names: Vec<_> = pipelines.names().collect();
        format!("there is no pipeline `{}`; there are {}", arguments.pipeline, names.join(", "))
    })?;
    let symbols = Arc::new(symbols);
    let mut arena = Arena::new(symbols);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    let mut written = Vec::new();
    let mut input = io::stdin().lock();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).context("read standard input")? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        written.clear();
        simulate(&pipelines, id, &arena, &line, &mut written);
        arena.reset();
        match out.write_all(&written).and_then(|()| out.flush()) {
            // Whoever closed the other end, as `head` does, has what he wanted.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => break,
            done => done?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What becomes of one line.
fn simulate(
    pipelines: &Pipelines,
    id: crate::pipeline::run::PipelineId,
    arena: &Arena,
    line: &[u8],
    out: &mut Vec<u8>,
) {
    let moment = Moment::new(clock::now_ms());
    let ctx = match parse::document(arena, line, DOCUMENT_LEVELS_MAX) {
        Ok(Value::Object(ctx)) => ctx,
        Ok(_) => return error(out, "the line is no JSON object", None, None),
        Err(e) => return error(out, &format!("the line is no JSON object: {e}"), None, None),
    };
    let metadata = Metadata { index: "_index", id: Some("_id") };
    match pipelines.run(id, arena, ctx, metadata, &moment) {
        Outcome::Keep(_) => {
            out.extend_from_slice(b"{\"doc\":");
            write::write(&Value::Object(ctx), out);
            out.extend_from_slice(b"}\n");
        }
        Outcome::Dropped => out.extend_from_slice(b"{\"dropped\":true}\n"),
        Outcome::Failed(failure) => error(
            out,
            failure.reason,
            failure.origin.map(|origin| origin.processor),
            failure.origin.and_then(|origin| origin.tag),
        ),
    }
}

fn error(out: &mut Vec<u8>, reason: &str, processor: Option<&str>, tag: Option<&str>) {
    let mut part = |start: &str, text: Option<&str>| {
        out.extend_from_slice(start.as_bytes());
        match text {
            Some(text) => write::write_string(text, out),
            None => out.extend_from_slice(b"null"),
        }
    };
    part("{\"error\":{\"reason\":", Some(reason));
    part(",\"processor\":", processor);
    part(",\"tag\":", tag);
    out.extend_from_slice(b"}}\n");
}
