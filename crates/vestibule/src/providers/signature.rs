//! Checking the signature of an ID token.

use aws_lc_rs::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use vestibule_formats::jwk::{Jwk, KeyMaterial};
use vestibule_formats::jwt::{Algorithm, UnverifiedJwt};

use super::error::ProtocolFault;

/// Checks the signature with a key that allows the token's algorithm.
///
/// # Errors
/// If the key is for another algorithm, or the signature does not match.
pub(super) fn verify(token: &UnverifiedJwt<'_>, key: &Jwk) -> Result<(), ProtocolFault> {
    if !key.allows(token.algorithm) {
        return Err(ProtocolFault::Algorithm);
    }
    let (message, signature) = (token.message, token.signature.as_slice());
    let verified = match &key.material {
        KeyMaterial::Rsa { n, e } => {
            let parameters = rsa(token.algorithm).ok_or(ProtocolFault::Algorithm)?;
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
        KeyMaterial::P256(point) => {
            let key = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
            key.verify(message, signature)
        }
        KeyMaterial::P384(point) => {
            let key = UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point);
            key.verify(message, signature)
        }
        KeyMaterial::Ed25519(key) => {
            UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature)
        }
    };
    verified.map_err(|_| ProtocolFault::Signature)
}

/// The parameters of an RSA algorithm. Keys of less than 2048 bits are refused.
fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}
