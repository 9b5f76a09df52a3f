//! Devices on which a user showed the second factor, remembered by the `tf_validity` cookie.

use vestibule_store::User;

use super::context::SessionContext;
use crate::app::App;

impl SessionContext {
    /// Whether the client is a device on which this user showed the second factor before, and the
    /// settings spare it the next time.
    pub(super) fn is_remembered_device(&self, app: &App, user: &User) -> bool {
        let settings = &app.settings().two_factor;
        if !settings.enabled || settings.always_validate {
            return false;
        }
        self.validity_cookie.as_deref().is_some_and(|cookie| {
            let uniquifier = &user.fs_uniquifier;
            let max_age = settings.login_validity;
            app.validity_codec()
                .is_valid_for(uniquifier, cookie, app.unix_now(), max_age)
        })
    }

    /// Whether this user signed in with this browser before.
    pub(super) fn is_known_device(&self, app: &App, user: &User) -> bool {
        let guard = app.guard();
        let cookie = self.device_cookie.as_deref();
        cookie
            .and_then(|cookie| guard.open_device(cookie, app.unix_now()))
            .is_some_and(|device| guard.knows(&device, user.id))
    }

    /// Remembers this device, if the settings allow it.
    pub(crate) fn remember_device(&mut self, app: &App, user: &User) {
        if !app.settings().two_factor.always_validate {
            self.remembers_device_of = Some(user.fs_uniquifier.clone());
        }
    }
}
