//! `date` and `date_index_name`: times out of texts, by the formats of [`crate::java::time`].
//!
//! Time zone and locale may be templates. What they give is compiled once and kept; the tables are emptied when they are full, so that no field
//! of a document can make them grow.

use std::sync::{Arc, Mutex};

use jiff::{Timestamp, ZonedDateTime};
use rustc_hash::FxHashMap;

use crate::event::Value;
use crate::java::time::elastic::{DateFormatter, ProcessorFormat, at_epoch_millis};
use crate::java::time::{Locale, TimeFault, Zone};

use super::super::document::{Document, Done, Failure, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::super::template::Template;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("date", date), ("date_index_name", date_index_name)];

/// Locales that documents have named, with the formats compiled for them. The original keeps 256.
const COMPILED_ENTRIES_MAX: usize = 256;
const OUTPUT_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX";

struct DateProcessor {
    field: FieldPath,
    target: FieldPath,
    formats: Formats,
    timezone: Option<Template>,
    locale: Option<Template>,
    output: DateFormatter,
    /// The output is the usual one, for which no pattern needs to be followed.
    plain_output: bool,
}

/// The formats of one processor, by locale.
struct Formats {
    texts: Vec<String>,
    fixed: Option<Arc<Vec<Compiled>>>,
    by_locale: Mutex<FxHashMap<String, Arc<Vec<Compiled>>>>,
}

impl Formats {
    fn build(texts: &[&str], locale: Option<Locale>) -> Formats {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let fixed = locale.map(|locale| Arc::new(compile(&texts, locale)));
        Formats { texts, fixed, by_locale: Mutex::default() }
    }

    fn of(&self, tag: &str) -> Result<Arc<Vec<Compiled>>, String> {
        let mut known = match self.by_locale.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        if let Some(formats) = known.get(tag) {
            return Ok(formats.clone());
        }
        let formats = Arc::new(compile(&self.texts, Locale::of(tag)?));
        if known.len() >= COMPILED_ENTRIES_MAX {
            known.clear();
        }
        known.insert(tag.to_owned(), formats.clone());
        Ok(formats)
    }
}

/// The formats, and the fault of each that is none. The originals read a format when its turn comes, so pipelines that work may have an invalid
/// one, which reads no text (`ISO_INSTANT` stands in many).
type Compiled = Result<ProcessorFormat, String>;

fn compile(texts: &[String], locale: Locale) -> Vec<Compiled> {
    texts.iter().map(|text| ProcessorFormat::compile(text, locale).map_err(|fault| fault.to_string())).collect()
}

fn date(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let texts = options.texts("formats")?;
    let timezone = zone_template(options)?;
    let (locale, fixed) = locale_template(options)?;
    let output = options.optional_text("output_format")?.unwrap_or(OUTPUT_FORMAT);
    let compiled_output = DateFormatter::for_pattern(output, Locale::ROOT)
        .map_err(|e| options.fault("output_format", format_args!("is no valid format: {e}")))?;
    Ok(Box::new(DateProcessor {
        field: options.path("field")?,
        target: options.path_or("target_field", "@timestamp")?,
        formats: Formats::build(&texts, fixed),
        timezone,
        locale,
        output: compiled_output,
        plain_output: output == OUTPUT_FORMAT,
    }))
}

fn zone_template(options: &mut Options<'_, '_>) -> Result<Option<Template>, Fault> {
    let template = options.optional_template("timezone")?;
    if let Some(fixed) = template.as_ref().and_then(Template::fixed) {
        Zone::of(fixed).map_err(|e| options.fault("timezone", format_args!("names no time zone: {e}")))?;
    }
    Ok(template)
}

/// The template, and the locale when it is always the same.
fn locale_template(options: &mut Options<'_, '_>) -> Result<(Option<Template>, Option<Locale>), Fault> {
    let template = options.optional_template("locale")?;
    let fixed = match &template {
        None => Some(Locale::ROOT),
        Some(template) => match template.fixed() {
            Some(tag) => Some(Locale::of(tag).map_err(|e| options.fault("locale", e))?),
            None => None,
        },
    };
    Ok((template, fixed))
}

/// The zone of a template; UTC without one.
fn zone<'a>(document: &Document<'a>, template: Option<&'a Template>) -> Result<Result<Zone, String>, Failure<'a>> {
    match template {
        None => Ok(Ok(Zone::utc())),
        Some(template) => Ok(Zone::of(template.render(document)?)),
    }
}

impl Processor for DateProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let text = match document.get(path)? {
            Value::Str(text) | Value::Number(text) => text,
            Value::Null => return Err(document.fail(format_args!("unable to parse date [null]"))),
            other => document.print(&other),
        };
        let zone = zone(document, self.timezone.as_ref())?;
        let formats = match (&self.formats.fixed, &self.locale) {
            (Some(fixed), _) => Ok(fixed.clone()),
            (None, Some(locale)) => self.formats.of(locale.render(document)?),
            (None, None) => self.formats.of(""),
        };
        let found = match (zone, formats) {
            (Ok(zone), Ok(formats)) => first(&formats, text, &zone, document.now_ms).map(|zoned| (zoned, zone)),
            (Err(what), _) | (_, Err(what)) => Err(TimeFault::new(what)),
        };
        let (zoned, zone) = found.map_err(|fault| {
            document.fail_because(format_args!("unable to parse date [{text}]"), format_args!("{}", fault.innermost()))
        })?;
        let written = if self.plain_output && (0..=9999).contains(&zoned.year()) {
            plain(document, &zoned)
        } else {
            let text = self.output.format(&zoned, &zone).map_err(|what| document.fail(format_args!("{what}")))?;
            document.arena.str(&text)
        };
        document.set(self.target.path(), Value::Str(written))?;
        Ok(Flow::Next)
    }
}

