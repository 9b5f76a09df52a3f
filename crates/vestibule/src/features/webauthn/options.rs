//! The options of a ceremony, as browsers parse them: `PublicKeyCredentialCreationOptionsJSON` and
//! `PublicKeyCredentialRequestOptionsJSON` (Web Authentication Level 3, sections 5.1.8 and 5.1.9).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_formats::webauthn::ALGORITHMS;
use vestibule_store::{Passkey, PasskeyUsage};

use crate::settings::{UserVerification, WebAuthnSettings};

/// The user whom a passkey is registered for.
pub(super) struct Owner<'a> {
    /// The user handle, which the authenticator returns.
    pub(super) handle: &'a str,
    /// The identity that the authenticator shows.
    pub(super) name: &'a str,
}

/// The options of a registration. `registered` are the user's passkeys, which are not registered a
/// second time.
pub(super) fn creation(
    settings: &WebAuthnSettings,
    rp_id: &str,
    challenge: &str,
    owner: &Owner<'_>,
    usage: PasskeyUsage,
    registered: &[Passkey],
) -> Value {
    let algorithms: Vec<Value> = ALGORITHMS
        .iter()
        .map(|algorithm| json!({ "type": "public-key", "alg": algorithm }))
        .collect();
    // A user who names no identity can only use passkeys that the authenticator discovers.
    let is_discoverable = !settings.allow_user_hints;
    let resident = if is_discoverable {
        "required"
    } else {
        "preferred"
    };
    let mut selection = json!({
        "residentKey": resident,
        "requireResidentKey": is_discoverable,
        "userVerification": verification(settings, usage).name(),
    });
    let attachment = settings.first_factor_attachment;
    if let (PasskeyUsage::First, Some(attachment)) = (usage, attachment) {
        selection["authenticatorAttachment"] = json!(attachment);
    }
    json!({
        "rp": { "name": settings.rp_name, "id": rp_id },
        "user": {
            "id": encode(owner.handle.as_bytes()),
            "name": owner.name,
            "displayName": owner.name,
        },
        "challenge": encode(challenge.as_bytes()),
        "pubKeyCredParams": algorithms,
        "timeout": settings.register_timeout,
        "excludeCredentials": registered.iter().map(descriptor).collect::<Vec<_>>(),
        "authenticatorSelection": selection,
        "attestation": "none",
        "extensions": { "credProps": true },
    })
}

/// The options of an assertion. Without `allowed` passkeys, the authenticator discovers one.
pub(super) fn request(
    settings: &WebAuthnSettings,
    rp_id: &str,
    challenge: &str,
    allowed: &[Value],
    verification: UserVerification,
) -> Value {
    json!({
        "challenge": encode(challenge.as_bytes()),
        "timeout": settings.signin_timeout,
        "rpId": rp_id,
        "allowCredentials": allowed,
        "userVerification": verification.name(),
    })
}

/// User verification for a passkey of this usage.
pub(super) fn verification(settings: &WebAuthnSettings, usage: PasskeyUsage) -> UserVerification {
    match usage {
        PasskeyUsage::First => settings.first_factor_verification,
        PasskeyUsage::Secondary => settings.second_factor_verification,
    }
}

/// A passkey, as the options list it.
pub(super) fn descriptor(passkey: &Passkey) -> Value {
    let mut descriptor = of_id(&passkey.credential_id);
    if !passkey.transports.is_empty() {
        descriptor["transports"] = json!(passkey.transports);
    }
    descriptor
}

/// A passkey of which only the credential ID is listed.
pub(super) fn of_id(credential_id: &[u8]) -> Value {
    json!({ "id": encode(credential_id), "type": "public-key" })
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
