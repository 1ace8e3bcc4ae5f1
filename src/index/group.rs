//! Items on their way through the outbox: [`Group`], the items of one body, cut and joined by place.
//!
//! The bytes are shared until few of them are left, so that a body goes out as it came in and what remains after a failure does not
//! keep megabytes alive.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::bulk::{self, Token};
use crate::record::DocId;

/// Items of one body, in order.
#[derive(Clone, Debug)]
pub struct Group {
    pub body: Bytes,
    pub entries: Vec<Entry>,
    /// Half of a body that was refused: joined with the other half it would be refused again, without end.
    pub stays_apart: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub token: Token,
    pub start: usize,
    pub end: usize,
    pub attempts: u32,
    /// Failures that a document can cause.
    pub suspicions: u32,
    /// Nobody waits for the answer any more. Only in flights, whose items must stay aligned with the reply.
    pub is_forgotten: bool,
}

impl Group {
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.end - entry.start).sum()
    }

    fn slice(&self, entry: &Entry) -> &[u8] {
        self.body.get(entry.start..entry.end).unwrap_or_default()
    }

    pub fn index_of(&self, entry: &Entry) -> &str {
        bulk::index_of(self.slice(entry))
    }

    /// Whether the document's id says that it is from before `time_ms`; ids of other makes never do.
    pub fn is_older(&self, entry: &Entry, time_ms: i64) -> bool {
        bulk::id_of(self.slice(entry)).parse::<DocId>().is_ok_and(|id| id.time_ms() < time_ms)
    }

    pub fn with(&self, entries: Vec<Entry>) -> Group {
        Group { body: self.body.clone(), entries, stays_apart: self.stays_apart }
    }

    pub fn pop_first(&mut self) -> Option<Group> {
        if self.entries.is_empty() {
            return None;
        }
        let first = self.entries.remove(0);
        Some(self.with(vec![first]))
    }

    /// Cuts what exceeds the limits, and gives it; one item always stays.
    pub fn cut(&mut self, bytes_max: usize, items_max: usize) -> Option<Group> {
        let mut bytes = 0;
        let mut items = 0;
        for entry in &self.entries {
            bytes += entry.end - entry.start;
            if items > 0 && (bytes > bytes_max || items >= items_max) {
                break;
            }
            items += 1;
        }
        if items >= self.entries.len() {
            return None;
        }
        let rest = self.entries.split_off(items);
        Some(self.with(rest))
    }

    /// The same items as one stretch of bytes; copied only if they are not that already.
    pub fn contiguous(self) -> Group {
        let is_contiguous =
            self.entries.windows(2).all(|pair| pair.first().map(|e| e.end) == pair.last().map(|e| e.start));
        if is_contiguous { self } else { Group::joined(&[self]) }
    }

    /// Lets go of a body of which little is left.
    pub fn compacted(self) -> Group {
        if self.bytes() < self.body.len() / 2 { Group::joined(&[self]) } else { self }
    }

    pub fn joined(groups: &[Group]) -> Group {
        let mut body = BytesMut::with_capacity(groups.iter().map(Group::bytes).sum());
        let mut entries = Vec::with_capacity(groups.iter().map(|group| group.entries.len()).sum());
        for group in groups {
            for entry in &group.entries {
                let start = body.len();
                body.extend_from_slice(group.slice(entry));
                entries.push(Entry { start, end: body.len(), ..entry.clone() });
            }
        }
        Group { body: body.freeze(), entries, stays_apart: groups.iter().any(|group| group.stays_apart) }
    }
}

/// Takes one item from the front as a group of its own.
pub fn pop_entry(groups: &mut VecDeque<Group>) -> Option<Group> {
    let group = groups.front_mut()?;
    let first = group.pop_first();
    if group.entries.is_empty() {
        groups.pop_front();
    }
    first
}
