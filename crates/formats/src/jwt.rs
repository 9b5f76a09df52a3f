//! Signed JSON Web Tokens in compact form (RFC 7515, RFC 7519): their parts, without any check of
//! the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::strict_json;

/// The longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// An algorithm that a provider's token may be signed with. There is no `none` and no HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PKCS #1 v1.5, SHA-384.
    Rs384,
    /// RSA, PKCS #1 v1.5, SHA-512.
    Rs512,
    /// RSA, PSS, SHA-256.
    Ps256,
    /// RSA, PSS, SHA-384.
    Ps384,
    /// RSA, PSS, SHA-512.
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The algorithm with this name in a header.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            // RFC 9864 names the curve.
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }
}

/// Why a text is not a token that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// It is not three base64url parts with JSON objects in the first two.
    #[error("malformed")]
    Malformed,
    /// Its algorithm is not one of [`Algorithm`].
    #[error("algorithm")]
    Algorithm,
}

/// A token whose signature is not checked yet.
#[derive(Clone)]
pub struct UnverifiedJwt<'a> {
    /// The algorithm that the header names.
    pub algorithm: Algorithm,
    /// The key that the header names.
    pub key_id: Option<String>,
    /// The claims. Nothing vouches for them before the signature is checked.
    pub claims: Map<String, Value>,
    /// The signed text.
    pub message: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl std::fmt::Debug for UnverifiedJwt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedJwt")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl<'a> UnverifiedJwt<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JwtError`] for a text that is too long, is not base64url without padding, repeats a
    /// member, has the `typ` of something else than a JWT, or has extensions that must be
    /// understood (`crit`).
    pub fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > LONGEST {
            return Err(JwtError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(JwtError::Malformed)?;
        let header = object(header)?;
        let claims = object(claims)?;
        let signature = decode(signature)?;
        let is_jwt = match header.get("typ") {
            None => true,
            Some(typ) => typ.as_str().is_some_and(|typ| {
                typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt")
            }),
        };
        if !is_jwt || header.contains_key("crit") {
            return Err(JwtError::Malformed);
        }
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(Algorithm::from_name)
            .ok_or(JwtError::Algorithm)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(JwtError::Malformed),
        };
        Ok(Self {
            algorithm,
            key_id,
            claims,
            message: message.as_bytes(),
            signature,
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JwtError::Malformed)
}

fn object(part: &str) -> Result<Map<String, Value>, JwtError> {
    strict_json::parse_object(&decode(part)?).ok_or(JwtError::Malformed)
}

/// Joins header and claims to the text that is to be signed.
#[must_use]
pub fn signing_input(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// Appends the signature to the signed text.
#[must_use]
pub fn with_signature(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The moment in a claim such as `exp`, in seconds since 1970; a fraction is dropped.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is within the bounds of a date"
)]
pub fn moment(value: &Value) -> Option<i64> {
    const LATEST: f64 = 253_402_300_799.0;
    let number = value.as_f64()?;
    (0.0..=LATEST).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(header: &Value) -> String {
        with_signature(&signing_input(header, &json!({"sub": "1"})), b"signature")
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(&json!({"alg": "ES256", "kid": "a", "typ": "JWT"}));
        let jwt = UnverifiedJwt::parse(&text).unwrap();
        assert_eq!(jwt.algorithm, Algorithm::Es256);
        assert_eq!(jwt.key_id.as_deref(), Some("a"));
        assert_eq!(jwt.claims["sub"], "1");
        assert_eq!(jwt.signature, b"signature");
        assert_eq!(jwt.message, text.rsplit_once('.').unwrap().0.as_bytes());
    }

    #[test]
    fn attack_jwt_algorithms_without_a_public_key_are_refused() {
        for name in [
            "none", "None", "NONE", "", "HS256", "HS384", "HS512", "rs256", "ES256K",
        ] {
            let text = token(&json!({"alg": name}));
            let error = UnverifiedJwt::parse(&text).unwrap_err();
            assert_eq!(error, JwtError::Algorithm, "{name}");
        }
        for header in [json!({}), json!({"alg": 256}), json!({"alg": null})] {
            assert!(UnverifiedJwt::parse(&token(&header)).is_err(), "{header}");
        }
    }

    #[test]
    fn attack_jwt_of_another_type_or_shape_is_refused() {
        for header in [
            json!({"alg": "RS256", "typ": "at+jwt"}),
            json!({"alg": "RS256", "typ": 1}),
            json!({"alg": "RS256", "crit": ["b64"], "b64": false}),
            json!({"alg": "RS256", "kid": 1}),
        ] {
            let text = token(&header);
            assert_eq!(
                UnverifiedJwt::parse(&text).unwrap_err(),
                JwtError::Malformed,
                "{header}"
            );
        }
        let good = token(&json!({"alg": "RS256"}));
        for text in [
            String::new(),
            "..".to_owned(),
            good.replace('.', ""),
            format!("{good}."),
            format!("{good}="),
            format!(" {good}"),
            format!("{good}.x.y"),
            "A".repeat(LONGEST + 1),
        ] {
            assert!(UnverifiedJwt::parse(&text).is_err(), "{text:.60}");
        }
    }

    #[test]
    fn moments_are_dates() {
        assert_eq!(moment(&json!(1_800_000_000)), Some(1_800_000_000));
        assert_eq!(moment(&json!(1.9)), Some(1));
        for value in [
            json!(-1),
            json!("1"),
            json!(1e300),
            json!(null),
            json!(u64::MAX),
        ] {
            assert_eq!(moment(&value), None, "{value}");
        }
    }
}
