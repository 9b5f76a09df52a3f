//! The tokens in the links of mails: to confirm an address, to reset a password, to sign in,
//! to change an address.
//!
//! A list of texts, the user's `fs_uniquifier` first, signed with the time. What belongs to the
//! moment at which a token was made (the address, the password) stands in it as a
//! [fingerprint](crate::hash::fingerprint).

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::hex;
use crate::purpose::Purpose;
use crate::sign::{KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload};

/// What a token says.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken {
    parts: Vec<Option<String>>,
    /// When it was made, in seconds since 1970.
    pub made_at: i64,
    /// The same for every spelling of the token, and for no other token: what is remembered of
    /// one that was used. In hexadecimal.
    pub digest: String,
}

impl std::fmt::Debug for LinkToken {
    /// When, and not whose.
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

    /// What else stands in it, by its place.
    #[must_use]
    pub fn part(&self, place: usize) -> Option<&str> {
        self.parts.get(place)?.as_deref()
    }
}

/// Why a token does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// We did not make it for this purpose.
    #[error("not a token of ours")]
    Invalid,
    /// We did, too long ago, or on a clock that is ahead of ours.
    #[error("too old, or from the future")]
    Expired(LinkToken),
}

/// Makes and reads the tokens of one purpose.
#[derive(Debug, Clone)]
pub struct LinkCodec {
    purpose: Purpose,
    signer: TimedSigner,
}

impl LinkCodec {
    /// A codec for these secrets, with the configured salt if there is one.
    #[must_use]
    pub fn new(ring: &KeyRing, purpose: Purpose, salt: Option<&str>) -> Self {
        Self {
            purpose,
            signer: purpose.timed_signer(ring, salt),
        }
    }

    /// What its tokens are for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Makes a token; `now` in seconds since 1970.
    #[must_use]
    pub fn seal(&self, parts: &[Option<&str>], now: i64) -> String {
        // Texts always serialise.
        let json = serde_json::to_vec(parts).unwrap_or_default();
        self.signer.sign(&encode_payload(&json), now)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn open(&self, token: &str, now: i64, max_age: Duration) -> Result<LinkToken, LinkError> {
        match self.signer.open(token, now, Some(max_age)) {
            Ok(opened) => read(opened.payload, opened.signed_at).ok_or(LinkError::Invalid),
            // The reference, too, calls a link from the future expired.
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
    // Over what is signed, and not over the signature: that can be spelled in several ways.
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
    fn a_token_says_what_was_put_into_it_until_it_is_too_old() {
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
    fn attack_wrong_purpose_no_token_opens_where_another_belongs() {
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
        // The last letter of the signature has bits that mean nothing.
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
    fn what_is_signed_and_no_list_of_texts_is_no_token() {
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
