//! A complete application in memory, with a frozen clock and a browser that keeps cookies.

pub(crate) mod callers;
pub(crate) mod codes;
mod described;
pub(crate) mod heard;
pub(crate) mod mails;
pub(crate) mod passkeys;
pub(crate) mod social;
pub(crate) mod sqlite;
pub(crate) mod unified;
pub(crate) mod watched;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower::ServiceExt as _;
use vestibule::Clock;
use vestibule::Event;
use vestibule::Mailer;
use vestibule::Random;
use vestibule::SmsSender;
use vestibule::program::Peer;
use vestibule::{App, Builder, Vestibule, admin};
use vestibule_store::{Store, User};

pub(crate) const PASSWORD: &str = "battery staple";
pub(crate) const ANA: &str = "ana@example.com";

/// Cheap password hashes, so that the tests are fast; `vestibule_formats` tests the hashes
/// themselves.
const CHEAP: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }
SECURITY_TOTP_SECRETS = { "1" = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
SECURITY_TOTP_ISSUER = "tests"
"#;

const SPA: &str = r#"
SECURITY_URL_PREFIX = "/api/accounts"
SECURITY_TRACKABLE = true
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true
SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN"
WTF_CSRF_CHECK_DEFAULT = false
WTF_CSRF_TIME_LIMIT = ""
DEBUG = true
"#;

/// Enables the whole life cycle of an account, and sets the views that its links lead to.
pub(crate) const LIFE: &str = r#"
SECURITY_REGISTERABLE = true
SECURITY_CONFIRMABLE = true
SECURITY_RECOVERABLE = true
SECURITY_CHANGEABLE = true
SECURITY_CHANGE_EMAIL = true
SECURITY_CHANGE_USERNAME = true
SECURITY_USERNAME_ENABLE = true
SECURITY_USERNAME_RECOVERY = true
SECURITY_REDIRECT_BEHAVIOR = "spa"
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
SECURITY_RESET_VIEW = "/reset-password"
SECURITY_RESET_ERROR_VIEW = "/reset-password-error"
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
SECURITY_POST_LOGIN_VIEW = "/in"
SECURITY_POST_CHANGE_EMAIL_VIEW = "/email-changed"
SECURITY_CHANGE_EMAIL_ERROR_VIEW = "/email-error"
"#;

#[derive(Debug)]
pub(crate) struct FrozenClock(AtomicI64);

impl Clock for FrozenClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Bytes that differ from draw to draw but not from run to run.
#[derive(Debug, Default)]
struct SeededRandom(AtomicU64);

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let draw = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&Sha256::digest(draw.to_le_bytes())[..chunk.len()]);
        }
    }
}

pub(crate) struct TestApp {
    pub(crate) vestibule: Vestibule,
    pub(crate) clock: Arc<FrozenClock>,
    pub(crate) events: Arc<Mutex<Vec<Event<'static>>>>,
    pub(crate) sent: Arc<mails::Sent>,
    router: Router,
    described: described::Described,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// Builds the SPA configuration with these lines added.
    pub(crate) async fn with(extra: &str) -> Self {
        Self::configured(&format!("{SPA}{extra}"), |builder| builder).await
    }

    /// Builds the SPA configuration with these lines added and the builder changed by `more`.
    pub(crate) async fn built(extra: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        Self::configured(&format!("{SPA}{extra}"), more).await
    }

    /// Builds with these lines and the secrets only.
    pub(crate) async fn bare(lines: &str) -> Self {
        Self::configured(lines, |builder| builder).await
    }

