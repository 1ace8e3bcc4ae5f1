//! Topics with the properties that the rest relies on: made once, by `sluice setup`, and looked at when they are there already.
//!
//! LogAppendTime is the one that matters: the broker's time is what decides an event's index day and what streams are measured by, while
//! a sender's clock may say anything. Existing topics are never altered: they may be somebody else's.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::settings::Kafka;

/// A broker that is there answers in less; one that is not keeps a person waiting no longer.
const ANSWER_SECONDS_MAX: u64 = 20;
const DAY_MS: u64 = 24 * 3600 * 1000;

const DEAD_LETTERS_PARTITIONS: i32 = 3;
const DEAD_LETTERS_RETENTION_MS: u64 = 30 * DAY_MS;

/// A topic as it is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    pub partitions: i32,
    /// -1: as the broker is set.
    pub replicas: i32,
    pub properties: Vec<(&'static str, String)>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "topic {}: {} partitions", self.name, self.partitions)?;
        match self.replicas {
            -1 => f.write_str(", replicas as the broker is set")?,
            replicas => write!(f, ", {replicas} replicas")?,
        }
        for (name, value) in &self.properties {
            write!(f, ", {name}={value}")?;
        }
        Ok(())
    }
}

/// What became of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Made,
    ThereAlready,
    /// There already, and its records carry the sender's time.
    SendersTime,
}

/// The topics of the settings, the input topics first.
pub fn plans(kafka: &Kafka, input_partitions: i32, replicas: i32) -> Vec<Plan> {
    let broker_time = ("message.timestamp.type", "LogAppendTime".to_owned());
    let own = |name: &str, partitions, properties: Vec<(&'static str, String)>| Plan {
        name: name.to_owned(),
        partitions,
        replicas,
        properties: [vec![broker_time.clone()], properties].concat(),
    };
    let mut plans: Vec<Plan> =
        kafka.topics.iter().map(|topic| own(&topic.name, input_partitions, Vec::new())).collect();
    plans.push(own(
        &kafka.dead_letters,
        DEAD_LETTERS_PARTITIONS,
        // The same record's letters have one key, and the last one counts.
        vec![("cleanup.policy", "compact,delete".to_owned()), ("retention.ms", DEAD_LETTERS_RETENTION_MS.to_string())],
    ));
    plans
}

/// A connection for making topics.
pub struct Admin {
    client: AdminClient<DefaultClientContext>,
    brokers: String,
}

impl Admin {
    pub fn new(kafka: &Kafka) -> Result<Admin, String> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &kafka.brokers).set("client.id", "sluice-setup");
        for (name, value) in &kafka.properties {
            config.set(name, value.reveal());
        }
        let client = config.create().map_err(|error| format!("kafka.properties: {error}"))?;
        Ok(Admin { client, brokers: kafka.brokers.clone() })
    }

    /// Makes a topic if it is not there.
    pub async fn make(&self, plan: &Plan) -> Result<Found, String> {
        let mut topic = NewTopic::new(&plan.name, plan.partitions, TopicReplication::Fixed(plan.replicas));
        for (name, value) in &plan.properties {
            topic = topic.set(name, value);
        }
        let answered = self.client.create_topics([&topic], &options()).await;
        match answered.map_err(|error| self.fault(&error))?.into_iter().next() {
            Some(Ok(_)) => Ok(Found::Made),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => self.look_at(&plan.name).await,
            Some(Err((_, code))) => Err(format!("Kafka refuses: {code}")),
            None => Err("Kafka gave no answer about it".to_owned()),
        }
    }

    async fn look_at(&self, topic: &str) -> Result<Found, String> {
        let answered = self.client.describe_configs([&ResourceSpecifier::Topic(topic)], &options()).await;
        let described = answered.map_err(|error| self.fault(&error))?;
        // A user who may not look at the properties may still use the topic.
        let Some(Ok(resource)) = described.into_iter().next() else { return Ok(Found::ThereAlready) };
        let is_senders =
            resource.get("message.timestamp.type").is_some_and(|entry| entry.value.as_deref() == Some("CreateTime"));
        Ok(if is_senders { Found::SendersTime } else { Found::ThereAlready })
    }

    fn fault(&self, error: &KafkaError) -> String {
        let code = match error {
            KafkaError::AdminOp(code) => Some(*code),
            error => error.rdkafka_error_code(),
        };
        match code {
            Some(RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::BrokerTransportFailure) => {
                format!("Kafka at {} does not answer; check kafka.brokers and kafka.properties", self.brokers)
            }
            _ => error.to_string(),
        }
    }
}

fn options() -> AdminOptions {
    let patience = Some(Duration::from_secs(ANSWER_SECONDS_MAX));
    AdminOptions::new().request_timeout(patience).operation_timeout(patience)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn every_topic_of_the_settings_gets_the_brokers_time() {
        let text = "kafka: {brokers: 'h:1', topics: [logs, other]}\nopensearch: {nodes: ['http://h:9200']}\n";
        let settings = Settings::parse("test", text, &std::collections::HashMap::new()).unwrap();
        let plans: Vec<String> = plans(&settings.kafka, 6, -1).iter().map(Plan::to_string).collect();
        let time = "replicas as the broker is set, message.timestamp.type=LogAppendTime";
        assert_eq!(
            plans,
            [
                format!("topic logs: 6 partitions, {time}"),
                format!("topic other: 6 partitions, {time}"),
                format!(
                    "topic sluice.dead-letters: 3 partitions, {time}, cleanup.policy=compact,delete, retention.ms=2592000000"
                ),
            ]
        );
    }
}
