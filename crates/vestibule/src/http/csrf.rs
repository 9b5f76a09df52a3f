//! Cross-site request forgery: the token of Flask-WTF, and when it has to be there.
//!
//! The token is a random value in the session cookie; what the client sends back is
//! that value, signed and timed. A failed check names itself ([`Explanation`]).

use http::{HeaderMap, Method, StatusCode, header};
use vestibule_formats::csrf::CsrfError;

use super::body::RawBody;
use super::facts::Facts;
use super::reject::{Explanation, Rejection};
use crate::app::App;
use crate::messages::Message;
use crate::session::visit::{CookieState, Mechanism, Visit};
use crate::settings::CsrfSettings;

/// What of a request the check looks at.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The method: only those in `WTF_CSRF_METHODS` are checked.
    pub method: &'a Method,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The token in a form field, if the body is a form.
    pub form_token: Option<String>,
}

impl<'a> Evidence<'a> {
    /// Gathers it from a request.
    #[must_use]
    pub fn of(app: &App, method: &'a Method, headers: &'a HeaderMap, body: &RawBody) -> Self {
        let form_token = body.form_value(&app.settings().csrf.field_name);
        Self {
            method,
            headers,
            form_token,
        }
    }
}

/// For an endpoint that a stranger may call.
///
/// # Errors
/// 400 naming the check that failed.
pub fn check_open(app: &App, visit: &mut Visit, evidence: &Evidence<'_>) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    if !settings.enabled {
        return Ok(());
    }
    let stranger = visit.caller().is_none();
    if settings.ignore_unauth_endpoints && stranger && !settings.check_default {
        return Ok(());
    }
    check(app, visit, evidence)
}

/// For an endpoint whose caller has been authenticated by a mechanism.
///
/// # Errors
/// 400 naming the check that failed.
pub fn check_caller(
    app: &App,
    visit: &mut Visit,
    mechanism: Mechanism,
    evidence: &Evidence<'_>,
) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    if !settings.enabled {
        return Ok(());
    }
    if settings.check_default || settings.protect_mechanisms.contains(&mechanism) {
        check(app, visit, evidence)
    } else {
        Ok(())
    }
}

/// For an endpoint that asks for no token of its own: `WTF_CSRF_CHECK_DEFAULT` asks for
/// one everywhere.
///
/// # Errors
/// 400 naming the check that failed.
pub fn check_everywhere(
    app: &App,
    visit: &mut Visit,
    evidence: &Evidence<'_>,
) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    if settings.enabled && settings.check_default {
        check(app, visit, evidence)
    } else {
        Ok(())
    }
}

