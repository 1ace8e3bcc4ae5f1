//! `DateTimeFormatter` and `SimpleDateFormat`: held as the texts that make them, since what lies in the arena owns no memory. What the texts
//! compile to is kept in one bounded table.

use std::sync::{Arc, Mutex, OnceLock};

use rustc_hash::FxHashMap;

use super::calendar::{Local, When, when};
use super::time::{Moment, fault, zone_of};
use super::{Args, Class, Name, object, text};
use crate::event::Value;
use crate::java::time::elastic::{Accessor, from};
use crate::java::time::{Formatter, Locale, Parsed, Resolver, Zone};
use crate::painless::error::{self, Throw, throw};
use crate::painless::machine::Machine;
use crate::painless::operate::bad_cast;
use crate::painless::value::{Held, held, thing};

const COMPILED_ENTRIES_MAX: usize = 256;

#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Format<'a> {
    pub pattern: &'a str,
    pub locale: &'a str,
    pub zone: Option<&'a str>,
    /// A `SimpleDateFormat`, which reads and writes a `Date`, and leniently.
    pub simple: bool,
}

/// The constants of `DateTimeFormatter`, in the letters of patterns.
pub(super) const NAMED: &[(Name, &str)] = &[
    (Name::BASIC_ISO_DATE, "uuuuMMdd[XX]"),
    (Name::ISO_DATE, "uuuu-MM-dd[XXXXX]"),
    (Name::ISO_LOCAL_DATE, "uuuu-MM-dd"),
    (Name::ISO_LOCAL_TIME, "HH:mm[:ss{f0}]"),
    (Name::ISO_LOCAL_DATE_TIME, "uuuu-MM-dd'T'HH:mm[:ss{f0}]"),
    (Name::ISO_OFFSET_DATE_TIME, "uuuu-MM-dd'T'HH:mm[:ss{f0}]XXXXX"),
    (Name::ISO_ZONED_DATE_TIME, "uuuu-MM-dd'T'HH:mm[:ss{f0}]XXXXX['['VV']']"),
    (Name::ISO_DATE_TIME, "uuuu-MM-dd'T'HH:mm[:ss{f0}][XXXXX['['VV']']]"),
    (Name::ISO_INSTANT, "uuuu-MM-dd'T'HH:mm:ss{f0}XXXXX"),
    (Name::ISO_ORDINAL_DATE, "uuuu-DDD[XXXXX]"),
    (Name::RFC_1123_DATE_TIME, "[EEE, ]d MMM uuuu HH:mm[:ss] {g}"),
];

fn compiled(format: &Format<'_>) -> Result<Arc<Formatter>, Throw> {
    type Known = FxHashMap<(Box<str>, Box<str>), Arc<Formatter>>;
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    let mut known = match KNOWN.get_or_init(Mutex::default).lock() {
        Ok(known) => known,
        Err(poisoned) => poisoned.into_inner(),
    };
    let key = (Box::from(format.pattern), Box::from(format.locale));
    if let Some(found) = known.get(&key) {
        return Ok(found.clone());
    }
    let refused = |what: String| throw(error::Class::IllegalArgument, what);
    let locale = Locale::of(format.locale).map_err(refused)?;
    let built = match NAMED.iter().any(|(_, pattern)| *pattern == format.pattern) {
        true => Formatter::compile_extended(format.pattern),
        false => Formatter::compile(format.pattern, locale),
    };
    let built = Arc::new(built.map_err(|fault| refused(fault.0))?);
    if known.len() >= COMPILED_ENTRIES_MAX {
        known.clear();
    }
    known.insert(key, built.clone());
    Ok(built)
}

pub(super) fn made<'a>(m: &mut Machine<'a>, class: Class, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let simple = class == Class::SimpleDateFormat;
    let pattern = text(m, args.first().unwrap_or(&Value::Null))?;
    let locale = match args.get(1) {
        None => "en",
        Some(locale) => match held(locale) {
            Some(Held::Locale(tag)) => tag,
            _ => return Err(bad_cast(locale, "java.util.Locale")),
        },
    };
    let format = Format { pattern, locale, zone: simple.then_some("UTC"), simple };
    compiled(&format)?;
    Ok(thing(m.arena, Held::Format(format)))
}

/// The pattern of a constant.
pub(super) fn constant_named(name: Name) -> Option<&'static str> {
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, pattern)| *pattern)
}

pub(super) fn constant<'a>(m: &Machine<'a>, name: Name) -> Option<Value<'a>> {
    let pattern = constant_named(name)?;
    let zone = (name == Name::ISO_INSTANT).then_some("Z");
    Some(thing(m.arena, Held::Format(Format { pattern, locale: "und", zone, simple: false })))
}

