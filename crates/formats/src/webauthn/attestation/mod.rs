//! Attestation statements (Web Authentication Level 3, section 8), as `py_webauthn` verifies them.
//!
//! A statement of `android-key` or `apple` leads to a root of Google or Apple. The other formats have no
//! built-in roots: their signatures are verified, but the certificates prove nothing about the maker.

mod android_key;
mod apple;
mod certificate;
mod chain;
mod der;
mod fido_u2f;
mod packed;
mod roots;
mod tpm;

use sha2::{Digest, Sha256};

use self::certificate::Certificate;
use super::algorithm::Algorithm;
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

impl<'a> Statement<'a> {
    /// A field that is a byte string, and not empty.
    fn bytes(&self, name: &str) -> Result<&'a [u8], AttestationError> {
        self.fields
            .member(name)
            .and_then(Value::as_bytes)
            .filter(|bytes| !bytes.is_empty())
            .ok_or(AttestationError::Statement)
    }

    /// The field `alg`.
    fn algorithm(&self) -> Result<Algorithm, AttestationError> {
        let id = self.fields.member("alg").and_then(Value::as_i64);
        Algorithm::from_id(id.ok_or(AttestationError::Statement)?)
            .ok_or(AttestationError::Algorithm)
    }

    /// The field `x5c`: the certificates, of which there is at least one.
    fn certificates(&self) -> Result<Vec<Certificate<'a>>, AttestationError> {
        let listed = self.fields.member("x5c").and_then(Value::as_array);
        let certificates = listed
            .ok_or(AttestationError::Statement)?
            .iter()
            .map(|item| Certificate::parse(item.as_bytes().ok_or(AttestationError::Statement)?))
            .collect::<Result<Vec<_>, _>>()?;
        if certificates.is_empty() {
            return Err(AttestationError::Statement);
        }
        Ok(certificates)
    }

    /// The authenticator data and the hash of the client data, which most statements sign.
    fn signed(&self) -> Vec<u8> {
        [self.authenticator_data, &self.client_data_hash].concat()
    }

    fn signed_hash(&self) -> [u8; 32] {
        Sha256::digest(self.signed()).into()
    }

    /// Verifies a chain up to one of the additional roots, if there are any.
    fn verify_optional_chain(
        &self,
        certificates: &[Certificate<'_>],
    ) -> Result<(), AttestationError> {
        if self.roots.is_empty() {
            return Ok(());
        }
        chain::verify(certificates, self.roots, self.now)
    }
}

/// Verifies a statement of the named format.
pub(super) fn verify(
    format: &str,
    statement: &Statement<'_>,
) -> Result<AttestationFormat, AttestationError> {
    match format {
        "none" => {
            if statement.fields.as_map() == Some(&[]) {
                Ok(AttestationFormat::None)
            } else {
                Err(AttestationError::Statement)
            }
        }
        "packed" => packed::verify(statement).map(|()| AttestationFormat::Packed),
        "fido-u2f" => fido_u2f::verify(statement).map(|()| AttestationFormat::FidoU2f),
        "apple" => apple::verify(statement).map(|()| AttestationFormat::Apple),
        "android-key" => android_key::verify(statement).map(|()| AttestationFormat::AndroidKey),
        "tpm" => tpm::verify(statement).map(|()| AttestationFormat::Tpm),
        _ => Err(AttestationError::Format),
    }
}
