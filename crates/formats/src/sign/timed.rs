//! Signatures that say when they were made.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::SignatureError;
use super::key_ring::KeyRing;
use super::signer::{Derivation, Signer};

/// Signs with the time, and judges the age.
#[derive(Debug, Clone)]
pub struct TimedSigner(Signer);

/// A value whose signature and age are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// What was signed, still encoded.
    pub payload: &'a str,
    /// When, in seconds since 1970.
    pub signed_at: i64,
}

impl TimedSigner {
    /// A signer for a salt.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: &str, derivation: Derivation) -> Self {
        Self(Signer::new(ring, salt, derivation))
    }

    /// `payload.time.signature`; `now` in seconds since 1970.
    #[must_use]
    pub fn sign(&self, payload: &str, now: i64) -> String {
        self.0.sign(&format!("{payload}.{}", encode_time(now)))
    }

    /// Checks the signature, then the age. Without `max_age` every age is good.
    ///
    /// # Errors
    /// Any [`SignatureError`] but `BadPayload`.
    pub fn open<'a>(
        &self,
        signed: &'a str,
        now: i64,
        max_age: Option<Duration>,
    ) -> Result<Opened<'a>, SignatureError> {
        let value = self.0.unsign(signed)?;
        let (payload, time) = value.rsplit_once('.').ok_or(SignatureError::BadTime)?;
        let signed_at = decode_time(time).ok_or(SignatureError::BadTime)?;
        if let Some(max_age) = max_age {
            let age = now.saturating_sub(signed_at);
            let good = u64::try_from(age).is_ok_and(|age| Duration::from_secs(age) <= max_age);
            if !good {
                return Err(SignatureError::Expired {
                    payload: payload.as_bytes().to_vec(),
                    signed_at,
                });
            }
        }
        Ok(Opened { payload, signed_at })
    }
}

/// Big-endian bytes without leading zeros, in base64.
fn encode_time(seconds: i64) -> String {
    let bytes = seconds.max(0).to_be_bytes();
    let start = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    URL_SAFE_NO_PAD.encode(&bytes[start..])
}

fn decode_time(text: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    if bytes.len() > 8 {
        return None;
    }
    let number = bytes
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number).ok()
}
