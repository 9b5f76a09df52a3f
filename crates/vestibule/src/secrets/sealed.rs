//! Encryption of values in the database, such as mails that contain links.
//!
//! ChaCha20-Poly1305 (RFC 8439) with the nonce in front, in base64.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};

use super::derived::{self, Key};
use crate::rng::{self, Random};
use crate::settings::SecretSettings;

const NONCE: usize = 12;

/// Encrypts with the current key, and decrypts with previous ones as well.
pub(crate) struct Sealer(Vec<Key>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    pub(crate) fn new(secrets: &SecretSettings, purpose: &str) -> Self {
        Self(derived::keys(secrets, purpose))
    }

    /// Encrypts a text; `None` only if there is no key.
    pub(crate) fn seal(&self, text: &[u8], random: &dyn Random) -> Option<String> {
        let nonce = rng::bytes::<NONCE>(random);
        let cipher = cipher(self.0.first()?);
        let sealed = cipher.encrypt(&Nonce::from(nonce), text).ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Decrypts a value that was encrypted with any of the keys.
    pub(crate) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        self.0
            .iter()
            .find_map(|key| cipher(key).decrypt(&Nonce::from(*nonce), sealed).ok())
    }
}

fn cipher(key: &Key) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new((&**key).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    fn sealer(secrets: &[&str]) -> Sealer {
        let keys = secrets
            .iter()
            .map(|secret| derived::mac(secret.as_bytes(), b"test").into());
        Sealer(keys.collect())
    }

    #[test]
    fn a_sealed_value_opens_only_with_its_key() {
        let sealed = sealer(&["old"]).seal(b"a link", &SystemRandom).unwrap();
        assert!(!sealed.contains("link"));
        assert_eq!(sealer(&["old"]).open(&sealed).unwrap(), b"a link");
        assert_eq!(sealer(&["new", "old"]).open(&sealed).unwrap(), b"a link");
        assert_eq!(sealer(&["new"]).open(&sealed), None);
        let again = sealer(&["old"]).seal(b"a link", &SystemRandom).unwrap();
        assert_ne!(again, sealed);
        for end in 0..sealed.len() {
            assert_eq!(sealer(&["old"]).open(&sealed[..end]), None);
        }
    }
}
