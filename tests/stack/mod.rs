//! End to end on a real Kafka and a real OpenSearch: what was produced is what is indexed, whatever happens in between.
//!
//! `dev/test` starts the servers; by hand: `eval "$(dev/stack up)"`, `cargo test stack`, `dev/stack down`. Without them these tests say so and
//! pass. Each test has topics, a group and indices of its own, so they can run side by side. Reading order: `world` (servers,
//! replicas, waiting), `proxy` (the faults between a replica and OpenSearch), then the tests.

mod exactly_once;
mod halts;
mod proxy;
mod real_input;
mod world;
