//! A topic read from its beginning to its present end, and messages into chosen partitions: for commands, not for the service.
//!
//! No group is joined and nothing is committed, so looking at a topic never disturbs who consumes it. Everything here waits for the broker, at most
//! [`SILENCE_MAX`] without a sign of it.

// The crate's own reading of headers panics on a name that is not UTF-8; messages are read through librdkafka's calls.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use crate::settings::Kafka;

/// How long the broker may be silent before a command gives up.
pub const SILENCE_MAX: Duration = Duration::from_secs(30);
const POLL_MS: i32 = 200;
/// Headers of one message that are looked at.
const HEADERS_MAX: usize = 64;

/// One message, as long as it is being looked at.
pub struct Message<'m> {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub headers: Vec<(&'m str, &'m [u8])>,
    pub value: Option<&'m [u8]>,
}

/// A message for one partition.
pub struct Outgoing<'m> {
    pub topic: &'m str,
    pub partition: i32,
    pub key: Option<&'m [u8]>,
    pub headers: &'m [(&'static str, Vec<u8>)],
    pub value: &'m [u8],
}

/// What both ends of a command are told: the brokers and the settings' own properties.
pub fn config(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers).set("client.id", "sluice");
    for (name, value) in &kafka.properties {
        config.set(name, value.reveal());
    }
    config
}

/// Gives every message that the topic holds now to `each`, those of one partition in their order.
pub fn scan(
    config: &ClientConfig,
    topic: &str,
    mut each: impl FnMut(Message<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut config = config.clone();
    config
        .set("group.id", "sluice-reader")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("queued.max.messages.kbytes", "16384");
    let consumer: BaseConsumer = config.create().context("connect to Kafka")?;
    let mut ends = ends(&consumer, topic)?;
    let mut list = TopicPartitionList::new();
    for (partition, (low, _)) in &ends {
        list.add_partition_offset(topic, *partition, Offset::Offset(*low))?;
    }
    consumer.assign(&list).with_context(|| format!("read the topic {topic}"))?;
    let mut heard = Instant::now();
    let mut trouble = String::new();
    while !ends.is_empty() {
        let Some(message) = Taken::poll(&consumer) else {
            if heard.elapsed() > SILENCE_MAX {
                bail!("the brokers have not answered for {} s{trouble}", SILENCE_MAX.as_secs());
            }
            continue;
        };
        match message.raw().err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {
                heard = Instant::now();
                let message = message.view();
                let (partition, offset) = (message.partition, message.offset);
                match ends.get(&partition) {
                    Some((_, high)) if offset < *high => {
                        let is_last = offset + 1 == *high;
                        each(message)?;
                        if is_last {
                            ends.remove(&partition);
                        }
                    }
                    // Written after we began.
                    _ => {
                        ends.remove(&partition);
                    }
                }
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                ends.remove(&message.raw().partition);
            }
            _ => trouble = format!(": {}", String::from_utf8_lossy(message.view().value.unwrap_or_default())),
        }
    }
    Ok(())
}

/// First and next offset of each partition that holds anything.
fn ends(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<HashMap<i32, (i64, i64)>> {
    let metadata = consumer.fetch_metadata(Some(topic), SILENCE_MAX).context("ask the brokers for their topics")?;
    let partitions: Vec<i32> = metadata
        .topics()
        .iter()
        .filter(|found| found.name() == topic && found.error().is_none())
        .flat_map(|found| found.partitions().iter().map(|partition| partition.id()))
        .collect();
    if partitions.is_empty() {
        bail!("there is no topic {topic}; `sluice setup` makes it");
    }
    let mut ends = HashMap::new();
    for partition in partitions {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition, SILENCE_MAX)
            .with_context(|| format!("ask for the ends of {topic}/{partition}"))?;
        if low < high {
            ends.insert(partition, (low, high));
        }
    }
    Ok(ends)
}

/// A message that librdkafka handed out and that is given back when it is dropped.
struct Taken(NonNull<rd::rd_kafka_message_t>);