/// The first format that reads the text. The first fault is the one that is told.
fn first(formats: &[Compiled], text: &str, zone: &Zone, now_ms: i64) -> Result<ZonedDateTime, TimeFault> {
    let now = at_epoch_millis(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut told = None;
    for format in formats {
        let read = match format {
            Ok(format) => format.parse(text, zone, now),
            Err(fault) => Err(TimeFault::new(fault.clone())),
        };
        match read {
            Ok(zoned) => return Ok(zoned),
            Err(fault) => told = told.or(Some(fault)),
        }
    }
    Err(told.unwrap_or_else(|| TimeFault::new("there are no formats")))
}

/// `yyyy-MM-dd'T'HH:mm:ss.SSSXXX`.
fn plain<'a>(document: &Document<'a>, zoned: &ZonedDateTime) -> &'a str {
    let (date, time, offset) = (zoned.date(), zoned.time(), zoned.offset().seconds());
    let (year, month, day) = (date.year(), date.month(), date.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let millis = time.subsec_nanosecond() / 1_000_000;
    if offset == 0 {
        return document
            .format(format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"));
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.unsigned_abs() / 3600, offset.unsigned_abs() / 60 % 60);
    document.format(format_args!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}{sign}{hours:02}:{minutes:02}"
    ))
}

struct DateIndexNameProcessor {
    field: FieldPath,
    index: FieldPath,
    formats: Formats,
    zone: Zone,
    prefix: Template,
    rounding: Template,
    name_format: Template,
}

fn date_index_name(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let zone = match options.optional_text("timezone")? {
        None => Zone::utc(),
        Some(id) => Zone::of(id).map_err(|e| options.fault("timezone", format_args!("names no time zone: {e}")))?,
    };
    let locale = match options.optional_text("locale")? {
        None => Locale::ROOT,
        Some(tag) => Locale::of(tag).map_err(|e| options.fault("locale", e))?,
    };
    let texts = options.optional_texts("date_formats")?.unwrap_or_else(|| vec!["yyyy-MM-dd'T'HH:mm:ss.SSSXX"]);
    let formats = Formats::build(&texts, Some(locale));
    let symbols_fault = |options: &Options<'_, '_>, e: String| options.fault("index_name_format", e);
    let prefix = match options.optional_template("index_name_prefix")? {
        Some(template) => template,
        None => Template::compile("", options.symbols()).map_err(|e| symbols_fault(options, e))?,
    };
    let name_format = match options.optional_template("index_name_format")? {
        Some(template) => template,
        None => Template::compile("yyyy-MM-dd", options.symbols()).map_err(|e| symbols_fault(options, e))?,
    };
    if let Some(fixed) = name_format.fixed() {
        DateFormatter::for_pattern(fixed, Locale::ROOT)
            .map_err(|e| options.fault("index_name_format", format_args!("is no valid format: {e}")))?;
    }
    Ok(Box::new(DateIndexNameProcessor {
        field: options.path("field")?,
        index: options.compile_path("field", "_index")?,
        formats,
        zone,
        prefix,
        rounding: options.template("date_rounding")?,
        name_format,
    }))
}

impl Processor for DateIndexNameProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let text = match document.get(self.field.path())? {
            Value::Str(text) | Value::Number(text) => text,
            Value::Null => return Err(document.fail(format_args!("unable to parse date [null]"))),
            other => document.print(&other),
        };
        let formats = match &self.formats.fixed {
            Some(fixed) => fixed.clone(),
            None => return Ok(Flow::Next),
        };
        let zoned = first(&formats, text, &self.zone, document.now_ms).map_err(|fault| {
            document.fail_because(format_args!("unable to parse date [{text}]"), format_args!("{}", fault.innermost()))
        })?;
        let name_format = self.name_format.render(document)?;
        let formatter =
            DateFormatter::for_pattern(name_format, Locale::ROOT).map_err(|e| document.fail(format_args!("{e}")))?;
        let written = formatter.format(&zoned, &self.zone).map_err(|what| document.fail(format_args!("{what}")))?;
        let (prefix, rounding) = (self.prefix.render(document)?, self.rounding.render(document)?);
        let zone = if self.zone.fixed_offset() == Some(0) { "Z" } else { self.zone.id() };
        // The cluster works out the date maths.
        let name = document.format(format_args!("<{prefix}{{{written}||/{rounding}{{{name_format}|{zone}}}}}>"));
        document.set(self.index.path(), Value::Str(name))?;
        Ok(Flow::Next)
    }
}
