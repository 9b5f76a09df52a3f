//! What itsdangerous's URL-safe serialisers sign: JSON in base64, compressed with zlib
//! (and then with a dot in front) when that makes it shorter.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::error::SignatureError;

/// How large a payload may become when it is unpacked, in bytes.
const LIMIT: usize = 1024 * 1024;

thread_local! {
    // Their tables are tens to hundreds of kilobytes: made once for each thread, not for each
    // cookie.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), true));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

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
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        // Where it does not fit, it is not shorter either.
        let mut packed = Vec::with_capacity(json.len());
        let status = deflate
            .compress_vec(json, &mut packed, FlushCompress::Finish)
            .ok()?;
        (status == Status::StreamEnd).then_some(packed)
    })
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
    inflate(&packed).ok_or_else(bad)
}

fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    INFLATE.with_borrow_mut(|inflate| {
        inflate.reset(true);
        let mut json = Vec::with_capacity((packed.len() * 4).clamp(64, LIMIT + 1));
        loop {
            let read = usize::try_from(inflate.total_in()).ok()?;
            let rest = packed.get(read..)?;
            let status = inflate
                .decompress_vec(rest, &mut json, FlushDecompress::None)
                .ok()?;
            let full = json.len() == json.capacity();
            match status {
                Status::StreamEnd => return Some(json).filter(|json| json.len() <= LIMIT),
                // Room for more, or there is no more: a stream that ends before its end.
                _ if full && json.len() <= LIMIT => json.reserve(json.len()),
                Status::Ok | Status::BufError => return None,
            }
        }
    })
}
