//! Fernet tokens (<https://github.com/fernet/spec>), with which the reference encrypts recovery
//! codes: AES-128-CBC, then HMAC-SHA256, with the time of encryption.

use std::fmt;

use aes::Aes128;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

/// Python ignores the unused bits of the last character.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

const VERSION: u8 = 0x80;
const BLOCK: usize = 16;
/// The version, the time and the initialisation vector.
const HEADER: usize = 1 + 8 + BLOCK;
const MAC: usize = 32;

/// How far the clock that encrypted may be ahead of ours, in seconds.
const SKEW: i128 = 60;

/// The longest token that is read, in characters.
const LIMIT: usize = 64 * 1024;

/// A key is not 32 bytes in URL-safe base64 with padding, or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Fernet key must be 32 bytes in URL-safe base64")]
pub struct FernetKeyError;

/// The keys, as in cryptography's `MultiFernet`: the first one encrypts, and all of them decrypt.
#[derive(Clone)]
pub struct FernetRing(Vec<FernetKey>);

#[derive(Clone)]
struct FernetKey {
    signing: HmacSha256,
    encryption: Zeroizing<[u8; BLOCK]>,
}

impl FernetRing {
    /// A ring of keys in base64, the current one first.
    ///
    /// # Errors
    /// [`FernetKeyError`] if there is no key, or one is malformed.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, FernetKeyError> {
        let keys: Vec<FernetKey> = keys
            .into_iter()
            .map(|key| FernetKey::parse(key).ok_or(FernetKeyError))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(FernetKeyError);
        }
        Ok(Self(keys))
    }

    /// Encrypts with the current key; `now` is in seconds since 1970. The initialisation vector is
    /// random.
    #[must_use]
    pub fn seal(&self, plain: &[u8], iv: &[u8; BLOCK], now: i64) -> String {
        self.0
            .first()
            .map(|key| key.seal(plain, iv, now))
            .unwrap_or_default()
    }

    /// Decrypts a token; `now` and `ttl` are in seconds. `None` for a token that none of the keys
    /// made. With `ttl`, also for one that is older, or from further in the future than clocks may
    /// differ.
    #[must_use]
    pub fn open(&self, token: &str, now: i64, ttl: Option<u64>) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = decode(token)?;
        let time = u64::from_be_bytes(bytes.get(1..9)?.try_into().ok()?);
        if bytes.first() != Some(&VERSION) {
            return None;
        }
        if let Some(ttl) = ttl {
            let (time, now) = (i128::from(time), i128::from(now));
            if time + i128::from(ttl) < now || now + SKEW < time {
                return None;
            }
        }
        self.0.iter().find_map(|key| key.open(&bytes))
    }
}

impl fmt::Debug for FernetRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FernetRing")
            .field("keys", &self.0.len())
            .finish()
    }
}

impl FernetKey {
    fn parse(key: &str) -> Option<Self> {
        let bytes = decode(key)?;
        let bytes: &[u8; 2 * BLOCK] = bytes.as_slice().try_into().ok()?;
        let (signing, encryption) = bytes.split_at(BLOCK);
        Some(Self {
            signing: HmacSha256::new_from_slice(signing).ok()?,
            encryption: Zeroizing::new(encryption.try_into().ok()?),
        })
    }

    fn seal(&self, plain: &[u8], iv: &[u8; BLOCK], now: i64) -> String {
        let cipher = cbc::Encryptor::<Aes128>::new((&*self.encryption).into(), iv.into());
        let mut bytes = vec![VERSION];
        bytes.extend(now.max(0).to_be_bytes());
        bytes.extend(iv);
        // The padding is one to sixteen bytes.
        bytes.extend(plain);
        bytes.resize(HEADER + (plain.len() / BLOCK + 1) * BLOCK, 0);
        // The buffer has the length that the padding needs.
        let _ = cipher.encrypt_padded::<Pkcs7>(&mut bytes[HEADER..], plain.len());
        let mut mac = self.signing.clone();
        mac.update(&bytes);
        bytes.extend(mac.finalize().into_bytes());
        BASE64.encode(bytes)
    }

    fn open(&self, bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        let (header, ciphertext) = signed.split_at_checked(HEADER)?;
        let mut mac = self.signing.clone();
        mac.update(signed);
        mac.verify_slice(tag).ok()?;
        let iv = header[HEADER - BLOCK..].try_into().ok()?;
        let cipher = cbc::Decryptor::<Aes128>::new((&*self.encryption).into(), iv);
        let mut plain = Zeroizing::new(ciphertext.to_vec());
        let length = cipher.decrypt_padded::<Pkcs7>(&mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// Decodes base64 of either alphabet, with white space around it, as Python does.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() > LIMIT {
        return None;
    }
    let text = Zeroizing::new(text.trim_ascii().replace('+', "-").replace('/', "_"));
    BASE64.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    fn ring() -> FernetRing {
        FernetRing::new([KEY]).unwrap()
    }

    /// The specification's `generate.json` and `verify.json`: 499162800 is 1985-10-26T01:20:00-07:00.
    #[test]
    fn the_vectors_of_the_specification_encrypt_and_decrypt() {
        let iv: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        assert_eq!(ring().seal(b"hello", &iv, 499_162_800), token);
        let opened = ring().open(token, 499_162_801, Some(60)).unwrap();
        assert_eq!(opened.as_slice(), b"hello");
    }

    #[test]
    fn attack_forged_tokens_with_a_valid_signature_but_no_valid_content_are_refused() {
        let key = FernetKey::parse(KEY).unwrap();
        let signed = |bytes: &[u8]| {
            let mut mac = key.signing.clone();
            mac.update(bytes);
            BASE64.encode([bytes, &mac.finalize().into_bytes()].concat())
        };
        let mut header = vec![VERSION];
        header.extend([0; HEADER - 1]);
        for length in [0, 1, 15, 16, 17, 31] {
            // Zeros do not decrypt to valid padding.
            let token = signed(&[&header[..], &vec![0; length]].concat());
            assert_eq!(ring().open(&token, 0, None), None, "{length}");
        }
        for length in 0..HEADER {
            assert_eq!(
                ring().open(&signed(&header[..length]), 0, None),
                None,
                "{length}"
            );
        }
        header[0] = 0x81;
        let iv = [0; 16];
        let mut bytes = decode(&ring().seal(b"x", &iv, 0)).unwrap().to_vec();
        bytes.truncate(bytes.len() - MAC);
        assert!(ring().open(&signed(&bytes), 0, None).is_some());
        bytes[0] = 0x81;
        assert_eq!(
            ring().open(&signed(&bytes), 0, None),
            None,
            "another version"
        );
    }

    #[test]
    fn a_ring_without_keys_and_debug_output_with_keys_do_not_exist() {
        assert_eq!(FernetRing::new([]).err(), Some(FernetKeyError));
        assert_eq!(format!("{:?}", ring()), "FernetRing { keys: 1 }");
    }
}
