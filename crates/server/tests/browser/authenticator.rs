//! Virtual authenticators (Web Authentication Level 3, section 11).

use serde_json::{Value, json};

use crate::chromium::Chromium;

/// A security key that is plugged into the computer, for the tab that was current when it was made.
pub(crate) struct Authenticator<'a> {
    chromium: &'a Chromium,
    id: String,
}

/// What an authenticator can do.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Stores resident credentials, and verifies the user by a PIN.
    Modern,
    /// Can do neither, as a U2F key.
    Plain,
    /// Like [`Self::Modern`], but the user does not touch it.
    Ignored,
}

impl<'a> Authenticator<'a> {
    pub(crate) fn plug_in(chromium: &'a Chromium, kind: Kind) -> Self {
        let modern = !matches!(kind, Kind::Plain);
        let options = json!({
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": modern,
            "hasUserVerification": modern,
            "isUserConsenting": !matches!(kind, Kind::Ignored),
            "isUserVerified": modern,
        });
        let id = chromium.command("POST", "/webauthn/authenticator", &options);
        let id = id.as_str().unwrap().to_owned();
        Self { chromium, id }
    }

    /// Removes the authenticator and its credentials.
    pub(crate) fn unplug(self) {
        self.command("DELETE", "", &Value::Null);
    }

    /// Sets whether the user enters the right PIN.
    pub(crate) fn set_user_verified(&self, verified: bool) {
        self.command("POST", "/uv", &json!({ "isUserVerified": verified }));
    }

    /// The credentials, as `WebDriver` describes them.
    pub(crate) fn credentials(&self) -> Vec<Value> {
        let listed = self.command("GET", "/credentials", &Value::Null);
        listed.as_array().unwrap().clone()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/webauthn/authenticator/{}{path}", self.id);
        self.chromium.command(method, &path, body)
    }
}
