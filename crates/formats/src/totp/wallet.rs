//! Keys in the database, encrypted with the application's secrets as passlib's `AppWallet` encrypts
//! them. The reference stores such a text in `tf_totp_secret`, in the values of `us_totp_secrets`,
//! and in the states of set-ups.
//!
//! The key is encrypted with AES-256-CTR. PBKDF2-HMAC-SHA256 derives the AES key and the counter
//! block from one of the secrets and a salt. Nothing authenticates the ciphertext: a wrong secret,
//! or a changed text, results in another key, with which no code matches.

use std::cmp::Ordering;
use std::fmt;

use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use ctr::Ctr128BE;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::base32;
use super::code::{Algorithm, Key, Totp};
use super::stored::{EncryptedKey, Stored, StoredKey};

/// The length of a salt in bytes.
pub const SALT_BYTES: usize = 12;

/// passlib's cost, the logarithm of the PBKDF2 rounds to base 2.
const COST: u32 = 14;

/// The highest cost that a stored key may demand: 64 times passlib's.
const COST_LIMIT: u32 = 20;

/// The AES key and the counter block.
const AES_KEY: usize = 32;
const AES_KEY_AND_IV: usize = AES_KEY + 16;

/// Why a key cannot be read, or a wallet not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// There are no secrets.
    #[error("there are no secrets to encrypt one-time-code keys with")]
    NoSecrets,
    /// A tag has other characters than letters, digits, `_`, `.` and `-`, or begins with one of the
    /// last three.
    #[error("the tag {0:?} has characters that are not allowed")]
    BadTag(String),
    /// A secret is empty.
    #[error("the secret with the tag {0:?} is empty")]
    EmptySecret(String),
    /// The stored text is not a key that passlib can read.
    #[error("the stored one-time-code key is malformed")]
    Malformed,
    /// The secret that encrypted the key is not in the wallet.
    #[error("the stored one-time-code key needs the secret with the tag {0:?}, which is missing")]
    UnknownTag(String),
    /// Reading the key would take too long.
    #[error("the stored one-time-code key demands 2^{0} rounds of PBKDF2")]
    TooExpensive(u32),
}

/// A key that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The key and the parameters of its codes.
    pub totp: Totp,
    /// Whether the key should be sealed anew: it is in plain text, or encrypted with a secret or a
    /// cost that is not the current one.
    pub needs_reseal: bool,
    /// Whether reading it took less time than reading a key that [`Wallet::seal`] made: it is in
    /// plain text, or has a lower cost.
    pub was_cheap: bool,
}

/// The secrets that encrypt keys, each with a tag. The tag is stored with the keys, so that older
/// secrets can still decrypt.
#[derive(Clone)]
pub struct Wallet {
    secrets: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// The index of the secret that encrypts.
    current: usize,
}

impl Wallet {
    /// A wallet of tags and secrets. The largest tag encrypts: the largest number if all tags are
    /// numbers, otherwise the last in the order of characters. If a tag is repeated, its last secret
    /// counts.
    ///
    /// # Errors
    /// [`WalletError`] if there is no secret, or one that passlib refuses.
    pub fn new<T, S>(secrets: impl IntoIterator<Item = (T, S)>) -> Result<Self, WalletError>
    where
        T: Into<String>,
        S: AsRef<[u8]>,
    {
        let mut kept: Vec<(String, Zeroizing<Vec<u8>>)> = Vec::new();
        for (tag, secret) in secrets {
            let (tag, secret) = (tag.into(), secret.as_ref());
            if !is_tag(&tag) {
                return Err(WalletError::BadTag(tag));
            }
            if secret.is_empty() {
                return Err(WalletError::EmptySecret(tag));
            }
            let secret = Zeroizing::new(secret.to_vec());
            match kept.iter_mut().find(|(other, _)| *other == tag) {
                Some((_, earlier)) => *earlier = secret,
                None => kept.push((tag, secret)),
            }
        }
        let numeric = kept
            .iter()
            .all(|(tag, _)| tag.bytes().all(|byte| byte.is_ascii_digit()));
        let compare = |left: &str, right: &str| {
            if numeric {
                compare_numbers(left, right)
            } else {
                left.cmp(right)
            }
        };
        // Of equal numbers (1 and 01), Python takes the first.
        let current = (0..kept.len()).reduce(|largest, next| {
            let order = compare(&kept[next].0, &kept[largest].0);
            if order == Ordering::Greater {
                next
            } else {
                largest
            }
        });
        Ok(Self {
            current: current.ok_or(WalletError::NoSecrets)?,
            secrets: kept,
        })
    }

