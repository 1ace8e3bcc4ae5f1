//! The one loop that most of the time of reading and writing JSON goes into: stepping over the plain part of a string.
//!
//! Sixteen bytes at a time where the processor has SSE2, which every x86-64 has; eight at a time elsewhere.

/// The position, from `from` on, of the first byte that ends a plain stretch of a JSON string: a quote, a backslash or a control character;
/// the length when there is none.
#[inline]
pub fn plain_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    #[cfg(target_arch = "x86_64")]
    while let Some(block) = bytes.get(at..at + 16) {
        let found = special_of_16(block);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += 16;
    }
    while let Some(block) = bytes.get(at..at + 8) {
        let found = special_of_8(block);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if is_special(*byte) {
            return at;
        }
        at += 1;
    }
    bytes.len().max(from)
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// A bit for each of sixteen bytes.
#[cfg(target_arch = "x86_64")]
#[inline]
#[allow(unsafe_code)]
fn special_of_16(block: &[u8]) -> u32 {
    use std::arch::x86_64::*;
    debug_assert_eq!(block.len(), 16);
    // SAFETY: SSE2 is part of x86-64, and the unaligned load reads the sixteen bytes that the slice has.
    unsafe {
        let bytes = _mm_loadu_si128(block.as_ptr().cast());
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)) as u32
    }
}

/// The top bit of each of eight bytes, exact up to the first one that is set: a borrow can only reach later bytes.
#[inline]
fn special_of_8(block: &[u8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let Ok(block) = <[u8; 8]>::try_from(block) else { return 0 };
    let word = u64::from_le_bytes(block);
    let zero_in = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & TOPS;
    zero_in(word ^ (ONES * u64::from(b'"'))) | zero_in(word ^ (ONES * u64::from(b'\\'))) | control
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_blocks_find_what_a_plain_loop_finds(
            bytes in prop::collection::vec(prop_oneof![8 => 0x20u8..=0xff, 1 => Just(b'"'), 1 => Just(b'\\'), 1 => 0u8..0x20], 0..80),
            from in 0usize..80
        ) {
            let expected = (from..bytes.len()).find(|at| is_special(bytes[*at])).unwrap_or(bytes.len().max(from));
            prop_assert_eq!(plain_end(&bytes, from), expected);
        }

        #[test]
        fn eight_at_a_time_finds_the_first(bytes in prop::array::uniform8(prop_oneof![4 => any::<u8>(), 1 => Just(b'"'), 1 => Just(0x1f), 1 => Just(0x20)])) {
            let expected = bytes.iter().position(|byte| is_special(*byte));
            let found = special_of_8(&bytes);
            prop_assert_eq!((found != 0).then(|| found.trailing_zeros() as usize / 8), expected);
        }
    }
}
