//! The integration tests, one binary. A module per subject:
//!
//! - `architecture`: what the modules may not do, checked on the source text.
//! - `cli`: the command line as a user meets it.
//! - `correlate`: the pack of correlations and their alerts over a file of events.
//! - `detect`: Sigma rules at work on real events, and a peer that must agree.
//! - `settings`: every kind of mistake in a settings file, with the exact message.
//! - `event`: the event in memory against a plain tree.
//! - `stack`: end to end on a real Kafka and a real OpenSearch.
//! - `delivery`: a group's member and the whole program against in-process brokers.
//! - `simulation`: the delivery machine in a world of crashes, rebalances and lost answers.
//! - `decode`: payloads of every kind, bad input above all, and what comes out of them.
//! - `index_client`: the index side against a scripted server over HTTP.
//! - `dlq`: dead letters listed, shown and brought back.
//!
//! What needs only one module's code is tested in that module.

mod architecture;
mod cli;
mod correlate;
mod decode;
mod delivery;
mod detect;
mod dlq;
mod event;
mod index_client;
mod settings;
mod simulation;
mod stack;
