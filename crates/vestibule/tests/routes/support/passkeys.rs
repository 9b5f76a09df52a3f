//! Passkeys of the users under test, in software.

use serde_json::{Value, json};
use vestibule_store::{Change, NewPasskey, PasskeyChange, PasskeyUsage};
use vestibule_testkit::authenticator::{Authenticator, Stage};

use super::callers::text;
use super::{ANA, Answer, Browser, PASSWORD, TestApp};

pub(crate) const REGISTER: &str = "/api/accounts/wan-register";
pub(crate) const SIGN_IN: &str = "/api/accounts/wan-signin";
pub(crate) const VERIFY: &str = "/api/accounts/wan-verify";
pub(crate) const DELETE: &str = "/api/accounts/wan-delete";

/// Switches passkeys on, for both factors.
pub(crate) const PASSKEYS: &str = "\
SECURITY_WEBAUTHN = true
SECURITY_FRESHNESS = \"1 hour\"
";

/// The origin of the pages of every application under test.
pub(crate) const ORIGIN: &str = "http://localhost:5000";

/// A ceremony that the server has begun.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) options: Value,
    /// The path that the response goes to.
    pub(crate) path: String,
}

impl Begun {
    pub(crate) fn of(answer: &Answer, path: &str) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let response = answer.response();
        Self {
            options: response["credential_options"].clone(),
            path: format!("{path}/{}", text(&response["wan_state"])),
        }
    }
}

/// The body with a response of an authenticator.
pub(crate) fn credential(response: &Value) -> Value {
    json!({"credential": response.to_string()})
}

/// A response that the authenticator makes without a change.
pub(crate) fn unchanged(_: Stage<'_>) {}

impl Browser<'_> {
    /// Begins a ceremony with a body.
    pub(crate) async fn begin(&mut self, path: &str, body: Value) -> Begun {
        let answer = self.post(path, body).await;
        Begun::of(&answer, path)
    }

    /// Registers a passkey of the signed-in user.
    pub(crate) async fn register_passkey(
        &mut self,
        passkey: &mut Authenticator,
        name: &str,
        usage: &str,
    ) -> Answer {
        let body = json!({"name": name, "usage": usage});
        let begun = self.begin(REGISTER, body).await;
        let response = passkey.register(&begun.options).unwrap();
        self.post(&begun.path, credential(&response)).await
    }

    /// Shows a passkey at a ceremony that begins at this path.
    pub(crate) async fn show_passkey(&mut self, passkey: &mut Authenticator, path: &str) -> Answer {
        self.show_changed(passkey, path, &mut unchanged).await
    }

    /// Shows a passkey whose response is changed on the way.
    pub(crate) async fn show_changed(
        &mut self,
        passkey: &mut Authenticator,
        path: &str,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> Answer {
        let begun = self.begin(path, json!({})).await;
        let response = passkey.sign_in_with(&begun.options, change).unwrap();
        self.post(&begun.path, credential(&response)).await
    }
}

impl TestApp {
    /// Registers a passkey for a user, who signs in with the password only.
    pub(crate) async fn give_passkey(&self, email: &str, usage: &str) -> Authenticator {
        let mut browser = self.browser();
        let answer = browser.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut browser = browser.with_csrf().await;
        let mut passkey = Authenticator::new(ORIGIN);
        passkey.resident = Some(true);
        let answer = browser.register_passkey(&mut passkey, usage, usage).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        passkey
    }

    /// An application with passkeys, in which Ana has one of this usage.
    pub(crate) async fn with_passkey(extra: &str, usage: &str) -> (Self, Authenticator) {
        let app = Self::with(&format!("{PASSKEYS}{extra}")).await;
        let passkey = app.give_passkey(ANA, usage).await;
        (app, passkey)
    }

    /// Stores a passkey as a user's second factor without a ceremony.
    pub(crate) async fn give_second_passkey(&self, email: &str) {
        let user = self.stored(email).await;
        let passkey = NewPasskey {
            name: "second".to_owned(),
            credential_id: b"any".to_vec(),
            public_key: b"any".to_vec(),
            sign_count: 0,
            transports: Vec::new(),
            extensions: None,
            backup_state: false,
            device_type: "single_device".to_owned(),
            usage: PasskeyUsage::Secondary,
        };
        let change = Change {
            passkey: Some(PasskeyChange::Create(user.id, Box::new(passkey))),
            ..Change::default()
        };
        let now = self.app().clock().now();
        self.app().store().apply(change, now).await.unwrap();
    }
}
