//! Who owns which partition and what may be committed, as a pure state machine; and the runtime that drives it.
//!
//! The promise: an offset is committed only when every event of every record below it is in the index, dropped by a pipeline or in the
//! dead letters, each acknowledged; and only by the member that owns the partition at that moment. What is read again after a crash
//! or a rebalance is written under the same ids, so "at least once" becomes "once" in the index.
//!
//! Reading order: [`ledger`] (what is open in one partition), [`machine`] (assignment, fencing, budget, commits; pure), [`lane`] (the
//! loop that joins the machine to a consumer), [`producer`] (dead letters), [`reload`] (pipelines and rules made anew), [`runtime`] (threads, tasks and signals), `meter` (metrics).

pub mod lane;
pub mod ledger;
pub mod machine;
mod meter;
pub mod producer;
pub mod reload;
pub mod report;
pub mod runtime;
