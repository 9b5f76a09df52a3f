//! The requests that nearly every test begins with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cookies::Jar;
use super::http::Request;
use super::users::PASSWORD;

pub(crate) const LOGIN: &str = "/api/accounts/login";
pub(crate) const LOGOUT: &str = "/api/accounts/logout";

/// A sign-in with the password that nearly everybody has.
pub(crate) fn sign_in(email: &str) -> Request {
    Request::post(LOGIN, &json!({"email": email, "password": PASSWORD}))
}

/// A sign-in with exactly these members.
pub(crate) fn sign_in_with(members: &Value) -> Request {
    Request::post(LOGIN, members)
}

/// Who is signed in?
pub(crate) fn who() -> Request {
    Request::get(LOGIN)
}

/// A sign-out with the CSRF token from the cookie, as a single-page app does it.
pub(crate) fn sign_out(jar: &Jar) -> Request {
    with_token(Request::post(LOGOUT, &json!({})), jar)
}

/// Adds the CSRF cookie's value as the header that the reference names.
pub(crate) fn with_token(request: Request, jar: &Jar) -> Request {
    match jar.get("XSRF-TOKEN") {
        Some(token) => request.header("X-XSRF-Token", token),
        None => request,
    }
}

pub(crate) const VERIFY: &str = "/api/accounts/verify";
pub(crate) const REFRESH: &str = "/api/accounts/refresh-token";

/// A sign-in that asks for tokens.
pub(crate) fn sign_in_for_tokens(email: &str) -> Request {
    Request::post(
        &format!("{LOGIN}?include_auth_token"),
        &json!({"email": email, "password": PASSWORD}),
    )
}

/// What basic authentication sends.
pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
