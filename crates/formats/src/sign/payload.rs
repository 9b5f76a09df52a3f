//! What itsdangerous's URL-safe serialisers sign: JSON in base64, compressed with zlib
//! (and then with a dot in front) when that makes it shorter.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::error::SignatureError;

/// How large a payload may become when it is unpacked, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Encodes JSON text.
#[must_use]
pub fn encode(json: &[u8]) -> String {
    // A payload this short never gets shorter: zlib's frame alone is eleven bytes.
    if json.len() > 48
        && let Some(packed) = compress(json)
        && packed.len() + 1 < json.len()
    {
        return format!(".{}", URL_SAFE_NO_PAD.encode(packed));
    }
    URL_SAFE_NO_PAD.encode(json)
}

fn compress(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json).ok()?;
    encoder.finish().ok()
}

/// Decodes to JSON text.
///
/// # Errors
/// [`SignatureError::BadPayload`] when it is not base64, not zlib, or unpacks to more
/// than a mebibyte.
pub fn decode(payload: &str) -> Result<Vec<u8>, SignatureError> {
    let bad = || SignatureError::BadPayload;
    let Some(packed) = payload.strip_prefix('.') else {
        return URL_SAFE_NO_PAD.decode(payload).map_err(|_| bad());
    };
    let packed = URL_SAFE_NO_PAD.decode(packed).map_err(|_| bad())?;
    let mut json = Vec::new();
    let mut limited = ZlibDecoder::new(&packed[..]).take(LIMIT + 1);
    limited.read_to_end(&mut json).map_err(|_| bad())?;
    if json.len() as u64 > LIMIT {
        Err(bad())
    } else {
        Ok(json)
    }
}
