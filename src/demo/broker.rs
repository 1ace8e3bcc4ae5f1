//! librdkafka's in-process broker with the demo's topics: filled before the run, asked for the dead letters after it.
//!
//! The broker drops what a partition holds beyond 5 MiB or 100,000 messages. All of the bundled records are well below that (a test
//! of theirs holds them to it), so that they can lie there before anyone reads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Headers;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::records::Sample;
use crate::deadletter::{self, Entry};

const PARTITIONS: i32 = 3;
/// For an answer from our own process; far above what it takes.
const ANSWER: Duration = Duration::from_secs(30);

pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts with the input topics and the one for dead letters.
    pub fn start(inputs: &[&str], dead_letters: &str) -> anyhow::Result<Broker> {
        let cluster = MockCluster::new(1).context("start the in-process broker")?;
        for topic in inputs {
            cluster.create_topic(topic, PARTITIONS, 1).with_context(|| format!("create topic {topic}"))?;
        }
        cluster.create_topic(dead_letters, 1, 1).with_context(|| format!("create topic {dead_letters}"))?;
        Ok(Broker { cluster })
    }

    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Puts all samples in, in turn over the partitions; returns how many lie in each.
    pub fn fill(&self, samples: &[Sample]) -> anyhow::Result<BTreeMap<(String, i32), i64>> {
        let producer: ThreadedProducer<_> =
            self.config().set("enable.idempotence", "true").create().context("start the producer")?;
        let mut ends: BTreeMap<(String, i32), i64> = BTreeMap::new();
        for (partition, sample) in (0..PARTITIONS).cycle().zip(samples) {
            let mut record = BaseRecord::<(), [u8]>::to(sample.topic).partition(partition).payload(&sample.value);
            let since = Instant::now();
            while let Err((error, unsent)) = producer.send(record) {
                let is_full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                if !is_full || since.elapsed() > ANSWER {
                    return Err(error).context("produce the bundled records");
                }
                // Waits for the queue to give room, not for a time.
                let _ = producer.flush(Duration::from_millis(100));
                record = unsent;
            }
            *ends.entry((sample.topic.to_string(), partition)).or_default() += 1;
        }
        producer.flush(ANSWER).context("produce the bundled records")?;
        Ok(ends)
    }

    /// The dead letters as they lie in their topic.
    pub fn dead_letters(&self, topic: &str) -> anyhow::Result<Vec<Entry>> {
        let consumer: BaseConsumer = self.config().set("group.id", "demo").create().context("read the dead letters")?;
        let (low, high) = consumer.fetch_watermarks(topic, 0, ANSWER).context("read the dead letters")?;
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, 0, rdkafka::Offset::Offset(low))?;
        consumer.assign(&assignment)?;
        let mut entries = Vec::new();
        let mut next = low;
        while next < high {
            let Some(message) = consumer.poll(ANSWER) else {
                bail!("the in-process broker does not give the dead letters")
            };
            let message = message.context("read the dead letters")?;
            next = message.offset() + 1;
            let headers = message.headers().map_or_else(Vec::new, |headers| {
                headers.iter().map(|header| (header.key, header.value.unwrap_or_default())).collect()
            });
            let value = Bytes::copy_from_slice(message.payload().unwrap_or_default());
            entries.push(deadletter::read(headers.into_iter(), value).map_err(anyhow::Error::msg)?);
        }
        Ok(entries)
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap_servers());
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Coordinates, Record};
    use crate::reject::{Reject, Stage};

    #[test]
    fn what_is_put_in_lies_in_the_partitions_and_dead_letters_come_back() {
        let broker = Broker::start(&["a", "b"], "dead").unwrap();
        let sample = |topic| Sample { topic, value: b"x".to_vec() };
        let samples = [sample("a"), sample("b"), sample("a"), sample("a")];
        let ends = broker.fill(&samples).unwrap();
        let count = |topic: &str, partition| ends.get(&(topic.to_string(), partition)).copied();
        assert_eq!((count("a", 0), count("a", 2), count("b", 1)), (Some(2), Some(1), Some(1)));
        assert_eq!(broker.dead_letters("dead").unwrap(), []);

        let coordinates = Coordinates { topic: "a".into(), partition: 0, offset: 1 };
        let record = Record::new(coordinates, 0, 5, None, Some(Bytes::from_static(b"x")));
        let reject = Reject { record, position: None, stage: Stage::Decode, kind: "json", reason: "no".to_string() };
        let letter = deadletter::encode(&reject, &[], 100);
        let producer: ThreadedProducer<_> = broker.config().create().unwrap();
        let mut headers = rdkafka::message::OwnedHeaders::new();
        for (key, value) in &letter.headers {
            headers = headers.insert(rdkafka::message::Header { key, value: Some(value) });
        }
        let record = BaseRecord::to("dead").key(&letter.key).payload(&letter.value[..]).headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(ANSWER).unwrap();
        let entries = broker.dead_letters("dead").unwrap();
        let [Entry::Letter(letter)] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((letter.topic.as_str(), letter.fault.kind.as_str(), &letter.value[..]), ("a", "json", &b"x"[..]));
    }
}
