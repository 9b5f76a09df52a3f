//! Passkeys of the users under test, in software.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_formats::webauthn::{Expected, parse_registration};
use vestibule_store::{Change, NewPasskey, PasskeyChange, PasskeyUsage};
use vestibule_testkit::authenticator::{Authenticator, Counter, Stage};

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

    /// Stores a passkey of a user without a ceremony.
    pub(crate) async fn store_passkey(&self, email: &str, usage: PasskeyUsage) -> Authenticator {
        let user = self.stored(email).await;
        let handle = user.fs_webauthn_user_handle.unwrap();
        let challenge = b"a challenge";
        let options = json!({
            "rp": {"id": "localhost", "name": "tests"},
            "user": {"id": URL_SAFE_NO_PAD.encode(handle), "name": "u", "displayName": "u"},
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        });
        let mut passkey = Authenticator::new(ORIGIN);
        passkey.resident = Some(true);
        passkey.counter = Counter::Zero;
        let response = passkey.register(&options).unwrap().to_string();
        let expected = Expected {
            challenge,
            rp_id: "localhost",
            origins: &[ORIGIN],
            require_user_verification: false,
        };
        let parsed = parse_registration(&response).unwrap();
        let registered = parsed.verify(&expected, 0).unwrap();
        let new = NewPasskey {
            name: URL_SAFE_NO_PAD.encode(&registered.credential_id[..8]),
            credential_id: registered.credential_id,
            public_key: registered.public_key,
            sign_count: 0,
            transports: Vec::new(),
            extensions: None,
            backup_state: false,
            device_type: "single_device".to_owned(),
            usage,
        };
        let change = Change {
            passkey: Some(PasskeyChange::Create(user.id, Box::new(new))),
            ..Change::default()
        };
        let now = self.app().clock().now();
        self.app().store().apply(change, now).await.unwrap();
        passkey
    }

    /// Removes every passkey of a user.
    pub(crate) async fn remove_passkeys(&self, email: &str) {
        let user_id = self.stored(email).await.id;
        let store = self.app().store();
        for passkey in store.passkeys_of(user_id).await.unwrap() {
            let id = passkey.id;
            let change = Change {
                passkey: Some(PasskeyChange::Delete { user_id, id }),
                ..Change::default()
            };
            store.apply(change, self.app().clock().now()).await.unwrap();
        }
    }
}
