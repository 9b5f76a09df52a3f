//! The reference's double hash: the scheme hashes not the password but its HMAC-SHA-512 with the
//! key `SECURITY_PASSWORD_SALT`, in base64. An attacker who steals the hashes but not this salt
//! cannot guess passwords.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use zeroize::Zeroizing;

use super::Scheme;

/// `SECURITY_PASSWORD_SINGLE_HASH`: the schemes that hash the password directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SingleHash {
    /// All schemes.
    Always,
    /// The schemes with these names.
    Schemes(Vec<String>),
}

#[derive(Clone)]
pub(super) struct DoubleHash {
    key: Option<Hmac<Sha512>>,
    single: SingleHash,
}

impl DoubleHash {
    pub(super) fn new(salt: Option<&str>, single: SingleHash) -> Self {
        // The reference treats an empty salt as none.
        let key = salt
            .filter(|salt| !salt.is_empty())
            .and_then(|salt| Hmac::new_from_slice(salt.as_bytes()).ok());
        Self { key, single }
    }

    /// The input of the scheme for a password.
    pub(super) fn apply(&self, scheme: Scheme, password: &str) -> Zeroizing<Vec<u8>> {
        let single = match &self.single {
            SingleHash::Always => true,
            SingleHash::Schemes(names) => names.iter().any(|name| name == scheme.name()),
        };
        match &self.key {
            Some(key) if !single => {
                let mut mac = key.clone();
                mac.update(password.as_bytes());
                Zeroizing::new(STANDARD.encode(mac.finalize().into_bytes()).into_bytes())
            }
            _ => Zeroizing::new(password.as_bytes().to_vec()),
        }
    }
}

impl fmt::Debug for DoubleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoubleHash")
            .field("single", &self.single)
            .finish_non_exhaustive()
    }
}
