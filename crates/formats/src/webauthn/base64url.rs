//! Base64url as browsers write it, and base64 as some applications' scripts do.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is optional. Line breaks and non-zero trailing bits are not accepted.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes either alphabet, as `py_webauthn` does.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.contains(['+', '/']) {
        return ENGINE.decode(text.replace('+', "-").replace('/', "_")).ok();
    }
    ENGINE.decode(text).ok()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}
