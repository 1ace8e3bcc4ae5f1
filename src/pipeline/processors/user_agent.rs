//! `user_agent`: browser, system and device by the definitions of uap-core.
//!
//! The definitions are applied as the original does it, which differs from uap-core's own rules: a group that matched nothing is an empty part
//! of a version and not a missing one (`24.0.`), and of a replacement's groups only the first `$1` of the name is filled in.
//!
//! A look-up costs microseconds, and the same few programs call again and again: the last results are kept by text, in a table that is
//! emptied when it is full. The definitions are compiled at the first use, since that takes a moment and some 30 MB.

use std::sync::{Arc, Mutex, OnceLock};

use regex_filtered::Regexes;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::event::Value;

use super::super::document::{Document, Done, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("user_agent", user_agent)];

/// Results that are kept. The original keeps 1,000 for all processors.
const KEPT_ENTRIES_MAX: usize = 4096;
/// Longer texts are looked up each time.
const KEPT_TEXT_BYTES_MAX: usize = 1024;

const DEFINITIONS: &str = include_str!("../patterns/user-agents.yaml");

#[derive(Deserialize)]
struct Definitions {
    user_agent_parsers: Vec<Definition>,
    os_parsers: Vec<Definition>,
    device_parsers: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    regex: String,
    regex_flag: Option<String>,
    #[serde(alias = "family_replacement", alias = "os_replacement", alias = "device_replacement")]
    name: Option<String>,
    #[serde(alias = "v1_replacement", alias = "os_v1_replacement")]
    major: Option<String>,
    #[serde(alias = "v2_replacement", alias = "os_v2_replacement")]
    minor: Option<String>,
    #[serde(alias = "v3_replacement", alias = "os_v3_replacement")]
    patch: Option<String>,
    #[serde(alias = "v4_replacement", alias = "os_v4_replacement")]
    build: Option<String>,
}

/// Definitions of one kind, the first that matches counts.
struct Finder {
    regexes: Regexes,
    definitions: Vec<Definition>,
}

struct Finders {
    browsers: Finder,
    systems: Finder,
    devices: Finder,
}

