//! gzip and base64, each within a number of bytes that the output may have.

use std::io::Read;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::bufread::MultiGzDecoder;

use super::payload::Fault;

pub(super) const GZIP: &[u8] = b"\x1f\x8b";

/// Firehose and CloudWatch pad; not everybody who writes base64 by hand does.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How base64 of gzip begins: of its first three bytes, all given, it makes four letters.
const BASE64_OF_GZIP: &[u8] = b"H4sI";
/// How base64 of `{"`, of `{` and a line break or a tab, and of `[{` begins.
const BASE64_OF_JSON: [&[u8]; 5] = [b"eyJ", b"ewo", b"ewk", b"ew0K", b"W3s"];

/// All members of a gzip file, one after another.
pub(super) fn gzip(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut bounded = MultiGzDecoder::new(bytes).take(bytes_max as u64 + 1);
    match bounded.read_to_end(&mut out) {
        Ok(_) if out.len() > bytes_max => Err(too_large(bytes_max)),
        Ok(_) => Ok(out),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            let bytes = out.len();
            Err(Fault::broken("gzip_truncated", format!("the gzip data ends too early, {bytes} bytes came out of it")))
        }
        Err(error) => {
            let bytes = out.len();
            Err(Fault::broken(
                "gzip_invalid",
                format!("the gzip data is damaged after {bytes} bytes that came out of it: {error}"),
            ))
        }
    }
}

/// Whether this is base64 of something that is opened. A line of text that happens to begin so has a blank or a dot somewhere.
pub(super) fn looks_like_base64(bytes: &[u8]) -> bool {
    let is_base64 =
        |bytes: &[u8]| bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    if bytes.starts_with(BASE64_OF_GZIP) {
        return is_base64(&bytes[..bytes.len().min(32)]);
    }
    BASE64_OF_JSON.iter().any(|prefix| bytes.starts_with(prefix)) && is_base64(bytes)
}

pub(super) fn base64(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    if bytes.len() / 4 * 3 > bytes_max.saturating_add(2) {
        return Err(too_large(bytes_max));
    }
    BASE64
        .decode(bytes)
        .map_err(|error| Fault::broken("base64_invalid", format!("the base64 text is damaged: {error}")))
}

fn too_large(bytes_max: usize) -> Fault {
    Fault::limit(
        "unpacked_too_large",
        format!("the payload unpacks to more than the {bytes_max} bytes that are left to it"),
    )
}
