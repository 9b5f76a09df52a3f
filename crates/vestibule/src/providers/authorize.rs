//! The URL at which a user signs in at the provider (RFC 6749, section 4.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use sha2::{Digest as _, Sha256};

use super::flow::AuthorizationRequest;
use crate::settings::{ProviderEndpoint, ProviderProtocol, ProviderSettings};

/// The URL for a request at an authorization endpoint, which may have a query of its own.
pub(super) fn url(
    endpoint: &ProviderEndpoint,
    settings: &ProviderSettings,
    request: &AuthorizationRequest<'_>,
) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("state", request.state)
        .append_pair("code_challenge", &challenge(request.verifier))
        .append_pair("code_challenge_method", "S256");
    if !settings.scope.is_empty() {
        query.append_pair("scope", &settings.scope);
    }
    if matches!(settings.protocol, ProviderProtocol::OpenId { .. }) {
        query.append_pair("nonce", request.nonce);
    }
    if settings.form_post {
        query.append_pair("response_mode", "form_post");
    }
    let separator = if endpoint.url.contains('?') { '&' } else { '?' };
    format!("{}{separator}{}", endpoint.url, query.finish())
}

/// The S256 code challenge (RFC 7636, section 4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