/// `format`, by a formatter or of a time.
pub(super) fn format<'a>(m: &mut Machine<'a>, format: &Format<'a>, value: &Value<'a>) -> Result<Value<'a>, Throw> {
    m.step(8)?;
    let time = match held(value) {
        Some(Held::Date(at)) => When::Moment(Moment { at: *at, zone: None }),
        _ => when(value)?,
    };
    let time = match (time, format.zone) {
        (When::Moment(moment), Some(zone)) => When::Moment(Moment { at: moment.at, zone: Some(zone) }),
        (time, _) => time,
    };
    // Its fraction alone goes in steps of three digits.
    if let (When::Moment(moment), Some("Z")) = (time, format.zone)
        && constant_named(Name::ISO_INSTANT) == Some(format.pattern)
    {
        return m.string(&Moment { at: moment.at, zone: None }.text());
    }
    let written = compiled(format)?.format(&time.temporal()?);
    let written = written.map_err(|what| throw(error::Class::UnsupportedTemporalType, what))?;
    m.string(&written)
}

fn read(format: &Format<'_>, whole: &str) -> Result<Parsed, Throw> {
    let resolver = if format.simple { Resolver::Lenient } else { Resolver::Smart };
    compiled(format)?.parse(whole, resolver).map_err(|fault| match format.simple {
        true => throw(error::Class::Parse, format!("Unparseable date: \"{whole}\"")),
        false => throw(error::Class::DateTimeParse, fault.what),
    })
}

/// `parse(text, formatter)` of a class of time.
pub(super) fn parse<'a>(
    m: &mut Machine<'a>,
    class: Class,
    whole: &Value<'a>,
    format: &Format<'a>,
) -> Result<Value<'a>, Throw> {
    m.step(8)?;
    let whole = text(m, whole)?;
    let parsed = read(format, whole)?;
    let zone = parsed.zone_or_offset().map_or_else(|| format.zone.map(zone_of).transpose(), |zone| Ok(Some(zone)))?;
    let lacking = || {
        let class = class.java_name().rsplit('.').next().unwrap_or_default();
        throw(
            error::Class::DateTimeParse,
            format!("Text '{whole}' could not be parsed: Unable to obtain {class} from TemporalAccessor"),
        )
    };
    let held = match (class, parsed.date, parsed.time) {
        (Class::LocalDate, Some(date), _) => Held::Local(Local::Date(date)),
        (Class::LocalTime, _, Some(time)) => Held::Local(Local::Time(time)),
        (Class::LocalDateTime, Some(date), Some(time)) => Held::Local(Local::DateTime(date.to_datetime(time))),
        (Class::ZonedDateTime | Class::Instant, Some(date), Some(time)) => {
            let zone = zone.ok_or_else(lacking)?;
            let at = zone.at(date.to_datetime(time)).map_err(fault)?.timestamp();
            let id = m.str(zone.id())?;
            Held::Moment(Moment { at, zone: (class != Class::Instant).then_some(id) })
        }
        _ => return Err(lacking()),
    };
    Ok(thing(m.arena, held))
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    own: &Format<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    match (name, args) {
        (Name::format, [value]) => format(m, own, value),
        (Name::parse, [whole]) if own.simple => {
            let whole = text(m, whole)?;
            let parsed = read(own, whole)?;
            let zone = zone_of(own.zone.unwrap_or("Z"))?;
            let weeks = Locale::ROOT.weeks();
            let zoned = from(&Accessor::Parts(Box::new(parsed)), weeks, &zone).map_err(fault)?;
            Ok(thing(m.arena, Held::Date(zoned.timestamp())))
        }
        (Name::withZone | Name::setTimeZone, [zone]) => match held(zone) {
            Some(Held::Zone(id)) => Ok(thing(m.arena, Held::Format(Format { zone: Some(id), ..*own }))),
            _ => Err(bad_cast(zone, "java.time.ZoneId")),
        },
        (Name::withLocale, [locale]) => match held(locale) {
            Some(Held::Locale(tag)) => Ok(thing(m.arena, Held::Format(Format { locale: tag, ..*own }))),
            _ => Err(bad_cast(locale, "java.util.Locale")),
        },
        (Name::getZone, []) => Ok(own.zone.map_or(Value::Null, |id| thing(m.arena, Held::Zone(id)))),
        _ => object(m, receiver, name, args),
    }
}

/// The zone's id in the arena.
pub(super) fn zone<'a>(m: &mut Machine<'a>, zone: &Zone) -> Result<Value<'a>, Throw> {
    let id = m.str(zone.id())?;
    Ok(thing(m.arena, Held::Zone(id)))
}
