//! Test tools: what the other side of a sign-in does, in software.
//!
//! - [`authenticator`] answers `WebAuthn` options as a browser with a passkey does.
//! - [`provider`] is an OAuth 2 and OpenID Connect provider on 127.0.0.1.
//!
//! Nothing here shares code with what it tests: encodings are written by hand, so that a mistake in
//! vestibule's own encodings cannot hide itself. A failure inside a tool is a failure of the test
//! that uses it, so the tools panic instead of returning errors.

#![expect(
    clippy::missing_panics_doc,
    reason = "a failure inside a tool fails the test that uses it"
)]

pub mod authenticator;
pub mod cbor;
pub mod keys;
pub mod provider;

pub(crate) mod encoding {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    /// Base64url without padding, as JSON carries bytes in `WebAuthn` and JOSE.
    pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(text).ok()
    }
}