fn finders() -> Result<&'static Finders, String> {
    static FINDERS: OnceLock<Result<Finders, String>> = OnceLock::new();
    FINDERS
        .get_or_init(|| {
            let definitions: Definitions = yaml_serde::from_str(DEFINITIONS).map_err(|e| e.to_string())?;
            Ok(Finders {
                browsers: Finder::new(definitions.user_agent_parsers)?,
                systems: Finder::new(definitions.os_parsers)?,
                devices: Finder::new(definitions.device_parsers)?,
            })
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// What a definition says of a text.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    name: String,
    version: Option<String>,
}

impl Finder {
    fn new(definitions: Vec<Definition>) -> Result<Finder, String> {
        let mut builder = regex_filtered::Builder::new();
        for definition in &definitions {
            let mut options = regex_filtered::Options::new();
            options.case_insensitive(definition.regex_flag.as_deref() == Some("i"));
            builder = builder.push_opt(&slimmed(&definition.regex), &options).map_err(|e| e.to_string())?;
        }
        Ok(Finder { regexes: builder.build().map_err(|e| e.to_string())?, definitions })
    }

    fn find(&self, text: &str) -> Option<Named> {
        self.regexes.matching(text).find_map(|(index, regex)| {
            let definition = self.definitions.get(index)?;
            let groups = regex.captures(text)?;
            let group = |number: usize| groups.get(number).map(|found| found.as_str());
            let name = match (&definition.name, group(1)) {
                (Some(name), Some(first)) => name.replacen("$1", first, 1),
                (Some(name), None) => name.clone(),
                (None, first) => first?.to_owned(),
            };
            let part = |given: &'_ Option<String>, number| given.clone().or_else(|| group(number).map(str::to_owned));
            let parts = [
                part(&definition.major, 2),
                part(&definition.minor, 3),
                part(&definition.patch, 4),
                part(&definition.build, 5),
            ];
            let known: Vec<String> = parts.into_iter().map_while(|part| part).collect();
            Some(Named { name, version: (!known.is_empty()).then(|| known.join(".")) })
        })
    }
}

/// A pattern with Java's ASCII classes, which are also far smaller, and with loops of hundreds of turns (`{0,200}`) without an end: they are there
/// to spare engines that go back, and cost this one memory.
fn slimmed(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            let class = match rest.chars().nth(1) {
                Some('d') => Some("[0-9]"),
                Some('D') => Some("[^0-9]"),
                Some('w') => Some("[A-Za-z0-9_]"),
                Some('W') => Some("[^A-Za-z0-9_]"),
                _ => None,
            };
            let length = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
            out.push_str(class.unwrap_or_else(|| rest.get(..length).unwrap_or_default()));
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        let endless = [("{0,", '*'), ("{1,", '+')].into_iter().find_map(|(start, sign)| {
            let (digits, after) = rest.strip_prefix(start)?.split_once('}')?;
            (digits.len() > 2 && digits.bytes().all(|b| b.is_ascii_digit())).then_some((sign, after))
        });
        match endless {
            Some((sign, after)) => {
                out.push(sign);
                rest = after;
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// What is known of a user agent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Agent {
    browser: Option<Named>,
    system: Option<Named>,
    device: Option<Named>,
}

fn look_up(finders: &Finders, text: &str) -> Agent {
    Agent {
        browser: finders.browsers.find(text),
        system: finders.systems.find(text),
        device: finders.devices.find(text),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Name,
    Os,
    Device,
    Original,
    Version,
}

const PROPERTIES: &[(&str, Property)] = &[
    ("NAME", Property::Name),
    ("OS", Property::Os),
    ("DEVICE", Property::Device),
    ("ORIGINAL", Property::Original),
    ("VERSION", Property::Version),
];

struct UserAgentProcessor {
    field: FieldPath,
    target: FieldPath,
    properties: Vec<Property>,
    ignore_missing: bool,
    kept: Mutex<FxHashMap<Box<str>, Arc<Agent>>>,
}

fn user_agent(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    finders().map_err(|e| options.fault("field", format_args!("cannot be used: the definitions are broken: {e}")))?;
    let mut properties: Vec<Property> = Vec::new();
    for name in
        options.optional_texts("properties")?.unwrap_or_else(|| PROPERTIES.iter().map(|(name, _)| *name).collect())
    {
        let upper = name.to_ascii_uppercase();
        match PROPERTIES.iter().find(|(known, _)| *known == upper) {
            Some((_, property)) if !properties.contains(property) => properties.push(*property),
            Some(_) => {}
            None => {
                return Err(options.fault(
                    "properties",
                    format_args!(
                        "illegal property value [{name}]. valid values are [NAME, OS, DEVICE, ORIGINAL, VERSION]"
                    ),
                ));
            }
        }
    }
    Ok(Box::new(UserAgentProcessor {
        field: options.path("field")?,
        target: options.path_or("target_field", "user_agent")?,
        properties,
        ignore_missing: options.flag("ignore_missing", false)?,
        kept: Mutex::default(),
    }))
}

impl UserAgentProcessor {
    fn agent(&self, text: &str) -> Result<Arc<Agent>, String> {
        let lock = || match self.kept.lock() {
            Ok(kept) => kept,
            Err(poisoned) => poisoned.into_inner(),
        };
        if let Some(agent) = lock().get(text) {
            return Ok(agent.clone());
        }
        let agent = Arc::new(look_up(finders()?, text));
        if text.len() <= KEPT_TEXT_BYTES_MAX {
            let mut kept = lock();
            if kept.len() >= KEPT_ENTRIES_MAX {
                kept.clear();
            }
            kept.insert(text.into(), agent.clone());
        }
        Ok(agent)
    }
}

impl Processor for UserAgentProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null, cannot parse user-agent.", path.text())));
        };
        let agent = self.agent(text).map_err(|what| document.fail(format_args!("{what}")))?;
        let arena = document.arena;
        let object = arena.object();
        for property in &self.properties {
            match property {
                Property::Original => {
                    object.set_str("original", Value::Str(text));
                }
                Property::Name => {
                    object.set_str(
                        "name",
                        Value::Str(arena.str(agent.browser.as_ref().map_or("Other", |named| &named.name))),
                    );
                }
                Property::Version => {
                    if let Some(version) = agent.browser.as_ref().and_then(|named| named.version.as_deref()) {
                        object.set_str("version", Value::Str(arena.str(version)));
                    }
                }
                Property::Os => {
                    if let Some(system) = &agent.system {
                        let os = arena.object();
                        os.set_str("name", Value::Str(arena.str(&system.name)));
                        if let Some(version) = &system.version {
                            os.set_str("version", Value::Str(arena.str(version)));
                            let full = document.format(format_args!("{} {version}", system.name));
                            os.set_str("full", Value::Str(full));
                        }
                        object.set_str("os", Value::Object(os));
                    }
                }
                Property::Device => {
                    let device = arena.object();
                    device.set_str(
                        "name",
                        Value::Str(arena.str(agent.device.as_ref().map_or("Other", |named| &named.name))),
                    );
                    object.set_str("device", Value::Object(device));
                }
            }
        }
        document.set(self.target.path(), Value::Object(object))?;
        Ok(Flow::Next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> [String; 3] {
        let agent = look_up(finders().unwrap(), text);
        [agent.browser, agent.system, agent.device].map(|named| {
            named.map_or("-".into(), |named| format!("{} {}", named.name, named.version.as_deref().unwrap_or("-")))
        })
    }

    #[test]
    fn agents_are_known() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/33.0.1750.149 Safari/537.36",
                ["Chrome 33.0.1750.149", "Mac OS X 10.9.2", "Mac -"],
            ),
            // The group of Firefox's patch level matches, and matches nothing.
            (
                "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:15.0) Gecko/20100101 Firefox/15.0",
                ["Firefox 15.0.", "Ubuntu -", "- -"],
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0.1",
                ["Firefox 115.0.1", "Windows 10", "- -"],
            ),
            ("nothing known", ["-", "-", "-"]),
        ] {
            let expected = expected.map(|text| if text == "- -" { "-".to_owned() } else { text.to_owned() });
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn patterns_are_slimmed() {
        for (pattern, expected) in [
            (r"(Chrome)/(\d+)\.(\w+)", r"(Chrome)/([0-9]+)\.([A-Za-z0-9_]+)"),
            (r"a.{0,200}b.{1,100}c{0,9}\{0,200}", r"a.*b.+c{0,9}\{0,200}"),
            (r"\\d[\d.]", r"\\d[[0-9].]"),
        ] {
            assert_eq!(slimmed(pattern), expected);
        }
    }
}
