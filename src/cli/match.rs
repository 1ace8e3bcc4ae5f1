//! `sluice match`: rules on events from standard input, detections to standard output.
//!
//! A line is either an event, routed by what it shows of its log source, or `{"ls":…,"ev":…}`, an event with its log source given.
//! Rules with faults are named on standard error and left out, the others run: a person with one bad rule still wants an answer, and the exit code
//! says that it is not the whole one.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use rustc_hash::FxHashMap;

use super::correlating::Correlating;
use crate::correlate::document::timespan_ms;
use crate::detect::evaluate::{Routing, Scratch};
use crate::detect::fault::Severity;
use crate::detect::fields::FieldMap;
use crate::detect::load;
use crate::detect::overlay::{Overlay, State};
use crate::detect::rules::{Options, RuleSet};
use crate::detect::source::{CATEGORIES_MAX, Given};
use crate::event::write::write_string;
use crate::event::{Arena, Object, Symbols, Value, parse};

/// One line; a longer one is no event.
const LINE_BYTES_MAX: u64 = 64 << 20;
const NESTING_LEVELS_MAX: usize = 100;
/// Events that share an arena before it is made free.
const BATCH_EVENTS_MAX: usize = 256;

/// Match Sigma rules and correlations against events from standard input, one JSON object a line
///
/// Each detection is a line: {"rule":id,"title":…,"level":…,"event":N}, N being the number of the input line, from 1. A rule that the
/// overlay has in shadow adds "shadow":true.
///
/// An event is tried against the rules of its log source. Which that is the event shows itself: the channel and event id of a Windows event,
/// the dataset of an ECS document, the look of a CloudTrail record; an event that shows nothing is tried against every rule. A line of
/// the form {"ls":{"p":product,"c":category,"cs":[categories],"s":service},"ev":{…event…}} gives the log source; with an empty "ls" every rule is tried.
///
/// Correlations among the rules run over the whole input. Each alert is a line when the input has ended, one for windows that overlap:
/// {"correlation":id,"title":…,"level":…,"group":{field:value,…},"count":n,"first":time,"last":time,"events":[N,…]}, with the lines of at most 100
/// events. Windows slide over the events' own times (@timestamp, timestamp, UtcTime, eventTime, SystemTime and others), in whatever order they come; an
/// event without one is taken to be a millisecond after the event before it. A rule that a correlation refers to gives no detections of its own, unless the correlation
/// says `generate: true`.
#[derive(Args)]
pub(super) struct Arguments {
    /// A folder of rules, searched to the bottom, or one file; may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    rules: Vec<PathBuf>,
    /// A file that maps field names of rules to those of events; a name without mapping is looked up as it stands
    #[arg(long, value_name = "FILE")]
    fields: Vec<PathBuf>,
    /// An overlay: states, levels and exceptions of rules
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
    /// A YAML file of lists, the values of `%name%` for the modifier `expand`
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,
    /// Try every rule on every event, whatever its log source
    #[arg(long)]
    no_routing: bool,
    /// How much older than the newest one so far an event may be and still be counted by correlations, up to 24h
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = timespan_ms)]
    lateness: i64,
    /// Print to standard error how many events and how fast
    #[arg(long)]
    stats: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let options = options(&arguments.fields, arguments.overlay.as_deref(), arguments.placeholders.as_deref())?;
    let started = Instant::now();
    let mut symbols = Symbols::new();
    let (rules, sound) = compile(&arguments.rules, &options, &mut symbols)?;
    let (correlating, correlations_sound) =
        Correlating::new(&rules, &options.overlay, arguments.lateness, &mut symbols);
    let compiled = started.elapsed();
    let mut matching = Matching {
        rules: &rules,
        correlating,
        scratch: Scratch::new(&rules),
        open: arguments.no_routing,
        out: Vec::new(),
        events: 0,
        detections: 0,
        faults: 0,
    };
    let started = Instant::now();
    matching.run(Arc::new(symbols), &mut io::stdin().lock(), &mut BufWriter::new(io::stdout().lock()))?;
    if arguments.stats {
        let seconds = started.elapsed().as_secs_f64();
        eprintln!(
            "{} rules in {:.3} s, {} events in {seconds:.3} s ({:.0} events/s), {} detections",
            rules.len(),
            compiled.as_secs_f64(),
            matching.events,
            matching.events as f64 / seconds.max(1e-9),
            matching.detections
        );
    }
    Ok(if sound && correlations_sound && matching.faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What commands about rules have in common: mapping files, overlay and placeholders, read and checked.
pub(super) fn options(fields: &[PathBuf], overlay: Option<&Path>, placeholders: Option<&Path>) -> Result<Options> {
    let mut options = Options::default();
    for path in fields {
        let map =
            FieldMap::parse(&read(path)?).map_err(anyhow::Error::msg).with_context(|| path.display().to_string())?;
        options.fields.extend(map);
    }
    if let Some(path) = overlay {
        options.overlay =
            Overlay::parse(&read(path)?).map_err(anyhow::Error::msg).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = placeholders {
        options.placeholders = yaml_serde::from_str::<FxHashMap<String, Vec<String>>>(&read(path)?)
            .with_context(|| path.display().to_string())?;
    }
    Ok(options)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Compiles folders of rules and prints their faults; false when a rule had to be left out.
pub(super) fn compile(folders: &[PathBuf], options: &Options, symbols: &mut Symbols) -> Result<(RuleSet, bool)> {
    let mut files = Vec::new();
    for folder in folders {
        files.extend(load::read(folder)?);
    }
    let (rules, faults) = RuleSet::compile(&files, options, symbols);
    let mut sound = true;
    for fault in faults {
        sound &= fault.severity == Severity::Warning;
        eprintln!("{fault}");
    }
    Ok((rules, sound))
}

struct Matching<'r> {
    rules: &'r RuleSet,
    correlating: Correlating,
    scratch: Scratch,
    open: bool,
    out: Vec<u8>,
    events: u64,
    detections: u64,
    faults: u64,
}

impl Matching<'_> {
    fn run(&mut self, symbols: Arc<Symbols>, input: &mut impl BufRead, output: &mut impl Write) -> Result<()> {
        let mut arena = Arena::new(symbols);
        let mut batch: Vec<u8> = Vec::new();
        let mut lines: Vec<(u64, usize, usize)> = Vec::new();
        let mut number = 0;
        loop {
            batch.clear();
            lines.clear();
            while lines.len() < BATCH_EVENTS_MAX {
                let start = batch.len();
                let read = io::Read::take(&mut *input, LINE_BYTES_MAX)
                    .read_until(b'\n', &mut batch)
                    .context("read standard input")?;
                if read == 0 {
                    break;
                }
                number += 1;
                lines.push((number, start, batch.len()));
            }
            if lines.is_empty() {
                break;
            }
            for (number, start, end) in &lines {
                let text = batch.get(*start..*end).unwrap_or_default();
                if !text.iter().all(u8::is_ascii_whitespace) {
                    self.line(&arena, *number, text);
                }
            }
            arena.reset();
            self.correlating.pause();
            if !self.flush(output)? {
                return Ok(());
            }
        }
        self.detections += self.correlating.finish(&mut self.out);
        self.flush(output)?;
        Ok(())
    }

    /// Writes what there is; false when whoever reads has enough.
    fn flush(&mut self, output: &mut impl Write) -> Result<bool> {
        match output.write_all(&self.out).and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            written => written.context("write standard output")?,
        }
        self.out.clear();
        Ok(true)
    }

    fn line(&mut self, arena: &Arena, number: u64, text: &[u8]) {
        let fault = match parse::document(arena, text, NESTING_LEVELS_MAX) {
            Ok(Value::Object(event)) => return self.event(number, event),
            Ok(_) => "the line is JSON but no object".to_owned(),
            Err(error) => error.to_string(),
        };
        self.faults += 1;
        eprintln!("line {number}: {fault}");
    }

    fn event(&mut self, number: u64, line: &Object<'_>) {
        self.events += 1;
        let given = line.get_str("ls").and_then(|ls| ls.as_object());
        let (event, source) = match (given, line.get_str("ev").and_then(|event| event.as_object())) {
            (Some(ls), Some(event)) => (event, Some(ls)),
            _ => (line, None),
        };
        let text = |name: &str| source.and_then(|ls| ls.get_str(name)).and_then(|value| value.as_str());
        let mut categories = [""; CATEGORIES_MAX];
        let mut count = 0;
        if let Some(list) = source.and_then(|ls| ls.get_str("cs")).and_then(|value| value.as_list()) {
            for (slot, category) in categories.iter_mut().zip(list.iter().filter_map(|value| value.as_str())) {
                *slot = category;
                count += 1;
            }
        }
        if let Some(category) = text("c")
            && !categories.contains(&category)
            && let Some(slot) = categories.get_mut(count)
        {
            *slot = category;
            count += 1;
        }
        let given =
            Given { product: text("p"), service: text("s"), categories: categories.get(..count).unwrap_or_default() };
        let routing = match (self.open, source) {
            (true, _) => Routing::Open,
            (false, Some(_)) => Routing::Given(given),
            (false, None) => Routing::Event,
        };
        let found = self.rules.evaluate(&mut self.scratch, event, &routing);
        self.correlating.event(number, event, found);
        for found in found.iter().filter(|found| !self.correlating.silences(found.rule)) {
            let Some(rule) = self.rules.rule(found.rule) else { continue };
            self.detections += 1;
            self.out.extend_from_slice(b"{\"rule\":");
            write_string(&rule.id, &mut self.out);
            self.out.extend_from_slice(b",\"title\":");
            write_string(&rule.title, &mut self.out);
            self.out.extend_from_slice(b",\"level\":");
            match rule.level {
                Some(level) => write_string(level.name(), &mut self.out),
                None => self.out.extend_from_slice(b"null"),
            }
            if rule.state == State::Shadow {
                self.out.extend_from_slice(b",\"shadow\":true");
            }
            self.out.extend_from_slice(b",\"event\":");
            self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            self.out.extend_from_slice(b"}\n");
        }
    }
}
