//! A record, or one event of it, that could not be processed: data for the dead letters, never an error that stops a stream.

use std::fmt;

use crate::record::Record;

/// Where on its way the record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Decode,
    Normalise,
    Detect,
    Index,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::Decode => "decode",
            Stage::Normalise => "normalise",
            Stage::Detect => "detect",
            Stage::Index => "index",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What goes to the dead letters: the original record, where it failed and why.
#[derive(Clone, Debug)]
pub struct Reject {
    pub record: Record,
    /// The event within the payload, from 0; `None` when the whole payload failed.
    pub position: Option<u32>,
    pub stage: Stage,
    /// A short word to count and filter by, as `gzip_truncated`.
    pub kind: &'static str,
    /// For a person: what was wrong and where.
    pub reason: String,
}
