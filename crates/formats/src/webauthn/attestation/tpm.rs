//! `tpm` (section 8.3).

mod certificate;
mod structures;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use self::structures::{CertInfo, PubArea};
use super::super::algorithm::Algorithm;
use super::super::cbor::Value;
use super::super::error::AttestationError;
use super::Statement;

/// A hash algorithm.
#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// The hash that a signature algorithm uses.
    const fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Ps256 => Some(Self::Sha256),
            Algorithm::Es384 | Algorithm::Rs384 | Algorithm::Ps384 => Some(Self::Sha384),
            Algorithm::Es512 | Algorithm::Rs512 | Algorithm::Ps512 => Some(Self::Sha512),
            Algorithm::Rs1 => Some(Self::Sha1),
            Algorithm::EdDsa => None,
        }
    }
}

pub(super) fn verify(statement: &Statement<'_>) -> Result<(), AttestationError> {
    if statement.fields.member("ver").and_then(Value::as_text) != Some("2.0") {
        return Err(AttestationError::Statement);
    }
    let signature = statement.bytes("sig")?;
    let algorithm = statement.algorithm()?;
    let cert_info_bytes = statement.bytes("certInfo")?;
    let pub_area_bytes = statement.bytes("pubArea")?;
    let certificates = statement.certificates()?;
    statement.verify_optional_chain(&certificates)?;

    let pub_area = PubArea::parse(pub_area_bytes).ok_or(AttestationError::Statement)?;
    if !pub_area.is_key(&statement.key.key) {
        return Err(AttestationError::Key);
    }
    let cert_info = CertInfo::parse(cert_info_bytes).ok_or(AttestationError::Statement)?;
    let hash = Hash::of(algorithm).ok_or(AttestationError::Algorithm)?;
    if cert_info.extra_data != hash.digest(&statement.signed()) {
        return Err(AttestationError::Nonce);
    }
    if cert_info.name != pub_area.name(pub_area_bytes) {
        return Err(AttestationError::Key);
    }
    let leaf = &certificates[0];
    if !algorithm.fits(&leaf.key) {
        return Err(AttestationError::Algorithm);
    }
    if !algorithm.verify(&leaf.key, cert_info_bytes, signature) {
        return Err(AttestationError::Signature);
    }
    certificate::verify(leaf, &statement.credential.aaguid)
}
