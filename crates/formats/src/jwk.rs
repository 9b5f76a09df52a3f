//! JSON Web Key Sets (RFC 7517): the public keys that a provider signs with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::jwt::Algorithm;
use crate::strict_json;

/// The most keys that a set may have; later ones are ignored.
const MOST_KEYS: usize = 64;

/// The longest RSA modulus, in bytes.
const LONGEST_MODULUS: usize = 1024;

/// A set of public keys.
#[derive(Debug, Clone, Default)]
pub struct JwkSet(Vec<Jwk>);

/// A public key.
#[derive(Debug, Clone)]
pub struct Jwk {
    id: Option<String>,
    /// The one algorithm of the key, if the set names it.
    algorithm: Option<Algorithm>,
    /// The material of the key.
    pub material: KeyMaterial,
}

/// The material of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// RSA: the modulus and the exponent, big-endian.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point on P-256, uncompressed.
    P256(Vec<u8>),
    /// A point on P-384, uncompressed.
    P384(Vec<u8>),
    /// An Ed25519 key.
    Ed25519(Vec<u8>),
}

impl JwkSet {
    /// Parses a set. Keys that are not for signatures, or of an unknown kind, are skipped.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let set = strict_json::parse_object(text)?;
        let keys = set.get("keys")?.as_array()?;
        let keys = keys.iter().take(MOST_KEYS).filter_map(Value::as_object);
        Some(Self(keys.filter_map(Jwk::read).collect()))
    }

    /// The number of usable keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set has no usable key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key for a token's header. Without a key ID, the set must have exactly one key for the
    /// algorithm; and never may two keys fit.
    #[must_use]
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Jwk> {
        let mut fitting = self.0.iter().filter(|key| {
            key.allows(algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id))
        });
        let key = fitting.next()?;
        fitting.next().is_none().then_some(key)
    }
}

impl Jwk {
    fn read(members: &Map<String, Value>) -> Option<Self> {
        let is_for_signatures = members.get("use").is_none_or(|usage| usage == "sig")
            && members.get("key_ops").is_none_or(|operations| {
                operations
                    .as_array()
                    .is_some_and(|operations| operations.iter().any(|item| item == "verify"))
            });
        if !is_for_signatures {
            return None;
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let sized = |name: &str, size: usize| bytes(name).filter(|bytes| bytes.len() == size);
        let point = |size: usize| Some([vec![4], sized("x", size)?, sized("y", size)?].concat());
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => KeyMaterial::Rsa {
                n: bytes("n").filter(|n| n.len() <= LONGEST_MODULUS)?,
                e: bytes("e").filter(|e| e.len() <= 8)?,
            },
            ("EC", Some("P-256")) => KeyMaterial::P256(point(32)?),
            ("EC", Some("P-384")) => KeyMaterial::P384(point(48)?),
            ("OKP", Some("Ed25519")) => KeyMaterial::Ed25519(sized("x", 32)?),
            _ => return None,
        };
        let algorithm = match members.get("alg") {
            None => None,
            // A key for an algorithm that is not allowed is no key.
            Some(name) => Some(name.as_str().and_then(Algorithm::from_name)?),
        };
        Some(Self {
            id: text("kid").map(str::to_owned),
            algorithm,
            material,
        })
    }

    /// Whether the key may have made a signature with this algorithm.
    #[must_use]
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let is_of_this_kind = match self.material {
            KeyMaterial::Rsa { .. } => {
                matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512)
            }
            KeyMaterial::P256(_) => algorithm == Es256,
            KeyMaterial::P384(_) => algorithm == Es384,
            KeyMaterial::Ed25519(_) => algorithm == EdDsa,
        };
        is_of_this_kind && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(keys: &Value) -> JwkSet {
        JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn coordinate(size: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![7; size])
    }

    #[test]
    fn a_key_is_found_by_its_id_and_algorithm() {
        let set = set(&json!([
            {"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "kid": "b", "n": "AQAB", "e": "AQAB", "alg": "RS256"},
            {"kty": "EC", "kid": "b", "crv": "P-256", "x": coordinate(32), "y": coordinate(32)},
        ]));
        assert_eq!(set.len(), 3);
        assert!(set.find(Some("a"), Algorithm::Ps512).is_some());
        assert!(set.find(Some("b"), Algorithm::Rs256).is_some());
        assert!(set.find(Some("b"), Algorithm::Es256).is_some());
        assert!(set.find(None, Algorithm::Es256).is_some());
        assert!(
            set.find(Some("b"), Algorithm::Ps256).is_none(),
            "another algorithm"
        );
        assert!(set.find(None, Algorithm::Rs256).is_none(), "two keys fit");
        assert!(set.find(Some("c"), Algorithm::Rs256).is_none(), "unknown");
        assert!(
            set.find(Some("a"), Algorithm::Es256).is_none(),
            "another kind"
        );
    }

    #[test]
    fn keys_that_are_not_for_signatures_are_skipped() {
        for key in [
            json!({"kty": "oct", "k": "AQAB"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "key_ops": ["sign"]}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "HS256"}),
            json!({"kty": "RSA", "n": "AQAB=", "e": "AQAB"}),
            json!({"kty": "RSA", "n": "AQAB"}),
            json!({"kty": "EC", "crv": "P-256", "x": coordinate(31), "y": coordinate(32)}),
            json!({"kty": "EC", "crv": "secp256k1", "x": coordinate(32), "y": coordinate(32)}),
            json!({"kty": "OKP", "crv": "X25519", "x": coordinate(32)}),
            json!("key"),
        ] {
            assert!(set(&json!([key])).is_empty(), "{key}");
        }
        for text in ["{}", "[]", r#"{"keys": {}}"#, r#"{"keys": [], "keys": []}"#] {
            assert!(JwkSet::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
