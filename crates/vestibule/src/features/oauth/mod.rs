//! Social sign-in: signing in, proving one's identity again, and linking an identity, with a provider
//! of OAuth 2.0 or OpenID Connect.
//!
//! Routes    `POST /login/oauthstart/{name}`, `GET /login/oauthresponse/{name}`, `POST
//!           /login/oauth-verify-start/{name}`, `GET /login/oauth-verify-response/{name}`; `POST` of
//!           both responses if a provider answers with a form
//! Settings  `OAUTH_ENABLE`, `OAUTH_BUILTIN_PROVIDERS`, `OAUTH_PROVIDERS`, `OAUTH_*_URL`,
//!           `OAUTH_LINKING`, `OAUTH_AUTO_REGISTER`, `POST_OAUTH_*_VIEW`, `LOGIN_ERROR_VIEW`,
//!           `VERIFY_ERROR_VIEW`, `POST_LOGIN_VIEW`
//! Messages  `OAUTH_HANDSHAKE_ERROR`, `IDENTITY_NOT_REGISTERED`, `OAUTH_ADDRESS_NOT_VERIFIED`,
//!           `OAUTH_NOT_LINKED`, `OAUTH_ALREADY_LINKED`, `ANONYMOUS_USER_REQUIRED`, ...
//! Mails     `welcome`, `factor_added_notice`
//! Hooks     `SignedIn`, `SignInFailed`, `Verified`, `Registered`, `SignInMethodAdded`
//! Never     accepts a state of another browser, provider or purpose, or twice; shows or logs a text
//!           of a provider; makes any session fresh but that of the user whose identity it is

mod account;
mod document;
mod link;
mod register;
mod respond;
mod sign_in;
mod start;
mod verify;

use crate::openapi::Endpoint;
use crate::settings::{Settings, endpoints};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let oauth = &settings.oauth;
    if !oauth.enabled {
        return Vec::new();
    }
    let at = |url: &str| Endpoint::at(&endpoints::under(url, "{name}"));
    let answered = |endpoint: Endpoint, describe| {
        if settings.takes_provider_forms() {
            let endpoint = endpoint.post(respond::form, describe);
            endpoint.open_to_other_sites()
        } else {
            endpoint
        }
    };
    let response = at(&oauth.response_url).get(respond::sign_in, document::response);
    let mut endpoints = vec![
        at(&oauth.start_url).post(start::sign_in, document::start),
        answered(response, document::form),
    ];
    // Without a freshness limit, no endpoint requires another proof of identity.
    if settings.freshness.within.is_some() {
        let response =
            at(&oauth.verify_response_url).get(respond::verify, document::verify_response);
        endpoints.extend([
            at(&oauth.verify_start_url).post(start::verify, document::verify_start),
            answered(response, document::verify_form),
        ]);
    }
    endpoints
}
