//! What an operator decides: read from `sluice.yml` and the environment, checked, and handed down as plain values.
//!
//! Raw and checked are two types. [`raw::Raw`] is what was typed, each value with its place; [`Settings`] is what the rest of the
//! program uses, and holding one means that every rule below has been kept. Nothing but this module reads the environment for
//! settings, and it gets that as a map. All faults of a file are reported at once. What a key is, what it means and what it is
//! when absent is declared in [`keys`] and nowhere else. Names of events' fields and rules never pass through here.

pub mod fault;
pub mod keys;
pub mod secret;

mod check;
mod index_name;
mod raw;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::decode::{self, TopicRules};

pub use fault::{Fault, Faults};
pub use index_name::IndexName;
pub use secret::Secret;

/// Paths are relative to the folder in which Sluice was started.
#[derive(Clone, Debug)]
pub struct Settings {
    pub kafka: Kafka,
    pub opensearch: OpenSearch,
    pub events: Events,
    pub pipelines: Pipelines,
    pub rules: Rules,
    pub limits: Limits,
    pub telemetry: Telemetry,
}

#[derive(Clone, Debug)]
pub struct Kafka {
    /// `host:port`, separated by commas, as librdkafka takes it.
    pub brokers: String,
    pub group: String,
    /// Never empty; names are distinct and none is that of the dead letters.
    pub topics: Vec<Topic>,
    /// Properties of librdkafka, none of which Sluice must set itself.
    pub properties: BTreeMap<String, Secret>,
    pub dead_letters: String,
}

/// An input topic.
#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    /// The source whose pipeline takes all of the topic's records; else records are recognised by shape.
    pub source: Option<TopicSource>,
    pub rules: TopicRules,
    pub namespace: String,
    /// See [`crate::record::Record::epoch`].
    pub epoch: u32,
}

/// Whether there is such a pipeline is known only when pipelines are loaded.
#[derive(Clone, Debug)]
pub struct TopicSource {
    pub name: String,
    /// The place, and the key as the message, for whoever finds a fault in it.
    pub at: Fault,
}

#[derive(Clone, Debug)]
pub struct OpenSearch {
    /// `http://` or `https://` URLs, never empty, without credentials, query or fragment.
    pub nodes: Vec<String>,
    pub credentials: Credentials,
    /// A PEM file.
    pub ca: Option<PathBuf>,
    pub gzip: bool,
    pub requests_in_flight: usize,
    pub requests_per_second: Option<u32>,
    pub request_timeout: Duration,
    pub closed_index_dead_letter_after: Duration,
}

/// One kind at a time: that is all that OpenSearch's client can send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    None,
    Basic {
        username: String,
        password: Secret,
    },
    ApiKey {
        id: String,
        key: Secret,
    },
    /// PEM files.
    ClientCertificate {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// `service` is `es` or `aoss`; the keys come from AWS's own environment.
    SigV4 {
        service: String,
        region: String,
    },
}

#[derive(Clone, Debug)]
pub struct Events {
    pub index: IndexName,
}

#[derive(Clone, Debug)]
pub struct Pipelines {
    pub dir: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct Rules {
    pub dirs: Vec<PathBuf>,
    pub overlay: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub memory_bytes: usize,
    /// Of which the settings fix the four that a source can have a reason to pass.
    pub decode: decode::Limits,
}

#[derive(Clone, Debug)]
pub struct Telemetry {
    pub listen: SocketAddr,
    /// A filter as `tracing_subscriber::EnvFilter` parses it.
    pub log: String,
}

impl Settings {
    /// Reads and checks a file and the variables `SLUICE__…` of `environment`.
    pub fn load(path: &Path, environment: &HashMap<String, String>) -> Result<Settings, Faults> {
        let name = path.display().to_string();
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(raw::FILE_BYTES_MAX + 1).read_to_string(&mut text));
        match read {
            Err(error) => {
                let message = format!("cannot be read: {error}; name the settings file with -c FILE");
                Err(Faults(vec![Fault::of_file(name, message)]))
            }
            Ok(bytes) if bytes as u64 > raw::FILE_BYTES_MAX => {
                let message = format!("larger than {} KiB, so it is no settings file", raw::FILE_BYTES_MAX / 1024);
                Err(Faults(vec![Fault::of_file(name, message)]))
            }
            Ok(_) => Settings::parse(&name, &text, environment),
        }
    }

    /// Checks `text`, which lies in the file named `file`.
    pub fn parse(file: &str, text: &str, environment: &HashMap<String, String>) -> Result<Settings, Faults> {
        let mut raw = raw::Raw::read(file, text, environment).map_err(Faults)?;
        let settings = check::settings(&mut raw);
        let mut faults = raw.faults;
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => {
                faults.sort();
                faults.dedup();
                Err(Faults(faults))
            }
        }
    }
}
