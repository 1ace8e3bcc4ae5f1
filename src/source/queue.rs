//! Records out of one partition's queue into one buffer.
//!
//! Uses librdkafka's own call: the crate's safe one costs an allocated event per record and panics on a header whose name is
//! not UTF-8. All that is unsafe in reading records stands in this file. A queue is never blocked on: when it goes from empty to
//! not empty, librdkafka's thread calls [`Signal::raise`].
//!
//! One record a call, not rd_kafka_consume_batch_queue: that one takes the word that a partition is at its end for a record, and a
//! rebalance that pauses the partition then resumes one offset too far, past a record that came meanwhile (librdkafka 2.12).

// rd_kafka_consume_queue and headers have no safe counterpart; every pointer here comes from librdkafka and is given back to it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaRespErr;

use super::consumer::Context;
use crate::deadletter;
use crate::record::{Coordinates, Origin, Record};

/// Called from librdkafka's threads; must only pass the word on.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Says that a queue has something.
struct Signal {
    ready: AtomicBool,
    wake: Wake,
}

/// The queue of one partition, for as long as it is ours.
pub struct PartitionQueue {
    queue: NonNull<rd::rd_kafka_queue_t>,
    /// Taken from the queue, and more than was asked for.
    waiting: Option<Message>,
    signal: Box<Signal>,
    /// The queue must not outlive its client.
    _client: Arc<BaseConsumer<Context>>,
}

// SAFETY: librdkafka's queues may be used from any thread; the pointer is not shared.
unsafe impl Send for PartitionQueue {}

/// A message that librdkafka handed out and that must be given back.
struct Message(NonNull<rd::rd_kafka_message_t>);

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message came from rd_kafka_consume_queue and is destroyed once.
        unsafe { rd::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// Records read from one partition, with all their bytes in one buffer.
#[derive(Default)]
pub struct Fetched {
    buffer: Vec<u8>,
    places: Vec<Place>,
    /// The queue has given everything that the log holds.
    pub at_end: bool,
    /// What librdkafka says of the partition.
    pub faults: Vec<(RDKafkaRespErr, String)>,
}

struct Place {
    offset: i64,
    timestamp_ms: i64,
    key: Option<(usize, usize)>,
    value: Option<(usize, usize)>,
    origin: Option<Origin>,
}

impl Fetched {
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn bytes(&self) -> u64 {
        self.buffer.len() as u64
    }

    pub fn offsets(&self) -> Vec<i64> {
        self.places.iter().map(|place| place.offset).collect()
    }

    /// The records; they share the one buffer.
    pub fn into_records(self, topic: &Arc<str>, partition: i32, epoch: u32) -> Vec<Record> {
        let buffer = Bytes::from(self.buffer);
        let slice = |range: Option<(usize, usize)>| range.map(|(from, to)| buffer.slice(from..to));
        let record = |place: &Place| {
            let coordinates = Coordinates { topic: topic.clone(), partition, offset: place.offset };
            let (key, value) = (slice(place.key), slice(place.value));
            Record { origin: place.origin, ..Record::new(coordinates, epoch, place.timestamp_ms, key, value) }
        };
        self.places.iter().map(record).collect()
    }
}

impl PartitionQueue {
    /// Separates the partition's records from everything else that the client is told. To be called before the partition is assigned.
    pub(super) fn split(client: &Arc<BaseConsumer<Context>>, topic: &str, partition: i32, wake: &Wake) -> Option<Self> {
        let name = CString::new(topic).ok()?;
        let signal = Box::new(Signal { ready: AtomicBool::new(true), wake: wake.clone() });
        let opaque = ptr::from_ref::<Signal>(&signal).cast_mut().cast::<c_void>();
        // SAFETY: the client lives as long as this value. The signal is boxed, so that its address is stable, and the callback is
        // disabled, under the queue's lock, before the box is dropped.
        let queue = unsafe {
            let queue = rd::rd_kafka_queue_get_partition(client.client().native_ptr(), name.as_ptr(), partition);
            let queue = NonNull::new(queue)?;
            rd::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut());
            rd::rd_kafka_queue_cb_event_enable(queue.as_ptr(), Some(Signal::raise), opaque);
            queue
        };
        Some(Self { queue, waiting: None, signal, _client: client.clone() })
    }

    /// Whether there may be something to read.
    pub fn is_ready(&self) -> bool {
        self.signal.ready.load(Ordering::Acquire)
    }

    /// Reads until there are `bytes_max` bytes or `records_max` records, or the queue is empty. Never waits. At least one record is taken
    /// however long it is.
    pub fn read(&mut self, at: &Coordinates, epoch: u32, bytes_max: usize, records_max: usize) -> Fetched {
        let mut fetched = Fetched::default();
        // Before the queue is found empty, so that what comes meanwhile raises it again.
        self.signal.ready.store(false, Ordering::Release);
        while let Some(message) = self.waiting.take().or_else(|| self.take()) {
            let is_full = fetched.buffer.len() + message.bytes() > bytes_max || fetched.places.len() >= records_max;
            if is_full && !fetched.places.is_empty() {
                self.waiting = Some(message);
                self.signal.ready.store(true, Ordering::Release);
                break;
            }
            fetched.take(&message, at, epoch, bytes_max);
        }
        fetched
    }

    /// What was taken and not read is void: the partition is read from somewhere else.
    pub fn clear(&mut self) {
        self.waiting = None;
        self.signal.ready.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<Message> {
        // SAFETY: the queue is ours; what it gives is owned from here on.
        NonNull::new(unsafe { rd::rd_kafka_consume_queue(self.queue.as_ptr(), 0) }).map(Message)
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        self.waiting = None;
        // SAFETY: after the first call librdkafka does not touch the signal any more; the queue is given back once.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            rd::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

impl Signal {
    unsafe extern "C" fn raise(_client: *mut rd::rd_kafka_t, opaque: *mut c_void) {
        // SAFETY: `opaque` is the boxed signal of a queue that is still enabled.
        let signal = unsafe { &*opaque.cast::<Signal>() };
        signal.ready.store(true, Ordering::Release);
        (signal.wake)();
    }
}

impl Message {
    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: valid until destroyed, which `Drop` does.
        unsafe { self.0.as_ref() }
    }

    fn bytes(&self) -> usize {
        let raw = self.raw();
        match raw.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => raw.len + raw.key_len,
            _ => 0,
        }
    }

    fn key(&self) -> Option<&[u8]> {
        slice_of(self.raw().key, self.raw().key_len)
    }

    /// `None` is a tombstone.
    fn value(&self) -> Option<&[u8]> {
        slice_of(self.raw().payload, self.raw().len)
    }

    fn timestamp_ms(&self) -> i64 {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: both pointers are valid.
        unsafe { rd::rd_kafka_message_timestamp(self.0.as_ptr(), &raw mut kind) }
    }

    /// Headers whose names are UTF-8, values as they are.
    fn headers(&self) -> Vec<(&str, &[u8])> {
        let mut headers = ptr::null_mut();
        let mut found = Vec::new();
        // SAFETY: the headers belong to the message and are valid as long as it is; names are C strings.
        unsafe {
            let fault = rd::rd_kafka_message_headers(self.0.as_ptr(), &raw mut headers);
            if fault != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
                return found;
            }
            for index in 0..HEADERS_MAX {
                let (mut name, mut value, mut size): (*const c_char, *const c_void, usize) =
                    (ptr::null(), ptr::null(), 0);
                let fault = rd::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut size);
                if fault != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    break;
                }
                if let Ok(name) = CStr::from_ptr(name).to_str() {
                    found.push((name, slice_of(value.cast_mut(), size).unwrap_or_default()));
                }
            }
        }
        found
    }
}

