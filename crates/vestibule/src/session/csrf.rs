//! Cross-site request forgery protection with Flask-WTF's token, and when it is required.
//!
//! The session cookie holds a random value; the client sends back that value, signed and with a
//! timestamp. The reply to a failed check explains which check failed ([`Explanation`]).

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use vestibule_formats::csrf::CsrfError;

use super::context::SessionContext;
use crate::app::App;
use crate::http::body::RawBody;
use crate::http::reject::Rejection;
use crate::http::request_info::RequestInfo;
use crate::http::trust::cross_site::printable;
use crate::http::trust::origin::OwnOrigin;
use crate::messages::{Explanation, Message};
use crate::settings::{CookieSettings, CsrfSettings};

/// The parts of a request that the CSRF check reads.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// The method. `GET` and `HEAD` are checked only if `WTF_CSRF_METHODS` lists them.
    pub(crate) method: Method,
    /// The token from a form field or a header.
    token: Option<String>,
    referrer: Option<HeaderValue>,
    origin: Option<HeaderValue>,
}

impl Evidence {
    /// Collects the evidence from a request.
    #[must_use]
    pub(crate) fn of(app: &App, method: &Method, headers: &HeaderMap, body: &RawBody) -> Self {
        let settings = &app.settings().csrf;
        let form_token = body.form_value(&settings.field_name);
        Self {
            token: form_token.or_else(|| header_token(settings, headers)),
            ..Self::without_body(app, method, headers)
        }
    }

    /// Collects the evidence from a request whose body is not read.
    #[must_use]
    pub(crate) fn without_body(app: &App, method: &Method, headers: &HeaderMap) -> Self {
        Self {
            method: method.clone(),
            token: header_token(&app.settings().csrf, headers),
            referrer: headers.get(header::REFERER).cloned(),
            origin: headers.get(header::ORIGIN).cloned(),
        }
    }
}

fn header_token(settings: &CsrfSettings, headers: &HeaderMap) -> Option<String> {
    settings
        .header_names
        .iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .find(|token| !token.is_empty())
        .map(str::to_owned)
}

/// Checks a request to an endpoint that is open to unauthenticated clients.
///
/// # Errors
/// 400 with an explanation of the failed check.
pub(crate) fn check_open(
    app: &App,
    session: &mut SessionContext,
    evidence: &Evidence,
) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    if !settings.enabled {
        return Ok(());
    }
    let anonymous = session.caller().is_none();
    if settings.ignore_unauth_endpoints && anonymous && !settings.check_default {
        return Ok(());
    }
    check(app, session, evidence)
}

/// Checks a request whose caller has been authenticated. The authentication mechanism decides
/// whether a token is required.
///
/// # Errors
/// 400 with an explanation of the failed check.
pub(crate) fn check_caller(
    app: &App,
    session: &mut SessionContext,
    evidence: &Evidence,
) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    if !settings.enabled {
        return Ok(());
    }
    // Without a caller, no mechanism exempts the request from the check.
    let needed = session
        .caller()
        .is_none_or(|caller| settings.protect_mechanisms.contains(&caller.via));
    if settings.check_default || needed {
        check(app, session, evidence)
    } else {
        Ok(())
    }
}

/// Checks a request to an endpoint that requires no token of its own: only `WTF_CSRF_CHECK_DEFAULT`
/// makes one required.
///
/// # Errors
/// 400 with an explanation of the failed check.
pub(crate) fn check_everywhere(
    app: &App,
    session: &mut SessionContext,
    evidence: &Evidence,
) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    if settings.enabled && settings.check_default {
        check(app, session, evidence)
    } else {
        Ok(())
    }
}

fn check(app: &App, session: &mut SessionContext, evidence: &Evidence) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    let named = settings
        .methods
        .iter()
        .any(|method| method == evidence.method.as_str());
    // A state-changing request is checked even if the setting does not list its method, as the
    // reference's forms do.
    if !named && matches!(evidence.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let expected = session.data_mut().get_str(&settings.field_name);
    let verdict = match &evidence.token {
        None => Err(CsrfError::Missing),
        Some(token) => app.csrf_codec().check(
            token,
            expected.as_deref(),
            app.unix_now(),
            settings.time_limit,
        ),
    };
    verdict.map_err(|error| {
        let host = session.info().host();
        let readable = settings
            .cookie
            .as_ref()
            .filter(|cookie| page_reads(cookie, evidence.origin.as_ref(), host));
        let readable = readable.map(|cookie| cookie.name.as_str());
        let explanation =
            Explanation::csrf_token(error, session.cookie_state(), settings, readable);
        Rejection::new(StatusCode::BAD_REQUEST, message(error)).explained(explanation)
    })?;
    if settings.ssl_strict && session.info().secure() {
        check_referrer(app, session.info(), evidence.referrer.as_ref())?;
    }
    Ok(())
}

/// Whether scripts of the page that sent the request can read our cookie: pages on the same host,
/// whatever the port, and pages under the cookie's domain.
fn page_reads(cookie: &CookieSettings, origin: Option<&HeaderValue>, own_host: &str) -> bool {
    let Some(origin) = origin else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let page =
        without_port(origin.split_once("://").map_or("", |(_, host)| host)).to_ascii_lowercase();
    if page.eq_ignore_ascii_case(without_port(own_host)) {
        return true;
    }
    let domain = cookie.domain.as_deref().unwrap_or_default();
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let front = page.strip_suffix(&domain).filter(|_| !domain.is_empty());
    front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

fn message(error: CsrfError) -> Message {
    match error {
        CsrfError::Missing => Message::CsrfTokenMissing,
        CsrfError::SessionMissing => Message::CsrfSessionTokenMissing,
        // The reference also reports a token from the future as expired.
        CsrfError::Expired | CsrfError::Ahead(_) => Message::CsrfTokenExpired,
        CsrfError::Invalid => Message::CsrfTokenInvalid,
        CsrfError::Mismatch => Message::CsrfTokenMismatch,
    }
}

fn check_referrer(
    app: &App,
    info: &RequestInfo,
    referrer: Option<&HeaderValue>,
) -> Result<(), Rejection> {
    let own = OwnOrigin::of(info, &app.settings().http);
    let referrer = referrer.and_then(|referrer| referrer.to_str().ok());
    let (message, explanation) = match referrer.map(|text| (text, own.check_referrer(text))) {
        Some((_, Ok(()))) => return Ok(()),
        None => (
            Message::CsrfReferrerMissing,
            Explanation::referrer(None, &own),
        ),
        Some((text, Err(mismatch))) => {
            // A path or query may contain a secret, so neither is shown.
            let origin = text.split(['?', '#']).next().unwrap_or_default();
            let origin: Vec<&str> = origin.split('/').take(3).collect();
            let seen = printable(&origin.join("/"));
            (
                Message::CsrfReferrerMismatch,
                Explanation::referrer(Some((&seen, mismatch)), &own),
            )
        }
    };
    Err(Rejection::new(StatusCode::BAD_REQUEST, message).explained(explanation))
}
