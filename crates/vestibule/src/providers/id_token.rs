//! Checking the claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;
use vestibule_formats::jwk::JwkSet;
use vestibule_formats::jwt::{Algorithm, JwtError, UnverifiedJwt, moment};

use super::error::ProtocolFault;
use super::issuer::Issuers;
use super::signature;

/// How far the clocks of the provider and this server may differ, in seconds.
const LEEWAY: i64 = 60;

/// The longest subject, in bytes (OpenID Connect Core, section 2).
pub(super) const LONGEST_SUBJECT: usize = 255;

/// What an ID token has to be for.
pub(super) struct Expected<'a> {
    pub(super) issuers: &'a Issuers,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// The access token that came with the ID token.
    pub(super) access_token: &'a str,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Takes an ID token apart.
///
/// # Errors
/// If it is not a JWT with an allowed algorithm.
pub(super) fn parse(token: &str) -> Result<UnverifiedJwt<'_>, ProtocolFault> {
    UnverifiedJwt::parse(token).map_err(|error| match error {
        JwtError::Malformed => ProtocolFault::IdTokenMalformed,
        JwtError::Algorithm => ProtocolFault::Algorithm,
    })
}

/// Checks the signature with the one key that fits the header.
///
/// # Errors
/// If no key fits, or the signature does not match.
pub(super) fn verify(token: &UnverifiedJwt<'_>, keys: &JwkSet) -> Result<(), ProtocolFault> {
    let key = keys
        .find(token.key_id.as_deref(), token.algorithm)
        .ok_or(ProtocolFault::UnknownKey)?;
    signature::verify(token, key)
}

/// Checks the claims of a token whose signature was checked.
///
/// # Errors
/// The first check that fails.
pub(super) fn check(
    token: &UnverifiedJwt<'_>,
    expected: &Expected<'_>,
) -> Result<(), ProtocolFault> {
    let claims = &token.claims;
    if !expected.issuers.allow_claims(claims) {
        return Err(ProtocolFault::Issuer);
    }
    audience(claims, expected.client_id)?;
    times(claims, expected.now)?;
    let nonce = text(claims, "nonce").ok_or(ProtocolFault::Nonce)?;
    // An empty nonce would bind nothing.
    if expected.nonce.is_empty() || !is_same(nonce, expected.nonce) {
        return Err(ProtocolFault::Nonce);
    }
    let subject = text(claims, "sub").ok_or(ProtocolFault::Subject)?;
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
        return Err(ProtocolFault::Subject);
    }
    match claims.get("at_hash") {
        None => Ok(()),
        Some(Value::String(hash)) if is_same(hash, &half_hash(token.algorithm, expected)) => Ok(()),
        Some(_) => Err(ProtocolFault::AccessTokenHash),
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), ProtocolFault> {
    let several = match claims.get("aud") {
        Some(Value::String(audience)) if audience == client_id => false,
        Some(Value::Array(audiences)) => {
            if !audiences.iter().all(Value::is_string)
                || !audiences.iter().any(|audience| audience == client_id)
            {
                return Err(ProtocolFault::Audience);
            }
            audiences.len() > 1
        }
        _ => return Err(ProtocolFault::Audience),
    };
    match claims.get("azp") {
        Some(party) if party == client_id => Ok(()),
        None if !several => Ok(()),
        _ => Err(ProtocolFault::AuthorizedParty),
    }
}

fn times(claims: &Map<String, Value>, now: i64) -> Result<(), ProtocolFault> {
    let time = |name: &str| claims.get(name).and_then(moment);
    let expiry = time("exp").ok_or(ProtocolFault::Expired)?;
    if now >= expiry + LEEWAY {
        return Err(ProtocolFault::Expired);
    }
    let issued = time("iat").ok_or(ProtocolFault::Future)?;
    let begin = match claims.get("nbf") {
        None => issued,
        Some(begin) => moment(begin).ok_or(ProtocolFault::Future)?.max(issued),
    };
    if begin > now + LEEWAY {
        return Err(ProtocolFault::Future);
    }
    Ok(())
}

/// The left half of the access token's hash (OpenID Connect Core, section 3.1.3.6).
fn half_hash(algorithm: Algorithm, expected: &Expected<'_>) -> String {
    let token = expected.access_token.as_bytes();
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => Sha256::digest(token).to_vec(),
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => Sha384::digest(token).to_vec(),
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => Sha512::digest(token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}
