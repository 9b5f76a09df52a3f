//! The payloads of itsdangerous's URL-safe serialisers: JSON in base64. If zlib makes it shorter,
//! it is compressed first, and the result begins with a dot.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::error::SignatureError;

/// The largest payload after decompression, in bytes.
const LIMIT: usize = 1024 * 1024;

thread_local! {
    // Their tables take tens to hundreds of kilobytes, so they are allocated once per thread and
    // not for each cookie.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), true));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// Encodes JSON, compressed if that makes it shorter.
#[must_use]
pub fn encode(json: &[u8]) -> String {
    // Shorter payloads shrink only if they repeat themselves, and by a few bytes.
    encode_over(json, 48)
}

/// Encodes JSON, compressed only if it is longer than `least` bytes and gets shorter.
#[must_use]
pub fn encode_over(json: &[u8], least: usize) -> String {
    if json.len() > least
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
        // If it does not fit into this capacity, it is not shorter either.
        let mut packed = Vec::with_capacity(json.len());
        let status = deflate
            .compress_vec(json, &mut packed, FlushCompress::Finish)
            .ok()?;
        (status == Status::StreamEnd).then_some(packed)
    })
}

/// Decodes a payload to JSON.
///
/// # Errors
/// [`SignatureError::BadPayload`] if it is not base64, not zlib, or larger than a mebibyte after
/// decompression.
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
            let (read, made) = (inflate.total_in(), inflate.total_out());
            let rest = packed.get(usize::try_from(read).ok()?..)?;
            let status = inflate
                .decompress_vec(rest, &mut json, FlushDecompress::None)
                .ok()?;
            if status == Status::StreamEnd {
                return Some(json).filter(|json| json.len() <= LIMIT);
            }
            if json.len() > LIMIT {
                return None;
            }
            if json.len() == json.capacity() {
                json.reserve(json.len());
            } else if (inflate.total_in(), inflate.total_out()) == (read, made) {
                // There is room left, but no progress: the stream is truncated.
                return None;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text that zlib can compress more or less: one in `noise` bytes is unpredictable.
    fn text(length: usize, noise: u32) -> Vec<u8> {
        let mut state = 0x9e37_79b9_u32;
        (0..length)
            .map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 8 < (u32::MAX / noise) >> 8 {
                    state.to_le_bytes()[3] | 1
                } else {
                    b"abcdefg"[at % 7]
                }
            })
            .collect()
    }

    #[test]
    fn payloads_of_every_length_round_trip() {
        let lengths = (0..1500).chain([4095, 4096, 8192, 32_767, 32_768, 65_537, 200_000, LIMIT]);
        for length in lengths {
            for noise in [1, 2, 8, 1000] {
                let json = text(length, noise);
                assert_eq!(
                    decode(&encode(&json)).as_ref(),
                    Ok(&json),
                    "{length} {noise}"
                );
            }
        }
    }

    /// As itsdangerous does, which also tries it for shorter payloads.
    #[test]
    fn a_payload_is_compressed_only_if_that_makes_it_shorter() {
        let (mut shorter, mut equal) = (0, 0);
        for length in 0..600 {
            for noise in [2, 3, 4, 5, 6, 8, 12] {
                let json = text(length, noise);
                let packed = compress(&json).map(|packed| packed.len() + 1);
                let is_shorter = length > 48 && packed.is_some_and(|packed| packed < length);
                assert_eq!(
                    encode(&json).starts_with('.'),
                    is_shorter,
                    "{length} {noise}"
                );
                shorter += usize::from(is_shorter);
                equal += usize::from(packed == Some(length));
            }
        }
        assert!(shorter > 100 && equal > 10, "{shorter} and {equal}");
        let json = text(1000, 1000);
        // The limit is the longest length that is not compressed.
        assert!(!encode_over(&json, 1000).starts_with('.'));
        assert!(encode_over(&json, 999).starts_with('.'));
    }

    #[test]
    fn truncated_and_oversized_payloads_are_refused() {
        let packed = encode(&text(5000, 1000));
        for end in (2..packed.len() - 2).step_by(3) {
            assert_eq!(
                decode(&packed[..end]),
                Err(SignatureError::BadPayload),
                "{end}"
            );
        }
        let too_long = encode(&vec![b'a'; LIMIT + 1]);
        assert_eq!(decode(&too_long), Err(SignatureError::BadPayload));
    }
}
