//! The work on one batch of records: decode, normalise, enrich, detect, serialise into a bulk body.
//!
//! A batch is the unit: one arena, one body, no lock, no channel and no allocation per record. Everything is synchronous and fails only
//! by returning [`Reject`]s. What pipelines, tables and rules are at the moment stands in a [`Generation`], swapped as a whole; a batch
//! keeps the one that it began with.
//!
//! Reading order: [`generation`] with [`sources`] (which pipeline takes an event), [`worker`] (the loop over a batch), [`fill`] (what every document
//! has), [`tally`] (what is counted), [`budget`] (memory of bodies).

pub mod budget;
pub mod fill;
pub mod generation;
pub mod sources;
pub mod tally;
pub mod worker;

#[cfg(test)]
mod tests;

use crate::index::Batch;
use crate::reject::Reject;

/// What was made of some consecutive records of a batch.
#[derive(Debug, Default)]
pub struct Part {
    /// Per record: how many events are to be indexed or written to the dead letters.
    pub open: Vec<u32>,
    pub body: Batch,
    /// Per document of `body`: the record in the batch and the event's position in its payload.
    pub documents: Vec<(u32, u32)>,
    /// With the record in the batch.
    pub rejects: Vec<(u32, Reject)>,
    /// Events dropped by a pipeline or by the form of their envelope.
    pub dropped: u64,
    /// Nothing follows of this batch.
    pub is_last: bool,
}
