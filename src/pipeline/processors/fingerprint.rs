//! `fingerprint`: a hash over the values of fields, with the original's bytes, so that both give the same one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;

use crate::event::Value;

use super::super::document::{Document, Done, Flow, Number, number};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("fingerprint", fingerprint)];

/// How deep lists and objects may nest in what is hashed.
const NESTING_LEVELS_MAX: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    MurmurHash3,
}

const METHODS: &[(&str, Method)] = &[
    ("MD5", Method::Md5),
    ("SHA-1", Method::Sha1),
    ("SHA-256", Method::Sha256),
    ("SHA-512", Method::Sha512),
    ("MurmurHash3", Method::MurmurHash3),
];

impl Method {
    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Method::Md5 => STANDARD.encode(md5::Md5::digest(bytes)),
            Method::Sha1 => STANDARD.encode(sha1::Sha1::digest(bytes)),
            Method::Sha256 => STANDARD.encode(sha2::Sha256::digest(bytes)),
            Method::Sha512 => STANDARD.encode(sha2::Sha512::digest(bytes)),
            Method::MurmurHash3 => STANDARD.encode(murmur3(bytes)),
        }
    }
}

struct FingerprintProcessor {
    /// In the order of their names.
    fields: Vec<FieldPath>,
    target: FieldPath,
    salt: Vec<u8>,
    method: Method,
    ignore_missing: bool,
}

fn fingerprint(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let mut names = options.texts("fields")?;
    if names.is_empty() {
        return Err(options.fault("fields", "must specify at least one field"));
    }
    names.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    let fields = names.iter().map(|name| options.compile_path("fields", name)).collect::<Result<_, _>>()?;
    let wanted = options.optional_text("method")?.unwrap_or("SHA-1");
    let method = METHODS.iter().find(|(name, _)| *name == wanted).map(|(_, method)| *method).ok_or_else(|| {
        options.fault(
            "method",
            format_args!(
                "[{wanted}] must be one of the supported hash methods [MD5,SHA-1,SHA-256,SHA-512,MurmurHash3]"
            ),
        )
    })?;
    let salt = options.optional_text("salt")?.filter(|salt| !salt.trim().is_empty()).unwrap_or_default();
    Ok(Box::new(FingerprintProcessor {
        fields,
        target: options.path_or("target_field", "fingerprint")?,
        salt: salt.as_bytes().to_vec(),
        method,
        ignore_missing: options.flag("ignore_missing", false)?,
    }))
}

impl Processor for FingerprintProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let mut bytes = self.salt.clone();
        let mut any = false;
        for field in &self.fields {
            match document.find(field.path()) {
                None | Some(Value::Null) if self.ignore_missing => {}
                None | Some(Value::Null) => {
                    return Err(
                        document.fail(format_args!("missing field [{}] when calculating fingerprint", field.text()))
                    );
                }
                Some(value) => {
                    any = true;
                    feed(&value, &mut bytes, 0);
                }
            }
        }
        if any {
            let hash = document.arena.str(&self.method.hash(&bytes));
            document.set(self.target.path(), Value::Str(hash))?;
        }
        Ok(Flow::Next)
    }
}

/// A zero before every value and every key; objects in the order of their keys.
fn feed(value: &Value<'_>, bytes: &mut Vec<u8>, level: usize) {
    match value {
        Value::List(list) if level < NESTING_LEVELS_MAX => {
            for item in list.iter() {
                feed(&item, bytes, level + 1);
            }
        }
        Value::Object(object) if level < NESTING_LEVELS_MAX => {
            let mut entries: Vec<_> = object.iter().map(|(key, item)| (key.text, item)).collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            for (key, item) in entries {
                bytes.push(0);
                bytes.extend_from_slice(key.as_bytes());
                feed(&item, bytes, level + 1);
            }
        }
        Value::List(_) | Value::Object(_) => {}
        other => {
            bytes.push(0);
            match other {
                Value::Str(text) => bytes.extend_from_slice(text.as_bytes()),
                Value::Bool(flag) => bytes.push(if *flag { 1 } else { 2 }),
                other => match number(other) {
                    Some(Number::Int(n)) => bytes.extend_from_slice(&n.to_le_bytes()),
                    Some(Number::Long(n)) => bytes.extend_from_slice(&n.to_le_bytes()),
                    Some(Number::Float(n)) => bytes.extend_from_slice(&n.to_le_bytes()),
                    Some(Number::Double(n)) => bytes.extend_from_slice(&n.to_le_bytes()),
                    Some(Number::Big(text)) => bytes.extend_from_slice(text.as_bytes()),
                    None => {}
                },
            }
        }
    }
}

/// MurmurHash3 x64 with 128 bits and the seed 0, both halves big-endian.
fn murmur3(bytes: &[u8]) -> [u8; 16] {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let word = |part: &[u8]| part.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let mix1 = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let mix2 = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let finish = |mut h: u64| {
        h = (h ^ h >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h = (h ^ h >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ h >> 33
    };
    let (mut h1, mut h2) = (0u64, 0u64);
    let blocks = bytes.chunks_exact(16);
    let tail = blocks.remainder();
    for block in blocks {
        let (low, high) = block.split_at(8);
        h1 ^= mix1(word(low));
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= mix2(word(high));
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (low, high) = tail.split_at(tail.len().min(8));
    if !high.is_empty() {
        h2 ^= mix2(word(high));
    }
    if !low.is_empty() {
        h1 ^= mix1(word(low));
    }
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (finish(h1), finish(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&h1.to_be_bytes());
    hash[8..].copy_from_slice(&h2.to_be_bytes());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn murmur3_gives_the_published_values() {
        assert_eq!(hex(&murmur3(b"")), "00000000000000000000000000000000");
        assert_eq!(hex(&murmur3(b"hello")), "cbd8a7b341bd9b025b1e906a48ae1d19");
        assert_eq!(hex(&murmur3(b"The quick brown fox jumps over the lazy dog")), "e34bbc7bbc071b6c7a433ca9c49a9347");
    }
}
