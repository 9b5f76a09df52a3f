//! Settings of the CSRF protection.

use std::time::Duration;

use http::HeaderName;
use secrecy::SecretString;

use super::cookie::CookieSettings;
use super::reader::Reader;

/// How a caller is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// By the session cookie, or by the remember cookie that restores a session.
    Session,
    /// By an auth token.
    Token,
    /// By HTTP basic authentication.
    Basic,
}

impl Mechanism {
    /// The mechanism that settings and queries call by this name.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "session" => Some(Self::Session),
            "token" => Some(Self::Token),
            "basic" => Some(Self::Basic),
            _ => None,
        }
    }
}

/// Settings of the CSRF protection: `WTF_CSRF_*` and `SECURITY_CSRF_*`.
#[derive(Debug, Clone)]
pub struct CsrfSettings {
    /// Whether tokens are checked at all.
    pub enabled: bool,
    /// Whether every state-changing request needs a token, regardless of the caller.
    pub check_default: bool,
    /// The methods that are checked; methods other than `GET` and `HEAD` always are.
    pub methods: Vec<String>,
    /// The name of the value in the session and of the form field.
    pub field_name: String,
    /// The headers that may carry the token.
    pub headers: Vec<String>,
    /// The same, parsed.
    pub(crate) header_names: Vec<HeaderName>,
    /// How long a token is valid.
    pub time_limit: Option<Duration>,
    /// Whether the `Referer` is compared on requests over TLS.
    pub ssl_strict: bool,
    /// A separate signing key for tokens.
    pub secret_key: Option<SecretString>,
    /// The mechanisms whose callers need a token.
    pub protect_mechanisms: Vec<Mechanism>,
    /// Whether unauthenticated clients need no token.
    pub ignore_unauth_endpoints: bool,
    /// The cookie that carries the token to the app's scripts, if it is configured.
    pub cookie: Option<CookieSettings>,
    /// Whether the cookie is sent with every response.
    pub cookie_refresh_each_request: bool,
    /// Whether signing out needs a token.
    pub logout_csrf: bool,
}

impl CsrfSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut headers = reader.list("WTF_CSRF_HEADERS");
        headers.extend(reader.optional_text("SECURITY_CSRF_HEADER"));
        headers.dedup_by_key(|header| header.to_ascii_lowercase());
        let mut header_names = Vec::new();
        for header in &headers {
            match HeaderName::try_from(header) {
                Ok(name) => header_names.push(name),
                Err(_) => reader.problem(
                    "WTF_CSRF_HEADERS",
                    format!("{header:?} is not a valid header name (it may come from SECURITY_CSRF_HEADER)"),
                    "write a name such as \"X-XSRF-Token\"",
                ),
            }
        }
        let protect_mechanisms = mechanisms(reader, "SECURITY_CSRF_PROTECT_MECHANISMS");
        // An older version of the reference names the cookie inside its attributes.
        let old_name = reader
            .table("SECURITY_CSRF_COOKIE")
            .get("key")
            .and_then(|value| value.as_str().map(str::to_owned));
        let cookie_name = old_name.or_else(|| reader.optional_text("SECURITY_CSRF_COOKIE_NAME"));
        let enabled = reader.flag("WTF_CSRF_ENABLED");
        let cookie = CookieSettings::from_table(
            reader,
            "SECURITY_CSRF_COOKIE",
            cookie_name.as_deref().unwrap_or("csrf_token"),
        );
        cookie.check(reader, "SECURITY_CSRF_COOKIE");
        let settings = Self {
            enabled,
            check_default: reader.flag("WTF_CSRF_CHECK_DEFAULT"),
            methods: reader.list("WTF_CSRF_METHODS"),
            field_name: reader.text("WTF_CSRF_FIELD_NAME"),
            headers,
            header_names,
            time_limit: reader.optional_duration("WTF_CSRF_TIME_LIMIT"),
            ssl_strict: reader.flag("WTF_CSRF_SSL_STRICT"),
            secret_key: reader.secret("WTF_CSRF_SECRET_KEY"),
            protect_mechanisms,
            ignore_unauth_endpoints: reader.flag("SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS"),
            // If tokens are not checked, the cookie is not sent.
            cookie: (enabled && cookie_name.is_some()).then_some(cookie),
            cookie_refresh_each_request: reader.flag("SECURITY_CSRF_COOKIE_REFRESH_EACH_REQUEST"),
            logout_csrf: reader.flag("SECURITY_LOGOUT_CSRF"),
        };
        settings.check(reader);
        settings
    }

    /// Reports combinations that the reference refuses to start with, and values that would
    /// silently switch the check off.
    fn check(&self, reader: &mut Reader<'_>) {
        const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        for method in &self.methods {
            if !METHODS.contains(&method.as_str()) {
                reader.problem(
                    "WTF_CSRF_METHODS",
                    format!("{method:?} is not an HTTP method of this server"),
                    format!("use some of {}", METHODS.join(", ")),
                );
            }
        }
        if self.enabled && self.methods.is_empty() {
            reader.problem(
                "WTF_CSRF_METHODS",
                "is empty: no request would need a CSRF token",
                "remove it, or set WTF_CSRF_ENABLED = false if you intend this",
            );
        }
        if self.enabled && self.time_limit.is_some_and(|limit| limit.is_zero()) {
            reader.problem(
                "WTF_CSRF_TIME_LIMIT",
                "is zero: every CSRF token would be expired on arrival",
                "remove it for one hour, or set it to \"\" for tokens that do not expire",
            );
        }
        if self.field_name.is_empty() {
            reader.problem(
                "WTF_CSRF_FIELD_NAME",
                "is empty",
                "remove it for the default, \"csrf_token\"",
            );
        }
        if !self.enabled || !self.check_default {
            return;
        }
        let fix = "set WTF_CSRF_CHECK_DEFAULT = false";
        if self.protect_mechanisms.len() < 3 {
            reader.problem(
                "SECURITY_CSRF_PROTECT_MECHANISMS",
                "does not include every mechanism, but WTF_CSRF_CHECK_DEFAULT requires a token for all of them",
                fix,
            );
        }
        if self.ignore_unauth_endpoints {
            reader.problem(
                "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS",
                "has no effect while WTF_CSRF_CHECK_DEFAULT requires a token for every request",
                fix,
            );
        }
    }
}

/// Reads a list of mechanisms.
pub(super) fn mechanisms(reader: &mut Reader<'_>, key: &str) -> Vec<Mechanism> {
    let mut mechanisms = Vec::new();
    for name in reader.list(key) {
        match Mechanism::from_name(&name) {
            Some(mechanism) => mechanisms.push(mechanism),
            None => reader.problem(
                key,
                format!("{name:?} is not a known value"),
                "use session, token or basic",
            ),
        }
    }
    mechanisms
}
