//! Second factors of the users under test.

use serde_json::{Value, json};
use vestibule_formats::totp::{Totp, Wallet};

use super::callers::text;
use super::{ANA, Browser, PASSWORD, TestApp};

pub(crate) const SETUP: &str = "/api/accounts/tf-setup";
pub(crate) const VALIDATE: &str = "/api/accounts/tf-validate";

/// Switches the second factor and recovery codes on.
pub(crate) const TWO_FACTOR: &str = "\
SECURITY_TWO_FACTOR = true
SECURITY_MULTI_FACTOR_RECOVERY_CODES = true
";

/// An authenticator app that holds one secret.
#[derive(Debug, Clone)]
pub(crate) struct Authenticator(Totp);

impl Authenticator {
    /// Takes a key in base32, as a user types it.
    pub(crate) fn with_key(base32: &str) -> Self {
        let wallet = Wallet::new([("1", "any secret")]).unwrap();
        let plain = json!({"key": base32, "type": "totp", "v": 1}).to_string();
        Self(wallet.open(&plain).unwrap().totp)
    }

    /// The code at the time of an application.
    pub(crate) fn code(&self, app: &TestApp) -> String {
        let now = app.app().clock().now().unix_timestamp();
        self.0.generate(now).as_str().to_owned()
    }
}

impl Browser<'_> {
    /// Sets an authenticator app up for the signed-in user. Its first code is used.
    pub(crate) async fn set_up_authenticator(&mut self, app: &TestApp) -> Authenticator {
        let answer = self.post(SETUP, json!({"setup": "authenticator"})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let response = answer.response();
        let authenticator = Authenticator::with_key(&text(&response["tf_authr_b32key"]));
        let path = format!("{SETUP}/{}", text(&response["tf_state_token"]));
        let answer = self
            .post(&path, json!({"code": authenticator.code(app)}))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        authenticator
    }
}

impl TestApp {
    /// An application with a second factor, in which Ana has set an authenticator app up. Its next
    /// code works.
    pub(crate) async fn with_authenticator(extra: &str) -> (Self, Authenticator) {
        let app = Self::with(&format!("{TWO_FACTOR}{extra}")).await;
        let authenticator = app.give_authenticator(ANA).await;
        (app, authenticator)
    }

    /// Sets an authenticator app up for a user without one.
    pub(crate) async fn give_authenticator(&self, email: &str) -> Authenticator {
        let mut browser = self.browser();
        assert_eq!(browser.sign_in(email, PASSWORD).await.status, 200);
        let mut browser = browser.with_csrf().await;
        let authenticator = browser.set_up_authenticator(self).await;
        self.wait(30);
        authenticator
    }

    /// A browser in which a user has shown the password, and the reply.
    pub(crate) async fn half_signed_in(&self, email: &str) -> (Browser<'_>, Value) {
        let mut browser = self.browser();
        let answer = browser.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let response = answer.response();
        assert_eq!(response["tf_required"], true, "{response}");
        (browser, response)
    }
}
