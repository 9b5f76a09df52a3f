//! Public keys, from whatever container.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ParsedPublicKey,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// A public key that has been validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    /// An uncompressed point.
    P521(Vec<u8>),
    /// A compressed point.
    Ed25519([u8; 32]),
    /// Modulus and exponent, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// An elliptic curve for ECDSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The length of a coordinate.
    pub(super) const fn width(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The points of small order, and the other encodings of them. With such a key, signatures exist that are
/// valid for every message. The sign bit is ignored.
const ED25519_SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    little_endian(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

const fn little_endian(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

impl PublicKey {
    /// A point on a curve, from its coordinates.
    pub(super) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != curve.width() || y.len() != curve.width() {
            return None;
        }
        Self::ec_point(curve, [&[4], x, y].concat())
    }

    /// A point on a curve, uncompressed.
    pub(super) fn ec_point(curve: Curve, point: Vec<u8>) -> Option<Self> {
        if point.len() != 1 + 2 * curve.width() || point[0] != 4 {
            return None;
        }
        // Parsing refuses points that are not on the curve.
        let algorithm: &'static dyn VerificationAlgorithm = match curve {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1,
            Curve::P521 => &ECDSA_P521_SHA512_ASN1,
        };
        ParsedPublicKey::new(algorithm, &point).ok()?;
        Some(match curve {
            Curve::P256 => Self::P256(point),
            Curve::P384 => Self::P384(point),
            Curve::P521 => Self::P521(point),
        })
    }

    /// An Ed25519 key. Points of small order are refused.
    pub(super) fn ed25519(point: &[u8]) -> Option<Self> {
        let point: [u8; 32] = point.try_into().ok()?;
        let mut unsigned = point;
        unsigned[31] &= 0x7f;
        (!ED25519_SMALL_ORDER.contains(&unsigned)).then_some(Self::Ed25519(point))
    }

    /// An RSA key of 2048 to 8192 bits, with an odd exponent from 3 to 2^33 - 1.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
        let exponent = match e {
            [1..=255, ..] if e.len() <= 5 => e
                .iter()
                .fold(0_u64, |number, byte| number << 8 | u64::from(*byte)),
            _ => return None,
        };
        let sound = n[0] != 0
            && n.last()? & 1 == 1
            && RSA_BITS.contains(&bits)
            && exponent & 1 == 1
            && (3..1 << 33).contains(&exponent);
        sound.then(|| Self::Rsa {
            n: n.to_vec(),
            e: e.to_vec(),
        })
    }

    /// Whether the key made the signature. Only for keys with a single encoding, not for RSA.
    pub(super) fn verify(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        data: &[u8],
        signature: &[u8],
    ) -> bool {
        let bytes: &[u8] = match self {
            Self::P256(point) | Self::P384(point) | Self::P521(point) => point,
            Self::Ed25519(point) => point,
            Self::Rsa { .. } => return false,
        };
        UnparsedPublicKey::new(algorithm, bytes)
            .verify(data, signature)
            .is_ok()
    }

    /// Whether the RSA key made the signature.
    pub(super) fn verify_rsa(
        &self,
        parameters: &RsaParameters,
        data: &[u8],
        signature: &[u8],
    ) -> bool {
        match self {
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(parameters, data, signature)
                .is_ok(),
            _ => false,
        }
    }
}
