//! `fido-u2f` (section 8.6).

use super::super::algorithm::Algorithm;
use super::super::error::AttestationError;
use super::super::key::PublicKey;
use super::Statement;

pub(super) fn verify(statement: &Statement<'_>) -> Result<(), AttestationError> {
    let signature = statement.bytes("sig")?;
    let certificates = statement.certificates()?;
    let [leaf] = &certificates[..] else {
        return Err(AttestationError::Statement);
    };
    statement.verify_optional_chain(&certificates)?;
    let PublicKey::P256(point) = &statement.key.key else {
        return Err(AttestationError::Algorithm);
    };
    let signed = [
        &[0],
        &statement.rp_id_hash[..],
        &statement.client_data_hash,
        statement.credential.credential_id,
        point,
    ]
    .concat();
    if !Algorithm::Es256.fits(&leaf.key) {
        return Err(AttestationError::Algorithm);
    }
    if !Algorithm::Es256.verify(&leaf.key, &signed, signature) {
        return Err(AttestationError::Signature);
    }
    // The statement does not sign the AAGUID, and U2F keys have none.
    if statement.credential.aaguid == [0; 16] {
        Ok(())
    } else {
        Err(AttestationError::Aaguid)
    }
}