fn check(app: &App, visit: &mut Visit, evidence: &Evidence<'_>) -> Result<(), Rejection> {
    let settings = &app.settings().csrf;
    let named = settings
        .methods
        .iter()
        .any(|method| method == evidence.method.as_str());
    // What changes something is checked whether or not the setting names its method: the
    // reference's forms do so, too.
    if !named && matches!(*evidence.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let sent = sent_token(settings, evidence);
    let expected = visit.session_mut().get_str(&settings.field_name);
    let verdict = match sent {
        None => Err(CsrfError::Missing),
        Some(token) => app.csrf_codec().check(
            token,
            expected.as_deref(),
            app.unix_now(),
            settings.time_limit,
        ),
    };
    verdict.map_err(|error| refuse(settings, error, visit.cookie_state()))?;
    if settings.ssl_strict && visit.facts().secure() {
        check_referrer(evidence.headers, visit.facts())?;
    }
    Ok(())
}

fn sent_token<'a>(settings: &CsrfSettings, evidence: &'a Evidence<'_>) -> Option<&'a str> {
    let header = |name: &String| evidence.headers.get(name.as_str())?.to_str().ok();
    evidence
        .form_token
        .as_deref()
        .filter(|token| !token.is_empty())
        .or_else(|| {
            settings
                .headers
                .iter()
                .filter_map(header)
                .find(|token| !token.is_empty())
        })
}

fn refuse(settings: &CsrfSettings, error: CsrfError, cookie_state: CookieState) -> Rejection {
    let headers = settings.headers.join(", ");
    let cookie = settings.cookie.as_ref().map_or_else(String::new, |cookie| {
        format!(" or the cookie {}", cookie.name)
    });
    let get_one = format!("take it from csrf_token in the answer of GET /login{cookie}");
    let (message, saw, fix) = match error {
        CsrfError::Missing => (
            Message::CsrfTokenMissing,
            format!(
                "none of the headers {headers} and no form field {}",
                settings.field_name
            ),
            format!(
                "send the CSRF token in one of these headers; {get_one}. Requests of people who \
                 are not signed in need none with SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true"
            ),
        ),
        CsrfError::SessionMissing => {
            let (saw, fix) = no_session(cookie_state, &get_one);
            (Message::CsrfSessionTokenMissing, saw.to_owned(), fix)
        }
        CsrfError::Expired => (
            Message::CsrfTokenExpired,
            format!(
                "a token older than {} seconds",
                settings.time_limit.unwrap_or_default().as_secs()
            ),
            format!("{get_one} again, or change WTF_CSRF_TIME_LIMIT (\"\" for no limit)"),
        ),
        CsrfError::Invalid => (
            Message::CsrfTokenInvalid,
            "a token that this server did not sign, or not with its present key".to_owned(),
            format!(
                "{get_one}; after a change of SECRET_KEY keep the old one in SECRET_KEY_FALLBACKS"
            ),
        ),
        CsrfError::Mismatch => (
            Message::CsrfTokenMismatch,
            "a token of another session: it was fetched before sign-in or sign-out, or in \
             another browser profile"
                .to_owned(),
            format!("{get_one} again after signing in or out"),
        ),
    };
    Rejection::new(StatusCode::BAD_REQUEST, message).explained(Explanation {
        check: "csrf_token",
        saw,
        fix,
    })
}

/// Why there is no session to compare a token with.
fn no_session(cookie_state: CookieState, get_one: &str) -> (&'static str, String) {
    match cookie_state {
        CookieState::Absent => (
            "a token and no session cookie",
            "send cookies with the request (fetch: credentials: \"include\"); on another origin \
             set CORS_SUPPORTS_CREDENTIALS = true; check SESSION_COOKIE_DOMAIN, _PATH, _SECURE and \
             _SAMESITE"
                .to_owned(),
        ),
        CookieState::Expired => (
            "a session cookie that is too old",
            format!("{get_one} again, or change PERMANENT_SESSION_LIFETIME"),
        ),
        CookieState::Foreign => (
            "a session cookie that this server did not sign",
            "give every server the same SECRET_KEY; after a change keep the old one in \
             SECRET_KEY_FALLBACKS; another application on this host needs another \
             SESSION_COOKIE_NAME"
                .to_owned(),
        ),
        CookieState::Opened => ("a session that was never given a token", get_one.to_owned()),
    }
}

fn check_referrer(headers: &HeaderMap, facts: &Facts) -> Result<(), Rejection> {
    let refuse = |message, saw| {
        Err(
            Rejection::new(StatusCode::BAD_REQUEST, message).explained(Explanation {
                check: "csrf_referrer",
                saw,
                fix: "send the Referer header from the same https origin, or set \
                  WTF_CSRF_SSL_STRICT = false"
                    .to_owned(),
            }),
        )
    };
    let Some(referrer) = headers
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok())
    else {
        return refuse(Message::CsrfReferrerMissing, "no Referer header".to_owned());
    };
    let same = referrer
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .is_some_and(|authority| authority.eq_ignore_ascii_case(facts.host()));
    if same {
        Ok(())
    } else {
        refuse(
            Message::CsrfReferrerMismatch,
            "a Referer of another origin".to_owned(),
        )
    }
}
