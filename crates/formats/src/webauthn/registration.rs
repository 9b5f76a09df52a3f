//! Registrations (Web Authentication Level 3, section 7.1).

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::attestation::{self, AttestationFormat, Statement};
use super::authenticator_data::{AuthenticatorData, device_type};
use super::cbor::{self, Form};
use super::client_data::{Ceremony, ClientData};
use super::cose::CoseKey;
use super::error::{Invalid, MalformedResponse};
use super::response::{Credential, bytes};
use super::{Expected, Policy};

/// The transports that are kept; others are dropped.
const TRANSPORTS: [&str; 7] = [
    "usb",
    "nfc",
    "ble",
    "smart-card",
    "internal",
    "cable",
    "hybrid",
];

/// The response to `navigator.credentials.create()`, not yet verified.
#[derive(Debug, Clone)]
pub struct RegistrationResponse {
    credential: Credential,
    attestation_object: Vec<u8>,
    transports: Vec<String>,
}

/// A registration that has been verified: what to store about the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// 1 to 1023 bytes.
    pub credential_id: Vec<u8>,
    /// The `COSE_Key` as the authenticator sent it.
    pub public_key: Vec<u8>,
    /// The first signature counter.
    pub sign_count: u32,
    /// Whether the authenticator verified the user.
    pub user_verified: bool,
    /// Whether the credential may be backed up. This never changes for a credential.
    pub backup_eligible: bool,
    /// Whether the credential is backed up now.
    pub backed_up: bool,
    /// The model of the authenticator, or zeros.
    pub aaguid: [u8; 16],
    /// The format of the attestation statement.
    pub attestation_format: AttestationFormat,
}

impl Registered {
    /// `single_device` or `multi_device`, as Flask-Security stores it.
    #[must_use]
    pub const fn device_type(&self) -> &'static str {
        device_type(self.backup_eligible)
    }
}

/// Reads a `RegistrationResponseJSON`.
///
/// # Errors
/// [`MalformedResponse`].
pub fn parse_registration(json: &str) -> Result<RegistrationResponse, MalformedResponse> {
    let (credential, members) = Credential::parse(json)?;
    let attestation_object = bytes(&members, "attestationObject")?;
    let listed = members.get("transports").and_then(Value::as_array);
    let transports = listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|transport| TRANSPORTS.contains(transport))
        .map(str::to_owned)
        .collect();
    Ok(RegistrationResponse {
        credential,
        attestation_object,
        transports,
    })
}

impl RegistrationResponse {
    /// The ID of the new credential.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential.raw_id
    }

    /// How the browser reached the authenticator. Unknown transports are left out.
    #[must_use]
    pub fn transports(&self) -> &[String] {
        &self.transports
    }

    /// Verifies the response. `now` is in seconds since 1970, for the validity of certificates.
    ///
    /// The caller makes sure that the [`credential_id`](Self::credential_id) is not registered yet.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn verify(&self, expected: &Expected<'_>, now: i64) -> Result<Registered, Invalid> {
        self.verify_under(expected, &Policy::default(), now)
    }

    /// [`verify`](Self::verify) under another policy than the default.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn verify_under(
        &self,
        expected: &Expected<'_>,
        policy: &Policy<'_>,
        now: i64,
    ) -> Result<Registered, Invalid> {
        self.credential.verify()?;
        let client_data_json = &self.credential.client_data_json;
        ClientData::parse(client_data_json)?.verify(Ceremony::Registration, expected, policy)?;
        let object = cbor::parse(&self.attestation_object, Form::Any)
            .map_err(|_| Invalid::AttestationObject)?;
        let format = object.member("fmt").and_then(cbor::Value::as_text);
        let fields = object
            .member("attStmt")
            .filter(|value| value.as_map().is_some());
        let authenticator_data = object.member("authData").and_then(cbor::Value::as_bytes);
        let (Some(format), Some(fields), Some(authenticator_data)) =
            (format, fields, authenticator_data)
        else {
            return Err(Invalid::AttestationObject);
        };
        let data = AuthenticatorData::parse(authenticator_data)?;
        data.verify(expected)?;
        let credential = data.credential.ok_or(Invalid::CredentialData)?;
        if credential.credential_id != self.credential_id() {
            return Err(Invalid::CredentialId);
        }
        let key = CoseKey::parse(credential.public_key)?;
        let allowed = |id: &i32| i64::from(*id) == key.algorithm_id();
        if !policy.algorithms.iter().any(allowed) {
            return Err(Invalid::Algorithm);
        }
        let client_data_hash = Sha256::digest(client_data_json).into();
        let attestation_format = attestation::verify(
            format,
            &Statement {
                fields,
                authenticator_data,
                client_data_hash,
                rp_id_hash: data.rp_id_hash,
                credential: &credential,
                key: &key,
                roots: policy.attestation_roots,
                now,
            },
        )?;
        Ok(Registered {
            credential_id: credential.credential_id.to_vec(),
            public_key: credential.public_key.to_vec(),
            sign_count: data.sign_count,
            user_verified: data.flags.user_verified(),
            backup_eligible: data.flags.backup_eligible(),
            backed_up: data.flags.backed_up(),
            aaguid: credential.aaguid,
            attestation_format,
        })
    }
}
