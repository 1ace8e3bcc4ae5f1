//! `sluice dlq`: lists the dead letters, shows one, and produces records again.
//!
//! The topic is read twice by a retry: once to know which letters are open, once for the values of those that were asked for, so that memory holds
//! no more than a list. A letter is marked as retried only after the broker has its record; a crash between the two means one retry more, which
//! changes nothing, because the record keeps its identity.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use jiff::{SpanRelativeTo, Timestamp};

use crate::clock;
use crate::deadletter::select::{Filter, LetterAt, Open, Place, Summary};
use crate::deadletter::{self, DeadLetter, Entry};
use crate::reject::Stage;
use crate::settings::Settings;
use crate::source::topic::{self, Outgoing, Sender};

/// Records that are produced before the broker's word on them is waited for.
const UNDER_WAY_MAX: usize = 200;
const UNDER_WAY_BYTES_MAX: usize = 8 << 20;
/// How much of a value `show` prints.
const SHOWN_BYTES_MAX: usize = 64 << 10;
const REASON_CHARS_MAX: usize = 140;

/// List the records that could not be processed, show one, or have them processed again
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the open dead letters, the oldest first
    List {
        #[command(flatten)]
        settings: super::SettingsFile,
        #[command(flatten)]
        filter: FilterArguments,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show a dead letter with its reasons and its original value
    Show {
        #[command(flatten)]
        settings: super::SettingsFile,
        /// Where the record first lay: TOPIC/PARTITION/OFFSET
        place: Place,
        /// Print the original value as it is, and nothing else
        #[arg(long)]
        raw: bool,
    },
    /// Produce records again into the topics that they came from; what is indexed already stays one document
    Retry {
        #[command(flatten)]
        settings: super::SettingsFile,
        #[command(flatten)]
        filter: FilterArguments,
        /// Only the record that first lay here: TOPIC/PARTITION/OFFSET
        #[arg(long, value_name = "PLACE")]
        place: Option<Place>,
        /// All open dead letters, when no filter is given
        #[arg(long)]
        all: bool,
        /// Only say what would be produced
        #[arg(long)]
        dry_run: bool,
    },
}

/// What is given must all hold; an option given several times takes any of its values.
#[derive(Args)]
struct FilterArguments {
    /// Records of this input topic
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Rejected by this stage
    #[arg(long, value_enum)]
    stage: Vec<StageArgument>,
    /// The short word for what was wrong, as gzip_truncated
    #[arg(long)]
    kind: Vec<String>,
    /// The reason holds this text, in any case
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Rejected at this time or later: 2026-01-02T03:04:05Z, or how long ago, as 90m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<i64>,
    /// Rejected before this time, written as for --since
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StageArgument {
    Decode,
    Normalise,
    Detect,
    Index,
}

impl From<StageArgument> for Stage {
    fn from(argument: StageArgument) -> Self {
        match argument {
            StageArgument::Decode => Stage::Decode,
            StageArgument::Normalise => Stage::Normalise,
            StageArgument::Detect => Stage::Detect,
            StageArgument::Index => Stage::Index,
        }
    }
}

impl FilterArguments {
    fn filter(&self) -> Filter {
        Filter {
            topics: self.topic.clone(),
            stages: self.stage.iter().map(|stage| Stage::from(*stage).name().to_owned()).collect(),
            kinds: self.kind.clone(),
            reason: self.reason.clone(),
            since_ms: self.since,
            until_ms: self.until,
        }
    }

    fn is_empty(&self) -> bool {
        self.topic.is_empty()
            && self.stage.is_empty()
            && self.kind.is_empty()
            && self.reason.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }
}

fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let ago = text
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| span.total((jiff::Unit::Millisecond, SpanRelativeTo::days_are_24_hours())).ok());
    match ago {
        Some(ago) => Ok(clock::now_ms().saturating_sub(ago.abs() as i64)),
        None => Err("neither a time as 2026-01-02T03:04:05Z nor a duration as 90m, 12h or 7d".to_owned()),
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::List { settings, filter, json } => list(&settings.load()?, &filter.filter(), *json),
        Command::Show { settings, place, raw } => show(&settings.load()?, place, *raw),
        Command::Retry { settings, filter, place, all, dry_run } => {
            if filter.is_empty() && place.is_none() && !all {
                bail!("say which: give a filter, --place or --all (and --dry-run to see what they take)");
            }
            let filter = filter.filter();
            retry(&settings.load()?, *dry_run, |letter| {
                filter.takes(letter) && place.as_ref().is_none_or(|place| *place == letter.place)
            })
        }
    }
}

