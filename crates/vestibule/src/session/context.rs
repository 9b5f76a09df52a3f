//! One request's view of the person behind it: the session cookie, the caller, and the
//! cookies that go back.
//!
//! A [`SessionContext`] is loaded before a handler runs and written back by [`SessionContext::finish`]. Who is
//! asking, the `auth_policy` finds out that the request comes to.

use axum::body::Body;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use vestibule_formats::flask_session::Session;
use vestibule_formats::session_identifier::session_identifier;
use vestibule_formats::sign::SignatureError;
use vestibule_store::{Role, User, UserKey};

use super::assurance;
use super::grace::Grace;
use super::keys;
use crate::app::App;
use crate::http::cookies::{self, CookieState, Lifetime};
use crate::http::fault::{Fault, HandlerError};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::messages::catalogue::Locale;
use crate::rng;
pub use crate::settings::Mechanism;
use crate::settings::{CookieSettings, SessionProtection};

mod one_cookie;

/// Somebody who has been authenticated.
#[derive(Debug)]
pub struct Caller {
    /// Who.
    pub user: User,
    /// By which mechanism.
    pub via: Mechanism,
    /// When they last proved who they are, in seconds since 1970.
    pub authenticated_at: Option<f64>,
    /// Their roles, if the door asked for them.
    pub(crate) roles: Option<Vec<Role>>,
}

impl Caller {
    /// Their roles, by name: read if nobody did so before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn roles(&self, app: &App) -> Result<Vec<Role>, Fault> {
        match &self.roles {
            Some(roles) => Ok(roles.clone()),
            None => Ok(app.store().roles_of(self.user.id).await?),
        }
    }
}

/// What of a user is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// The row.
    User,
    /// Their roles with it.
    WithRoles,
}

/// An active user, and as much about them as was asked for.
pub(super) async fn active_user(
    app: &App,
    key: UserKey<'_>,
    load: Load,
) -> Result<Option<(User, Option<Vec<Role>>)>, Fault> {
    let found = match load {
        Load::User => app.store().user(key).await?.map(|user| (user, None)),
        Load::WithRoles => {
            let found = app.store().user_with_roles(key).await?;
            found.map(|(user, roles)| (user, Some(roles)))
        }
    };
    Ok(found.filter(|(user, _)| assurance::credential_counts(user)))
}

/// What happens to the remember cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    Leave,
    Set,
    Clear,
}

/// A request's session and caller.
#[derive(Debug)]
pub struct SessionContext {
    info: RequestInfo,
    session: Session,
    cookie_state: CookieState,
    caller: Option<Caller>,
    identifier: String,
    csrf_token: Option<String>,
    csrf_cookie: Option<String>,
    remember_cookie: Option<String>,
    /// Whether session protection leaves the session in force.
    protected: bool,
    /// Grace that counts once the request is let in.
    grace: Option<Grace>,
    /// Whether the answer may carry the session cookie and no other.
    one_cookie: bool,
    pub(crate) remember: Remember,
}

impl SessionContext {
    /// What is known about the request.
    #[must_use]
    pub fn info(&self) -> &RequestInfo {
        &self.info
    }

    /// What became of the session cookie.
    #[must_use]
    pub fn cookie_state(&self) -> CookieState {
        self.cookie_state
    }

    /// Who is asking, if anybody is signed in.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The session.
    pub fn data_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    pub(crate) fn set_caller(&mut self, caller: Option<Caller>) {
        self.caller = caller;
    }

    /// Notes that the caller is not asked again for a time: if they are let in at all.
    pub(super) fn earn_grace(&mut self, grace: Grace) {
        self.grace = Some(grace);
    }

    /// Puts what was earned into the session.
    pub(crate) fn keep_grace(&mut self) {
        if let Some(grace) = self.grace.take() {
            grace.keep(&mut self.session);
        }
    }

    /// The digest of where this request comes from.
    pub(crate) fn identifier(&self) -> &str {
        &self.identifier
    }

    pub(crate) fn came_with_remember_cookie(&self) -> bool {
        self.remember_cookie.is_some()
    }

