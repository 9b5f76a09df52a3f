//! Explanations of failed checks, for the developer or operator who can fix the cause.
//!
//! In development an explanation is added to the response; in production it is only logged.

use vestibule_formats::csrf::CsrfError;

use crate::http::body_flaw::BodyFlaw;
use crate::http::cookies::CookieState;
use crate::http::trust::origin::{Mismatch, OwnOrigin};
use crate::settings::CsrfSettings;

/// The explanation of a failed check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The check that failed, in one word.
    pub check: &'static str,
    /// What the check saw. Never a secret.
    pub saw: String,
    /// What to change: a setting or a header.
    pub fix: String,
}

impl Explanation {
    fn new(check: &'static str, saw: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            check,
            saw: saw.into(),
            fix: fix.into(),
        }
    }

    /// The `Host` is not trusted. `host` is shown escaped.
    #[must_use]
    pub(crate) fn host(host: &str) -> Self {
        Self::new(
            "host",
            format!("Host: {}", host.escape_debug()),
            "if this host belongs to this server, add it to TRUSTED_HOSTS or set SERVER_NAME to it",
        )
    }

    /// The headers exceed the limit.
    #[must_use]
    pub(crate) fn headers(lines: usize, bytes: usize) -> Self {
        Self::new(
            "headers",
            format!("{lines} header lines of {bytes} bytes"),
            "clear the cookies of this site, including those of other applications on this host",
        )
    }

    /// The query of `/authz` is invalid. `name` is shown escaped.
    #[must_use]
    pub(crate) fn authz_query(name: &str, what: &str) -> Self {
        Self::new(
            "authz_query",
            format!("{} {what}", name.escape_debug()),
            "use methods, roles_required, roles_accepted, permissions_required, \
             permissions_accepted, within and grace, each at most once; separate list items with \
             commas, and give times in seconds",
        )
    }

    /// The content type of the body is not supported; `None` if the body has none.
    #[must_use]
    pub(crate) fn content_type(named: Option<&str>) -> Self {
        let saw = named.map_or_else(
            || "a body without a Content-Type".to_owned(),
            |named| format!("Content-Type: {named}"),
        );
        Self::new(
            "content_type",
            saw,
            "send Content-Type: application/json with a JSON body, or a URL-encoded form",
        )
    }

    /// The body could not be parsed. An unsupported content type has its own explanation.
    #[must_use]
    pub(crate) fn body(flaw: &BodyFlaw) -> Self {
        let check = match flaw {
            BodyFlaw::Encoded => "content_encoding",
            _ => "body",
        };
        let one_object = "send one JSON object, such as {\"email\": \"ana@example.com\"}";
        let as_utf8 = "send JSON as UTF-8";
        let (saw, fix) = match flaw {
            BodyFlaw::Unsupported => return Self::content_type(None),
            BodyFlaw::Encoded => (
                "a body with a Content-Encoding".to_owned(),
                "send the body uncompressed and without the Content-Encoding header",
            ),
            BodyFlaw::Incomplete => (
                "a body shorter than its Content-Length".to_owned(),
                "send as many bytes as Content-Length announces; check whether a proxy truncates \
                 the body",
            ),
            BodyFlaw::OtherEncoding => ("JSON in UTF-16 or UTF-32".to_owned(), as_utf8),
            BodyFlaw::NotUtf8(at) => (format!("invalid UTF-8 at byte {at}"), as_utf8),
            BodyFlaw::FormNotUtf8 => (
                "a form field that is not UTF-8".to_owned(),
                "percent-encode the UTF-8 bytes of each character (encodeURIComponent and \
                 URLSearchParams do)",
            ),
            BodyFlaw::Syntax(what) => (
                format!("text that is not JSON: {what}"),
                "build the body with JSON.stringify or your language's JSON library; in a shell, \
                 put it in single quotes",
            ),
            BodyFlaw::NotAnObject => ("JSON that is not an object".to_owned(), one_object),
            BodyFlaw::Repeated(line, column) => (
                format!("a member name that is repeated, at line {line} column {column}"),
                "use each member name once",
            ),
        };
        Self::new(check, saw, fix)
    }

    /// The body exceeds the limit, in bytes.
    #[must_use]
    pub(crate) fn content_length(limit: usize) -> Self {
        Self::new(
            "content_length",
            format!("a body of more than {limit} bytes"),
            "send a smaller body, or raise MAX_CONTENT_LENGTH",
        )
    }

    /// The `Origin` of the request is another site's.
    #[must_use]
    pub(crate) fn origin(origin: &str, own: &OwnOrigin<'_>, mismatch: Mismatch) -> Self {
        Self::cross_site(&format!("Origin: {origin}"), own, likely_cause(mismatch))
    }

    /// `Sec-Fetch-Site` says that another site sent the request.
    #[must_use]
    pub(crate) fn fetch_site(site: &str, own: &OwnOrigin<'_>) -> Self {
        let saw = format!("Sec-Fetch-Site: {site}, without an Origin header");
        Self::cross_site(&saw, own, likely_cause(Mismatch::Host))
    }

    fn cross_site(saw: &str, own: &OwnOrigin<'_>, likely: &str) -> Self {
        Self::new(
            "origin",
            format!("{saw}; the origin of this server is {own}"),
            format!(
                "if your app runs on the sending origin, add it to CORS_ORIGINS and set \
                 CORS_SUPPORTS_CREDENTIALS = true; {likely}"
            ),
        )
    }

    /// A page of another site made the browser send a state-changing `GET`.
    #[must_use]
    pub(crate) fn embedded(site: &str, own_host: &str) -> Self {
        Self::new(
            "origin",
            format!(
                "Sec-Fetch-Site: {site}, on a request that is not a top-level navigation; the host \
                 of this server is {own_host}"
            ),
            "have your app send a POST, or have the user follow a link; if your app runs on the \
             sending origin, add it to CORS_ORIGINS",
        )
    }

    /// The `Referer` of a request over TLS is missing or of another origin.
    #[must_use]
    pub(crate) fn referrer(seen: Option<(&str, Mismatch)>, own: &OwnOrigin<'_>) -> Self {
        let (saw, likely) = match seen {
            None => ("no Referer header".to_owned(), ""),
            Some((referrer, mismatch)) => (format!("Referer: {referrer}"), likely_cause(mismatch)),
        };
        let likely = if likely.is_empty() {
            String::new()
        } else {
            format!("; {likely}")
        };
        Self::new(
            "csrf_referrer",
            format!("{saw}; the origin of this server is {own}"),
            format!(
                "send the request from a page of this server's origin and with its Referer header, \
                 or set WTF_CSRF_SSL_STRICT = false{likely}"
            ),
        )
    }

    /// The CSRF token was refused. `readable` is the name of the CSRF cookie if the page that sent
    /// the request can read it.
    #[must_use]
    pub(crate) fn csrf_token(
        error: CsrfError,
        cookie: CookieState,
        settings: &CsrfSettings,
        readable: Option<&str>,
    ) -> Self {
        let get_one = match (readable, settings.headers.last()) {
            (Some(name), _) => {
                format!(
                    "read the token from csrf_token in the response of GET /login or from the \
                     cookie {name}"
                )
            }
            (None, Some(header)) if settings.cookie.is_some() => format!(
                "read the token from csrf_token in the response of GET /login and send it in the \
                 header {header}, because a page of another host cannot read this host's cookies"
            ),
            _ => "read the token from csrf_token in the response of GET /login".to_owned(),
        };
        let (saw, fix) = match error {
            CsrfError::Missing => (
                format!(
                    "none of the headers {} and no form field {}",
                    settings.headers.join(", "),
                    settings.field_name
                ),
                format!(
                    "send the CSRF token in one of these headers; {get_one}; with \
                     SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true, unauthenticated requests do not \
                     need a token"
                ),
            ),
            CsrfError::SessionMissing => no_session(cookie, &get_one),
            CsrfError::Expired => (
                format!(
                    "a token older than {} seconds",
                    settings.time_limit.unwrap_or_default().as_secs()
                ),
                format!("{get_one} again, or raise WTF_CSRF_TIME_LIMIT (\"\" for no limit)"),
            ),
            CsrfError::Ahead(seconds) => ahead("a token", seconds, &get_one),
            CsrfError::Invalid => (
                "a token that was not signed with a key of this server".to_owned(),
                format!(
                    "{get_one} again; if SECRET_KEY was changed, keep the old key in \
                     SECRET_KEY_FALLBACKS"
                ),
            ),
            CsrfError::Mismatch => (
                "a token of another session, probably fetched before the last sign-out or in \
                 another browser profile"
                    .to_owned(),
                format!("{get_one} again after each sign-out"),
            ),
        };
        Self::new("csrf_token", saw, fix)
    }
}