fn list(settings: &Settings, filter: &Filter, json: bool) -> anyhow::Result<ExitCode> {
    let letters = open_letters(settings, |letter| filter.takes(letter))?;
    let mut out = String::new();
    for letter in &letters {
        if json {
            let _ = writeln!(out, "{}", as_json(letter));
        } else {
            let _ = writeln!(out, "{}", line(letter));
        }
    }
    if !json {
        out.push_str(&count(&letters));
    }
    super::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn show(settings: &Settings, place: &Place, raw: bool) -> anyhow::Result<ExitCode> {
    let letters = open_letters(settings, |letter| letter.place == *place)?;
    if letters.is_empty() {
        bail!("there is no open dead letter of {place}; `sluice dlq list` shows those that there are");
    }
    each_letter(settings, &letters, |summary, letter| {
        if raw {
            super::print_bytes(&letter.value)?;
        } else {
            super::print(&describe(summary, &letter))?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn retry(settings: &Settings, dry_run: bool, wanted: impl Fn(&Summary) -> bool) -> anyhow::Result<ExitCode> {
    let letters = open_letters(settings, wanted)?;
    let (ready, left): (Vec<Summary>, Vec<Summary>) =
        letters.into_iter().partition(|letter| obstacle(settings, letter).is_none());
    let mut report = String::new();
    for letter in &left {
        let obstacle = obstacle(settings, letter).unwrap_or_default();
        let _ = writeln!(report, "{}: cannot be retried: {obstacle}", letter.place);
    }
    if dry_run {
        for letter in &ready {
            let _ = writeln!(report, "{}", line(letter));
        }
        let _ = writeln!(report, "{} would be retried, {} cannot be", ready.len(), left.len());
        super::print(&report)?;
        return Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut again = Again {
        sender: Sender::new(&topic::config(&settings.kafka))?,
        settings,
        waiting: Vec::new(),
        bytes: 0,
        produced: 0,
        failed: 0,
        report,
    };
    each_letter(settings, &ready, |summary, letter| {
        again.bytes += letter.value.len();
        again.waiting.push((summary.at, letter));
        if again.waiting.len() >= UNDER_WAY_MAX || again.bytes >= UNDER_WAY_BYTES_MAX {
            again.produce();
        }
        Ok(())
    })?;
    again.produce();
    let Again { produced, failed, mut report, .. } = again;
    let _ = writeln!(report, "{produced} retried, {} cannot be, {failed} failed", left.len());
    super::print(&report)?;
    Ok(if left.is_empty() && failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Letters on their way back into their topics.
struct Again<'s> {
    sender: Sender,
    settings: &'s Settings,
    waiting: Vec<(LetterAt, DeadLetter)>,
    bytes: usize,
    produced: usize,
    failed: usize,
    report: String,
}

impl Again<'_> {
    /// Produces the records that wait, then the marks of those that the broker has.
    fn produce(&mut self) {
        let headers: Vec<_> = self.waiting.iter().map(|(_, letter)| deadletter::retry_headers(letter)).collect();
        let records: Vec<Outgoing<'_>> = self
            .waiting
            .iter()
            .zip(&headers)
            .map(|((_, letter), headers)| Outgoing {
                topic: &letter.topic,
                partition: letter.first.partition,
                key: letter.record_key.as_deref(),
                headers,
                value: &letter.value,
            })
            .collect();
        let outcomes = self.sender.send(&records);
        let mut marks = Vec::new();
        for ((at, letter), outcome) in self.waiting.iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    self.produced += 1;
                    marks.push((at.partition, deadletter::retried_mark(&letter.topic, letter.first, at.offset)));
                }
                Err(error) => {
                    self.failed += 1;
                    let place = Place {
                        topic: letter.topic.clone(),
                        partition: letter.first.partition,
                        offset: letter.first.offset,
                    };
                    let _ = writeln!(self.report, "{place}: {error}");
                }
            }
        }
        let marks: Vec<Outgoing<'_>> = marks
            .iter()
            .map(|(partition, mark)| Outgoing {
                topic: &self.settings.kafka.dead_letters,
                partition: *partition,
                key: Some(&mark.key),
                headers: &mark.headers,
                value: &mark.value,
            })
            .collect();
        for error in self.sender.send(&marks).into_iter().filter_map(Result::err) {
            let _ = writeln!(self.report, "a letter that was retried stays in the list: {error}");
        }
        self.waiting.clear();
        self.bytes = 0;
    }
}

/// Why a letter cannot be produced again.
fn obstacle(settings: &Settings, letter: &Summary) -> Option<String> {
    if letter.is_tombstone {
        return Some("the record has no value".to_owned());
    }
    if letter.is_cut {
        return Some("its value was too long for the dead letters and is not whole".to_owned());
    }
    match settings.kafka.topics.iter().find(|topic| topic.name == letter.place.topic) {
        None => Some(format!("{} is no input topic of the settings", letter.place.topic)),
        Some(topic) if topic.epoch < letter.first.epoch => Some(format!(
            "it is of epoch {}, later than the topic's epoch {} in the settings",
            letter.first.epoch, topic.epoch
        )),
        Some(_) => None,
    }
}

fn open_letters(settings: &Settings, wanted: impl Fn(&Summary) -> bool) -> anyhow::Result<Vec<Summary>> {
    let mut open = Open::default();
    topic::scan(&topic::config(&settings.kafka), &settings.kafka.dead_letters, |message| {
        let at = LetterAt { partition: message.partition, offset: message.offset };
        let entry =
            deadletter::read(message.headers.into_iter(), Bytes::copy_from_slice(message.value.unwrap_or_default()));
        open.take(at, message.timestamp_ms, entry).map_err(anyhow::Error::msg)
    })?;
    if let Some((messages, fault)) = &open.unreadable {
        let topic = &settings.kafka.dead_letters;
        eprintln!("warning: {messages} messages of {topic} are no dead letters and are left out: {fault}");
    }
    Ok(open.select(wanted))
}

/// Reads the topic once more for the values of some letters.
fn each_letter(
    settings: &Settings,
    letters: &[Summary],
    mut each: impl FnMut(&Summary, DeadLetter) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let wanted: HashMap<LetterAt, &Summary> = letters.iter().map(|letter| (letter.at, letter)).collect();
    topic::scan(&topic::config(&settings.kafka), &settings.kafka.dead_letters, |message| {
        let at = LetterAt { partition: message.partition, offset: message.offset };
        let Some(summary) = wanted.get(&at) else { return Ok(()) };
        let value = Bytes::copy_from_slice(message.value.unwrap_or_default());
        match deadletter::read(message.headers.into_iter(), value) {
            Ok(Entry::Letter(letter)) => each(summary, *letter),
            _ => Ok(()),
        }
    })
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

fn line(letter: &Summary) -> String {
    let mut reason: String =
        letter.reason.chars().take(REASON_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if letter.reason.chars().nth(REASON_CHARS_MAX).is_some() {
        reason.push('…');
    }
    let more = if letter.rejected > 1 { format!(" ({} events)", letter.rejected) } else { String::new() };
    format!("{}  {}  {}  {}{more}  {reason}", time(letter.written_ms), letter.place, letter.stage, letter.kind)
}

fn as_json(letter: &Summary) -> serde_json::Value {
    serde_json::json!({
        "time": time(letter.written_ms), "topic": letter.place.topic, "partition": letter.place.partition, "offset": letter.place.offset,
        "epoch": letter.first.epoch, "stage": letter.stage, "kind": letter.kind, "reason": letter.reason, "position": letter.position,
        "rejected": letter.rejected, "bytes": letter.value_bytes, "cut": letter.is_cut, "tombstone": letter.is_tombstone,
    })
}

/// The last lines of a list: how many there are of each kind.
fn count(letters: &[Summary]) -> String {
    let mut kinds: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for letter in letters {
        *kinds.entry((&letter.stage, &letter.kind)).or_default() += 1;
    }
    let mut out = format!("{} open dead letter{}\n", letters.len(), if letters.len() == 1 { "" } else { "s" });
    for ((stage, kind), number) in kinds {
        let _ = writeln!(out, "{number:>7}  {stage}  {kind}");
    }
    out
}

fn describe(summary: &Summary, letter: &DeadLetter) -> String {
    let first = letter.first;
    let mut out = String::new();
    let _ = writeln!(out, "record:    {} (epoch {}), of {}", summary.place, first.epoch, time(first.timestamp_ms));
    let _ = writeln!(out, "rejected:  {}, by sluice {}", time(summary.written_ms), letter.version);
    for fault in std::iter::once(&letter.fault).chain(&letter.others) {
        let position = fault.position.map_or_else(|| "record".to_owned(), |position| format!("event {position}"));
        let _ = writeln!(out, "{position}:  {}  {}  {}", fault.stage, fault.kind, fault.reason);
    }
    let described = 1 + letter.others.len() as u64;
    if letter.rejected > described {
        let _ = writeln!(out, "and {} more events of this record", letter.rejected - described);
    }
    if let Some(key) = &letter.record_key {
        let _ = writeln!(out, "key:       {}", key.escape_ascii());
    }
    if let Some((bytes, sha256)) = &letter.cut {
        let _ = writeln!(out, "cut:       {} of {bytes} bytes; SHA-256 of all {sha256}", letter.value.len());
    }
    if letter.tombstone {
        out.push_str("value:     none (a tombstone)\n");
        return out;
    }
    let _ = writeln!(out, "value:     {} bytes", letter.value.len());
    let shown = &letter.value[..letter.value.len().min(SHOWN_BYTES_MAX)];
    match std::str::from_utf8(shown) {
        Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace()) => out.push_str(text),
        _ => {
            let _ = write!(out, "{}", shown.escape_ascii());
        }
    }
    out.push('\n');
    if shown.len() < letter.value.len() {
        let _ = writeln!(out, "… {} bytes more; --raw prints all", letter.value.len() - shown.len());
    }
    out
}