/// Headers that are looked at; those of a retried record are a handful.
const HEADERS_MAX: usize = 64;

fn slice_of<'a>(start: *mut c_void, bytes: usize) -> Option<&'a [u8]> {
    // SAFETY: only called with a pointer and a length that librdkafka gives for one message, and used while that lives.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast::<u8>(), bytes) })
}

impl Fetched {
    fn take(&mut self, message: &Message, at: &Coordinates, epoch: u32, bytes_expected: usize) {
        match message.raw().err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {}
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                self.at_end = true;
                return;
            }
            fault => {
                let text = message.value().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
                self.faults.push((fault, text));
                return;
            }
        }
        self.at_end = false;
        if self.places.is_empty() {
            self.buffer.reserve(bytes_expected.min(BUFFER_BYTES_FIRST).max(message.bytes()));
        }
        let mut append = |bytes: Option<&[u8]>| {
            bytes.map(|bytes| {
                let from = self.buffer.len();
                self.buffer.extend_from_slice(bytes);
                (from, self.buffer.len())
            })
        };
        let (key, value) = (append(message.key()), append(message.value()));
        let offset = message.raw().offset;
        let headers = message.headers();
        let origin = if headers.is_empty() {
            None
        } else {
            deadletter::origin(headers.into_iter(), &Coordinates { offset, ..at.clone() }, epoch)
        };
        self.places.push(Place { offset, timestamp_ms: message.timestamp_ms(), key, value, origin });
    }
}

/// What a batch's buffer is first given.
const BUFFER_BYTES_FIRST: usize = 256 * 1024;
