//! The discovery document of an OpenID provider (OpenID Connect Discovery 1.0, RFC 8414).

use serde_json::{Map, Value};
use vestibule_formats::strict_json;

use super::error::ProtocolFault;
use super::issuer::Issuers;
use crate::settings::{ProviderEndpoint, TokenAuth};

/// What a discovery document says.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorize: ProviderEndpoint,
    pub(super) token: ProviderEndpoint,
    pub(super) userinfo: Option<ProviderEndpoint>,
    pub(super) keys: ProviderEndpoint,
    /// Whether every answer has the parameter `iss` (RFC 9207, section 3).
    pub(super) sends_issuer: bool,
    /// Where the client sends its credentials.
    pub(super) token_auth: TokenAuth,
}

/// Where the document of an issuer is.
pub(super) fn location(issuer: &str, allow_private: bool) -> Option<ProviderEndpoint> {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    let url = format!("{issuer}/.well-known/openid-configuration");
    ProviderEndpoint::parse(&url, allow_private)
}

impl Metadata {
    /// Parses a document.
    ///
    /// # Errors
    /// If it is not an object, names another issuer, or has no valid URL of a required endpoint.
    pub(super) fn parse(
        text: &[u8],
        issuers: &Issuers,
        allow_private: bool,
    ) -> Result<Self, ProtocolFault> {
        let document = strict_json::parse_object(text).ok_or(ProtocolFault::Malformed)?;
        let named = document.get("issuer").and_then(Value::as_str);
        if !named.is_some_and(|named| issuers.are_named_by(named)) {
            return Err(ProtocolFault::Metadata);
        }
        let endpoint = |name: &str| {
            let url = document.get(name).and_then(Value::as_str)?;
            ProviderEndpoint::parse(url, allow_private)
        };
        let required = |name: &str| endpoint(name).ok_or(ProtocolFault::Metadata);
        Ok(Self {
            authorize: required("authorization_endpoint")?,
            token: required("token_endpoint")?,
            keys: required("jwks_uri")?,
            userinfo: endpoint("userinfo_endpoint"),
            sends_issuer: document
                .get("authorization_response_iss_parameter_supported")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            token_auth: token_auth(&document),
        })
    }
}

/// `client_secret_basic` is the default, and wins if both are supported.
fn token_auth(document: &Map<String, Value>) -> TokenAuth {
    let methods = document
        .get("token_endpoint_auth_methods_supported")
        .and_then(Value::as_array);
    let supports = |name: &str| {
        methods.is_some_and(|methods| methods.iter().any(|method| method.as_str() == Some(name)))
    };
    if supports("client_secret_post") && !supports("client_secret_basic") {
        TokenAuth::Post
    } else {
        TokenAuth::Basic
    }
}
