//! `apple` (section 8.8).

use x509_parser::der_parser::oid;
use x509_parser::oid_registry::Oid;

use super::super::error::AttestationError;
use super::der::{Element, Tag};
use super::{Statement, chain, roots};

/// The extension with the nonce.
const NONCE: Oid<'static> = oid!(1.2.840.113635.100.8.2);

pub(super) fn verify(statement: &Statement<'_>) -> Result<(), AttestationError> {
    let certificates = statement.certificates()?;
    let roots = [roots::APPLE, statement.roots].concat();
    chain::verify(&certificates, &roots, statement.now)?;
    let leaf = &certificates[0];
    let value = leaf
        .extension(&NONCE)?
        .ok_or(AttestationError::CertificateProfile)?;
    let nonce = nonce(value).ok_or(AttestationError::CertificateProfile)?;
    if nonce != statement.signed_hash() {
        return Err(AttestationError::Nonce);
    }
    if leaf.key == statement.key.key {
        Ok(())
    } else {
        Err(AttestationError::Key)
    }
}

/// The octets in `SEQUENCE { [1] { OCTET STRING } }`.
fn nonce(value: &[u8]) -> Option<&[u8]> {
    let [tagged] = Element::parse(value)?.children(Tag::Sequence)?[..] else {
        return None;
    };
    let [octets] = tagged.children(Tag::Context(1))?[..] else {
        return None;
    };
    octets.expect(Tag::OctetString)
}
