//! Users of unified sign-in.

use serde_json::{Value, json};
use vestibule_formats::totp::{KEY_BYTES, Key, SALT_BYTES, Totp, UsSecrets, Wallet};
use vestibule_store::{User, UserPatch};

use super::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

pub(crate) const SIGN_IN: &str = "/api/accounts/us-signin";
pub(crate) const SEND: &str = "/api/accounts/us-signin/send-code";
pub(crate) const VERIFY: &str = "/api/accounts/us-verify";
pub(crate) const VERIFY_SEND: &str = "/api/accounts/us-verify/send-code";
pub(crate) const SETUP: &str = "/api/accounts/us-setup";
pub(crate) const PHONE: &str = "+442079460958";

pub(crate) const UNIFIED: &str = r#"
SECURITY_UNIFIED_SIGNIN = true
SECURITY_USER_IDENTITY_ATTRIBUTES = ["email", "us_phone_number", "username"]
SECURITY_PHONE_REGION_DEFAULT = "GB"
"#;

/// An application with unified sign-in.
pub(crate) async fn app(extra: &str) -> TestApp {
    TestApp::with(&format!("{LIFE}{UNIFIED}{extra}")).await
}

/// The wallet of every application under test.
pub(crate) fn wallet() -> Wallet {
    Wallet::new([("1", "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B")]).unwrap()
}

/// The key of a method in [`TestApp::has`].
pub(crate) fn totp(method: &str) -> Totp {
    let byte = method.bytes().map(u32::from).sum::<u32>() % 251;
    Totp::new(Key::new(&[u8::try_from(byte).unwrap(); KEY_BYTES]).unwrap())
}

impl TestApp {
    /// Sets up methods for a user.
    pub(crate) async fn has(&self, email: &str, methods: &[&str]) -> User {
        let mut secrets = UsSecrets::default();
        for method in methods {
            secrets.set(method, &wallet().seal(&totp(method), &[7; SALT_BYTES]));
        }
        let patch = UserPatch {
            us_totp_secrets: Some(secrets.to_column()),
            us_phone_number: methods.contains(&"sms").then(|| Some(PHONE.to_owned())),
            ..UserPatch::default()
        };
        self.patched(email, patch).await
    }

    pub(crate) async fn patched(&self, email: &str, patch: UserPatch) -> User {
        let user = self.stored(email).await;
        let now = self.app().clock().now();
        let store = self.app().store();
        assert!(store.update_user(user.id, patch, now).await.unwrap());
        self.stored(email).await
    }

    /// The code of a method in [`TestApp::has`] now.
    pub(crate) fn now(&self, method: &str) -> String {
        let code = totp(method).generate(self.app().unix_now());
        code.as_str().to_owned()
    }

    /// A signed-in browser that sends the CSRF token.
    pub(crate) async fn with_session(&self) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.unified(ANA, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let csrf = answer.csrf_token();
        browser.header("x-xsrf-token", &csrf)
    }
}

impl Browser<'_> {
    pub(crate) async fn unified(&mut self, identity: &str, passcode: impl Into<Value>) -> Answer {
        let body = json!({"identity": identity, "passcode": passcode.into()});
        self.post(SIGN_IN, body).await
    }

    pub(crate) async fn send_code(&mut self, identity: &str, method: &str) -> Answer {
        let body = json!({"identity": identity, "chosen_method": method});
        self.post(SEND, body).await
    }

    pub(crate) async fn is_authorised(&mut self) -> bool {
        self.get("/api/accounts/authz").await.status == 200
    }
}

impl Answer {
    /// The names of the members of the response, sorted.
    pub(crate) fn members(&self) -> Vec<String> {
        let response = self.response();
        let mut names: Vec<String> = response.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    /// The only error code of a refusal, with its field.
    pub(crate) fn refusal(&self) -> (String, String) {
        assert_eq!(self.status, 400, "{self:?}");
        let code = self.code();
        let fields = self.response()["field_error_codes"].clone();
        let (field, codes) = fields.as_object().unwrap().iter().next().unwrap();
        assert_eq!(codes, &json!([code]));
        (field.clone(), code)
    }
}
