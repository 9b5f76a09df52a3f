//! Django's hashes: the name of the scheme without a leading dollar sign, and then mostly formats
//! that other schemes use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::number::decimal;
use super::{HashError, Memory, Scheme, argon2, bcrypt, pbkdf2};
use crate::hex;

/// Returns `None` if the scheme is not Django's, or one that is not verified.
pub(super) fn verify(
    scheme: Scheme,
    secret: &[u8],
    hash: &str,
    memory: &mut Memory,
) -> Option<Result<bool, HashError>> {
    let malformed = HashError::Malformed(scheme.name());
    let inner = |prefix| hash.strip_prefix(prefix).ok_or(malformed.clone());
    Some(match scheme {
        Scheme::DjangoArgon2 => {
            inner("argon2").and_then(|inner| argon2::verify(secret, inner, memory))
        }
        Scheme::DjangoBcrypt => inner("bcrypt$").and_then(|inner| bcrypt::verify(secret, inner)),
        Scheme::DjangoBcryptSha256 => {
            let digest = Zeroizing::new(hex::encode(&Sha256::digest(secret)));
            inner("bcrypt_sha256$").and_then(|inner| bcrypt::verify(digest.as_bytes(), inner))
        }
        Scheme::DjangoPbkdf2Sha256 => inner("pbkdf2_sha256$")
            .and_then(|inner| pbkdf2(pbkdf2::Digest::Sha256, secret, inner, malformed)),
        Scheme::DjangoPbkdf2Sha1 => inner("pbkdf2_sha1$")
            .and_then(|inner| pbkdf2(pbkdf2::Digest::Sha1, secret, inner, malformed)),
        Scheme::DjangoSaltedSha1 => inner("sha1$").and_then(|inner| {
            salted(inner, malformed, |salt| {
                hex::encode(
                    &Sha1::new()
                        .chain_update(salt)
                        .chain_update(secret)
                        .finalize(),
                )
            })
        }),
        Scheme::DjangoSaltedMd5 => inner("md5$").and_then(|inner| {
            salted(inner, malformed, |salt| {
                hex::encode(
                    &Md5::new()
                        .chain_update(salt)
                        .chain_update(secret)
                        .finalize(),
                )
            })
        }),
        _ => return None,
    })
}

/// `rounds$salt$digest`: the salt is plain text, the digest is base64 with padding.
fn pbkdf2(
    kind: pbkdf2::Digest,
    secret: &[u8],
    inner: &str,
    malformed: HashError,
) -> Result<bool, HashError> {
    let parts: Vec<&str> = inner.split('$').collect();
    let [rounds, salt, digest] = parts[..] else {
        return Err(malformed);
    };
    match (decimal(rounds), STANDARD.decode(digest)) {
        (Some(rounds), Ok(digest)) => kind.matches(secret, salt.as_bytes(), rounds, &digest),
        _ => Err(malformed),
    }
}

/// `salt$digest`: the digest is hexadecimal.
fn salted(
    inner: &str,
    malformed: HashError,
    digest: impl FnOnce(&[u8]) -> String,
) -> Result<bool, HashError> {
    match inner.split_once('$') {
        Some((salt, expected)) if !expected.contains('$') => {
            let digest = Zeroizing::new(digest(salt.as_bytes()));
            Ok(digest.as_bytes().ct_eq(expected.as_bytes()).into())
        }
        _ => Err(malformed),
    }
}
