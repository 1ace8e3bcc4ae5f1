//! The encoding modifiers: what `utf16*`, `base64` and `base64offset` make of a rule's text.
//!
//! A modifier makes bytes of bytes, in the order in which the rule names them. Bytes that are compared without base64 stand for one
//! character each (U+0000 to U+00FF), so that `wide` finds `c\u0000m\u0000d\u0000` in a JSON text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utf16 {
    Little,
    Big,
    /// Little-endian behind a byte order mark.
    Marked,
}

pub fn utf16(text: &str, form: Utf16) -> Vec<u8> {
    let units = text.encode_utf16();
    match form {
        Utf16::Little => units.flat_map(u16::to_le_bytes).collect(),
        Utf16::Big => units.flat_map(u16::to_be_bytes).collect(),
        Utf16::Marked => [0xFF, 0xFE].into_iter().chain(units.flat_map(u16::to_le_bytes)).collect(),
    }
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The part of the encoding that does not depend on what stands around the text, for each of the three places in a group of
/// three bytes at which it may begin. Characters that a neighbour's bits reach are cut away on both sides.
pub fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::with_capacity(3);
    for offset in 0..3 {
        let mut shifted = vec![b' '; offset];
        shifted.extend_from_slice(bytes);
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        let from = [0, 2, 3][offset];
        // Without padding, a last group of one or two bytes ends in a character that the next byte's bits would change.
        let to = encoded.len() - usize::from(shifted.len() % 3 != 0);
        if let Some(text) = encoded.get(from..to).filter(|text| !text.is_empty()) {
            found.push(text.to_owned());
        }
    }
    found
}

/// Bytes as text, one character each.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn utf16_forms_are_those_of_the_specification() {
        assert_eq!(utf16("cmd", Utf16::Little), b"c\0m\0d\0");
        assert_eq!(utf16("cmd", Utf16::Big), b"\0c\0m\0d");
        assert_eq!(utf16("cmd", Utf16::Marked), b"\xff\xfec\0m\0d\0");
    }

    #[test]
    fn offsets_are_those_of_the_specification() {
        assert_eq!(base64_offsets(b"foobar"), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
    }

    proptest! {
        /// Section "base64offset": found wherever the text stands inside an encoded one.
        #[test]
        fn an_offset_form_is_found_at_every_position(before in ".{0,5}", text in ".{2,9}", after in ".{0,5}") {
            let encoded = base64(format!("{before}{text}{after}").as_bytes());
            prop_assert!(base64_offsets(text.as_bytes()).iter().any(|form| encoded.contains(form.as_str())));
        }
    }
}
