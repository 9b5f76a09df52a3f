//! Keys derived from `SECRET_KEY`, one for each purpose.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::settings::SecretSettings;

/// A key for one purpose.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The keys for one purpose: derived from the current secret, then from the previous ones.
pub(crate) fn keys(secrets: &SecretSettings, purpose: &str) -> Vec<Key> {
    std::iter::once(&secrets.secret_key)
        .chain(&secrets.fallbacks)
        .map(|secret| Zeroizing::new(mac(secret.expose_secret().as_bytes(), purpose.as_bytes())))
        .collect()
}

/// HMAC-SHA-256 (RFC 2104), which accepts keys of any length.
pub(crate) fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // Infallible for this construction.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
}
