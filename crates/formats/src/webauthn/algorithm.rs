//! Signature algorithms (RFC 9053, RFC 8812).

use super::key::PublicKey;
use aws_lc_rs::signature as lc;

/// The algorithms that a registration offers as `pubKeyCredParams`, in Flask-Security's order: `EdDSA`,
/// ES256, RS256.
pub const ALGORITHMS: &[i32] = &[-8, -7, -257];

/// A COSE algorithm whose signatures can be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
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
    /// RSA with SHA-1: in the statements of TPMs only, never for a credential.
    Rs1,
}

impl Algorithm {
    /// The algorithm with this identifier, if it is known.
    pub(super) const fn from_id(id: i64) -> Option<Self> {
        Some(match id {
            -7 => Self::Es256,
            -35 => Self::Es384,
            -36 => Self::Es512,
            -8 => Self::EdDsa,
            -257 => Self::Rs256,
            -258 => Self::Rs384,
            -259 => Self::Rs512,
            -37 => Self::Ps256,
            -38 => Self::Ps384,
            -39 => Self::Ps512,
            -65535 => Self::Rs1,
            _ => return None,
        })
    }

    /// Whether the key is of the kind that the algorithm uses.
    pub(super) const fn fits(self, key: &PublicKey) -> bool {
        match self {
            Self::Es256 => matches!(key, PublicKey::P256(_)),
            Self::Es384 => matches!(key, PublicKey::P384(_)),
            Self::Es512 => matches!(key, PublicKey::P521(_)),
            Self::EdDsa => matches!(key, PublicKey::Ed25519(_)),
            _ => matches!(key, PublicKey::Rsa { .. }),
        }
    }

    /// Whether the key made the signature. A key that does not fit made none.
    pub(super) fn verify(self, key: &PublicKey, data: &[u8], signature: &[u8]) -> bool {
        if !self.fits(key) {
            return false;
        }
        match self {
            Self::Es256 => key.verify(&lc::ECDSA_P256_SHA256_ASN1, data, signature),
            Self::Es384 => key.verify(&lc::ECDSA_P384_SHA384_ASN1, data, signature),
            Self::Es512 => key.verify(&lc::ECDSA_P521_SHA512_ASN1, data, signature),
            Self::EdDsa => key.verify(&lc::ED25519, data, signature),
            Self::Rs256 => key.verify_rsa(&lc::RSA_PKCS1_2048_8192_SHA256, data, signature),
            Self::Rs384 => key.verify_rsa(&lc::RSA_PKCS1_2048_8192_SHA384, data, signature),
            Self::Rs512 => key.verify_rsa(&lc::RSA_PKCS1_2048_8192_SHA512, data, signature),
            Self::Ps256 => key.verify_rsa(&lc::RSA_PSS_2048_8192_SHA256, data, signature),
            Self::Ps384 => key.verify_rsa(&lc::RSA_PSS_2048_8192_SHA384, data, signature),
            Self::Ps512 => key.verify_rsa(&lc::RSA_PSS_2048_8192_SHA512, data, signature),
            Self::Rs1 => key.verify_rsa(
                &lc::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                data,
                signature,
            ),
        }
    }
}
