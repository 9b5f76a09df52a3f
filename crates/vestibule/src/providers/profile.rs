//! From a provider's claims to an identity.

use serde_json::{Map, Value};
use vestibule_store::Identity;

use super::error::ProtocolFault;
use super::id_token::LONGEST_SUBJECT;
use super::identity::ProviderIdentity;
use crate::settings::ProviderSettings;

/// The longest value of a claim that is used, in bytes.
const LONGEST_CLAIM: usize = 1000;

/// The longest display name, in characters.
const LONGEST_NAME: usize = 200;

/// The identity that these claims describe.
///
/// # Errors
/// If the claims have no stable subject.
pub(super) fn identity(
    settings: &ProviderSettings,
    issuer: String,
    claims: &Map<String, Value>,
) -> Result<ProviderIdentity, ProtocolFault> {
    let names = &settings.claims;
    // Where another claim finds the user by address, that claim is the address.
    let claim = text(claims, &names.identity);
    let by_address = settings.identity_attribute == Identity::Email;
    let address = text(claims, "email").or_else(|| claim.clone().filter(|_| by_address));
    let address_verified = address
        .as_ref()
        .and_then(|_| is_verified(claims, &names.verified).or(names.verified_by_default));
    Ok(ProviderIdentity {
        issuer,
        subject: subject(claims, &names.subject)?,
        attribute: settings.identity_attribute,
        claim,
        address,
        address_verified,
        name: display_name(claims, &names.name),
    })
}

/// The stable ID: a text or a whole number.
fn subject(claims: &Map<String, Value>, name: &str) -> Result<String, ProtocolFault> {
    // Profiles outside of OpenID Connect have no agreed name for it.
    let other = || (name == "id").then(|| claims.get("sub")).flatten();
    let subject = match claims.get(name).or_else(other) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
        _ => return Err(ProtocolFault::Subject),
    };
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
        return Err(ProtocolFault::Subject);
    }
    Ok(subject)
}

/// A text that is not empty, not too long, and has no control characters.
fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let text = claims.get(name)?.as_str()?;
    let sane =
        !text.is_empty() && text.len() <= LONGEST_CLAIM && !text.chars().any(char::is_control);
    sane.then(|| text.to_owned())
}

/// Whether a claim says that the address is verified: only `true` and `"true"` do. Other claims
/// than the standard one may say so with 1, as Microsoft's does.
fn is_verified(claims: &Map<String, Value>, name: &str) -> Option<bool> {
    Some(match claims.get(name)? {
        Value::Bool(verified) => *verified,
        Value::String(text) => text == "true" || (name != "email_verified" && text == "1"),
        Value::Number(number) => name != "email_verified" && number.as_u64() == Some(1),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    })
}

fn display_name(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let text = claims.get(name)?.as_str()?;
    let name: String = text
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_NAME)
        .collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Completes GitHub's profile from the list of the user's addresses: the address of the profile, or
/// the primary one if the profile has none, and whether it is verified.
pub(super) fn add_address(profile: &mut Map<String, Value>, addresses: &Value, verified: &str) {
    let public = profile.get("email").and_then(Value::as_str);
    let found = addresses.as_array().and_then(|addresses| {
        addresses.iter().find(|address| match public {
            Some(public) => address["email"] == public,
            None => address["primary"] == true,
        })
    });
    let is_verified = found.is_some_and(|address| address["verified"] == true);
    if let Some(address) = found.map(|address| address["email"].clone()) {
        profile.insert("email".to_owned(), address);
    }
    profile.insert(verified.to_owned(), is_verified.into());
}
