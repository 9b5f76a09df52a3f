//! Key pairs of the algorithms that passkeys and ID tokens use.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

use crate::cbor::Cbor;
use crate::encoding::base64url;

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the registry")]
pub enum Algorithm {
    Es256,
    Es384,
    Es512,
    EdDsa,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];

    /// The identifier in COSE (RFC 9053).
    #[must_use]
    pub fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::Es512 => -36,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
            Self::Rs384 => -258,
            Self::Rs512 => -259,
            Self::Ps256 => -37,
            Self::Ps384 => -38,
            Self::Ps512 => -39,
        }
    }

    /// The name in JOSE (RFC 7518, RFC 8037).
    #[must_use]
    pub fn jose(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }
}

/// How an ECDSA signature is written: COSE uses DER in passkeys, JOSE a fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Der,
    Fixed,
}

/// A key pair and the algorithm that it signs with.
pub struct Key {
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    /// The private key as PKCS #8: each form of signature needs its own key pair.
    Ec(Vec<u8>),
    Ed(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({:?})", self.algorithm)
    }
}

impl Key {
    /// A new key.
    ///
    /// # Panics
    ///
    /// If the library cannot generate one.
    #[must_use]
    pub fn generate(algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => {
                let document =
                    EcdsaKeyPair::generate_pkcs8(curve(algorithm, Form::Der), &SystemRandom::new());
                Pair::Ec(document.expect("a key").as_ref().to_vec())
            }
            Algorithm::EdDsa => Pair::Ed(Box::new(Ed25519KeyPair::generate().expect("a key"))),
            _ => Pair::Rsa(Box::new(
                RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            )),
        };
        Self { algorithm, pair }
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A signature as authenticators write it: ECDSA in DER.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signature(message, Form::Der)
    }

    /// A signature as JOSE writes it: ECDSA as two numbers of fixed length.
    #[must_use]
    pub fn sign_jose(&self, message: &[u8]) -> Vec<u8> {
        self.signature(message, Form::Fixed)
    }

    fn signature(&self, message: &[u8], form: Form) -> Vec<u8> {
        match &self.pair {
            Pair::Ec(private) => {
                let pair = self.ec(private, form);
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("a signature").as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(self.padding(), &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
        }
    }

    fn ec(&self, private: &[u8], form: Form) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(curve(self.algorithm, form), private).expect("its own key")
    }

    fn padding(&self) -> &'static dyn RsaEncoding {
        match self.algorithm {
            Algorithm::Rs384 => &RSA_PKCS1_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_SHA512,
            Algorithm::Ps256 => &RSA_PSS_SHA256,
            Algorithm::Ps384 => &RSA_PSS_SHA384,
            Algorithm::Ps512 => &RSA_PSS_SHA512,
            _ => &RSA_PKCS1_SHA256,
        }
    }

    /// The public key as a `SubjectPublicKeyInfo` in DER.
    ///
    /// # Panics
    ///
    /// If the library cannot encode its own key.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        let encoded = |der: Result<PublicKeyX509Der<'static>, _>| {
            der.expect("a public key").as_ref().to_vec()
        };
        match &self.pair {
            Pair::Ec(private) => encoded(self.ec(private, Form::Der).public_key().as_der()),
            Pair::Ed(pair) => encoded(pair.public_key().as_der()),
            Pair::Rsa(pair) => encoded(pair.public_key().as_der()),
        }
    }

    /// The public key as a COSE key (RFC 9052, RFC 8230), in CTAP2's canonical order.
    #[must_use]
    pub fn cose_key(&self) -> Cbor {
        let number = |label, value| (Cbor::Int(label), Cbor::Int(value));
        let bytes = |label, value| (Cbor::Int(label), Cbor::Bytes(value));
        let algorithm = number(3, self.algorithm.cose());
        Cbor::Map(match self.public() {
            Public::Ec { curve, x, y } => vec![
                number(1, 2),
                algorithm,
                number(-1, curve),
                bytes(-2, x),
                bytes(-3, y),
            ],
            Public::Ed(x) => vec![number(1, 1), algorithm, number(-1, 6), bytes(-2, x)],
            Public::Rsa { n, e } => vec![number(1, 3), algorithm, bytes(-1, n), bytes(-2, e)],
        })
    }

    /// The public key as a JSON Web Key with this key ID.
    #[must_use]
    pub fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self.public() {
            Public::Ec { curve, x, y } => {
                let name =
                    ["P-256", "P-384", "P-521"][usize::try_from(curve - 1).expect("a curve")];
                json!({"kty": "EC", "crv": name, "x": base64url(x), "y": base64url(y)})
            }
            Public::Ed(x) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(x)}),
            Public::Rsa { n, e } => json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)}),
        };
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(self.algorithm.jose());
        jwk["use"] = json!("sig");
        jwk
    }

    fn public(&self) -> Public {
        match &self.pair {
            Pair::Ec(private) => {
                let pair = self.ec(private, Form::Der);
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    Algorithm::Es256 => 1,
                    Algorithm::Es384 => 2,
                    _ => 3,
                };
                Public::Ec {
                    curve,
                    x: x.to_vec(),
                    y: y.to_vec(),
                }
            }
            Pair::Ed(pair) => Public::Ed(pair.public_key().as_ref().to_vec()),
            Pair::Rsa(pair) => {
                // RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
                let (_, sequence, _) = der_value(pair.public_key().as_ref());
                let (_, n, rest) = der_value(sequence);
                let (_, e, _) = der_value(rest);
                let unsigned = |number: &[u8]| match number {
                    [0, rest @ ..] => rest.to_vec(),
                    number => number.to_vec(),
                };
                Public::Rsa {
                    n: unsigned(n),
                    e: unsigned(e),
                }
            }
        }
    }
}

/// The numbers of a public key. A curve is numbered as in COSE.
enum Public {
    Ec { curve: i64, x: Vec<u8>, y: Vec<u8> },
    Ed(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

fn curve(algorithm: Algorithm, form: Form) -> &'static EcdsaSigningAlgorithm {
    match (algorithm, form) {
        (Algorithm::Es384, Form::Der) => &ECDSA_P384_SHA384_ASN1_SIGNING,
        (Algorithm::Es384, Form::Fixed) => &ECDSA_P384_SHA384_FIXED_SIGNING,
        (Algorithm::Es512, Form::Der) => &ECDSA_P521_SHA512_ASN1_SIGNING,
        (Algorithm::Es512, Form::Fixed) => &ECDSA_P521_SHA512_FIXED_SIGNING,
        (_, Form::Der) => &ECDSA_P256_SHA256_ASN1_SIGNING,
        (_, Form::Fixed) => &ECDSA_P256_SHA256_FIXED_SIGNING,
    }
}

/// The tag and the contents of the first DER value, and what follows it.
fn der_value(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (tag, first) = (der[0], usize::from(der[1]));
    let (length, start) = if first < 0x80 {
        (first, 2)
    } else {
        let end = 2 + (first & 0x7f);
        let length = der[2..end]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, end)
    };
    (tag, &der[start..start + length], &der[start + length..])
}
