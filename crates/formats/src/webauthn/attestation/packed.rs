//! `packed` (section 8.2).

use super::super::error::AttestationError;
use super::Statement;
use super::certificate::AAGUID;
use super::der::{Element, Tag};

pub(super) fn verify(statement: &Statement<'_>) -> Result<(), AttestationError> {
    let signature = statement.bytes("sig")?;
    let algorithm = statement.algorithm()?;
    let key = if statement.fields.member("x5c").is_some() {
        let certificates = statement.certificates()?;
        statement.verify_optional_chain(&certificates)?;
        let leaf = &certificates[0];
        if let Some(value) = leaf.extension(&AAGUID)? {
            let aaguid = Element::parse(value).and_then(|value| value.expect(Tag::OctetString));
            if aaguid != Some(&statement.credential.aaguid) {
                return Err(AttestationError::Aaguid);
            }
        }
        leaf.key.clone()
    } else {
        // Self attestation.
        if algorithm != statement.key.algorithm {
            return Err(AttestationError::Algorithm);
        }
        statement.key.key.clone()
    };
    if !algorithm.fits(&key) {
        return Err(AttestationError::Algorithm);
    }
    if algorithm.verify(&key, &statement.signed(), signature) {
        Ok(())
    } else {
        Err(AttestationError::Signature)
    }
}
