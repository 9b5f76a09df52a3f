//! Settings of the session and the remember cookie.

use std::time::Duration;

use super::check::{is_path, not_a_path};
use super::cookie::CookieSettings;
use super::reader::Reader;

/// Flask-Login's `SESSION_PROTECTION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionProtection {
    /// A session used from another address or user agent loses its freshness.
    Basic,
    /// A session used from another address or user agent ends.
    Strong,
}

/// Settings of the session: `SESSION_*` and `PERMANENT_SESSION_LIFETIME`.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// The session cookie.
    pub cookie: CookieSettings,
    /// How long a session may be idle.
    pub permanent_lifetime: Duration,
    /// Whether a permanent session's cookie is sent with every response.
    pub refresh_each_request: bool,
    /// What happens to a session used from another address or user agent; `None` for nothing.
    pub protection: Option<SessionProtection>,
    /// The remember cookie.
    pub remember: RememberSettings,
}

/// Settings of the remember cookie: `REMEMBER_COOKIE_*`.
#[derive(Debug, Clone)]
pub struct RememberSettings {
    /// The cookie.
    pub cookie: CookieSettings,
    /// How long a browser keeps the cookie.
    pub duration: Duration,
    /// Whether the cookie is sent with every response.
    pub refresh_each_request: bool,
}

impl SessionSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut root = reader.text("APPLICATION_ROOT");
        if !is_path(&root) {
            not_a_path(reader, "APPLICATION_ROOT", &root);
            "/".clone_into(&mut root);
        }
        let cookie = CookieSettings::prefixed(reader, "SESSION_COOKIE", &root);
        cookie.check(reader, "SESSION_COOKIE_*");
        let remember = CookieSettings::prefixed(reader, "REMEMBER_COOKIE", "/");
        remember.check(reader, "REMEMBER_COOKIE_*");
        let protection = [
            ("basic", SessionProtection::Basic),
            ("strong", SessionProtection::Strong),
        ];
        Self {
            cookie,
            permanent_lifetime: reader.duration("PERMANENT_SESSION_LIFETIME"),
            refresh_each_request: reader.flag("SESSION_REFRESH_EACH_REQUEST"),
            protection: reader.word("SESSION_PROTECTION", &protection),
            remember: RememberSettings {
                cookie: remember,
                duration: reader.duration("REMEMBER_COOKIE_DURATION"),
                refresh_each_request: reader.flag("REMEMBER_COOKIE_REFRESH_EACH_REQUEST"),
            },
        }
    }
}
