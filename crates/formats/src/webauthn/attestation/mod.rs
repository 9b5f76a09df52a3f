//! Attestation statements (Web Authentication Level 3, section 8), as `py_webauthn` verifies them.

use super::authenticator_data::AttestedCredential;
use super::cbor::Value;
use super::cose::CoseKey;
use super::error::AttestationError;

/// A format of attestation statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttestationFormat {
    /// No statement.
    None,
    /// The format of FIDO2 authenticators.
    Packed,
    /// The format of U2F security keys.
    FidoU2f,
    /// Apple's anonymous attestation.
    Apple,
    /// Android's key store.
    AndroidKey,
    /// Trusted Platform Modules.
    Tpm,
}

/// A statement, and what it is about.
pub(super) struct Statement<'a> {
    /// The map `attStmt`.
    pub(super) fields: &'a Value<'a>,
    pub(super) authenticator_data: &'a [u8],
    pub(super) client_data_hash: [u8; 32],
    pub(super) rp_id_hash: [u8; 32],
    pub(super) credential: &'a AttestedCredential<'a>,
    pub(super) key: &'a CoseKey,
    /// More trusted roots, in DER.
    pub(super) roots: &'a [&'a [u8]],
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Verifies a statement of the named format.
pub(super) fn verify(
    format: &str,
    statement: &Statement<'_>,
) -> Result<AttestationFormat, AttestationError> {
    match format {
        "none" => {
            if statement
                .fields
                .as_map()
                .is_some_and(|fields| fields.is_empty())
            {
                Ok(AttestationFormat::None)
            } else {
                Err(AttestationError::Statement)
            }
        }
        _ => Err(AttestationError::Format),
    }
}
