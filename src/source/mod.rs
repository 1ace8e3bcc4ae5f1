//! Kafka consumers: the poll thread and rebalance callbacks as messages. The only place that names rdkafka, with the producer.

pub mod admin;
pub mod topic;
