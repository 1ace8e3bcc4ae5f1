//! Envelopes: one Kafka payload gives 0..n raw events, each with its identity.
