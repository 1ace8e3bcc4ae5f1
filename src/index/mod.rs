//! Bulk requests to OpenSearch or Elasticsearch, the verdict on each item, templates.
//!
//! Reading order: [`name`] (which index), [`bulk`] (the bodies of requests), [`verdict`] (what a reply means), [`retry`] and [`throttle`]
//! (when and how fast), [`outbox`] (what becomes of every item; pure), [`indexer`] (the outbox between channels and a client),
//! [`opensearch`] (the client), [`template`] (what an index must be like before the first document).
//!
//! The promise: every item handed to the outbox is answered exactly once, done or rejected, unless it was forgotten. An index or a cluster
//! that cannot take documents rejects none of them: it halts, and says why.

pub mod bulk;
mod group;
pub mod indexer;
pub mod name;
pub mod opensearch;
pub mod outbox;
pub mod retry;
pub mod template;
pub mod throttle;
pub mod verdict;

pub use bulk::{Batch, BatchWriter, Item, Token};
pub use indexer::Indexer;
pub use outbox::{Answer, Health, Outbox, Outcome};
