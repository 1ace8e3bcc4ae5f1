//! `sluice demo`: the whole way of a record in one process, on librdkafka's in-process broker, with no server.
//!
//! Owns the bundled records, their broker and the sinks that write files instead of requests; everything between is the code that
//! `sluice run` runs. The records are made up: documentation addresses, example accounts, a quiet half hour and one attack in it.
//! They are made anew with each run, so that their times are those of the last half hour, and from a fixed seed, so that there are
//! always as many.

mod attack;
mod aws;
mod beats;
mod broker;
mod files;
mod records;

pub use records::{Sample, records};
