//! The bodies of bulk requests: written once by the worker that made the documents, then cut, joined and sent as bytes.
//!
//! A [`Batch`] is one contiguous body with the place of each item in it, so that the usual request is sent without a copy, and what must
//! be sent again is found without parsing. The action line is ours alone, which is why index and id can be read back by position.

use std::ops::Range;

use bytes::Bytes;

use crate::event::write;
use crate::record::DocId;

/// What an answer is matched to: the owner's number for the tenure of a partition, and the item's within it. The index side
/// only carries it; a lane is forgotten as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    pub lane: u64,
    pub item: u64,
}

/// One document in a body: its action line and its source line, both with their line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub range: Range<usize>,
    pub token: Token,
}

/// Documents to be written, as a bulk body.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub body: Bytes,
    pub items: Vec<Item>,
}

/// Writes a [`Batch`].
#[derive(Debug, Default)]
pub struct BatchWriter {
    body: Vec<u8>,
    items: Vec<Item>,
}

impl BatchWriter {
    /// Adds a document that is made if its id is not there yet. `source` writes it as JSON without line breaks.
    pub fn create(&mut self, index: &str, id: &DocId, token: Token, source: impl FnOnce(&mut Vec<u8>)) {
        let start = self.body.len();
        write_create(&mut self.body, index, id);
        source(&mut self.body);
        self.body.push(b'\n');
        self.items.push(Item { range: start..self.body.len(), token });
    }

    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn finish(self) -> Batch {
        Batch { body: Bytes::from(self.body), items: self.items }
    }
}

/// The action line of a document that is made if its id is not there yet.
pub fn write_create(out: &mut Vec<u8>, index: &str, id: &DocId) {
    use std::io::Write;
    out.extend_from_slice(b"{\"create\":{\"_index\":");
    write::write_string(index, out);
    // Writing to a vector cannot fail; an id is base64url and needs no escapes.
    let _ = write!(out, ",\"_id\":\"{id}\"}}}}\n");
}

/// The index that an item is for, from its action line.
pub fn index_of(item: &[u8]) -> &str {
    member(item, b"\"_index\":\"").unwrap_or_default()
}

/// The document's id as text, from the action line.
pub fn id_of(item: &[u8]) -> &str {
    member(item, b"\"_id\":\"").unwrap_or_default()
}

/// Index names and ids hold no quotes and no backslashes.
fn member<'a>(item: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let line = item.split(|byte| *byte == b'\n').next()?;
    let start = memchr::memmem::find(line, name)? + name.len();
    let rest = line.get(start..)?;
    let end = memchr::memchr(b'"', rest)?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_two_lines_and_says_where_it_goes() {
        let mut writer = BatchWriter::default();
        let token = Token { lane: 1, item: 2 };
        let id = DocId([7; 16]);
        writer.create("logs-sluice-2026.11.23", &id, token, |out| out.extend_from_slice(b"{\"_index\":\"x\"}"));
        writer.create("b", &id, token, |out| out.extend_from_slice(b"{}"));
        let batch = writer.finish();
        let item = &batch.body[batch.items[0].range.clone()];
        assert_eq!(
            std::str::from_utf8(item).unwrap(),
            "{\"create\":{\"_index\":\"logs-sluice-2026.11.23\",\"_id\":\"BwcHBwcHBwcHBwcHBwcHBw\"}}\n{\"_index\":\"x\"}\n"
        );
        assert_eq!(index_of(item), "logs-sluice-2026.11.23");
        assert_eq!(id_of(item), id.to_string());
        assert_eq!(batch.items[1].range.end, batch.body.len());
        assert_eq!(index_of(b"no action line"), "");
    }
}
