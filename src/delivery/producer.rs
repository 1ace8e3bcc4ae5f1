//! Writes dead letters, each until the broker has acknowledged it.
//!
//! A thread of its own: it takes [`Letter`]s from a channel and says which are written. Nothing is given up: what the broker refuses for now
//! is tried again with growing delays, and a value that is too long for the topic is cut to half until it fits. librdkafka's own queue is
//! limited by the memory budget; when it is full, letters wait here, where the limit on bytes in flight stops the reading.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::machine::BatchId;
use crate::deadletter;
use crate::reject::Reject;
use crate::source::consumer::{log, refused, trouble};

/// All rejected events of one record of a batch, or those that were rejected together.
#[derive(Debug)]
pub struct Letter {
    pub batch: BatchId,
    /// The record within the batch.
    pub record: u32,
    pub first: Reject,
    pub others: Vec<Reject>,
}

impl Letter {
    /// How many events it answers for.
    pub fn events(&self) -> usize {
        1 + self.others.len()
    }
}

/// What the producer has to say.
#[derive(Debug)]
pub enum Said {
    Written(Letter),
    Trouble {
        kind: &'static str,
        reason: String,
    },
    /// Letters are acknowledged again after trouble.
    Recovered,
}

pub struct Producer {
    client: BaseProducer<Context>,
    topic: String,
}

impl Producer {
    /// Connects in the background; fails only on settings that librdkafka refuses.
    pub fn new(config: &ClientConfig, topic: &str) -> anyhow::Result<Producer> {
        let client = config.create_with_context(Context::default()).map_err(refused)?;
        Ok(Producer { client, topic: topic.to_owned() })
    }

    /// Works until the channel is closed and everything is written, or `stop` is set.
    pub fn run(self, letters: &Receiver<Letter>, stop: &AtomicBool, mut say: impl FnMut(Said)) {
        let mut waiting: VecDeque<Pending> = VecDeque::new();
        let mut in_trouble = false;
        let mut open = true;
        while !stop.load(Ordering::Relaxed) {
            let busy = !waiting.is_empty() || self.client.in_flight_count() > 0;
            if !open && !busy {
                return;
            }
            match letters.recv_timeout(if busy { POLL } else { IDLE }) {
                Ok(letter) => {
                    waiting.push_back(Pending::new(letter));
                    let more = TAKEN_MAX.saturating_sub(waiting.len());
                    waiting.extend(letters.try_iter().take(more).map(Pending::new));
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The channel would be found closed at once from now on.
                Err(RecvTimeoutError::Disconnected) => {
                    open = false;
                    if busy {
                        self.client.poll(POLL);
                    }
                }
            }
            self.send(&mut waiting);
            self.client.poll(Duration::ZERO);
            for outcome in self.client.context().take() {
                match outcome {
                    Outcome::Written(pending) => {
                        if std::mem::take(&mut in_trouble) {
                            say(Said::Recovered);
                        }
                        say(Said::Written(pending.letter));
                    }
                    Outcome::Failed(pending, error) => {
                        in_trouble = true;
                        let code = error.rdkafka_error_code();
                        say(Said::Trouble { kind: trouble(code), reason: error.to_string() });
                        waiting.push_back(pending.after(code));
                    }
                    Outcome::Trouble(kind, reason) => {
                        in_trouble = true;
                        say(Said::Trouble { kind, reason });
                    }
                }
            }
        }
    }

    /// Hands over what is due, until librdkafka's queue is full.
    fn send(&self, waiting: &mut VecDeque<Pending>) {
        let now = Instant::now();
        for _ in 0..waiting.len() {
            let Some(pending) = waiting.pop_front() else { return };
            if pending.due.is_some_and(|due| due > now) {
                waiting.push_back(pending);
                continue;
            }
            let message = deadletter::encode(&pending.letter.first, &pending.letter.others, pending.value_bytes_max);
            let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header { key, value: Some(value.as_slice()) })
            });
            let record = BaseRecord::with_opaque_to(&self.topic, Box::new(pending))
                .key(&message.key)
                .payload(&message.value[..])
                .headers(headers);
            let Err((error, record)) = self.client.send(record) else { continue };
            let pending = *record.delivery_opaque;
            let code = error.rdkafka_error_code();
            if code == Some(RDKafkaErrorCode::QueueFull) {
                waiting.push_front(pending);
                return;
            }
            self.client.context().put(Outcome::Failed(Box::new(pending), error));
        }
    }
}

/// How often delivery reports are looked for while there are any to come.
const POLL: Duration = Duration::from_millis(10);
const IDLE: Duration = Duration::from_millis(500);
/// Letters taken from the channel at once.
const TAKEN_MAX: usize = 1_000;
/// Values up to this are kept whole at first; a topic's limit is usually about one MiB.
const VALUE_BYTES_FIRST: usize = 16 << 20;
const DELAY_FIRST: Duration = Duration::from_millis(200);
const DELAY_MAX: Duration = Duration::from_secs(10);

/// A letter on its way.
#[derive(Debug)]
pub struct Pending {
    letter: Letter,
    value_bytes_max: usize,
    attempts: u32,
    due: Option<Instant>,
}

impl Pending {
    fn new(letter: Letter) -> Self {
        Self { letter, value_bytes_max: VALUE_BYTES_FIRST, attempts: 0, due: None }
    }

    /// The next attempt: at once and shorter when the value was too long, else later.
    fn after(mut self, code: Option<RDKafkaErrorCode>) -> Self {
        let too_long =
            matches!(code, Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize));
        let value_bytes = self.letter.first.record.value.as_ref().map_or(0, bytes::Bytes::len);
        if too_long && value_bytes > 0 && self.value_bytes_max > 0 {
            self.value_bytes_max = self.value_bytes_max.min(value_bytes) / 2;
            self.due = None;
        } else {
            let delay = DELAY_FIRST.saturating_mul(1 << self.attempts.min(10)).min(DELAY_MAX);
            self.attempts = self.attempts.saturating_add(1);
            self.due = Some(Instant::now() + delay);
        }
        self
    }
}

enum Outcome {
    Written(Box<Pending>),
    Failed(Box<Pending>, KafkaError),
    Trouble(&'static str, String),
}

#[derive(Default)]
pub struct Context {
    outcomes: Mutex<Vec<Outcome>>,
}

impl Context {
    fn put(&self, outcome: Outcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
    }

    fn take(&self) -> Vec<Outcome> {
        std::mem::take(&mut *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.put(Outcome::Trouble(trouble(error.rdkafka_error_code()), reason.to_owned()));
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Box<Pending>) {
        self.put(match result {
            Ok(_) => Outcome::Written(pending),
            Err((error, _)) => Outcome::Failed(pending, error.clone()),
        });
    }
}

/// A flag that ends the producer although letters are left.
pub type Stop = Arc<AtomicBool>;
