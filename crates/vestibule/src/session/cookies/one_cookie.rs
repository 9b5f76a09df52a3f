//! Replies that carry the session cookie and no other.
//!
//! A proxy that asks `/authz` forwards at most one `Set-Cookie` header to the browser. nginx's
//! `$upstream_http_set_cookie` is the first of several headers before 1.23.0, and since then all of
//! them joined by commas, which browsers cannot split. Caddy's placeholder joins them as well. The
//! orders for the other cookies therefore wait in the session until a reply goes to the browser
//! itself.

use super::Remember;
use crate::app::App;
use crate::session::context::SessionContext;
use crate::session::keys;
use crate::settings::Mechanism;

impl SessionContext {
    /// Keeps every cookie but the session cookie out of the reply.
    pub(crate) fn send_one_cookie(&mut self) {
        self.one_cookie = true;
    }

    /// Stores in the session what the next reply has to do about the other cookies.
    ///
    /// Renewing a cookie needs no order: the next reply renews it anyway if it is due.
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

    /// Reads the orders that an earlier reply stored in the session. Flask-Login uses the same key
    /// and value, and does not sign a user in by a remember cookie that is about to be cleared.
    pub(in crate::session) fn resume_postponed(&mut self) {
        if self.clear_is_postponed() {
            self.remember = Remember::Clear;
        }
    }

    fn clear_is_postponed(&self) -> bool {
        self.session.get_str(keys::REMEMBER_COOKIE).as_deref() == Some("clear")
    }
}
