//! `user_agent`: browser, system and device by the definitions of uap-core.
//!
//! A look-up costs microseconds, and the same few programs call again and again: the last results are kept by text, in a table that is
//! emptied when it is full. The definitions are compiled at the first use, since that takes a moment and some 30 MB.

use std::sync::{Arc, Mutex, OnceLock};

use rustc_hash::FxHashMap;
use ua_parser::{Extractor, Regexes};

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

fn extractor() -> Result<&'static Extractor<'static>, String> {
    static EXTRACTOR: OnceLock<Result<Extractor<'static>, String>> = OnceLock::new();
    EXTRACTOR
        .get_or_init(|| {
            let regexes: Regexes<'static> = yaml_serde::from_str(DEFINITIONS).map_err(|e| e.to_string())?;
            Extractor::try_from(regexes).map_err(|e| e.to_string())
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// What is known of a user agent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Agent {
    name: Option<String>,
    version: Option<String>,
    os: Option<System>,
    device: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct System {
    name: String,
    version: Option<String>,
}

/// Parts of a version up to the first that is missing; `None` without a first one.
fn version(parts: [Option<&str>; 4]) -> Option<String> {
    let known: Vec<&str> = parts.into_iter().map_while(|part| part).collect();
    (!known.is_empty()).then(|| known.join("."))
}

fn look_up(extractor: &'static Extractor<'static>, text: &str) -> Agent {
    let browser = extractor.ua.extract(text);
    let system = extractor.os.extract(text);
    let device = extractor.dev.extract(text);
    Agent {
        name: browser.as_ref().map(|found| found.family.to_string()),
        version: browser.and_then(|found| version([found.major, found.minor, found.patch, found.patch_minor])),
        os: system.map(|found| System {
            name: found.os.to_string(),
            version: version([
                found.major.as_deref(),
                found.minor.as_deref(),
                found.patch.as_deref(),
                found.patch_minor.as_deref(),
            ]),
        }),
        device: device.map(|found| found.device.to_string()),
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
    extractor().map_err(|e| options.fault("field", format_args!("cannot be used: the definitions are broken: {e}")))?;
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
        let agent = Arc::new(look_up(extractor()?, text));
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
                    object.set_str("name", Value::Str(arena.str(agent.name.as_deref().unwrap_or("Other"))));
                }
                Property::Version => {
                    if let Some(version) = &agent.version {
                        object.set_str("version", Value::Str(arena.str(version)));
                    }
                }
                Property::Os => {
                    if let Some(system) = &agent.os {
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
                    device.set_str("name", Value::Str(arena.str(agent.device.as_deref().unwrap_or("Other"))));
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

    #[test]
    fn browsers_are_known() {
        let agent = look_up(
            extractor().unwrap(),
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/33.0.1750.149 Safari/537.36",
        );
        assert_eq!(agent.name.as_deref(), Some("Chrome"));
        assert_eq!(agent.version.as_deref(), Some("33.0.1750.149"));
        let os = agent.os.unwrap();
        assert_eq!((os.name.as_str(), os.version.as_deref()), ("Mac OS X", Some("10.9.2")));
        assert_eq!(agent.device.as_deref(), Some("Mac"));
        assert_eq!(look_up(extractor().unwrap(), "nothing known"), Agent::default());
    }
}
