//! Signatures without a time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

use super::error::SignatureError;
use super::key_ring::KeyRing;

type HmacSha1 = Hmac<Sha1>;

/// The length of a digest, in bytes.
const DIGEST: usize = 20;

/// The length of an encoded signature and the dot before it.
pub(super) const SIGNATURE: usize = 1 + (DIGEST * 8).div_ceil(6);

/// How the signing key is derived from the secret and the salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivation {
    /// SHA-1 of the salt, the word "signer" and the secret: itsdangerous's default.
    DjangoConcat,
    /// HMAC-SHA-1 of the salt with the secret as its key: used by Flask for sessions.
    Hmac,
}

/// Signs and verifies for one purpose. The keys are derived once, in [`new`](Self::new).
#[derive(Clone)]
pub struct Signer {
    /// One keyed state for each secret, the current one first.
    states: Vec<HmacSha1>,
}

impl Signer {
    /// Creates a signer for a salt.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: &str, derivation: Derivation) -> Self {
        let states = ring
            .secrets()
            .map(|secret| keyed(&derive(secret.as_bytes(), salt.as_bytes(), derivation)))
            .collect();
        Self { states }
    }

    /// Signs a value: `value.signature`.
    #[must_use]
    pub fn sign(&self, value: &str) -> String {
        let mut text = String::with_capacity(value.len() + SIGNATURE);
        text.push_str(value);
        self.sign_in_place(text)
    }

    /// Appends the signature to a value.
    pub(super) fn sign_in_place(&self, mut value: String) -> String {
        let Some(state) = self.states.first() else {
            return String::new();
        };
        let digest = digest(state, value.as_bytes());
        value.push('.');
        URL_SAFE_NO_PAD.encode_string(digest, &mut value);
        value
    }

    /// Verifies a signed value, and returns the value without its signature.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] or [`SignatureError::BadSignature`].
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, SignatureError> {
        let (value, signature) = signed.rsplit_once('.').ok_or(SignatureError::Malformed)?;
        // What does not fit is too long to be a signature.
        let mut decoded = [0; 2 * DIGEST];
        let length = URL_SAFE_NO_PAD
            .decode_slice(signature, &mut decoded)
            .map_err(|_| SignatureError::BadSignature)?;
        let signature = &decoded[..length];
        let genuine = self
            .states
            .iter()
            .any(|state| bool::from(digest(state, value.as_bytes()).ct_eq(signature)));
        if genuine {
            Ok(value)
        } else {
            Err(SignatureError::BadSignature)
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("keys", &self.states.len())
            .finish()
    }
}

fn keyed(key: &[u8]) -> HmacSha1 {
    // HMAC accepts keys of any length.
    HmacSha1::new_from_slice(key)
        .unwrap_or_else(|_| HmacSha1::new(&hmac::digest::Key::<HmacSha1>::default()))
}

fn derive(secret: &[u8], salt: &[u8], derivation: Derivation) -> [u8; DIGEST] {
    match derivation {
        Derivation::DjangoConcat => Sha1::new()
            .chain_update(salt)
            .chain_update(b"signer")
            .chain_update(secret)
            .finalize()
            .into(),
        Derivation::Hmac => digest(&keyed(secret), salt),
    }
}

fn digest(state: &HmacSha1, value: &[u8]) -> [u8; DIGEST] {
    let mut mac = state.clone();
    mac.update(value);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_secret_signs_and_every_secret_verifies() {
        for derivation in [Derivation::Hmac, Derivation::DjangoConcat] {
            let signer = |current, old: &[&'static str]| {
                Signer::new(
                    &KeyRing::new(current, old.iter().copied()),
                    "salt",
                    derivation,
                )
            };
            let old = signer("old", &[]);
            let both = signer("new", &["old", "older"]);
            let signed = both.sign("value");
            assert_eq!(signed, signer("new", &[]).sign("value"));
            assert_eq!(both.unsign(&signed), Ok("value"));
            assert_eq!(both.unsign(&old.sign("value")), Ok("value"));
            assert_eq!(
                both.unsign(&signer("older", &[]).sign("value")),
                Ok("value")
            );
            assert_eq!(old.unsign(&signed), Err(SignatureError::BadSignature));
            for (forged, error) in [
                ("value", SignatureError::Malformed),
                ("value.", SignatureError::BadSignature),
                ("value.!", SignatureError::BadSignature),
                (&signed[1..], SignatureError::BadSignature),
                (&signed[..signed.len() - 2], SignatureError::BadSignature),
            ] {
                assert_eq!(both.unsign(forged), Err(error), "{forged}");
            }
        }
    }

    /// Computed with Python's hashlib and hmac as itsdangerous defines it.
    #[test]
    fn signatures_are_those_of_itsdangerous() {
        for (derivation, signed) in [
            (
                Derivation::DjangoConcat,
                "value.3nRqEICO7XSUZdHc9h3CUtppe6g",
            ),
            (Derivation::Hmac, "value.4p13bMWQ8j6Z9vJq2434EMMsVz8"),
        ] {
            let signer = Signer::new(&KeyRing::new("secret", []), "salt", derivation);
            assert_eq!(signer.sign("value"), signed);
        }
    }

    #[test]
    fn debug_shows_the_number_of_keys_only() {
        let ring = KeyRing::new("first secret", ["second secret"]);
        assert_eq!(format!("{ring:?}"), "KeyRing { keys: 2 }");
        let signer = Signer::new(&ring, "salt", Derivation::Hmac);
        assert_eq!(format!("{signer:?}"), "Signer { keys: 2 }");
    }
}