    /// The CSRF token for this session, made if there is none yet. The same for the
    /// whole request.
    pub fn csrf_token(&mut self, app: &App) -> String {
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

    /// Forgets the CSRF token, which ends with the session.
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
            identifier: session_identifier(
                info.address(),
                headers.get(header::USER_AGENT).map(HeaderValue::as_bytes),
            ),
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
            protected: true,
            grace: None,
            one_cookie: false,
            remember: Remember::Leave,
        };
        session.resume_postponed();
        session.protected = session.protect(settings.protection);
        session
    }

    /// Flask-Login's session protection: a session that moved to another address or
    /// user agent is not fresh any more ("basic"), or is over ("strong", false).
    fn protect(&mut self, protection: Option<SessionProtection>) -> bool {
        let Some(protection) = protection else {
            return true;
        };
        if self.session.is_empty()
            || self.session.get_str(keys::IDENTIFIER).as_deref() == Some(&self.identifier)
        {
            return true;
        }
        if protection == SessionProtection::Basic || self.session.permanent() {
            if self.session.get_bool(keys::FRESH) != Some(false) {
                self.session.set_bool(keys::FRESH, false);
            }
            return true;
        }
        for key in [
            keys::USER_ID,
            keys::IDENTIFIER,
            keys::FRESH,
            "next",
            "_remember_seconds",
        ] {
            self.session.remove(key);
        }
        self.remember = Remember::Clear;
        false
    }

    /// Whoever the session cookie names, or the remember cookie that brings a session back.
    pub(super) async fn by_session(
        &mut self,
        app: &App,
        load: Load,
    ) -> Result<Option<Caller>, Fault> {
        if !self.protected {
            return Ok(None);
        }
        if let Some(uniquifier) = self.session.get_str(keys::USER_ID)
            && let Some(found) = active_user(app, UserKey::Uniquifier(&uniquifier), load).await?
        {
            return Ok(Some(self.session_caller(found)));
        }
        let Some(uniquifier) = self
            .remember_cookie
            .as_deref()
            .filter(|_| self.remember != Remember::Clear)
            .and_then(|cookie| app.remember_codec().open(cookie))
        else {
            return Ok(None);
        };
        let key = UserKey::Uniquifier(&uniquifier);
        let Some(found) = active_user(app, key, load).await? else {
            return Ok(None);
        };
        // What another user did or proved in this browser is not theirs.
        keys::clear(self);
        self.session.set_str(keys::USER_ID, &uniquifier);
        self.session.set_bool(keys::FRESH, false);
        if app.settings().session.protection == Some(SessionProtection::Strong) {
            // Without it the session would be over at the next request.
            let identifier = self.identifier.clone();
            self.session.set_str(keys::IDENTIFIER, &identifier);
        }
        Ok(Some(self.session_caller(found)))
    }

    fn session_caller(&self, (user, roles): (User, Option<Vec<Role>>)) -> Caller {
        Caller {
            user,
            roles,
            via: Mechanism::Session,
            authenticated_at: self.session.get_f64(keys::AUTHENTICATED_AT),
        }
    }

    /// Turns a handler's outcome into the answer, with the cookies that it calls for.
    pub fn finish(mut self, app: &App, outcome: Result<Reply, HandlerError>) -> Response<Body> {
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

    /// Adds the cookies that the visit calls for to an answer.
    pub(crate) fn write_cookies(mut self, app: &App, headers: &mut HeaderMap) {
        let others = if self.one_cookie {
            self.postpone_other_cookies(app);
            [None, None]
        } else {
            self.session.remove(keys::REMEMBER_COOKIE);
            [self.csrf_cookie(app), self.remember_cookie(app)]
        };
        let cookies = others.into_iter().chain([self.session_cookie(app)]);
        for cookie in cookies.flatten() {
            headers.append(header::SET_COOKIE, cookie);
        }
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }

    fn csrf_cookie(&mut self, app: &App) -> Option<HeaderValue> {
        let settings = &app.settings().csrf;
        let cookie = settings.cookie.as_ref()?;
        let mut order = self.session.get_str(keys::CSRF_COOKIE);
        if order.is_none() && self.is_remembered() {
            order = Some("set".to_owned());
        }
        match order?.as_str() {
            "clear" => {
                self.session.remove(keys::CSRF_COOKIE);
                return cookies::set_cookie(cookie, "", Lifetime::Gone);
            }
            "set" => self.session.set_str(keys::CSRF_COOKIE, "sent"),
            _ if settings.cookie_refresh_each_request => {}
            _ if self.csrf_cookie_is_stale(app) => {}
            _ => return None,
        }
        let token = self.csrf_token(app);
        let now = app.clock().now();
        let lifetime = cookie
            .max_age
            .map_or(Lifetime::Session, |age| Lifetime::For(age, now));
        cookies::set_cookie(cookie, &token, lifetime)
    }

    /// Whether the caller has a remember cookie, which stays.
    fn is_remembered(&self) -> bool {
        self.came_with_remember_cookie()
            && self.remember != Remember::Clear
            && self.caller.is_some()
    }

    /// Whether the browser holds a CSRF cookie that would no longer be accepted. Without
    /// a time limit a cookie does not go stale.
    fn csrf_cookie_is_stale(&mut self, app: &App) -> bool {
        let settings = &app.settings().csrf;
        let (Some(limit), Some(cookie)) = (settings.time_limit, self.csrf_cookie.clone()) else {
            return false;
        };
        let expected = self.session.get_str(&settings.field_name);
        app.csrf_codec()
            .check(&cookie, expected.as_deref(), app.unix_now(), Some(limit))
            .is_err()
    }

    fn remember_cookie(&mut self, app: &App) -> Option<HeaderValue> {
        let settings = &app.settings().session.remember;
        let cookie = &settings.cookie;
        let refresh = settings.refresh_each_request && self.remembers_its_user(app);
        match self.remember {
            Remember::Clear => {
                // Flask-Login names no more than these when it takes the cookie back.
                let bare = CookieSettings {
                    secure: false,
                    http_only: false,
                    same_site: None,
                    ..cookie.clone()
                };
                cookies::set_cookie(&bare, "", Lifetime::Gone)
            }
            Remember::Leave if !refresh => None,
            Remember::Set | Remember::Leave => {
                let uniquifier = self.session.get_str(keys::USER_ID)?;
                let until = app.clock().now() + settings.duration;
                let value = app.remember_codec().seal(&uniquifier);
                cookies::set_cookie(cookie, &value, Lifetime::Until(until))
            }
        }
    }

    /// Whether the remember cookie that came is one of ours, and of whom the session names.
    pub(crate) fn remembers_its_user(&self, app: &App) -> bool {
        let cookie = self.remember_cookie.as_deref();
        let remembered = cookie.and_then(|cookie| app.remember_codec().open(cookie));
        remembered.is_some() && remembered == self.session.get_str(keys::USER_ID)
    }

    fn session_cookie(&self, app: &App) -> Option<HeaderValue> {
        let settings = &app.settings().session;
        let cookie = &settings.cookie;
        if self.session.is_empty() {
            return self
                .session
                .modified()
                .then(|| cookies::set_cookie(cookie, "", Lifetime::Gone))
                .flatten();
        }
        let permanent = self.session.permanent();
        if !self.session.modified() && !(permanent && settings.refresh_each_request) {
            return None;
        }
        let lifetime = if permanent {
            Lifetime::Until(app.clock().now() + settings.permanent_lifetime)
        } else {
            Lifetime::Session
        };
        let value = app.session_codec().seal(&self.session, app.unix_now());
        cookies::set_cookie(cookie, &value, lifetime)
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

fn open_session(app: &App, cookie: &str) -> (Session, CookieState) {
    let lifetime = app.settings().session.permanent_lifetime;
    match app
        .session_codec()
        .try_open(cookie, app.unix_now(), lifetime)
    {
        Ok(session) => (session, CookieState::Opened),
        Err(error) => {
            let state = match error {
                SignatureError::Expired { .. } => CookieState::Expired,
                SignatureError::Ahead { seconds, .. } => CookieState::Ahead(seconds),
                _ => CookieState::Foreign,
            };
            tracing::info!(check = "session_cookie", saw = ?state, "a session cookie was ignored");
            (Session::default(), state)
        }
    }
}
