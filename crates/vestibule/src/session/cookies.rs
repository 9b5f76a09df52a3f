//! The cookies of a reply: session, CSRF token, remember cookie, the device cookie of the limits on
//! guesses, and the cookie of a device on which the user showed the second factor.

use http::{HeaderMap, HeaderValue, header};
use vestibule_formats::flask_session::Session;
use vestibule_formats::sign::SignatureError;

use super::context::SessionContext;
use super::keys;
use crate::app::App;
use crate::guard::device;
use crate::http::cookies::{self, CookieState, Lifetime};
use crate::settings::{CookieSettings, LimitMode, SameSite};

mod one_cookie;

/// What the response does with the remember cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    Leave,
    Set,
    Clear,
}

impl SessionContext {
    /// Adds the cookies that the session context needs to the headers of a response.
    pub(crate) fn write_cookies(mut self, app: &App, headers: &mut HeaderMap) {
        let others = if self.one_cookie {
            self.postpone_other_cookies(app);
            [None, None, None, None]
        } else {
            self.session.remove(keys::REMEMBER_COOKIE);
            [
                self.csrf_cookie(app),
                self.remember_cookie(app),
                self.device_cookie(app),
                self.validity_cookie(app),
            ]
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

    /// Whether the caller has a remember cookie that is not being cleared.
    fn is_remembered(&self) -> bool {
        self.came_with_remember_cookie()
            && self.remember != Remember::Clear
            && self.caller.is_some()
    }

    /// Whether the browser holds a CSRF cookie that the server would no longer accept. Without a
    /// time limit a cookie does not expire.
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
                // Flask-Login sends no other attributes when it clears the cookie.
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

    /// The device cookie, if this request signed a user in and the settings make use of it.
    fn device_cookie(&self, app: &App) -> Option<HeaderValue> {
        let user = self.signed_in?;
        let settings = app.settings();
        if settings.limits.mode == LimitMode::Off && !settings.notices.new_device {
            return None;
        }
        let session = &app.settings().session.cookie;
        let cookie = CookieSettings {
            name: device::COOKIE.to_owned(),
            http_only: true,
            // An app on another site, for which the session cookie is None, sends no other cookies.
            same_site: session
                .same_site
                .filter(|same_site| *same_site == SameSite::None)
                .or(Some(SameSite::Lax)),
            ..session.clone()
        };
        let (guard, now) = (app.guard(), app.unix_now());
        let before = self.device_cookie.as_deref();
        let before = before.and_then(|cookie| guard.open_device(cookie, now));
        let value = guard.seal_device(before, user, app.random(), now);
        let lifetime = Lifetime::For(device::LIFETIME, app.clock().now());
        cookies::set_cookie(&cookie, &value, lifetime)
    }

    /// The cookie that spares the user the second factor on this device.
    fn validity_cookie(&self, app: &App) -> Option<HeaderValue> {
        let uniquifier = self.remembers_device_of.as_deref()?;
        let settings = &app.settings().two_factor;
        let value = app.validity_codec().seal(uniquifier, app.unix_now());
        let lifetime = Lifetime::For(settings.login_validity, app.clock().now());
        cookies::set_cookie(&settings.validity_cookie, &value, lifetime)
    }

    /// Whether the request has a valid remember cookie of the session's user.
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

/// Reads the session from its cookie.
pub(super) fn open_session(app: &App, cookie: &str) -> (Session, CookieState) {
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
