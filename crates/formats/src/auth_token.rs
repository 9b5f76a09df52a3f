//! The auth token of API clients: the user, when they authenticated, and when the token expires.
//!
//! Version 5 (Flask-Security 5) is an object. Version 4 was a list of one element (the user), and
//! version 3 a list of three (the user last). All are accepted; version 5 is issued.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::purpose::Purpose;
use crate::sign::{KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload};

/// The content of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthToken {
    /// The user's `fs_uniquifier` or `fs_token_uniquifier`.
    pub uniquifier: String,
    /// When the user authenticated, in seconds since 1970; unknown in old tokens.
    pub authenticated_at: Option<f64>,
    /// When the token itself expires, in seconds since 1970; `None` if it does not say.
    pub expires_at: Option<i64>,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthTokenError {
    /// The signature is invalid or too old.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The expiry time that the token itself holds has passed.
    #[error("past its own expiry time")]
    PastItsEnd,
    /// The signature is valid, but the payload is not an auth token.
    #[error("not an auth token")]
    NotAToken,
}

#[derive(Serialize)]
struct Version5<'a> {
    ver: &'a str,
    uid: &'a str,
    fs_paa: f64,
    exp: i64,
}

/// Issues and reads auth tokens.
#[derive(Debug, Clone)]
pub struct AuthTokenCodec(TimedSigner);

impl AuthTokenCodec {
    /// Creates a codec for these secrets, with the configured `REMEMBER_SALT` if there is one.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: Option<&str>) -> Self {
        Self(Purpose::AuthToken.timed_signer(ring, salt))
    }

    /// Issues a token; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, token: &AuthToken, now: i64) -> String {
        let payload = Version5 {
            ver: "5",
            uid: &token.uniquifier,
            fs_paa: token.authenticated_at.unwrap_or_default(),
            exp: token.expires_at.unwrap_or_default(),
        };
        // Strings and finite numbers always serialise.
        self.0.sign(
            &encode_payload(&serde_json::to_vec(&payload).unwrap_or_default()),
            now,
        )
    }

    /// Reads a token; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`AuthTokenError`] if it is expired or not an auth token that we signed.
    pub fn open(
        &self,
        token: &str,
        now: i64,
        max_age: Duration,
    ) -> Result<AuthToken, AuthTokenError> {
        let opened = self.0.open(token, now, Some(max_age))?;
        let json = decode_payload(opened.payload)?;
        let Payload(token) =
            serde_json::from_slice(&json).map_err(|_| AuthTokenError::NotAToken)?;
        let token = token.ok_or(AuthTokenError::NotAToken)?;
        if token.expires_at.is_some_and(|end| end < now) {
            return Err(AuthTokenError::PastItsEnd);
        }
        Ok(token)
    }
}

/// The payload of a token of any version.
struct Payload(Option<AuthToken>);

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PayloadVisitor;
        impl<'de> Visitor<'de> for PayloadVisitor {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Payload, A::Error> {
                let [mut ver, mut uid, mut fs_paa, mut exp] = [const { None }; 4];
                while let Some((member, value)) = access.next_entry::<Member, Value>()? {
                    match member {
                        Member::Ver => ver = Some(value),
                        Member::Uid => uid = Some(value),
                        Member::FsPaa => fs_paa = Some(value),
                        Member::Exp => exp = Some(value),
                        Member::Other => {}
                    }
                }
                let read = || {
                    ver?;
                    Some(AuthToken {
                        uniquifier: text(uid?)?,
                        authenticated_at: fs_paa.and_then(|value| value.as_f64()),
                        expires_at: Some(exp?.as_i64()?).filter(|end| *end != 0),
                    })
                };
                Ok(Payload(read()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Payload, A::Error> {
                let mut list: Vec<Value> = Vec::new();
                while let Some(value) = access.next_element()? {
                    list.push(value);
                }
                let user = list.pop().filter(|_| matches!(list.len(), 0 | 2));
                Ok(Payload(user.and_then(text).map(|uniquifier| AuthToken {
                    uniquifier,
                    authenticated_at: None,
                    expires_at: None,
                })))
            }
        }
        deserializer.deserialize_any(PayloadVisitor)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    Ver,
    Uid,
    FsPaa,
    Exp,
    #[serde(other)]
    Other,
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
