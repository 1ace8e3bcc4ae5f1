//! Kafka consumers: the group's callbacks as messages, partitions' queues, commits. The only place that names rdkafka, with the producer.
//!
//! A [`Consumer`] belongs to one thread, which polls it; nothing here waits for a broker on that thread. It decides nothing: what the group
//! says becomes an [`Event`], and the group is answered when the delivery machine has dropped or taken the partitions, whatever the
//! group's protocol is (eager, cooperative, or the broker-side one of KIP-848).
//!
//! Reading order: [`properties`] (what librdkafka is told), [`consumer`], [`queue`] (records out of one partition, without a copy too many),
//! [`locate`] (questions that wait for a broker, on a thread of their own), [`admin`] (topics made and described), [`topic`] (a topic read from end to end, beside any group).

pub mod admin;
pub mod consumer;
pub mod locate;
pub mod properties;
pub mod queue;
pub mod topic;

pub use consumer::{Consumer, Event};