    /// Reads a key: passlib's JSON, encrypted or not, or an `otpauth://` URI. (passlib's
    /// `from_source` accepts the same. Neither accepts a bare base32 key.)
    ///
    /// An encrypted key costs 2 x 16,384 rounds of PBKDF2 with passlib's cost, which is several
    /// milliseconds: do not call this on a thread that serves other requests. A stored text can
    /// demand at most 64 times as much.
    ///
    /// # Errors
    /// [`WalletError::Malformed`], [`WalletError::UnknownTag`] or [`WalletError::TooExpensive`].
    pub fn open(&self, stored: &str) -> Result<Opened, WalletError> {
        let mut parsed = Stored::parse(stored).ok_or(WalletError::Malformed)?;
        let (key, needs_reseal, was_cheap) = match &mut parsed.key {
            StoredKey::Plain(key) => (key.clone(), true, true),
            StoredKey::Encrypted(encrypted) => {
                let outdated =
                    encrypted.cost != COST || encrypted.tag != self.secrets[self.current].0;
                (self.decrypt(encrypted)?, outdated, encrypted.cost < COST)
            }
        };
        Ok(Opened {
            totp: parsed.totp(key).ok_or(WalletError::Malformed)?,
            needs_reseal,
            was_cheap,
        })
    }

    /// Encrypts a key with the current secret, to passlib's JSON. The salt is random. This costs as
    /// much as [`open`](Self::open).
    #[must_use]
    pub fn seal(&self, totp: &Totp, salt: &[u8; SALT_BYTES]) -> String {
        let (tag, secret) = &self.secrets[self.current];
        let mut bytes = Zeroizing::new(totp.key().as_bytes().to_vec());
        apply(secret, salt, COST, &mut bytes);
        let (salt, key) = (base32::encode(salt), base32::encode(&bytes));
        // passlib sorts the members, and omits defaults. None of these strings needs escaping.
        let mut json = String::from("{");
        match totp.algorithm() {
            Algorithm::Sha1 => {}
            Algorithm::Sha256 => json.push_str("\"alg\":\"sha256\","),
            Algorithm::Sha512 => json.push_str("\"alg\":\"sha512\","),
        }
        if totp.digits() != Totp::DIGITS {
            json.push_str(&format!("\"digits\":{},", totp.digits()));
        }
        json.push_str(&format!(
            "\"enckey\":{{\"c\":{COST},\"k\":\"{key}\",\"s\":\"{salt}\",\"t\":\"{tag}\",\"v\":1}},"
        ));
        if totp.period() != Totp::PERIOD {
            json.push_str(&format!("\"period\":{},", totp.period()));
        }
        json.push_str("\"type\":\"totp\",\"v\":1}");
        json
    }

    fn decrypt(&self, encrypted: &EncryptedKey) -> Result<Key, WalletError> {
        let tag = &encrypted.tag;
        let (_, secret) = self
            .secrets
            .iter()
            .find(|(other, _)| other == tag)
            .ok_or_else(|| WalletError::UnknownTag(tag.clone()))?;
        if encrypted.cost > COST_LIMIT {
            return Err(WalletError::TooExpensive(encrypted.cost));
        }
        let salt = encrypted.salt().ok_or(WalletError::Malformed)?;
        let mut bytes = encrypted.ciphertext().ok_or(WalletError::Malformed)?;
        apply(secret, &salt, encrypted.cost, &mut bytes);
        Key::from_zeroizing(bytes).ok_or(WalletError::Malformed)
    }
}

impl fmt::Debug for Wallet {
    /// Shows the tags but not the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = self.secrets.iter().map(|(tag, _)| tag);
        f.debug_set().entries(tags).finish()
    }
}

/// Encrypts or decrypts, which is the same.
fn apply(secret: &[u8], salt: &[u8], cost: u32, bytes: &mut [u8]) {
    let mut derived = Zeroizing::new([0; AES_KEY_AND_IV]);
    pbkdf2_hmac::<Sha256>(secret, salt, 1 << cost, &mut *derived);
    let (key, iv) = derived.split_at(AES_KEY);
    // The lengths always fit.
    if let Ok(mut cipher) = Ctr128BE::<Aes256>::new_from_slices(key, iv) {
        cipher.apply_keystream(bytes);
    }
}

fn is_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Compares decimal numbers of any length.
fn compare_numbers(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}
