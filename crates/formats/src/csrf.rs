//! Flask-WTF's CSRF token: the session's random value, signed with the time (Flask-WTF 1.3).

use std::time::Duration;

use subtle::ConstantTimeEq as _;

use crate::sign::{
    Derivation, KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload,
};

const SALT: &str = "wtf-csrf-token";

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrfError {
    /// The token is missing.
    #[error("no token")]
    Missing,
    /// The session has no value to compare with.
    #[error("no token in the session")]
    SessionMissing,
    /// The token is too old.
    #[error("expired")]
    Expired,
    /// The token was signed this many seconds ahead of this server's clock.
    #[error("signed {0} seconds ahead of this server's clock")]
    Ahead(u64),
    /// We did not sign the token.
    #[error("invalid")]
    Invalid,
    /// The token belongs to another session.
    #[error("another session's token")]
    Mismatch,
}

/// Issues and checks CSRF tokens.
#[derive(Debug, Clone)]
pub struct CsrfCodec(TimedSigner);

impl CsrfCodec {
    /// Creates a codec for these secrets.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        Self(TimedSigner::new(ring, SALT, Derivation::DjangoConcat))
    }

    /// The token for a session's random value; `now` is in seconds since 1970.
    #[must_use]
    pub fn make(&self, raw: &str, now: i64) -> String {
        // A string always serialises.
        let json = serde_json::to_vec(raw).unwrap_or_default();
        self.0.sign(&encode_payload(&json), now)
    }

    /// Compares a token with the session's random value, in constant time; `now` is in seconds
    /// since 1970. Without `time_limit`, a token of any age is accepted.
    ///
    /// # Errors
    /// [`CsrfError`] if the token is refused.
    pub fn check(
        &self,
        token: &str,
        session: Option<&str>,
        now: i64,
        time_limit: Option<Duration>,
    ) -> Result<(), CsrfError> {
        if token.is_empty() {
            return Err(CsrfError::Missing);
        }
        let session = session.ok_or(CsrfError::SessionMissing)?;
        let opened = self
            .0
            .open(token, now, time_limit)
            .map_err(|error| match error {
                SignatureError::Expired { .. } => CsrfError::Expired,
                SignatureError::Ahead { seconds, .. } => CsrfError::Ahead(seconds),
                _ => CsrfError::Invalid,
            })?;
        let raw: String = decode_payload(opened.payload)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(CsrfError::Invalid)?;
        if raw.as_bytes().ct_eq(session.as_bytes()).into() {
            Ok(())
        } else {
            Err(CsrfError::Mismatch)
        }
    }
}
