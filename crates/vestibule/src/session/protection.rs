//! Session protection: how a session is treated after its address or user agent changed.

use super::context::SessionContext;
use super::cookies::Remember;
use super::keys;
use crate::settings::SessionProtection;

impl SessionContext {
    /// Applies Flask-Login's session protection. A session whose address or user agent changed is
    /// no longer fresh ("basic") or ends ("strong", returns false).
    ///
    /// A permanent session never ends this way: it only loses its freshness.
    pub(super) fn protect(&mut self, protection: Option<SessionProtection>) -> bool {
        let Some(protection) = protection else {
            return true;
        };
        if self.session.is_empty() {
            return true;
        }
        let stored = self.session.get_str(keys::IDENTIFIER);
        if stored.is_some_and(|stored| stored == self.identifier()) {
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
}
