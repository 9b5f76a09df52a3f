//! Answers that carry the session cookie and no other.
//!
//! A proxy that asks `/authz` hands on one `Set-Cookie` header at most. nginx's
//! `$upstream_http_set_cookie` is the first of several headers before 1.23.0, and all of them
//! joined by commas since, which no browser can take apart. Caddy's placeholder joins them, too.
//! The orders for the other cookies therefore wait in the session, until an answer goes to the
//! browser itself.

use super::Remember;
use crate::app::App;
use crate::session::context::SessionContext;
use crate::session::keys;
use crate::settings::Mechanism;

impl SessionContext {
    /// Keeps every cookie but the session's out of the answer.
    pub(crate) fn send_one_cookie(&mut self) {
        self.one_cookie = true;
    }

    /// Leaves in the session what the next answer has to do about the other cookies.
    ///
    /// Renewing a cookie needs no order: the next answer finds by itself that it is due.
    pub(in crate::session) fn postpone_other_cookies(&mut self, app: &App) {
        let by_session = self
            .caller
            .as_ref()
            .is_some_and(|caller| caller.via == Mechanism::Session);
        if by_session
            && self.is_remembered()
            && app.settings().csrf.cookie.is_some()
            && self.session.get_str(keys::CSRF_COOKIE).is_none()
        {
            self.session.set_str(keys::CSRF_COOKIE, "set");
        }
        if self.remember == Remember::Clear
            && self.came_with_remember_cookie()
            && !self.clear_is_postponed()
        {
            self.session.set_str(keys::REMEMBER_COOKIE, "clear");
        }
    }

    /// Takes up what an earlier answer left in the session. Flask-Login uses the same name and
    /// the same word, and does not sign a user in by a remember cookie that is to be cleared.
    pub(in crate::session) fn resume_postponed(&mut self) {
        if self.clear_is_postponed() {
            self.remember = Remember::Clear;
        }
    }

    fn clear_is_postponed(&self) -> bool {
        self.session.get_str(keys::REMEMBER_COOKIE).as_deref() == Some("clear")
    }
}
