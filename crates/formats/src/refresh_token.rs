//! The refresh token: a user, a family of tokens, and the generation of this one.
//!
//! Flask-Security 5.9 signs an object, without a time of its own: `ver`, `uid`, `expires_at`,
//! `last_used_at` (both in seconds since 1970, with fractions), `name`, `family`, `gen`. The
//! family's row holds all of these values, so the token of one generation is always the same text.

use serde::{Deserialize, Serialize};

use crate::purpose::Purpose;
use crate::sign::{KeyRing, SignatureError, Signer, decode_payload, encode_payload};

/// The content of a token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RefreshToken {
    #[serde(rename = "ver")]
    version: String,
    /// The user's `fs_uniquifier` or `fs_token_uniquifier`.
    #[serde(rename = "uid")]
    pub uniquifier: String,
    /// When the family ends, in seconds since 1970.
    pub expires_at: f64,
    /// When this token was issued, in seconds since 1970.
    pub last_used_at: f64,
    /// The name that the application gave the family.
    pub name: String,
    /// The family's identifier.
    pub family: String,
    /// The generation, counted from 1.
    #[serde(rename = "gen")]
    pub generation: i64,
}

impl std::fmt::Debug for RefreshToken {
    /// Shows the generation only: the rest identifies the user or grants access.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshToken")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshTokenError {
    /// The signature is invalid.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature is valid, but the payload is not a refresh token.
    #[error("not a refresh token")]
    NotAToken,
}

impl RefreshToken {
    /// A token in the version that we issue.
    #[must_use]
    pub fn new(
        uniquifier: String,
        family: String,
        generation: i64,
        name: String,
        expires_at: f64,
        last_used_at: f64,
    ) -> Self {
        Self {
            version: "1".to_owned(),
            uniquifier,
            expires_at,
            last_used_at,
            name,
            family,
            generation,
        }
    }
}

/// Issues and reads refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokenCodec(Signer);

impl RefreshTokenCodec {
    /// Creates a codec for these secrets, with the configured `REFRESH_TOKEN_SALT` if there is one.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: Option<&str>) -> Self {
        Self(Purpose::RefreshToken.signer(ring, salt))
    }

    /// Issues a token.
    #[must_use]
    pub fn seal(&self, token: &RefreshToken) -> String {
        // Strings and finite numbers always serialise.
        self.0.sign(&encode_payload(
            &serde_json::to_vec(token).unwrap_or_default(),
        ))
    }

    /// Reads a token. Only the family's row tells whether it is still valid.
    ///
    /// # Errors
    /// [`RefreshTokenError`] if it is not a refresh token that we signed.
    pub fn open(&self, token: &str) -> Result<RefreshToken, RefreshTokenError> {
        let json = decode_payload(self.0.unsign(token)?)?;
        serde_json::from_slice(&json).map_err(|_| RefreshTokenError::NotAToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_always_has_the_same_token_which_opens() {
        let ring = KeyRing::new("a secret", ["an older one"]);
        let codec = RefreshTokenCodec::new(&ring, None);
        let token = RefreshToken::new(
            "u".repeat(32),
            "f".repeat(32),
            3,
            "default".to_owned(),
            1_800_000_000.0,
            1_790_000_000.25,
        );
        let sealed = codec.seal(&token);
        assert_eq!(sealed, codec.seal(&token));
        assert_eq!(codec.open(&sealed), Ok(token));
        let older = RefreshTokenCodec::new(&KeyRing::new("an older one", []), None);
        assert!(older.open(&sealed).is_err());
    }

    #[test]
    fn attack_another_purpose_tokens_with_other_salts_are_refused() {
        let ring = KeyRing::new("a secret", []);
        let codec = RefreshTokenCodec::new(&ring, None);
        for purpose in Purpose::ALL {
            let json = br#"{"ver":"1","uid":"u","expires_at":2e9,"last_used_at":1e9,"name":"n","family":"f","gen":1}"#;
            let sealed = purpose.signer(&ring, None).sign(&encode_payload(json));
            assert_eq!(
                codec.open(&sealed).is_ok(),
                purpose == Purpose::RefreshToken,
                "{purpose:?}"
            );
        }
        let odd = Purpose::RefreshToken.signer(&ring, None);
        for json in [&b"[]"[..], b"{}", b"1", br#"{"ver":1}"#] {
            assert!(codec.open(&odd.sign(&encode_payload(json))).is_err());
        }
    }
}
