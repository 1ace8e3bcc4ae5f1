//! When windows are due, in stream time: one place per window, looked through as stream time goes on.
//!
//! Wall time plays no part: a pause of the consumers ages nothing. Places are whole seconds, so that a million windows of one hour are a few
//! thousand lists and not a tree of a million; a window is therefore looked at up to a second after it is due, which changes when it is answered and never what.

use std::collections::BTreeMap;

/// The width of a place.
const PLACE_MS: i64 = 1_000;

#[derive(Debug)]
pub struct Wheel<T> {
    places: BTreeMap<i64, Vec<T>>,
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self { places: BTreeMap::new() }
    }
}

impl<T> Wheel<T> {
    /// The place of what is due at a time.
    pub fn place(due_ms: i64) -> i64 {
        due_ms.div_euclid(PLACE_MS).saturating_add(i64::from(due_ms.rem_euclid(PLACE_MS) > 0))
    }

    pub fn put(&mut self, place: i64, what: T) {
        self.places.entry(place).or_default().push(what);
    }

    /// Takes out everything that is due by a stream time, the earliest first, each with its place.
    pub fn due(&mut self, stream_ms: i64) -> impl Iterator<Item = (i64, T)> + use<T> {
        let last = stream_ms.div_euclid(PLACE_MS);
        let mut due = BTreeMap::new();
        // Mostly nothing is, and this is asked of every rule.
        if self.places.first_key_value().is_some_and(|(place, _)| *place <= last) {
            due = self.places.split_off(&last.saturating_add(1));
            std::mem::swap(&mut due, &mut self.places);
        }
        due.into_iter().flat_map(|(place, all)| all.into_iter().map(move |what| (place, what)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_out_before_it_is_due() {
        let mut wheel = Wheel::default();
        for due_ms in [-1_500, -1_000, 0, 1, 999, 1_000, 1_001] {
            wheel.put(Wheel::<i64>::place(due_ms), due_ms);
        }
        let mut take = |stream_ms| wheel.due(stream_ms).map(|(_, due_ms)| due_ms).collect::<Vec<_>>();
        assert!(take(-1_001).is_empty());
        assert_eq!(take(0), [-1_500, -1_000, 0]);
        assert!(take(999).is_empty());
        assert_eq!(take(1_000), [1, 999, 1_000]);
        assert_eq!(take(i64::MAX - 1_000), [1_001]);
    }
}
