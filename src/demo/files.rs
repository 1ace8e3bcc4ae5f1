//! What the demo writes instead of requests to OpenSearch: a folder with `events.ndjson` and `dead-letters.ndjson`.
//!
//! The file of events answers as an index does: a document whose id is there already is done, and not written twice.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::deadletter::{DeadLetter, Entry};
use crate::index::bulk;
use crate::index::verdict::Reply;

pub struct EventsFile {
    open: Mutex<Open>,
    written: AtomicU64,
}

struct Open {
    file: BufWriter<File>,
    /// As many as the bundled records hold.
    ids: HashSet<String>,
    /// The first failure; a full disk stays full, so nothing is tried after it.
    failure: Option<io::Error>,
}

impl EventsFile {
    pub fn create(path: &Path) -> anyhow::Result<EventsFile> {
        let file = BufWriter::new(File::create(path).with_context(|| format!("create {}", path.display()))?);
        let open = Open { file, ids: HashSet::new(), failure: None };
        Ok(EventsFile { open: Mutex::new(open), written: AtomicU64::new(0) })
    }

    /// Takes a bulk body: an action line and a document line in turn.
    pub fn bulk(&self, body: &[u8]) -> Reply {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = body.split_inclusive(|byte| *byte == b'\n');
        while let (None, Some(action), Some(document)) = (&open.failure, lines.next(), lines.next()) {
            if !open.ids.insert(bulk::id_of(action).to_string()) {
                continue;
            }
            match open.file.write_all(document) {
                Ok(()) => {
                    self.written.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => open.failure = Some(error),
            }
        }
        match &open.failure {
            None => Reply::AllDone,
            Some(error) => Reply::Unserved { busy: false, reason: error.to_string() },
        }
    }

    /// How many events the file holds.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// The failure that ended the writing, once.
    pub fn failure(&self) -> Option<io::Error> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).failure.take()
    }

    pub fn finish(&self) -> io::Result<()> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).file.flush()
    }
}

/// Writes the letters, one line each, and gives them back.
pub fn write_dead_letters(path: &Path, entries: Vec<Entry>) -> anyhow::Result<Vec<DeadLetter>> {
    let letters: Vec<DeadLetter> = entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Letter(letter) => Some(*letter),
            Entry::Retried(_) => None,
        })
        .collect();
    let lines: String = letters.iter().map(|letter| format!("{}\n", describe(letter))).collect();
    std::fs::write(path, lines).with_context(|| format!("write {}", path.display()))?;
    Ok(letters)
}

fn describe(letter: &DeadLetter) -> serde_json::Value {
    let mut described = json!({
        "topic": letter.topic,
        "partition": letter.first.partition,
        "offset": letter.first.offset,
        "stage": letter.fault.stage,
        "kind": letter.fault.kind,
        "reason": letter.fault.reason,
        "rejected": letter.rejected,
        "value_base64": STANDARD.encode(&letter.value),
    });
    if let (Some(position), Some(fields)) = (letter.fault.position, described.as_object_mut()) {
        fields.insert("position".to_string(), json!(position));
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::bulk::{BatchWriter, Token};
    use crate::record::DocId;

    #[test]
    fn a_document_is_written_once_however_often_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.ndjson");
        let file = EventsFile::create(&path).unwrap();
        let mut writer = BatchWriter::default();
        for id in [1, 2, 1] {
            let source = format!("{{\"id\":{id}}}");
            writer.create("logs", &DocId([id; 16]), Token { lane: 0, item: 0 }, |out| {
                out.extend_from_slice(source.as_bytes())
            });
        }
        let body = writer.finish().body;
        assert_eq!(file.bulk(&body), Reply::AllDone);
        assert_eq!(file.bulk(&body), Reply::AllDone);
        file.finish().unwrap();
        assert_eq!(file.written(), 2);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"id\":1}\n{\"id\":2}\n");
    }
}
