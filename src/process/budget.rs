//! Memory of bodies between the workers that write them and the index that answers for them.
//!
//! A worker waits here, and nowhere else. What it waits for is freed by answers alone, never by another worker, so that nobody waits in a
//! circle. Records that wait to be processed have a limit of their own in the delivery machine.

use std::sync::{Condvar, Mutex, PoisonError};

#[derive(Debug)]
pub struct Budget {
    bytes_max: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

impl Budget {
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until there is room. Something larger than the whole budget is let in alone.
    pub fn take(&self, bytes: usize) {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut used = self
            .freed
            .wait_while(used, |used| *used > 0 && used.saturating_add(bytes) > self.bytes_max)
            .unwrap_or_else(PoisonError::into_inner);
        *used += bytes;
    }

    pub fn give_back(&self, bytes: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(bytes);
        self.freed.notify_all();
    }

    pub fn used(&self) -> usize {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_larger_than_the_budget_waits_for_all_of_it_and_no_longer() {
        let budget = Arc::new(Budget::new(10));
        budget.take(8);
        let (said, heard) = mpsc::channel();
        let waiting = budget.clone();
        let thread = std::thread::spawn(move || {
            waiting.take(50);
            said.send(waiting.used()).unwrap();
        });
        assert!(heard.try_recv().is_err());
        budget.give_back(8);
        assert_eq!(heard.recv().unwrap(), 50);
        thread.join().unwrap();
        budget.give_back(50);
        assert_eq!(budget.used(), 0);
    }
}
