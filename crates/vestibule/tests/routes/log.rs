//! The log contains no credentials.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::callers::text;
use crate::support::mails::token_of;
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

thread_local! {
    /// Whether this thread is recorded: other tests may run beside this one.
    static HEARD: Cell<bool> = const { Cell::new(false) };
}

/// Records every field of every event and span on this thread, at every level.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if HEARD.get() {
            let mut text = self.0.lock().unwrap();
            writeln!(text, "{field}={value:?}").unwrap();
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn attack_secrets_in_the_log_no_credential_is_ever_logged() {
    let log = Log::default();
    // The subscriber is global because `tracing` caches which events are enabled for the whole
    // process: if another thread reached an event first, a subscriber of this thread would never
    // see it.
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    HEARD.set(true);
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"
SECURITY_API_ENABLED_METHODS = [\"session\", \"token\", \"basic\"]"
    ))
    .await;
    let user = app.stored(ANA).await;
    let mut browser = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    let path = "/api/accounts/login?include_auth_token";
    let answer = browser.post(path, body).await;
    let tokens = answer.response()["user"].clone();
    let (auth, refresh) = (
        text(&tokens["authentication_token"]),
        text(&tokens["refresh_token"]),
    );
    let csrf = answer.csrf_token();
    let mut secrets = vec![
        PASSWORD.to_owned(),
        auth.clone(),
        refresh.clone(),
        csrf.clone(),
        STANDARD.encode(format!("{ANA}:{PASSWORD}")),
        user.fs_uniquifier,
        user.fs_token_uniquifier.unwrap(),
    ];
    secrets.extend(browser.cookies.values().cloned());

    let mailbox = crate::dev_mailbox::with_key(&app, "/dev/mailbox");
    app.browser().get(&mailbox).await;
    app.browser()
        .get(&mailbox.replace("mailbox", "letters"))
        .await;
    secrets.push(mailbox.rsplit('=').next().unwrap().to_owned());

    // Requests that succeed, and requests that fail.
    for round in 0..3 {
        let cut = &auth[..auth.len() - 1];
        for token in [auth.as_str(), cut] {
            for path in ["authz", "verify", "login", "authz?within=1", "authz?x=1"] {
                let joint = if path.contains('?') { '&' } else { '?' };
                let path = format!("/api/accounts/{path}");
                app.bearer(token).get(&path).await;
                let query = format!("{path}{joint}auth_token={token}");
                app.browser().get(&query).await;
                app.browser()
                    .get(&format!("{query}&auth_token={token}"))
                    .await;
                browser.clone().get(&query).await;
                let body = json!({"auth_token": token, "password": PASSWORD, "next": auth});
                app.browser().post(&path, body).await;
            }
            app.browser()
                .get(&format!("/api/accounts/authz?roles_required={token}"))
                .await;
        }
        for token in [refresh.as_str(), cut, &refresh[1..]] {
            let body = json!({"refresh_token": token});
            let answer = app
                .browser()
                .post("/api/accounts/refresh-token", body)
                .await;
            if answer.status == 200 {
                secrets.push(text(&answer.response()["user"]["refresh_token"]));
                secrets.push(text(&answer.response()["user"]["authentication_token"]));
            }
        }
        app.basic(ANA, PASSWORD).get("/api/accounts/verify").await;
        app.basic(PASSWORD, PASSWORD)
            .get("/api/accounts/verify")
            .await;
        let mut wrong = browser.clone().header("x-xsrf-token", &csrf[1..]);
        wrong.sign_in(ANA, PASSWORD).await;
        let mut odd = app.browser();
        odd.cookies
            .insert("session".into(), browser.cookies["session"][1..].to_owned());
        odd.get("/api/accounts/login").await;
        if round == 1 {
            app.wait(40 * 24 * 60 * 60);
        }
    }
    let body = json!({"refresh_token": refresh});
    browser.post("/api/accounts/logout", body).await;
    // Link tokens appear in paths: in ours, and in paths that a user mistypes.
    let ask = json!({"email": ANA});
    app.browser().post("/api/accounts/reset", ask).await;
    let link = token_of(&app.link(ANA).await).to_owned();
    secrets.push(link.clone());
    for place in [
        "accounts/reset",
        "accounts/confirm",
        "accounts/change-email",
        "account/reset",
    ] {
        for path in [
            format!("/api/{place}/{link}"),
            format!("/api/{place}/{link}/"),
        ] {
            app.browser().get(&path).await;
            app.browser()
                .post(&path, json!({"password": "short"}))
                .await;
        }
    }

    let log = log.0.lock().unwrap().clone();
    for said in ["answered", "an auth token was ignored", "used twice"] {
        assert!(
            log.contains(said),
            "the log does not contain {said:?}: {log}"
        );
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in {log}");
        // Nor the signed payload without its signature.
        let (payload, _) = secret.split_once('.').unwrap_or((&secret, ""));
        let telling = payload.len() > 20;
        assert!(!telling || !log.contains(payload), "{payload} in {log}");
    }
}
