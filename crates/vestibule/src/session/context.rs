//! The session context of a request: the session cookie, the caller, and the cookies of the reply.
//!
//! A [`SessionContext`] is loaded before a handler runs and written back by
//! [`SessionContext::finish`]. The authentication policy of the endpoint determines the caller.

use std::sync::OnceLock;

use axum::body::Body;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use vestibule_formats::flask_session::Session;
use vestibule_formats::session_identifier::session_identifier;
use vestibule_store::UserId;

use super::caller::Caller;
use super::cookies::{Remember, open_session};
use super::grace::Grace;
use crate::app::App;
use crate::guard::{Guesser, device};
use crate::http::cookies::{self, CookieState};
use crate::http::fault::{Fault, HandlerError};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::messages::catalogue::Locale;
use crate::rng;

/// A request's session and caller.
#[derive(Debug)]
pub(crate) struct SessionContext {
    pub(super) info: RequestInfo,
    pub(super) session: Session,
    pub(super) cookie_state: CookieState,
    pub(super) caller: Option<Caller>,
    user_agent: Option<HeaderValue>,
    identifier: OnceLock<String>,
    pub(super) csrf_token: Option<String>,
    pub(super) csrf_cookie: Option<String>,
    pub(super) remember_cookie: Option<String>,
    pub(super) device_cookie: Option<String>,
    /// The user that this request signed in, whose device cookie the reply sets.
    pub(super) signed_in: Option<UserId>,
    pub(super) validity_cookie: Option<String>,
    /// The user whose second factor this device is spared in future, by a cookie of the reply.
    pub(super) remembers_device_of: Option<String>,
    /// Whether session protection lets the session stand.
    pub(super) protected: bool,
    /// The grace period that the session gets once the request is allowed.
    pub(super) grace: Option<Grace>,
    /// Whether the reply may carry the session cookie only.
    pub(super) one_cookie: bool,
    pub(crate) remember: Remember,
}

impl SessionContext {
    /// Information about the request.
    #[must_use]
    pub(crate) fn info(&self) -> &RequestInfo {
        &self.info
    }

    /// Whether the session cookie was absent, opened or rejected.
    #[must_use]
    pub(crate) fn cookie_state(&self) -> CookieState {
        self.cookie_state
    }

    /// The caller, if the request is authenticated.
    #[must_use]
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The session.
    pub(crate) fn data_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    pub(crate) fn set_caller(&mut self, caller: Option<Caller>) {
        self.caller = caller;
    }

    /// Remembers a grace period, to be stored once the request is allowed.
    pub(super) fn earn_grace(&mut self, grace: Grace) {
        self.grace = Some(grace);
    }

    /// Stores the earned grace period in the session.
    pub(crate) fn keep_grace(&mut self) {
        if let Some(grace) = self.grace.take() {
            grace.keep(&mut self.session);
        }
    }

    /// The digest of the client's address and user agent.
    pub(crate) fn identifier(&self) -> &str {
        self.identifier.get_or_init(|| {
            let user_agent = self.user_agent.as_ref().map(HeaderValue::as_bytes);
            session_identifier(self.info.address(), user_agent)
        })
    }

    /// The client, as the limits on guesses see it.
    pub(crate) fn guesser(&self) -> Guesser<'_> {
        Guesser {
            info: &self.info,
            device_cookie: self.device_cookie.as_deref(),
        }
    }

    pub(crate) fn came_with_remember_cookie(&self) -> bool {
        self.remember_cookie.is_some()
    }

    /// The CSRF token for this session, created if there is none yet. It stays the same for the
    /// whole request.
    pub(crate) fn csrf_token(&mut self, app: &App) -> String {
        if let Some(token) = &self.csrf_token {
            return token.clone();
        }
        let field = &app.settings().csrf.field_name;
        let raw = self.session.get_str(field).unwrap_or_else(|| {
            let raw = rng::hex::<20>(app.random());
            self.session.set_str(field, &raw);
            raw
        });
        let token = app.csrf_codec().make(&raw, app.unix_now());
        self.csrf_token = Some(token.clone());
        token
    }

    /// Removes the CSRF token, which ends with the session.
    pub(crate) fn drop_csrf_token(&mut self, app: &App) {
        self.session.remove(&app.settings().csrf.field_name);
        self.csrf_token = None;
    }

    fn load(app: &App, info: RequestInfo, headers: &HeaderMap) -> Self {
        let settings = &app.settings().session;
        let (session, cookie_state) = match cookies::cookie(headers, &settings.cookie.name) {
            None => (Session::default(), CookieState::Absent),
            Some(cookie) => open_session(app, cookie),
        };
        let remember_cookie = cookies::cookie(headers, &settings.remember.cookie.name);
        let mut session = Self {
            user_agent: headers.get(header::USER_AGENT).cloned(),
            identifier: OnceLock::new(),
            info,
            session,
            cookie_state,
            caller: None,
            csrf_token: None,
            csrf_cookie: app
                .settings()
                .csrf
                .cookie
                .as_ref()
                .and_then(|cookie| cookies::cookie(headers, &cookie.name))
                .map(str::to_owned),
            remember_cookie: remember_cookie.map(str::to_owned),
            device_cookie: cookies::cookie(headers, device::COOKIE).map(str::to_owned),
            signed_in: None,
            validity_cookie: cookies::cookie(
                headers,
                &app.settings().two_factor.validity_cookie.name,
            )
            .map(str::to_owned),
            remembers_device_of: None,
            protected: true,
            grace: None,
            one_cookie: false,
            remember: Remember::Leave,
        };
        session.resume_postponed();
        session.protected = session.protect(settings.protection);
        session
    }

    /// Turns a handler's outcome into the response, with the cookies that it needs.
    pub(crate) fn finish(
        mut self,
        app: &App,
        outcome: Result<Reply, HandlerError>,
    ) -> Response<Body> {
        if outcome.is_ok() {
            self.keep_grace();
        }
        let mut response = match outcome {
            Ok(reply) => app.render(reply),
            Err(refusal) => app.answer(&self.info, refusal),
        };
        let headers = response.headers_mut();
        self.write_cookies(app, headers);
        if let Some(value) = &app.settings().http.cache_control {
            headers.insert(header::CACHE_CONTROL, value.clone());
        }
        response
    }
}

impl FromRequestParts<App> for SessionContext {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let refuse = |fault: Fault| {
            let rejection = HandlerError::from(fault).into_rejection();
            app.render(rejection.into_reply(app.messages().spoken(Locale::ENGLISH), false))
        };
        let Some(info) = parts.extensions.get::<RequestInfo>().cloned() else {
            return Err(refuse(Fault::Internal(
                "the router's middleware is missing".to_owned(),
            )));
        };
        Ok(Self::load(app, info, &parts.headers))
    }
}
