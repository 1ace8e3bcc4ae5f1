//! The outbox between channels and a client: takes batches, sends requests, gives answers.
//!
//! It decides nothing. Whoever drives it brings the way to send, so that the demo and the tests have no server; and it is one future, for
//! the runtime to spawn, in which no arm of the loop waits for anything but the loop.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use metrics::{counter, gauge, histogram};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::bulk::Batch;
use super::outbox::{Answer, Health, Limits, Outbox};
use super::verdict::Reply;
use crate::clock;
use crate::telemetry::names;

/// The handle of a running indexer. When the last one is dropped, the indexer ends as soon as everything is answered.
#[derive(Clone, Debug)]
pub struct Indexer {
    batches: mpsc::Sender<Batch>,
    forgotten: mpsc::UnboundedSender<u64>,
    health: watch::Receiver<Health>,
}

/// The indexer has ended; only at shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the indexer has ended")]
pub struct Ended;

impl Indexer {
    /// A handle, where the answers come, and the future that does the work. `send` posts a body of so many items and gives what came back.
    /// The channel of the answers needs no limit of its own: there is one per item that was let in.
    pub fn new<S, F>(
        limits: Limits,
        seed: u64,
        send: S,
    ) -> (Indexer, mpsc::UnboundedReceiver<Vec<Answer>>, impl Future<Output = ()>)
    where
        S: Fn(Bytes, usize) -> F,
        F: Future<Output = Reply>,
    {
        // One batch waits in the channel beyond what the outbox holds.
        let (batches, batches_in) = mpsc::channel(1);
        let (forgotten, forgotten_in) = mpsc::unbounded_channel();
        let (health_out, health) = watch::channel(Health::Ok);
        let (answers_out, answers) = mpsc::unbounded_channel();
        let work = run(Outbox::new(limits, seed), send, batches_in, forgotten_in, health_out, answers_out);
        (Indexer { batches, forgotten, health }, answers, work)
    }

    /// Hands a batch over; waits while the outbox has no room.
    pub async fn submit(&self, batch: Batch) -> Result<(), Ended> {
        self.batches.send(batch).await.map_err(|_| Ended)
    }

    /// Drops what a lane still has to be written. A batch that waits for room meanwhile is written all the same: its answers find no ledger.
    pub fn forget(&self, lane: u64) {
        // An indexer that has ended holds nothing to forget.
        let _ = self.forgotten.send(lane);
    }

    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

async fn run<S, F>(
    mut outbox: Outbox,
    send: S,
    mut batches: mpsc::Receiver<Batch>,
    mut forgotten: mpsc::UnboundedReceiver<u64>,
    health: watch::Sender<Health>,
    answers_out: mpsc::UnboundedSender<Vec<Answer>>,
) where
    S: Fn(Bytes, usize) -> F,
    F: Future<Output = Reply>,
{
    // The wall clock is read once: a clock that is set back must not stop retries.
    let (start, start_ms) = (Instant::now(), clock::now_ms());
    let now_ms = || start_ms.saturating_add(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX));
    let mut flights = FuturesUnordered::new();
    let mut answers = Vec::new();
    let mut is_open = true;
    loop {
        while let Some(request) = outbox.next(now_ms()) {
            let (bytes, items) = (request.body.len(), request.items);
            let sent = Instant::now();
            let reply = send(request.body, request.items);
            flights.push(async move {
                let reply = reply.await;
                count(&reply, bytes, items, sent.elapsed());
                (request.id, reply)
            });
        }
        health.send_if_modified(|known| {
            let found = outbox.health();
            let is_new = *known != found;
            if is_new {
                tell(known, &found);
                *known = found;
            }
            is_new
        });
        if !answers.is_empty() && answers_out.send(std::mem::take(&mut answers)).is_err() {
            return;
        }
        if !is_open && outbox.is_empty() {
            return;
        }
        let wakes_at_ms = outbox.wakes_at_ms();
        let delay_ms = wakes_at_ms.map_or(0, |wakes_at_ms| wakes_at_ms.saturating_sub(now_ms()).max(0));
        tokio::select! {
            Some((id, reply)) = flights.next(), if !flights.is_empty() => {
                outbox.replied(id, reply, now_ms(), &mut answers);
            }
            Some(lane) = forgotten.recv() => {
                outbox.forget(lane);
            }
            batch = batches.recv(), if is_open && outbox.has_room() => match batch {
                Some(batch) => outbox.push(batch, &mut answers),
                None => is_open = false,
            },
            () = tokio::time::sleep(Duration::from_millis(delay_ms.unsigned_abs())), if wakes_at_ms.is_some() => {}
        }
    }
}

/// Logs that writing stopped, stopped for another reason, or goes on.
fn tell(before: &Health, now: &Health) {
    if let Health::Halted { cause, .. } = before {
        gauge!(names::INDEX_HALTED, "cause" => cause.name()).set(0);
    }
    match now {
        Health::Ok => tracing::info!("documents are written again"),
        Health::Halted { cause, index, reason, .. } => {
            gauge!(names::INDEX_HALTED, "cause" => cause.name()).set(1);
            let index = index.as_deref().unwrap_or("all");
            let way_out = cause.way_out();
            tracing::error!(cause = cause.name(), index, reason, way_out, "writing has halted");
        }
        Health::Unreachable { reason, .. } => tracing::warn!(reason, "OpenSearch takes nothing; trying again"),
    }
}

/// Counts a request and its items.
fn count(reply: &Reply, bytes: usize, items: usize, took: Duration) {
    let outcome = match reply {
        Reply::AllDone => "done",
        Reply::Items(_) => "partly_done",
        Reply::Split { .. } => "too_large_or_unreadable",
        Reply::Unserved { busy: true, .. } => "busy",
        Reply::Unserved { busy: false, .. } => "unanswered",
        Reply::Halt { .. } => "halted",
    };
    counter!(names::BULK_REQUESTS, "outcome" => outcome).increment(1);
    counter!(names::BULK_BYTES).increment(bytes as u64);
    histogram!(names::BULK_SECONDS).record(took.as_secs_f64());
    let item = |verdict: &'static str, items: u64| counter!(names::BULK_ITEMS, "verdict" => verdict).increment(items);
    match reply {
        Reply::AllDone => item("done", items as u64),
        Reply::Items(verdicts) => {
            for verdict in verdicts {
                item(verdict.name(), 1);
            }
        }
        Reply::Split { .. } | Reply::Unserved { .. } | Reply::Halt { .. } => {}
    }
}
