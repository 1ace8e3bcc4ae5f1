//! The processors, a file per family, and how one is added.
//!
//! A family lists its processors as `(type, builder)` in a `PROCESSORS` table, which is entered in [`FAMILIES`] below. A builder reads
//! its options (whatever it leaves unread is refused) and gives a [`Processor`]; everything that can be computed at load is: paths,
//! patterns, tables. At run time a processor allocates only in the document's arena and makes a failure by [`Document::fail`].

mod control;
mod convert;
mod date;
mod dissect;
mod fields;
mod fingerprint;
mod geoip;
mod grok;
mod html;
mod lists;
pub mod network;
pub mod script;
mod structured;
mod text;
pub mod uri_parts;
mod user_agent;

use std::path::PathBuf;

use super::document::{Document, Done};
use super::options::Options;
use super::source::Fault;

/// One processor of a pipeline, compiled.
pub trait Processor: Send + Sync {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a>;
}

pub type Builder = fn(&mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault>;

/// What processors need besides their options; made once, before pipelines are loaded.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// The folder of the MaxMind databases that `geoip` and `ip2geo` read.
    pub geo_databases_dir: Option<PathBuf>,
}

const FAMILIES: &[&[(&str, Builder)]] = &[
    fields::PROCESSORS,
    control::PROCESSORS,
    text::PROCESSORS,
    date::PROCESSORS,
    dissect::PROCESSORS,
    fingerprint::PROCESSORS,
    geoip::PROCESSORS,
    grok::PROCESSORS,
    network::PROCESSORS,
    uri_parts::PROCESSORS,
    user_agent::PROCESSORS,
    lists::PROCESSORS,
    convert::PROCESSORS,
    script::PROCESSORS,
    structured::PROCESSORS,
];

pub fn builder(name: &str) -> Option<Builder> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|(known, _)| *known == name).map(|(_, builder)| *builder)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|(name, _)| *name)
}
