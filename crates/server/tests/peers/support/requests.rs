//! Requests that many tests share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http::Request;
use super::jar::{Jar, with_token};
use super::users::PASSWORD;

pub(crate) const LOGIN: &str = "/api/accounts/login";
pub(crate) const LOGOUT: &str = "/api/accounts/logout";

/// A sign-in with the password that most test users have.
pub(crate) fn sign_in(email: &str) -> Request {
    Request::post(LOGIN, &json!({"email": email, "password": PASSWORD}))
}

/// A sign-in with exactly these members in its body.
pub(crate) fn sign_in_with(members: &Value) -> Request {
    Request::post(LOGIN, members)
}

/// A request for the signed-in user.
pub(crate) fn who() -> Request {
    Request::get(LOGIN)
}

/// A sign-out with the CSRF token from the cookie, as a single-page app sends it.
pub(crate) fn sign_out(jar: &Jar) -> Request {
    with_token(Request::post(LOGOUT, &json!({})), jar)
}

pub(crate) const VERIFY: &str = "/api/accounts/verify";
pub(crate) const REFRESH: &str = "/api/accounts/refresh-token";

/// A sign-in that requests an auth token, and a refresh token where they are enabled.
pub(crate) fn sign_in_for_tokens(email: &str) -> Request {
    Request::post(
        &format!("{LOGIN}?include_auth_token"),
        &json!({"email": email, "password": PASSWORD}),
    )
}

/// The `Authorization` header of basic authentication.
pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) const REGISTER: &str = "/api/accounts/register";
pub(crate) const CONFIRM: &str = "/api/accounts/confirm";
pub(crate) const RESET: &str = "/api/accounts/reset";
pub(crate) const CHANGE: &str = "/api/accounts/change";
pub(crate) const CHANGE_EMAIL: &str = "/api/accounts/change-email";
pub(crate) const CHANGE_USERNAME: &str = "/api/accounts/change-username";
pub(crate) const RECOVER_USERNAME: &str = "/api/accounts/recover-username";

/// A complete registration.
pub(crate) fn register(email: &str) -> Request {
    let password = "a new password";
    Request::post(
        REGISTER,
        &json!({"email": email, "password": password, "password_confirm": password}),
    )
}
