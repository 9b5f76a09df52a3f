//! Credentials other than cookies: auth tokens and basic authentication.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vestibule_formats::flask_session::{Session, SessionCodec};
use vestibule_formats::sign::KeyRing;

use super::{Answer, Browser, PASSWORD, TestApp};

/// The `SECRET_KEY` of every application under test.
pub(crate) const SECRET_KEY: &str = "a secret key for tests, long enough";

pub(crate) const TOKEN_HEADER: &str = "authentication-token";

impl TestApp {
    /// The tokens that a sign-in returns: an auth token and, with `REFRESH_TOKEN`, a refresh token.
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

    /// A client without cookies that sends this token in the header.
    pub(crate) fn bearer(&self, token: &str) -> Browser<'_> {
        self.browser().header(TOKEN_HEADER, token)
    }

    /// A client without cookies that sends basic authentication.
    pub(crate) fn basic(&self, name: &str, password: &str) -> Browser<'_> {
        let encoded = STANDARD.encode(format!("{name}:{password}"));
        self.browser()
            .header("authorization", &format!("Basic {encoded}"))
    }
}

/// Fails unless every feature's path in the OpenAPI document is in this list.
pub(crate) fn assert_every_path_is_listed<'a>(
    app: &TestApp,
    listed: impl Iterator<Item = &'a str>,
) {
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
    /// The status and the only error code, which is empty for a success.
    pub(crate) fn verdict(&self) -> (u16, String) {
        let code = if self.status.is_success() {
            String::new()
        } else {
            self.code()
        };
        (self.status.as_u16(), code)
    }

    /// The user that an answer of `/authz` names.
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
    /// The contents of the session cookie.
    pub(crate) fn session(&self) -> Session {
        let app = self.app.app();
        let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
        let lifetime = app.settings().session.permanent_lifetime;
        self.cookies
            .get("session")
            .map(|cookie| codec.open(cookie, app.unix_now(), lifetime))
            .unwrap_or_default()
    }

    /// Sets a value in the session cookie, as only the server can.
    pub(crate) fn set_session(&mut self, name: &str, value: &str) {
        let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
        let mut session = self.session();
        session.set_str(name, value);
        let cookie = codec.seal(&session, self.app.app().unix_now());
        self.cookies.insert("session".to_owned(), cookie);
    }

    /// The session's user, and everything in the session that freshness depends on.
    pub(crate) fn session_state(&self) -> (Option<String>, Option<f64>, Option<f64>, Option<bool>) {
        let session = self.session();
        (
            session.get_str("_user_id"),
            session.get_f64("fs_paa"),
            // Grace earned at an endpoint, or by a query at /authz.
            session.get_f64("fs_gexp").or_else(|| {
                let asked = session.get_str("vestibule_gexp_asked")?;
                asked.split('/').next()?.parse().ok()
            }),
            session.get_bool("_fresh"),
        )
    }
}