/// The likely cause if an origin is not this server's own.
fn likely_cause(mismatch: Mismatch) -> &'static str {
    match mismatch {
        Mismatch::Host => {
            "behind a proxy, pass the Host header on unchanged (nginx: proxy_set_header Host \
             $http_host), or add the proxy to TRUSTED_PROXIES"
        }
        Mismatch::Port => {
            "only the port differs, so a proxy probably drops it: pass the Host header on with its \
             port (nginx: proxy_set_header Host $http_host)"
        }
        Mismatch::Scheme => {
            "only the scheme differs: serve your app over HTTPS, or have the proxy send the \
             correct X-Forwarded-Proto header"
        }
    }
}

/// A value was signed on a clock that is ahead of ours.
fn ahead(what: &str, seconds: u64, get_one: &str) -> (String, String) {
    (
        format!("{what} that was signed {seconds} seconds ahead of this server's clock"),
        format!(
            "synchronise the clocks (NTP) of all servers that sign with the same SECRET_KEY; a \
             difference of up to 60 seconds is allowed; if this server's clock was set back, \
             {get_one} again"
        ),
    )
}

/// Why the token cannot be compared with a session.
fn no_session(cookie: CookieState, get_one: &str) -> (String, String) {
    let (saw, fix) = match cookie {
        CookieState::Absent => (
            "a token, but no session cookie",
            "send cookies with the request (fetch: credentials: \"include\"); if your app runs on \
             another origin, set CORS_SUPPORTS_CREDENTIALS = true; check SESSION_COOKIE_DOMAIN, \
             _PATH, _SECURE and _SAMESITE"
                .to_owned(),
        ),
        CookieState::Expired => (
            "a session cookie that is too old",
            format!("{get_one} again, or raise PERMANENT_SESSION_LIFETIME"),
        ),
        CookieState::Ahead(seconds) => return ahead("a session cookie", seconds, get_one),
        CookieState::Foreign => (
            "a session cookie that this server did not sign",
            "use the same SECRET_KEY on every server; if it was changed, keep the old key in \
             SECRET_KEY_FALLBACKS; if another application on this host uses the same cookie name, \
             change SESSION_COOKIE_NAME"
                .to_owned(),
        ),
        CookieState::Opened => (
            "a session for which no token was issued",
            get_one.to_owned(),
        ),
    };
    (saw.to_owned(), fix)
}
