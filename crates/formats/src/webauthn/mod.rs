//! Verifies passkey registrations and sign-ins: Web Authentication Level 3, sections 7.1 and 7.2.
//!
//! The responses are the JSON that `PublicKeyCredential.toJSON()` returns in a browser. Credentials are
//! compatible with those that Flask-Security stores through `py_webauthn` 3.0.1: the public key is the
//! `COSE_Key` as the authenticator sent it.

mod algorithm;
mod attestation;
mod authentication;
pub mod authenticator_data;
mod base64url;
pub mod cbor;
pub mod client_data;
pub mod cose;
mod error;
mod json;
mod key;
mod registration;
mod response;

pub use algorithm::ALGORITHMS;
pub use attestation::AttestationFormat;
pub use authentication::{Authenticated, AuthenticationResponse, parse_authentication};
pub use error::{AttestationError, Invalid, MalformedResponse};
pub use registration::{Registered, RegistrationResponse, parse_registration};

/// The longest response, in bytes. Attestations of TPMs are about 8 KB.
pub const MAX_RESPONSE: usize = 64 * 1024;

/// The longest credential ID, in bytes.
pub const MAX_CREDENTIAL_ID: usize = 1023;

/// What a response must match.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The challenge as raw bytes. Flask-Security's is the ASCII text of a URL-safe token.
    pub challenge: &'a [u8],
    /// The relying party ID: a host name without port.
    pub rp_id: &'a str,
    /// The origins that may use the relying party ID, such as `https://app.example`.
    pub origins: &'a [&'a str],
    /// Whether the authenticator must have verified the user.
    pub require_user_verification: bool,
}

/// What a relying party accepts beyond the defaults.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// The COSE algorithms of new credentials.
    pub algorithms: &'a [i32],
    /// The origins of pages that may contain the app in a frame. By default none may.
    pub top_origins: &'a [&'a str],
    /// More roots for attestation certificates, in DER. Those of Apple and Google are built in. The formats
    /// that have no built-in root accept every certificate as long as there is none here.
    pub attestation_roots: &'a [&'a [u8]],
}

impl Default for Policy<'_> {
    fn default() -> Self {
        Self {
            algorithms: ALGORITHMS,
            top_origins: &[],
            attestation_roots: &[],
        }
    }
}
