//! What is asked of librdkafka beside reading: committed offsets and the ends of logs, and the commit that does not wait.
//!
//! Questions that wait for a broker run on a thread of their own, so that the polling thread serves the group meanwhile; a partition is
//! not read before its answer is there, because only the answer tells whether the log is the one that we knew.

// rd_kafka_commit_queue and rd_kafka_get_watermark_offsets have no safe counterpart in the crate.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use super::consumer::{Context, list_of, log, refused};
use crate::delivery::machine::{Committed, Partition};

/// How long one question waits for its broker.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Asks; each call waits.
pub struct Locator {
    client: Arc<BaseConsumer<Context>>,
}

/// What the broker knows of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub committed: Option<Committed>,
    pub low: i64,
    pub high: i64,
}

impl Locator {
    pub(super) fn new(client: Arc<BaseConsumer<Context>>) -> Self {
        Self { client }
    }

    pub fn locate(&self, partition: &Partition) -> KafkaResult<Located> {
        let list = self.client.committed_offsets(list_of([(partition, Offset::Invalid)]), ANSWER_MAX)?;
        let mut committed = None;
        for entry in list.elements() {
            entry.error()?;
            if let Offset::Offset(offset) = entry.offset() {
                committed = Some(Committed { offset, metadata: metadata_of(&list) });
            }
        }
        let (low, high) = self.client.fetch_watermarks(&partition.topic, partition.number, ANSWER_MAX)?;
        Ok(Located { committed, low, high })
    }

    /// Fetches from elsewhere; what is in the partition's queue is void when this returns.
    pub fn seek(&self, partition: &Partition, offset: i64) -> KafkaResult<()> {
        let list = self.client.seek_partitions(list_of([(partition, Offset::Offset(offset))]), ANSWER_MAX)?;
        list.elements().iter().try_for_each(|entry| entry.error())
    }

    /// How many partitions each topic has; 0 for one that is not there.
    pub fn partitions(&self, topics: &[String]) -> KafkaResult<Vec<(String, usize)>> {
        partitions(&*self.client, topics)
    }
}

fn partitions<C: ConsumerContext>(client: &BaseConsumer<C>, topics: &[String]) -> KafkaResult<Vec<(String, usize)>> {
    let count = |topic: &String| {
        let metadata = client.fetch_metadata(Some(topic), ANSWER_MAX)?;
        let found = metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len());
        Ok((topic.clone(), found))
    };
    topics.iter().map(count).collect()
}

/// Asks before there is a member of a group, which needs to know among how many partitions its memory is divided.
pub struct Scout {
    client: BaseConsumer<Quiet>,
}

impl Scout {
    /// Connects in the background; fails only on settings that librdkafka refuses.
    pub fn new(config: &ClientConfig) -> anyhow::Result<Scout> {
        let mut config = config.clone();
        // Without a group the client joins nothing.
        config.remove("group.id").remove("group.instance.id");
        let client = config.create_with_context(Quiet::default()).map_err(refused)?;
        Ok(Scout { client })
    }

    /// As [`Locator::partitions`]; the error is the most telling one that the client has met.
    pub fn partitions(&self, topics: &[String]) -> Result<Vec<(String, usize)>, String> {
        let found = partitions(&self.client, topics);
        // Serves the client's errors.
        let _ = self.client.poll(Duration::ZERO);
        let told = self.client.context().told.lock().unwrap_or_else(PoisonError::into_inner).take();
        found.map_err(|error| told.unwrap_or_else(|| error.to_string()))
    }
}

/// Remembers what was told last: "authentication failed" says more than the "timed out" that follows from it.
#[derive(Default)]
struct Quiet {
    told: Mutex<Option<String>>,
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // "All brokers are down" follows from the error before it and says less.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Quiet {}

/// The metadata of a list of one entry. Others may have written it, so what is not UTF-8 counts as none.
fn metadata_of(list: &TopicPartitionList) -> String {
    // SAFETY: the list is alive and has as many elements as it says; an element's metadata has as many bytes as it says.
    unsafe {
        let list = &*list.ptr();
        if list.cnt < 1 || list.elems.is_null() {
            return String::new();
        }
        let entry = &*list.elems;
        if entry.metadata.is_null() || entry.metadata_size == 0 {
            return String::new();
        }
        let bytes = std::slice::from_raw_parts(entry.metadata.cast::<u8>(), entry.metadata_size);
        std::str::from_utf8(bytes).map(str::to_owned).unwrap_or_default()
    }
}

/// Hands a commit to the client; its answer comes through `poll`, as the crate's own asynchronous commit never answers.
pub(super) fn commit_to_queue(client: &BaseConsumer<Context>, list: &TopicPartitionList) -> KafkaResult<()> {
    let native = client.client().native_ptr();
    // SAFETY: client and list are alive; librdkafka copies the list and keeps its own reference to the queue.
    let fault = unsafe {
        let queue = rd::rd_kafka_queue_get_consumer(native);
        if queue.is_null() {
            return Err(KafkaError::Subscription("the consumer has no queue".into()));
        }
        let fault = rd::rd_kafka_commit_queue(native, list.ptr(), queue, None, ptr::null_mut());
        rd::rd_kafka_queue_destroy(queue);
        fault
    };
    match fault {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        fault => Err(KafkaError::ConsumerCommit(fault.into())),
    }
}

pub(super) fn known_watermarks(client: &BaseConsumer<Context>, partition: &Partition) -> Option<(i64, i64)> {
    let topic = CString::new(&*partition.topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is alive, and so are the name and the two numbers during the call.
    let fault = unsafe {
        rd::rd_kafka_get_watermark_offsets(
            client.client().native_ptr(),
            topic.as_ptr(),
            partition.number,
            &raw mut low,
            &raw mut high,
        )
    };
    // Negative: not known before the first fetch.
    (fault == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && low >= 0 && high >= 0).then_some((low, high))
}
