//! Sign-ins (Web Authentication Level 3, section 7.2).

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::authenticator_data::{AuthenticatorData, device_type};
use super::client_data::{Ceremony, ClientData};
use super::cose::CoseKey;
use super::error::{Invalid, MalformedResponse};
use super::response::{Credential, bytes};
use super::{Expected, Policy, base64url};

/// The response to `navigator.credentials.get()`, not yet verified.
#[derive(Debug, Clone)]
pub struct AuthenticationResponse {
    credential: Credential,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

/// A sign-in that has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The new signature counter.
    pub sign_count: u32,
    /// Whether the authenticator verified the user.
    pub user_verified: bool,
    /// Whether the credential may be backed up. This never changes for a credential.
    pub backup_eligible: bool,
    /// Whether the credential is backed up now.
    pub backed_up: bool,
}

impl Authenticated {
    /// `single_device` or `multi_device`, as Flask-Security stores it.
    #[must_use]
    pub const fn device_type(&self) -> &'static str {
        device_type(self.backup_eligible)
    }
}

/// Reads an `AuthenticationResponseJSON`.
///
/// # Errors
/// [`MalformedResponse`].
pub fn parse_authentication(json: &str) -> Result<AuthenticationResponse, MalformedResponse> {
    let (credential, members) = Credential::parse(json)?;
    let authenticator_data = bytes(&members, "authenticatorData")?;
    let signature = bytes(&members, "signature")?;
    let user_handle = match members.get("userHandle") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => {
            let handle = base64url::decode(text).ok_or(MalformedResponse::Base64("userHandle"))?;
            (!handle.is_empty()).then_some(handle)
        }
        Some(_) => return Err(MalformedResponse::Member("userHandle")),
    };
    Ok(AuthenticationResponse {
        credential,
        authenticator_data,
        signature,
        user_handle,
    })
}

impl AuthenticationResponse {
    /// The ID of the credential that the response claims to be made with.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential.raw_id
    }

    /// The user handle that the authenticator stored with the credential. An empty one counts as missing.
    #[must_use]
    pub fn user_handle(&self) -> Option<&[u8]> {
        self.user_handle.as_deref()
    }

    /// Verifies the response with the credential's stored public key and signature counter.
    ///
    /// The caller looks up the credential by [`credential_id`](Self::credential_id), and compares
    /// [`user_handle`](Self::user_handle) with its owner's.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn verify(
        &self,
        expected: &Expected<'_>,
        public_key: &[u8],
        sign_count: u32,
    ) -> Result<Authenticated, Invalid> {
        self.verify_under(expected, &Policy::default(), public_key, sign_count)
    }

    /// [`verify`](Self::verify) under another policy than the default. The algorithm of a stored key is not
    /// limited by the policy.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn verify_under(
        &self,
        expected: &Expected<'_>,
        policy: &Policy<'_>,
        public_key: &[u8],
        sign_count: u32,
    ) -> Result<Authenticated, Invalid> {
        self.credential.verify()?;
        let client_data_json = &self.credential.client_data_json;
        ClientData::parse(client_data_json)?.verify(Ceremony::Authentication, expected, policy)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        data.verify(expected)?;
        let counts = data.sign_count != 0 || sign_count != 0;
        if counts && data.sign_count <= sign_count {
            return Err(Invalid::SignCount);
        }
        let signed = [
            &self.authenticator_data[..],
            &Sha256::digest(client_data_json),
        ]
        .concat();
        if !CoseKey::parse_stored(public_key)?.verify(&signed, &self.signature) {
            return Err(Invalid::Signature);
        }
        Ok(Authenticated {
            sign_count: data.sign_count,
            user_verified: data.flags.user_verified(),
            backup_eligible: data.flags.backup_eligible(),
            backed_up: data.flags.backed_up(),
        })
    }
}
