//! Sluice reads security logs from Kafka, makes them ECS events, matches rules against them and indexes them into OpenSearch or
//! Elasticsearch, each exactly once.
//!
//! The modules stand in the order in which a record travels: [`settings`] say where from and where to; [`source`] reads
//! Kafka; [`decode`] opens envelopes; [`event`] is the document in memory; [`pipeline`] with [`painless`] normalises it, on what
//! both inherit from [`java`]; [`detect`] runs Sigma rules; [`index`] speaks to OpenSearch; [`delivery`] decides what may be
//! committed and drives all of it. [`process`] joins decode to detect into the work done on one batch. [`correlate`] finds episodes
//! among matches, so far for `sluice match`. [`telemetry`] and [`demo`] stand beside the way.
//!
//! Between bytes from Kafka and bytes for OpenSearch everything is synchronous, knows no client, no clock and no disk, and
//! fails only by returning data: a record that cannot be processed is a [`reject::Reject`], and becomes a [`deadletter`]. `tests/architecture.rs` holds us to it.

pub mod cli;
pub mod clock;
pub mod correlate;
pub mod deadletter;
pub mod decode;
pub mod delivery;
pub mod demo;
pub mod detect;
pub mod event;
pub mod index;
pub mod java;
pub mod painless;
pub mod pipeline;
pub mod process;
pub mod record;
pub mod reject;
pub mod settings;
pub mod source;
pub mod telemetry;
