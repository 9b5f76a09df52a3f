//! The tokens in links that are mailed: to confirm an address, to reset a password, to sign in, to
//! change an address.
//!
//! A token is a list of strings, the user's `fs_uniquifier` first, signed with the time. If it is
//! bound to the address or the password at the time of issue, it holds a
//! [fingerprint](crate::hash::fingerprint) of it.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::hex;
use crate::purpose::Purpose;
use crate::sign::{KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload};

/// The content of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken {
    parts: Vec<Option<String>>,
    /// When it was issued, in seconds since 1970.
    pub made_at: i64,
    /// A digest in hexadecimal that is the same for every spelling of the token, and different for
    /// every other token. The store remembers it when the token was used.
    pub digest: String,
}

impl std::fmt::Debug for LinkToken {
    /// Shows the time but not the user.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkToken")
            .field("made_at", &self.made_at)
            .finish_non_exhaustive()
    }
}

impl LinkToken {
    /// The user's `fs_uniquifier`.
    #[must_use]
    pub fn uniquifier(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    /// The part at an index; 0 is the uniquifier.
    #[must_use]
    pub fn part(&self, place: usize) -> Option<&str> {
        self.parts.get(place)?.as_deref()
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// We did not issue it for this purpose.
    #[error("not a token that this server issued")]
    Invalid,
    /// We issued it too long ago, or with a clock that is ahead of ours.
    #[error("too old, or from the future")]
    Expired(LinkToken),
}

/// Issues and reads the tokens of one purpose.
#[derive(Debug, Clone)]
pub struct LinkCodec {
    purpose: Purpose,
    signer: TimedSigner,
}

impl LinkCodec {
    /// Creates a codec for these secrets, with the configured salt if there is one.
    #[must_use]
    pub fn new(ring: &KeyRing, purpose: Purpose, salt: Option<&str>) -> Self {
        Self {
            purpose,
            signer: purpose.timed_signer(ring, salt),
        }
    }

    /// The purpose of its tokens.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Issues a token; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, parts: &[Option<&str>], now: i64) -> String {
        // Strings always serialise.
        let json = serde_json::to_vec(parts).unwrap_or_default();
        self.signer.sign(&encode_payload(&json), now)
    }

    /// Reads a token; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`LinkError::Invalid`] or [`LinkError::Expired`].
    pub fn open(&self, token: &str, now: i64, max_age: Duration) -> Result<LinkToken, LinkError> {
        match self.signer.open(token, now, Some(max_age)) {
            Ok(opened) => read(opened.payload, opened.signed_at).ok_or(LinkError::Invalid),
            // The reference also treats a link from the future as expired.
            Err(
                SignatureError::Expired { payload, signed_at }
                | SignatureError::Ahead {
                    payload, signed_at, ..
                },
            ) => {
                let payload = String::from_utf8(payload).map_err(|_| LinkError::Invalid)?;
                let token = read(&payload, signed_at).ok_or(LinkError::Invalid)?;
                Err(LinkError::Expired(token))
            }
            Err(_) => Err(LinkError::Invalid),
        }
    }
}

fn read(payload: &str, made_at: i64) -> Option<LinkToken> {
    let json = decode_payload(payload).ok()?;
    let Value::Array(items) = serde_json::from_slice(&json).ok()? else {
        return None;
    };
    let parts: Vec<Option<String>> = items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Some(Some(text)),
            Value::Null => Some(None),
            _ => None,
        })
        .collect::<Option<_>>()?;
    parts.first()?.as_ref().filter(|text| !text.is_empty())?;
    // Over the signed content and not the signature, which has several valid spellings.
    let digest = Sha256::digest(format!("{payload}.{made_at}"));
    Some(LinkToken {
        parts,
        made_at,
        digest: hex::encode(&digest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn codec(purpose: Purpose) -> LinkCodec {
        LinkCodec::new(&KeyRing::new("secret", []), purpose, None)
    }

    #[test]
    fn a_token_holds_its_parts_until_it_expires() {
        let codec = codec(Purpose::ChangeEmail);
        let token = codec.seal(&[Some("u1"), None, Some("new@example.com")], 1000);
        let opened = codec.open(&token, 1000 + 86_400, DAY).unwrap();
        assert_eq!(opened.uniquifier(), "u1");
        assert_eq!(opened.part(1), None);
        assert_eq!(opened.part(2), Some("new@example.com"));
        assert_eq!(opened.part(3), None);
        assert_eq!(opened.made_at, 1000);
        let late = codec.open(&token, 1001 + 86_400, DAY);
        assert_eq!(late, Err(LinkError::Expired(opened)));
    }

    #[test]
    fn attack_wrong_purpose_tokens_open_for_their_own_purpose_only() {
        let purposes = [
            Purpose::Confirm,
            Purpose::Reset,
            Purpose::Login,
            Purpose::ChangeEmail,
        ];
        for made in purposes {
            let token = codec(made).seal(&[Some("u1")], 1000);
            for opened in purposes {
                let outcome = codec(opened).open(&token, 1000, DAY);
                assert_eq!(outcome.is_ok(), made == opened, "{made:?} {opened:?}");
            }
        }
    }

    #[test]
    fn attack_single_use_every_spelling_of_a_token_has_one_digest() {
        let codec = codec(Purpose::Login);
        let token = codec.seal(&[Some("u1")], 1000);
        let digest = codec.open(&token, 1000, DAY).unwrap().digest;
        let mut spellings = 0;
        // The last character of the signature has unused bits.
        for last in ('a'..='z')
            .chain('A'..='Z')
            .chain('0'..='9')
            .chain(['-', '_'])
        {
            let other = format!("{}{last}", &token[..token.len() - 1]);
            if let Ok(opened) = codec.open(&other, 1000, DAY) {
                assert_eq!(opened.digest, digest);
                spellings += 1;
            }
        }
        assert!(spellings >= 1);
        let later = codec.seal(&[Some("u1")], 1001);
        assert_ne!(codec.open(&later, 1001, DAY).unwrap().digest, digest);
    }

    #[test]
    fn signed_payloads_that_are_not_lists_of_strings_are_invalid() {
        let codec = codec(Purpose::Confirm);
        for json in [
            "{}",
            "[]",
            "[1]",
            "[null]",
            "[\"\"]",
            "\"u1\"",
            "[[\"u1\"]]",
            "x",
        ] {
            let token = codec.signer.sign(&encode_payload(json.as_bytes()), 1000);
            assert_eq!(
                codec.open(&token, 1000, DAY),
                Err(LinkError::Invalid),
                "{json}"
            );
            assert_eq!(
                codec.open(&token, 999_999, DAY),
                Err(LinkError::Invalid),
                "{json}"
            );
        }
    }
}
