//! The ways besides cookies in which somebody shows who they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vestibule_formats::flask_session::{Session, SessionCodec};
use vestibule_formats::sign::KeyRing;

use super::{Answer, Browser, PASSWORD, TestApp};

/// The `SECRET_KEY` of every application here.
pub(crate) const SECRET_KEY: &str = "a secret key for tests, long enough";

pub(crate) const TOKEN_HEADER: &str = "authentication-token";

impl TestApp {
    /// An auth token, and with `REFRESH_TOKEN` a refresh token, as a sign-in hands them out.
    pub(crate) async fn tokens(&self, email: &str) -> Value {
        let body = json!({"email": email, "password": PASSWORD});
        let path = "/api/accounts/login?include_auth_token";
        let answer = self.browser().post(path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.response()["user"].clone()
    }

    pub(crate) async fn auth_token(&self, email: &str) -> String {
        text(&self.tokens(email).await["authentication_token"])
    }

    /// Somebody without cookies who sends this token in the header.
    pub(crate) fn bearer(&self, token: &str) -> Browser<'_> {
        self.browser().header(TOKEN_HEADER, token)
    }

    /// Somebody without cookies who sends a name and a password.
    pub(crate) fn basic(&self, name: &str, password: &str) -> Browser<'_> {
        let encoded = STANDARD.encode(format!("{name}:{password}"));
        self.browser()
            .header("authorization", &format!("Basic {encoded}"))
    }
}

/// Fails unless each feature's path of the server's own document is among these.
pub(crate) fn all_are_among<'a>(app: &TestApp, listed: impl Iterator<Item = &'a str>) {
    let listed: Vec<&str> = listed
        .map(|path| path.split('?').next().unwrap_or(path))
        .collect();
    let document: Value = serde_json::from_str(&app.vestibule.openapi()).unwrap();
    for path in document["paths"].as_object().unwrap().keys() {
        let beside = path.starts_with("/dev/") || path == "/healthz" || path == "/readyz";
        let public = beside || path == "/openapi.json";
        assert!(
            public || listed.contains(&path.as_str()),
            "{path} is not tried"
        );
    }
}

impl Answer {
    /// Status and the one code; no code when it went well.
    pub(crate) fn verdict(&self) -> (u16, String) {
        let code = if self.status.is_success() {
            String::new()
        } else {
            self.code()
        };
        (self.status.as_u16(), code)
    }

    /// Whom the answer of `/authz` names.
    pub(crate) fn named(&self) -> Option<&str> {
        Some(self.headers.get("x-auth-user")?.to_str().unwrap())
    }
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}

impl Browser<'_> {
    /// What the session cookie holds.
    pub(crate) fn session(&self) -> Session {
        let app = self.app.app();
        let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
        let lifetime = app.settings().session.permanent_lifetime;
        self.cookies
            .get("session")
            .map(|cookie| codec.open(cookie, app.unix_now(), lifetime))
            .unwrap_or_default()
    }

    /// Whose session it is, and everything in it that freshness is judged by.
    pub(crate) fn standing(&self) -> (Option<String>, Option<f64>, Option<f64>, Option<bool>) {
        let session = self.session();
        (
            session.get_str("_user_id"),
            session.get_f64("fs_paa"),
            // Of a door, or of a question at /authz.
            session.get_f64("fs_gexp").or_else(|| {
                let asked = session.get_str("vestibule_gexp_asked")?;
                asked.split('/').next()?.parse().ok()
            }),
            session.get_bool("_fresh"),
        )
    }
}
