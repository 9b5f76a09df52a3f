//! Flask-WTF's CSRF token: the session's random value, signed and timed (Flask-WTF 1.3).

use std::time::Duration;

use subtle::ConstantTimeEq as _;

use crate::sign::{
    Derivation, KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload,
};

const SALT: &str = "wtf-csrf-token";

/// Why a token does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrfError {
    /// There is none.
    #[error("no token")]
    Missing,
    /// The session has none to compare with.
    #[error("no token in the session")]
    SessionMissing,
    /// It is too old.
    #[error("expired")]
    Expired,
    /// It was signed so many seconds ahead of this server's clock.
    #[error("signed {0} seconds ahead of this server's clock")]
    Ahead(u64),
    /// We did not sign it.
    #[error("invalid")]
    Invalid,
    /// It belongs to another session.
    #[error("another session's token")]
    Mismatch,
}

/// Makes and checks tokens.
#[derive(Debug, Clone)]
pub struct CsrfCodec(TimedSigner);

impl CsrfCodec {
    /// A codec for these secrets.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        Self(TimedSigner::new(ring, SALT, Derivation::DjangoConcat))
    }

    /// The token for a session's random value; `now` in seconds since 1970.
    #[must_use]
    pub fn make(&self, raw: &str, now: i64) -> String {
        // A text always serialises.
        let json = serde_json::to_vec(raw).unwrap_or_default();
        self.0.sign(&encode_payload(&json), now)
    }

    /// Compares a token with the session's random value, without telling by time how much
    /// of it was right.
    ///
    /// # Errors
    /// Why it does not pass.
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
