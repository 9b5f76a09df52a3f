//! werkzeug's hashes, as plain Flask applications store them: `pbkdf2:sha256:600000$salt$digest`
//! and `scrypt:32768:8:1$salt$digest`. The salt is plain text, the digest is hexadecimal.
//!
//! werkzeug writes the parameters into every hash, so a hash without them is malformed.

use super::number::decimal;
use super::{HashError, Scheme, pbkdf2, scrypt};
use crate::hex;

/// Returns `None` if the scheme is not werkzeug's.
pub(super) fn verify(scheme: Scheme, secret: &[u8], hash: &str) -> Option<Result<bool, HashError>> {
    let malformed = HashError::Malformed(scheme.name());
    let verify = match scheme {
        Scheme::WerkzeugPbkdf2 => with_pbkdf2,
        Scheme::WerkzeugScrypt => with_scrypt,
        _ => return None,
    };
    Some(verify(secret, hash).unwrap_or(Err(malformed)))
}

fn with_pbkdf2(secret: &[u8], hash: &str) -> Option<Result<bool, HashError>> {
    let (method, salt, expected) = parts(hash)?;
    let (kind, rounds) = method.strip_prefix("pbkdf2:")?.split_once(':')?;
    let kind = match kind {
        "sha1" => pbkdf2::Digest::Sha1,
        "sha256" => pbkdf2::Digest::Sha256,
        "sha512" => pbkdf2::Digest::Sha512,
        _ => return None,
    };
    Some(kind.matches(secret, salt.as_bytes(), decimal(rounds)?, &expected))
}

fn with_scrypt(secret: &[u8], hash: &str) -> Option<Result<bool, HashError>> {
    let (method, salt, expected) = parts(hash)?;
    let mut costs = method.strip_prefix("scrypt:")?.split(':').map(decimal);
    let mut cost = || costs.next().flatten();
    let (n, block_size, parallelism) = (cost()?, cost()?, cost()?);
    if costs.next().is_some() || !n.is_power_of_two() {
        return None;
    }
    let cost = scrypt::Cost::new(n.trailing_zeros(), block_size, parallelism);
    Some(scrypt::matches(secret, salt.as_bytes(), cost, &expected))
}

/// The method with its parameters, the salt, and the digest.
fn parts(hash: &str) -> Option<(&str, &str, Vec<u8>)> {
    let mut parts = hash.split('$');
    let (method, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
    (parts.next().is_none() && !salt.is_empty())
        .then(|| hex::decode(digest).map(|digest| (method, salt, digest)))
        .flatten()
}
