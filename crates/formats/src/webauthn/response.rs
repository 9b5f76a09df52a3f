//! The members that both kinds of response have.

use serde_json::{Map, Value};

use super::error::{Invalid, MalformedResponse};
use super::{MAX_RESPONSE, base64url, json};

/// The members of a response outside `response`.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    id: String,
    pub(super) raw_id: Vec<u8>,
    pub(super) client_data_json: Vec<u8>,
}

impl Credential {
    /// Reads the common members. Returns them with the members of `response`.
    pub(super) fn parse(text: &str) -> Result<(Self, Map<String, Value>), MalformedResponse> {
        if text.len() > MAX_RESPONSE {
            return Err(MalformedResponse::TooLong);
        }
        let mut members = json::object(text).ok_or(MalformedResponse::NotAnObject)?;
        let id = string(&members, "id")?.to_owned();
        let raw_id = bytes(&members, "rawId")?;
        if string(&members, "type")? != "public-key" {
            return Err(MalformedResponse::Member("type"));
        }
        // Any other type of value counts as missing.
        if let Some(Value::String(attachment)) = members.get("authenticatorAttachment")
            && !matches!(attachment.as_str(), "platform" | "cross-platform")
        {
            return Err(MalformedResponse::Member("authenticatorAttachment"));
        }
        let Some(Value::Object(response)) = members.remove("response") else {
            return Err(MalformedResponse::Member("response"));
        };
        let client_data_json = bytes(&response, "clientDataJSON")?;
        let credential = Self {
            id,
            raw_id,
            client_data_json,
        };
        Ok((credential, response))
    }

    /// Whether `id` is the encoding of `rawId`.
    pub(super) fn verify(&self) -> Result<(), Invalid> {
        if base64url::encode(&self.raw_id) == self.id {
            Ok(())
        } else {
            Err(Invalid::CredentialId)
        }
    }
}

/// A member that is a string.
pub(super) fn string<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, MalformedResponse> {
    members
        .get(name)
        .and_then(Value::as_str)
        .ok_or(MalformedResponse::Member(name))
}

/// A member that is base64url.
pub(super) fn bytes(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Vec<u8>, MalformedResponse> {
    base64url::decode(string(members, name)?).ok_or(MalformedResponse::Base64(name))
}
