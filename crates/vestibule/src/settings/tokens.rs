//! Settings of tokens, and of how recent a proof of identity has to be.

use std::time::Duration;

use http::HeaderName;

use super::check::{is_path, not_a_path};
use super::cookie::CookieSettings;
use super::csrf::{Mechanism, mechanisms};
use super::reader::Reader;

/// Settings of auth tokens (`SECURITY_TOKEN_*`), and the authentication mechanisms of API callers.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The header that carries an auth token.
    pub header: HeaderName,
    /// The query parameter, or member of a JSON body, that carries an auth token.
    pub parameter: String,
    /// How long a token is valid.
    pub max_age: Duration,
    /// The expiry that new tokens carry, in seconds since 1970; `None` if they carry none.
    pub expire_timestamp: Option<i64>,
    /// The salt of token signatures.
    pub salt: String,
    /// Whether every sign-in returns a token, requested or not.
    pub always_included: bool,
    /// The mechanisms accepted by endpoints that only require an authenticated user.
    pub api_enabled_methods: Vec<Mechanism>,
    /// The realm of HTTP basic authentication.
    pub realm: String,
}

/// Settings of refresh tokens: `SECURITY_REFRESH_TOKEN_*`.
#[derive(Debug, Clone)]
pub struct RefreshSettings {
    /// Whether refresh tokens are issued.
    pub enabled: bool,
    /// The path of `/refresh-token`, after the prefix.
    pub url: String,
    /// The cookie that carries the token; `None` if the body carries it.
    pub cookie: Option<CookieSettings>,
    /// How long a token family lives.
    pub max_age: Duration,
    /// How long a token may be unused.
    pub max_idle: Duration,
    /// How long after its exchange a token still returns the same successor.
    pub grace: Duration,
    /// Whether expired families are removed: the user's own at a sign-in, and those of all users
    /// some time later.
    pub cleanup_expired: bool,
    /// Whether a sign-in also removes revoked families.
    pub cleanup_revoked: bool,
    /// The salt of refresh-token signatures.
    pub salt: String,
}

/// Settings of freshness: `SECURITY_FRESHNESS*`.
#[derive(Debug, Clone, Copy)]
pub struct FreshnessSettings {
    /// The maximum age of a proof of identity where freshness is required; `None` for any age.
    pub within: Option<Duration>,
    /// How long a fresh user is not asked again.
    pub grace: Duration,
    /// Whether an auth token counts as a proof of identity.
    pub allow_auth_token: bool,
}

impl TokenSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const HEADER: &str = "SECURITY_TOKEN_AUTHENTICATION_HEADER";
        const REALM: &str = "SECURITY_DEFAULT_HTTP_AUTH_REALM";
        let header = HeaderName::try_from(reader.text(HEADER)).unwrap_or_else(|_| {
            reader.problem(
                HEADER,
                "is not a valid header name",
                "write a name such as \"Authentication-Token\"",
            );
            HeaderName::from_static("authentication-token")
        });
        let realm = reader.text(REALM);
        if !realm.chars().all(|c| c == ' ' || c.is_ascii_graphic()) || realm.contains(['"', '\\']) {
            reader.problem(
                REALM,
                "contains characters that are not valid in a header",
                "use ASCII letters, without quotes",
            );
        }
        let api_enabled_methods = mechanisms(reader, "SECURITY_API_ENABLED_METHODS");
        if api_enabled_methods.is_empty() {
            reader.problem(
                "SECURITY_API_ENABLED_METHODS",
                "is empty: no caller could authenticate",
                "use some of session, token and basic",
            );
        }
        Self {
            header,
            parameter: reader.text("SECURITY_TOKEN_AUTHENTICATION_KEY"),
            max_age: reader.duration("SECURITY_TOKEN_MAX_AGE"),
            expire_timestamp: reader
                .whole("SECURITY_TOKEN_EXPIRE_TIMESTAMP")
                .filter(|end| *end > 0),
            salt: reader.text("SECURITY_REMEMBER_SALT"),
            always_included: reader.flag("SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN"),
            api_enabled_methods,
            realm,
        }
    }
}

impl RefreshSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const URL: &str = "SECURITY_REFRESH_TOKEN_URL";
        const COOKIE: &str = "SECURITY_REFRESH_TOKEN_COOKIE";
        let url = reader.text(URL);
        if !is_path(&url) {
            not_a_path(reader, URL, &url);
        }
        let enabled = reader.flag("SECURITY_REFRESH_TOKEN");
        let cookie = reader
            .optional_text("SECURITY_REFRESH_TOKEN_COOKIE_NAME")
            .map(|name| CookieSettings::from_table(reader, COOKIE, &name));
        if let Some(cookie) = &cookie {
            cookie.check(reader, COOKIE);
        }
        Self {
            enabled,
            url,
            cookie,
            max_age: reader.duration("SECURITY_REFRESH_TOKEN_MAX_AGE"),
            max_idle: reader.duration("SECURITY_REFRESH_TOKEN_MAX_IDLE"),
            grace: reader
                .optional_duration("SECURITY_REFRESH_TOKEN_GRACE")
                .unwrap_or_default(),
            cleanup_expired: reader.flag("SECURITY_REFRESH_TOKEN_CLEANUP_EXPIRED"),
            cleanup_revoked: reader.flag("SECURITY_REFRESH_TOKEN_CLEANUP_REVOKED"),
            salt: reader.text("SECURITY_REFRESH_TOKEN_SALT"),
        }
    }
}

impl FreshnessSettings {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let off = reader.is_negative("SECURITY_FRESHNESS");
        Self {
            within: reader
                .optional_duration("SECURITY_FRESHNESS")
                .filter(|_| !off),
            grace: reader
                .optional_duration("SECURITY_FRESHNESS_GRACE_PERIOD")
                .unwrap_or_default(),
            allow_auth_token: reader.flag("SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN"),
        }
    }
}