impl Drop for Taken {
    fn drop(&mut self) {
        // SAFETY: the message came from rd_kafka_consumer_poll and is destroyed once.
        unsafe { rd::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

impl Taken {
    fn poll(consumer: &BaseConsumer) -> Option<Taken> {
        // SAFETY: the client lives as long as the consumer.
        let message = unsafe { rd::rd_kafka_consumer_poll(consumer.client().native_ptr(), POLL_MS) };
        NonNull::new(message).map(Taken)
    }

    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: valid until destroyed, which `Drop` does.
        unsafe { self.0.as_ref() }
    }

    fn view(&self) -> Message<'_> {
        let raw = self.raw();
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: both pointers are valid.
        let timestamp_ms = unsafe { rd::rd_kafka_message_timestamp(self.0.as_ptr(), &raw mut kind) };
        Message {
            partition: raw.partition,
            offset: raw.offset,
            timestamp_ms,
            headers: self.headers(),
            value: bytes_of(raw.payload, raw.len),
        }
    }

    /// Headers whose names are UTF-8.
    fn headers(&self) -> Vec<(&str, &[u8])> {
        let mut headers = ptr::null_mut();
        let mut found = Vec::new();
        // SAFETY: the headers belong to the message and live as long as it does; names are C strings.
        unsafe {
            let fault = rd::rd_kafka_message_headers(self.0.as_ptr(), &raw mut headers);
            if fault != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
                return found;
            }
            for index in 0..HEADERS_MAX {
                let (mut name, mut value, mut bytes): (*const c_char, *const c_void, usize) =
                    (ptr::null(), ptr::null(), 0);
                let fault = rd::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut bytes);
                if fault != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    break;
                }
                if let Ok(name) = CStr::from_ptr(name).to_str() {
                    found.push((name, bytes_of(value.cast_mut(), bytes).unwrap_or_default()));
                }
            }
        }
        found
    }
}

fn bytes_of<'m>(start: *mut c_void, bytes: usize) -> Option<&'m [u8]> {
    // SAFETY: only called with a pointer and a length that librdkafka gives for one message, and used while that lives.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast::<u8>(), bytes) })
}

/// Produces messages and tells of each whether the broker has it.
pub struct Sender {
    client: BaseProducer<Reports>,
}

/// The tags of messages of which the broker has spoken.
#[derive(Default)]
struct Reports(Mutex<Vec<(usize, Result<(), String>)>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: Box<usize>) {
        let outcome = result.as_ref().map(|_| ()).map_err(|(error, _)| error.to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((*tag, outcome));
    }
}

impl Sender {
    pub fn new(config: &ClientConfig) -> anyhow::Result<Sender> {
        let mut config = config.clone();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", SILENCE_MAX.as_millis().to_string());
        Ok(Sender { client: config.create_with_context(Reports::default()).context("connect to Kafka")? })
    }

    /// Produces all of them and waits for the broker's word on each, in the same order.
    pub fn send(&self, messages: &[Outgoing<'_>]) -> Vec<Result<(), String>> {
        let mut outcomes: Vec<Result<(), String>> = Vec::with_capacity(messages.len());
        for (tag, message) in messages.iter().enumerate() {
            let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header { key, value: Some(value.as_slice()) })
            });
            let mut record = BaseRecord::<[u8], [u8], Box<usize>>::with_opaque_to(message.topic, Box::new(tag))
                .partition(message.partition)
                .payload(message.value)
                .headers(headers);
            if let Some(key) = message.key {
                record = record.key(key);
            }
            outcomes.push(match self.client.send(record) {
                Ok(()) => Err("the brokers have not answered".to_owned()),
                Err((error, _)) => Err(error.to_string()),
            });
        }
        // Each message has its own time limit; the flush ends when the last has been reported.
        let _ = self.client.flush(SILENCE_MAX * 2);
        let reports = std::mem::take(&mut *self.client.context().0.lock().unwrap_or_else(PoisonError::into_inner));
        for (tag, outcome) in reports {
            if let Some(slot) = outcomes.get_mut(tag) {
                *slot = outcome;
            }
        }
        outcomes
    }
}
