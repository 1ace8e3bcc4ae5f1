//! What is open in one partition, and so how far it may be committed.
//!
//! A record is open from the moment it is read until the last of what was made of it (events, dead letters, matches) is answered. The
//! commit point is the first open offset. Records come and are counted in batches, so that a batch of thousands costs a few
//! allocations; batches are answered in any order. Offsets within a partition may have gaps (compaction, transaction markers).
//!
//! The ledger knows one tenure: when the partition is revoked, the ledger is dropped and its answers find nothing.

use std::collections::VecDeque;

/// The open records of one partition during one tenure.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The sequence number of the front batch.
    first_seq: u64,
    batches: VecDeque<Batch>,
    /// One past the last offset read; `None` before the first record.
    next_offset: Option<i64>,
    open_events: u64,
}

#[derive(Debug)]
struct Batch {
    read_ms: i64,
    /// Offset of each record, ascending. Emptied when the batch is closed.
    offsets: Vec<i64>,
    /// What is still to be answered, per record. Emptied when the batch is closed.
    open: Vec<u32>,
    records_open: usize,
    /// No record before this one is open.
    cursor: usize,
    /// Records from this one on are not processed yet: each is held open by one.
    processed: usize,
}

/// An answer or an outcome that does not fit what is open: a fault of the caller, and never a reason to close a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

impl Ledger {
    /// Opens a batch of records, offsets ascending and above everything read before. Gives its sequence number.
    pub fn read(&mut self, offsets: Vec<i64>, now_ms: i64) -> Result<u64, Misfit> {
        let ascending = offsets.windows(2).all(|pair| pair[0] < pair[1]);
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Err(Misfit) };
        if !ascending || self.next_offset.is_some_and(|next| *first < next) {
            return Err(Misfit);
        }
        self.next_offset = Some(last + 1);
        let records = offsets.len();
        self.batches.push_back(Batch {
            read_ms: now_ms,
            offsets,
            open: vec![1; records],
            records_open: records,
            cursor: 0,
            processed: 0,
        });
        Ok(self.first_seq + self.batches.len() as u64 - 1)
    }

    /// The next records of a batch were processed: `open` says for each how many answers it waits for; 0 closes it.
    pub fn processed(&mut self, seq: u64, open: &[u32]) -> Result<(), Misfit> {
        let batch = self.batch(seq)?;
        let from = batch.processed;
        let held = batch.open.get_mut(from..from + open.len()).ok_or(Misfit)?;
        held.copy_from_slice(open);
        batch.processed += open.len();
        batch.records_open -= open.iter().filter(|n| **n == 0).count();
        batch.settle();
        self.open_events += open.iter().map(|n| u64::from(*n)).sum::<u64>();
        self.forget_closed();
        Ok(())
    }

    /// One of the answers that a record waits for has come.
    pub fn answer(&mut self, seq: u64, record: u32) -> Result<(), Misfit> {
        let batch = self.batch(seq)?;
        if record as usize >= batch.processed {
            return Err(Misfit);
        }
        let open = batch.open.get_mut(record as usize).filter(|open| **open > 0).ok_or(Misfit)?;
        *open -= 1;
        if *open == 0 {
            batch.records_open -= 1;
            batch.settle();
        }
        self.open_events -= 1;
        self.forget_closed();
        Ok(())
    }

    /// The first open offset: everything below it is answered. With nothing open, one past the last offset read.
    pub fn commit_point(&self) -> Option<i64> {
        match self.batches.front() {
            Some(batch) => batch.offsets.get(batch.cursor).copied(),
            None => self.next_offset,
        }
    }

    /// One past the last offset read.
    pub fn next_offset(&self) -> Option<i64> {
        self.next_offset
    }

    /// Answers awaited for processed records.
    pub fn open_events(&self) -> u64 {
        self.open_events
    }

    pub fn is_settled(&self) -> bool {
        self.batches.is_empty()
    }

    /// Batches from the oldest open one on, closed ones between included.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// When the oldest open record was read.
    pub fn oldest_ms(&self) -> Option<i64> {
        self.batches.front().map(|batch| batch.read_ms)
    }

    fn batch(&mut self, seq: u64) -> Result<&mut Batch, Misfit> {
        let index = seq.checked_sub(self.first_seq).ok_or(Misfit)?;
        self.batches.get_mut(usize::try_from(index).map_err(|_| Misfit)?).ok_or(Misfit)
    }

    fn forget_closed(&mut self) {
        while self.batches.front().is_some_and(|batch| batch.records_open == 0) {
            self.batches.pop_front();
            self.first_seq += 1;
        }
    }
}

