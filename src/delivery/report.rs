//! What the machine wants an operator to hear; how it is said, and how often, is decided where it is handled ([`super::lane`]).

use super::machine::{BatchId, Partition};

/// What an operator must hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Retention deleted records before we read them.
    Gap {
        partition: Partition,
        from: i64,
        to: i64,
    },
    /// The log ends before our committed offset, or went back: not the log that we knew. Its partition is not read.
    MadeAnew {
        partition: Partition,
        committed: i64,
        high: i64,
    },
    Stalled {
        partition: Partition,
        behind: i64,
        open: u64,
    },
    Recovered {
        partition: Partition,
    },
    CommitFailed {
        fault: String,
    },
    Committed,
    /// An answer that fits nothing that is open: a fault of this program.
    Misfit {
        batch: BatchId,
    },
    /// Draining took too long; what was open will be read again by the next owner.
    DrainCut {
        open: u64,
    },
}
