//! Flask-Login's remember cookie: `user id|signature` (Flask-Login 0.6).
//!
//! The signature is HMAC-SHA-512 of the ID with the secret key in Latin-1, in hexadecimal. It has
//! no time: the cookie's lifetime and the user's `fs_uniquifier` limit its validity.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use subtle::ConstantTimeEq as _;

use crate::sign::KeyRing;

type HmacSha512 = Hmac<Sha512>;

/// Opens and seals remember cookies.
#[derive(Clone)]
pub struct RememberCodec {
    /// One keyed state for each secret, the current one first.
    states: Vec<HmacSha512>,
}

impl RememberCodec {
    /// Creates a codec for these secrets. A secret that is not Latin-1, which Flask-Login cannot
    /// use at all, is taken as its UTF-8 bytes.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        let states = ring
            .secrets()
            .filter_map(|secret| HmacSha512::new_from_slice(&latin_1(secret)).ok())
            .collect();
        Self { states }
    }

    /// The user ID in a cookie that we signed; `None` for any other cookie.
    #[must_use]
    pub fn open(&self, cookie: &str) -> Option<String> {
        let (id, signature) = cookie.rsplit_once('|')?;
        let genuine = self
            .states
            .iter()
            .any(|state| bool::from(hex(state, id).as_bytes().ct_eq(signature.as_bytes())));
        (genuine && !id.is_empty()).then(|| id.to_owned())
    }

    /// The cookie for a user ID.
    #[must_use]
    pub fn seal(&self, id: &str) -> String {
        let signature = self
            .states
            .first()
            .map(|state| hex(state, id))
            .unwrap_or_default();
        format!("{id}|{signature}")
    }
}

impl fmt::Debug for RememberCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberCodec")
            .field("keys", &self.states.len())
            .finish()
    }
}

fn latin_1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)))
        .collect::<Result<_, _>>()
        .unwrap_or_else(|_| text.as_bytes().to_vec())
}

fn hex(state: &HmacSha512, id: &str) -> String {
    let mut mac = state.clone();
    mac.update(id.as_bytes());
    crate::hex::encode(&mac.finalize().into_bytes())
}