    /// Builds the SPA configuration on this store.
    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        Self::configured(SPA, |builder| builder.datastore(store)).await
    }

    /// Another server on a database that has its users already, with the clock of the others.
    pub(crate) fn server_on(store: Arc<dyn Store>) -> Router {
        let settings = vestibule::Settings::from_toml(&merge(&format!("{CHEAP}{SPA}"))).unwrap();
        let vestibule = Vestibule::builder(settings)
            .datastore(store)
            .clock(Arc::new(FrozenClock(AtomicI64::new(1_800_000_000))) as Arc<dyn Clock>)
            .hashing_threads(1)
            .build();
        vestibule.unwrap().standalone()
    }

    /// Another server with these lines added, on a database that has its users already.
    pub(crate) fn restarted(extra: &str, store: Arc<dyn Store>) -> Self {
        Self::assembled(&format!("{SPA}{extra}"), |builder| builder.datastore(store))
    }

    async fn configured(lines: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        let app = Self::assembled(lines, more);
        app.user(ANA, |draft| draft).await;
        app
    }

    fn assembled(lines: &str, more: impl FnOnce(Builder) -> Builder) -> Self {
        let settings = vestibule::Settings::from_toml(&merge(&format!("{CHEAP}{lines}"))).unwrap();
        let clock = Arc::new(FrozenClock(AtomicI64::new(1_800_000_000)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&events);
        let sent = Arc::new(mails::Sent::default());
        let builder = Vestibule::builder(settings)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .random(Arc::new(SeededRandom::default()))
            .hashing_threads(1)
            .mailer(Arc::clone(&sent) as Arc<dyn Mailer>)
            .sms_sender(Arc::clone(&sent) as Arc<dyn SmsSender>)
            .on_event(move |event, _| {
                // Most tests cause this event as a side effect.
                if !matches!(event, Event::Unauthenticated { .. }) {
                    hearing.lock().unwrap().push(heard::kept(event));
                }
            });
        let vestibule = more(builder).build().unwrap();
        Self {
            router: vestibule.standalone(),
            described: described::Described::of(&vestibule),
            vestibule,
            clock,
            events,
            sent,
        }
    }

    pub(crate) fn app(&self) -> &App {
        self.vestibule.app()
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) async fn user(
        &self,
        email: &str,
        change: impl FnOnce(admin::NewAccount) -> admin::NewAccount,
    ) -> User {
        let draft = admin::NewAccount {
            email: email.to_owned(),
            username: None,
            password: PASSWORD.to_owned(),
            active: true,
            confirmed: true,
        };
        admin::create(self.app(), change(draft)).await.unwrap()
    }

    pub(crate) async fn stored(&self, email: &str) -> User {
        admin::find(self.app(), email).await.unwrap()
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser {
            app: self,
            cookies: BTreeMap::new(),
            headers: HeaderMap::new(),
            peer: Ipv4Addr::LOCALHOST.into(),
        }
    }

    pub(crate) async fn signed_in(&self) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.sign_in(ANA, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        browser
    }
}

/// Keeps the last of the lines that set the same name, so that a test can override a setting.
fn merge(lines: &str) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let name = line.split('=').next().unwrap().trim();
        kept.retain(|(other, _)| *other != name);
        kept.push((name, line));
    }
    kept.into_iter()
        .map(|(_, line)| format!("{line}\n"))
        .collect()
}

/// Keeps the cookies that it receives and sends them back.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    /// The address that connects to the server.
    pub(crate) peer: IpAddr,
}

/// The response to one request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Browser<'_> {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// Connects from this address.
    pub(crate) fn from(mut self, peer: &str) -> Self {
        self.peer = peer.parse().unwrap();
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None, Vec::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(
            Method::POST,
            path,
            Some("application/json"),
            body.to_string().into(),
        )
        .await
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.post(
            "/api/accounts/login",
            json!({"email": email, "password": password}),
        )
        .await
    }

    pub(crate) async fn sign_out(&mut self) -> Answer {
        self.post("/api/accounts/logout", json!({})).await
    }

    /// Whether the server treats this browser as signed in.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        self.get("/api/accounts/login")
            .await
            .response()
            .get("user")
            .is_some()
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .body(Body::from(body))
            .unwrap();
        let headers = request.headers_mut();
        headers.insert(header::HOST, "localhost:5000".parse().unwrap());
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert(Peer::Ip(self.peer));
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        };
        self.app
            .described
            .check(&method, path, answer.status, &answer.headers, &answer.text);
        for (name, value, gone) in answer.cookies() {
            if gone {
                self.cookies.remove(&name);
            } else {
                self.cookies.insert(name, value);
            }
        }
        answer
    }
}

impl Answer {
    pub(crate) fn response(&self) -> Value {
        let envelope: Value =
            serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"));
        assert_eq!(envelope["meta"]["code"], self.status.as_u16());
        envelope["response"].clone()
    }

    /// The only error code of a refusal; fails if there are several.
    pub(crate) fn code(&self) -> String {
        let response = self.response();
        let codes = response["error_codes"]
            .as_array()
            .unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(codes.len(), 1, "{self:?}");
        codes[0].as_str().unwrap().to_owned()
    }

    pub(crate) fn csrf_token(&self) -> String {
        self.response()["csrf_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn set_cookie(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .find(|line| line.starts_with(&prefix))
    }

    fn cookies(&self) -> Vec<(String, String, bool)> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|line| {
                let line = line.to_str().unwrap();
                let (pair, attributes) = line.split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                (
                    name.to_owned(),
                    value.to_owned(),
                    attributes.contains("Max-Age=0"),
                )
            })
            .collect()
    }
}
