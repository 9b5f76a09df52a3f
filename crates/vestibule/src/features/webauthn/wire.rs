//! The fields and replies that the ceremonies share.

use serde_json::{Value, json};
use vestibule_formats::text::username;
use vestibule_formats::webauthn::Invalid;
use vestibule_store::Passkey;

use super::options;
use crate::app::App;
use crate::http::body::{Field, Fields};
use crate::http::reject::{FieldErrors, Rejection};
use crate::messages::{LocalizedMessage, Message};

/// The field with the name of a passkey.
pub(super) const NAME: &str = "name";
/// The field with the authenticator's response.
const CREDENTIAL: &str = "credential";

/// Refuses the authenticator's response.
pub(super) fn refuse(message: impl Into<LocalizedMessage>) -> Rejection {
    Rejection::fields(FieldErrors::one(CREDENTIAL, message))
}

/// Reads the authenticator's response: a text with JSON, as in the reference.
///
/// # Errors
/// 400 if it is missing, or of another type.
pub(super) fn read_credential(fields: &Fields) -> Result<&str, Rejection> {
    match fields.exact(CREDENTIAL) {
        Field::Text(text) => Ok(text),
        Field::Empty | Field::WrongType => Err(refuse(Message::ApiError)),
    }
}

/// The longest text of extension outputs that the database keeps, in characters.
const LONGEST_EXTENSIONS: usize = 255;

/// The client's extension outputs in the authenticator's response, as JSON: those that the
/// reference's clients add as a text, or those of `PublicKeyCredential.toJSON()`.
pub(super) fn extensions(credential: &str) -> Option<String> {
    let credential: Value = serde_json::from_str(credential).ok()?;
    let text = match (
        &credential["extensions"],
        &credential["clientExtensionResults"],
    ) {
        (Value::String(text), _) => text.clone(),
        (Value::Null, outputs @ Value::Object(members)) if !members.is_empty() => {
            outputs.to_string()
        }
        _ => return None,
    };
    (text.chars().count() <= LONGEST_EXTENSIONS).then_some(text)
}

/// The step of the verification that failed, in one word.
pub(super) const fn cause(invalid: Invalid) -> &'static str {
    match invalid {
        Invalid::CredentialId => "credential ID",
        Invalid::ClientData => "client data",
        Invalid::Type => "type",
        Invalid::Challenge => "challenge",
        Invalid::Origin => "origin",
        Invalid::CrossOrigin => "cross origin",
        Invalid::TopOrigin => "top origin",
        Invalid::AttestationObject => "attestation object",
        Invalid::AuthenticatorData => "authenticator data",
        Invalid::RpId => "relying party",
        Invalid::UserPresence => "user presence",
        Invalid::UserVerification => "user verification",
        Invalid::BackupFlags => "backup flags",
        Invalid::CredentialData => "credential data",
        Invalid::PublicKey => "public key",
        Invalid::Algorithm => "algorithm",
        Invalid::Signature => "signature",
        Invalid::SignCount => "signature counter",
        Invalid::Attestation(_) => "attestation",
    }
}

/// Reads the name of a passkey, in the form in which it is stored.
///
/// # Errors
/// The message about the name.
pub(super) fn read_name(app: &App, fields: &Fields) -> Result<String, LocalizedMessage> {
    let text = match fields.text(NAME) {
        Field::Text(text) => text,
        Field::Empty => return Err(Message::WebauthnNameRequired.into()),
        Field::WrongType => return Err(Message::ApiError.into()),
    };
    let settings = app.settings();
    let rules = settings.webauthn.names(&settings.identity);
    username::normalise(text, &rules).map_err(|refusal| match refusal {
        username::Refusal::Disallowed => Message::WebauthnNameDisallowedCharacters.into(),
        username::Refusal::Length => {
            Message::InvalidInputLength.with("length", rules.max_length.to_string())
        }
        username::Refusal::Invalid => Message::InvalidInput.into(),
    })
}

/// What a reply says about a registered passkey.
pub(super) fn describe(passkey: &Passkey) -> Value {
    json!({
        "name": passkey.name,
        "credential_id": options::encode(&passkey.credential_id),
        "transports": passkey.transports,
        "lastuse": last_use(passkey),
        "usage": passkey.usage,
        "backup_state": passkey.backup_state,
        "device_type": passkey.device_type,
        "discoverable": discoverable(passkey),
    })
}

/// The last use as Python writes a time: in UTC, without a zone, and without a fraction if it is
/// zero.
fn last_use(passkey: &Passkey) -> String {
    let at = passkey.last_used_at.to_offset(time::UtcOffset::UTC);
    let micros = at.microsecond();
    let (date, (hour, minute, second)) = (at.date(), at.time().as_hms());
    let mut text = format!("{date}T{hour:02}:{minute:02}:{second:02}");
    if micros != 0 {
        text.push_str(&format!(".{micros:06}"));
    }
    text
}

/// Whether the authenticator discovers the passkey without its ID, as far as the client reported it.
fn discoverable(passkey: &Passkey) -> Value {
    let extensions = passkey.extensions.as_deref();
    let parsed: Option<Value> = extensions.and_then(|text| serde_json::from_str(text).ok());
    match parsed.as_ref().map(|parsed| &parsed["credProps"]["rk"]) {
        Some(rk @ Value::Bool(_)) => rk.clone(),
        _ => json!("Unknown"),
    }
}
