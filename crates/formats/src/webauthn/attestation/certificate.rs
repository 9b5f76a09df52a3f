//! X.509 certificates of attestations.

use aws_lc_rs::signature::{self as lc, RsaParameters, VerificationAlgorithm};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::oid;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as SubjectKey;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Version};

use super::super::error::AttestationError;
use super::super::key::{Curve, PublicKey};
use super::der::{Element, Tag};

/// A certificate.
pub(super) struct Certificate<'a> {
    parsed: X509Certificate<'a>,
    pub(super) key: PublicKey,
}

/// `id-fido-gen-ce-aaguid`: the model of authenticators that a certificate is for.
pub(super) const AAGUID: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.4);

const ED25519: Oid<'static> = oid!(1.3.101.112);

/// The algorithms of ECDSA signatures, with the bits of their hash.
const ECDSA_HASHES: [(Oid<'static>, u16); 3] = [
    (oid!(1.2.840.10045.4.3.2), 256),
    (oid!(1.2.840.10045.4.3.3), 384),
    (oid!(1.2.840.10045.4.3.4), 512),
];

/// The algorithms of RSA signatures (PKCS #1 v1.5), with the bits of their hash.
const RSA_HASHES: [(Oid<'static>, u16); 3] = [
    (oid!(1.2.840.113549.1.1.11), 256),
    (oid!(1.2.840.113549.1.1.12), 384),
    (oid!(1.2.840.113549.1.1.13), 512),
];

impl<'a> Certificate<'a> {
    /// Reads a certificate in DER, and its key.
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, AttestationError> {
        let Ok(([], parsed)) = X509Certificate::from_der(der) else {
            return Err(AttestationError::Certificate);
        };
        if !is_canonical(der).unwrap_or(false) {
            return Err(AttestationError::Certificate);
        }
        let key = subject_key(&parsed.tbs_certificate.subject_pki)
            .ok_or(AttestationError::Certificate)?;
        Ok(Self { parsed, key })
    }

    pub(super) fn der(&self) -> &'a [u8] {
        self.parsed.as_raw()
    }

    pub(super) fn parsed(&self) -> &X509Certificate<'a> {
        &self.parsed
    }

    /// The value of an extension. `None` if the certificate does not have it.
    pub(super) fn extension(&self, oid: &Oid<'_>) -> Result<Option<&'a [u8]>, AttestationError> {
        let extension = self.parsed.tbs_certificate.get_extension_unique(oid);
        Ok(extension
            .map_err(|_| AttestationError::Certificate)?
            .map(|extension| extension.value))
    }

    pub(super) fn is_version_3(&self) -> bool {
        self.parsed.tbs_certificate.version == X509Version::V3
    }

    pub(super) fn is_valid_at(&self, now: i64) -> bool {
        let validity = self.parsed.validity();
        (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now)
    }

    /// Whether this is the certificate of an authority that may issue certificates, with at most
    /// `below` other authorities between it and the leaf.
    pub(super) fn may_issue(&self, below: usize) -> bool {
        let tbs = &self.parsed.tbs_certificate;
        let Ok(Some(constraints)) = tbs.basic_constraints() else {
            return false;
        };
        let Ok(usage) = tbs.key_usage() else {
            return false;
        };
        let limit = constraints.value.path_len_constraint;
        constraints.value.ca
            && limit.is_none_or(|limit| usize::try_from(limit).is_ok_and(|limit| below <= limit))
            && usage.is_none_or(|usage| usage.value.key_cert_sign())
    }

    /// Whether the issuer's name and signature are on this certificate.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        let tbs = &self.parsed.tbs_certificate;
        tbs.issuer.as_raw() == issuer.parsed.tbs_certificate.subject.as_raw()
            && verify_issued(
                &issuer.key,
                &self.parsed.signature_algorithm,
                tbs.as_ref(),
                &self.parsed.signature_value.data,
            )
    }
}

/// Whether the parts that are not signed have one encoding only: the algorithm is byte for byte the one that is
/// signed (RFC 5280, section 4.1.1.2). The parser ignores some tags.
fn is_canonical(der: &[u8]) -> Option<bool> {
    let [tbs, algorithm, signature] = Element::parse(der)?.children(Tag::Sequence)?[..] else {
        return None;
    };
    let fields = tbs.children(Tag::Sequence)?;
    let version = usize::from(fields.first()?.has_tag(Tag::Context(0)));
    let signed = fields.get(version + 1)?.expect(Tag::Sequence)?;
    signature.expect(Tag::BitString)?;
    Some(algorithm.expect(Tag::Sequence)? == signed)
}

fn subject_key(info: &SubjectPublicKeyInfo<'_>) -> Option<PublicKey> {
    let algorithm = &info.algorithm.algorithm;
    let point = &*info.subject_public_key.data;
    if *algorithm == oid!(1.2.840.10045.2.1) {
        let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
        let curve = if curve == oid!(1.2.840.10045.3.1.7) {
            Curve::P256
        } else if curve == oid!(1.3.132.0.34) {
            Curve::P384
        } else if curve == oid!(1.3.132.0.35) {
            Curve::P521
        } else {
            return None;
        };
        return PublicKey::ec_point(curve, point.to_vec());
    }
    if *algorithm == ED25519 {
        return PublicKey::ed25519(point);
    }
    match info.parsed().ok()? {
        SubjectKey::RSA(key) => {
            PublicKey::rsa(without_sign(key.modulus), without_sign(key.exponent))
        }
        _ => None,
    }
}

/// A positive DER integer without the zero that keeps it positive.
fn without_sign(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

fn verify_issued(
    key: &PublicKey,
    algorithm: &AlgorithmIdentifier<'_>,
    data: &[u8],
    signature: &[u8],
) -> bool {
    let id = &algorithm.algorithm;
    let is_rsa = matches!(key, PublicKey::Rsa { .. });
    // SHA-1 and MD5 are not accepted.
    let hashes = if is_rsa { &RSA_HASHES } else { &ECDSA_HASHES };
    let Some((_, hash)) = hashes.iter().find(|(known, _)| known == id) else {
        return *id == ED25519 && key.verify(&lc::ED25519, data, signature);
    };
    let ec: &'static dyn VerificationAlgorithm = match (key, hash) {
        (PublicKey::P256(_), 256) => &lc::ECDSA_P256_SHA256_ASN1,
        (PublicKey::P256(_), 384) => &lc::ECDSA_P256_SHA384_ASN1,
        (PublicKey::P256(_), _) => &lc::ECDSA_P256_SHA512_ASN1,
        (PublicKey::P384(_), 256) => &lc::ECDSA_P384_SHA256_ASN1,
        (PublicKey::P384(_), 384) => &lc::ECDSA_P384_SHA384_ASN1,
        (PublicKey::P384(_), _) => &lc::ECDSA_P384_SHA512_ASN1,
        (PublicKey::P521(_), 256) => &lc::ECDSA_P521_SHA256_ASN1,
        (PublicKey::P521(_), 384) => &lc::ECDSA_P521_SHA384_ASN1,
        (PublicKey::P521(_), _) => &lc::ECDSA_P521_SHA512_ASN1,
        (PublicKey::Rsa { .. }, _) => {
            let parameters: &RsaParameters = match hash {
                256 => &lc::RSA_PKCS1_2048_8192_SHA256,
                384 => &lc::RSA_PKCS1_2048_8192_SHA384,
                _ => &lc::RSA_PKCS1_2048_8192_SHA512,
            };
            return key.verify_rsa(parameters, data, signature);
        }
        (PublicKey::Ed25519(_), _) => return false,
    };
    key.verify(ec, data, signature)
}