impl Batch {
    /// Moves the cursor to the first open record; a closed batch in the middle keeps no vectors.
    fn settle(&mut self) {
        if self.records_open == 0 {
            self.offsets = Vec::new();
            self.open = Vec::new();
            return;
        }
        while self.open.get(self.cursor) == Some(&0) {
            self.cursor += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_commit_point_waits_for_the_first_open_record_over_gaps() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.commit_point(), None);
        let first = ledger.read(vec![10, 12, 20], 0).unwrap();
        let second = ledger.read(vec![21, 40], 5).unwrap();
        ledger.processed(second, &[0, 1]).unwrap();
        assert_eq!(ledger.commit_point(), Some(10), "the first batch is not processed");
        ledger.processed(first, &[1]).unwrap();
        ledger.processed(first, &[2, 0]).unwrap();
        ledger.answer(first, 1).unwrap();
        assert_eq!(ledger.commit_point(), Some(10));
        ledger.answer(first, 0).unwrap();
        assert_eq!(ledger.commit_point(), Some(12), "one of two events is open");
        ledger.answer(first, 1).unwrap();
        assert_eq!(ledger.commit_point(), Some(40));
        assert_eq!(ledger.oldest_ms(), Some(5));
        ledger.answer(second, 1).unwrap();
        assert_eq!((ledger.commit_point(), ledger.is_settled()), (Some(41), true));
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut ledger = Ledger::default();
        let seq = ledger.read(vec![5, 6], 0).unwrap();
        assert_eq!(ledger.read(vec![6], 0), Err(Misfit), "read before");
        assert_eq!(ledger.read(vec![9, 8], 0), Err(Misfit));
        assert_eq!(ledger.read(vec![], 0), Err(Misfit));
        assert_eq!(ledger.answer(seq, 0), Err(Misfit), "not processed yet");
        assert_eq!(ledger.processed(seq, &[1, 1, 1]), Err(Misfit), "a record too many");
        assert_eq!(ledger.processed(seq + 1, &[1, 1]), Err(Misfit));
        ledger.processed(seq, &[1]).unwrap();
        assert_eq!(ledger.answer(seq, 1), Err(Misfit), "the second is not processed yet");
        ledger.processed(seq, &[1]).unwrap();
        assert_eq!(ledger.processed(seq, &[0]), Err(Misfit), "twice");
        ledger.answer(seq, 0).unwrap();
        assert_eq!(ledger.answer(seq, 0), Err(Misfit), "answered twice");
        assert_eq!(ledger.answer(seq, 2), Err(Misfit));
        assert_eq!((ledger.commit_point(), ledger.open_events()), (Some(6), 1));
    }

    /// What to do next, picked by number among what is possible.
    #[derive(Clone, Debug)]
    enum Step {
        Read { gaps: Vec<u8> },
        Process { pick: usize, open: Vec<u8> },
        Answer { pick: usize },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            proptest::collection::vec(0u8..4, 1..6).prop_map(|gaps| Step::Read { gaps }),
            (any::<usize>(), proptest::collection::vec(0u8..3, 6))
                .prop_map(|(pick, open)| Step::Process { pick, open }),
            any::<usize>().prop_map(|pick| Step::Answer { pick }),
            any::<usize>().prop_map(|pick| Step::Answer { pick }),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        /// The model: a map from offset to what it waits for. The ledger's commit point is its least key, in any order of answers.
        #[test]
        fn the_ledger_equals_its_model(steps in steps()) {
            let mut ledger = Ledger::default();
            let mut open: BTreeMap<i64, u32> = BTreeMap::new();
            let mut unprocessed: Vec<(u64, usize, Vec<i64>)> = Vec::new();
            let mut awaited: Vec<(u64, u32, i64)> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Read { gaps } => {
                        let offsets: Vec<i64> = gaps.iter().map(|gap| { next += i64::from(*gap) + 1; next - 1 }).collect();
                        open.extend(offsets.iter().map(|offset| (*offset, 1)));
                        unprocessed.push((ledger.read(offsets.clone(), 0).unwrap(), 0, offsets));
                    }
                    Step::Process { pick, open: counts } if !unprocessed.is_empty() => {
                        let pick = pick % unprocessed.len();
                        let (seq, done, offsets) = &mut unprocessed[pick];
                        let part = 1 + usize::from(counts[5]).min(offsets.len() - *done - 1);
                        let counts: Vec<u32> = counts.iter().map(|n| u32::from(*n)).cycle().take(part).collect();
                        for (record, count) in (*done..).zip(&counts) {
                            let offset = offsets[record];
                            if *count == 0 { open.remove(&offset); } else { open.insert(offset, *count); }
                            awaited.extend((0..*count).map(|_| (*seq, record as u32, offset)));
                        }
                        ledger.processed(*seq, &counts).unwrap();
                        *done += part;
                        if *done == offsets.len() { unprocessed.swap_remove(pick); }
                    }
                    Step::Answer { pick } if !awaited.is_empty() => {
                        let (seq, record, offset) = awaited.swap_remove(pick % awaited.len());
                        ledger.answer(seq, record).unwrap();
                        let left = open.get_mut(&offset).unwrap();
                        *left -= 1;
                        if *left == 0 { open.remove(&offset); }
                    }
                    _ => {}
                }
                let expected = open.keys().next().copied().or((next > 0).then_some(next));
                prop_assert_eq!(ledger.commit_point(), expected);
                prop_assert_eq!(ledger.is_settled(), open.is_empty());
                prop_assert_eq!(ledger.open_events(), awaited.len() as u64);
            }
        }
    }
}
