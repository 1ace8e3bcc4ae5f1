//! Finds which of many texts a value contains, at a nanosecond or so a byte and in little memory.
//!
//! Each text is known by four bytes of it, those that the fewest other texts share. A value is read through a window of four bytes; a
//! bit per hashed window says whether any text is known by it, and only then is the text itself compared. Unlike an automaton's, the look-ups do
//! not wait for each other and the bits fit into the nearest cache. Texts too short for a window go to an automaton of their own.

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;

/// Bytes of a window.
const WINDOW: usize = 4;
/// Bits for each text: one in this many windows of unrelated text is looked at in vain.
const BITS_PER_TEXT: usize = 32;

pub struct Parts {
    bits: Box<[u64]>,
    shift: u32,
    /// Window → texts known by it, as a range of `known`.
    windows: FxHashMap<u32, (u32, u32)>,
    known: Box<[Known]>,
    /// The texts, one behind the other.
    bytes: Box<[u8]>,
    short: Option<(AhoCorasick, Box<[u32]>)>,
    shortest: usize,
}

struct Known {
    /// The text's number.
    number: u32,
    from: u32,
    to: u32,
    /// Where in the text the window lies.
    at: u32,
}

impl Parts {
    /// Numbers the texts from 0 in their order; `None` when there are none. No text is empty.
    pub fn new(texts: &[&str]) -> Result<Option<Parts>, String> {
        let Some(shortest) = texts.iter().map(|text| text.len()).min() else { return Ok(None) };
        let mut shared: FxHashMap<u32, u32> = FxHashMap::default();
        for window in texts.iter().flat_map(|text| text.as_bytes().windows(WINDOW)) {
            *shared.entry(key(window)).or_default() += 1;
        }
        let mut by_window: FxHashMap<u32, Vec<Known>> = FxHashMap::default();
        let mut bytes = Vec::new();
        let mut short: Vec<(u32, &str)> = Vec::new();
        for (number, text) in (0..).zip(texts) {
            let best = text.as_bytes().windows(WINDOW).enumerate().min_by_key(|(_, window)| {
                let plain =
                    window.iter().filter(|b| b.is_ascii_lowercase() || matches!(b, b'\\' | b'/' | b' ')).count();
                (shared.get(&key(window)).copied().unwrap_or(0) as usize + 1) * (2 + plain)
            });
            let Some((at, window)) = best else {
                short.push((number, text));
                continue;
            };
            let from = bytes.len() as u32;
            bytes.extend_from_slice(text.as_bytes());
            let known = Known { number, from, to: bytes.len() as u32, at: at as u32 };
            by_window.entry(key(window)).or_default().push(known);
        }
        let size = (by_window.len() * BITS_PER_TEXT).next_power_of_two().max(512);
        let shift = 32 - size.trailing_zeros().min(31);
        let mut bits = vec![0u64; size.div_ceil(64)];
        let mut windows = FxHashMap::default();
        let mut all = Vec::new();
        for (window, known) in by_window {
            let hash = hash(window, shift);
            if let Some(word) = bits.get_mut(hash >> 6) {
                *word |= 1 << (hash & 63);
            }
            let from = all.len() as u32;
            all.extend(known);
            windows.insert(window, (from, all.len() as u32));
        }
        let short = if short.is_empty() {
            None
        } else {
            let automaton = AhoCorasick::new(short.iter().map(|(_, text)| text)).map_err(|e| e.to_string())?;
            Some((automaton, short.iter().map(|(number, _)| *number).collect()))
        };
        Ok(Some(Parts { bits: bits.into(), shift, windows, known: all.into(), bytes: bytes.into(), short, shortest }))
    }

    /// No value that is shorter contains any of the texts.
    pub fn shortest(&self) -> usize {
        self.shortest
    }

    /// Calls `found` with the number of each text at each place where it stands, until that says stop by returning true.
    #[inline]
    pub fn find(&self, value: &[u8], mut found: impl FnMut(u32) -> bool) {
        if let Some((automaton, numbers)) = &self.short {
            for place in automaton.find_overlapping_iter(value) {
                if let Some(number) = numbers.get(place.pattern().as_usize())
                    && found(*number)
                {
                    return;
                }
            }
        }
        for (at, window) in value.windows(WINDOW).enumerate() {
            let window = key(window);
            let hash = hash(window, self.shift);
            if self.bits.get(hash >> 6).is_some_and(|word| word >> (hash & 63) & 1 == 1)
                && self.compare(value, at, window, &mut found)
            {
                return;
            }
        }
    }

    #[inline(never)]
    fn compare(&self, value: &[u8], at: usize, window: u32, found: &mut impl FnMut(u32) -> bool) -> bool {
        let Some((from, to)) = self.windows.get(&window) else { return false };
        for known in self.known.get(*from as usize..*to as usize).unwrap_or_default() {
            let text = self.bytes.get(known.from as usize..known.to as usize).unwrap_or_default();
            let stands = at.checked_sub(known.at as usize).and_then(|from| value.get(from..from + text.len()));
            if stands == Some(text) && found(known.number) {
                return true;
            }
        }
        false
    }

    pub fn heap_bytes(&self) -> usize {
        self.bits.len() * 8
            + self.windows.len() * 24
            + self.known.len() * size_of::<Known>()
            + self.bytes.len()
            + self.short.as_ref().map_or(0, |(automaton, _)| automaton.memory_usage())
    }
}

#[inline]
fn key(window: &[u8]) -> u32 {
    window.try_into().map_or(0, u32::from_le_bytes)
}

#[inline]
fn hash(window: u32, shift: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> shift) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_the_texts_that_are_there_are_found(texts in prop::collection::vec("[abcé]{1,7}", 1..20), value in "[abcé]{0,40}") {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let parts = Parts::new(&texts).unwrap().unwrap();
            let mut found = vec![false; texts.len()];
            parts.find(value.as_bytes(), |number| {
                found[number as usize] = true;
                false
            });
            for (text, found) in texts.iter().zip(found) {
                prop_assert_eq!(found, value.contains(text), "{} in {}", text, value);
            }
        }
    }
}
