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
use crate::support::codes::{Authenticator, TWO_FACTOR, VALIDATE};
use crate::support::mails::token_of;
use crate::support::unified::{self, PHONE, UNIFIED};
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

/// Uses codes and factors of every kind, right ones and wrong ones. Returns what must not be logged.
async fn codes_and_factors(app: &TestApp) -> Vec<String> {
    const BO: &str = "bo@example.com";
    let user = app.user(BO, |draft| draft).await;
    let mut secrets = vec![user.fs_uniquifier, PHONE.to_owned(), PHONE[3..].to_owned()];
    let mut browser = app.browser();
    let answer = browser.unified(BO, PASSWORD).await;
    let mut browser = browser.header("x-xsrf-token", &answer.csrf_token());
    for body in [
        json!({"chosen_method": "sms", "phone": PHONE}),
        json!({"chosen_method": "email"}),
        json!({"chosen_method": "authenticator"}),
    ] {
        let response = browser.post(unified::SETUP, body.clone()).await.response();
        let state = text(&response["state"]);
        let code = match response["authr_b32key"].as_str() {
            Some(key) => {
                secrets.push(key.to_owned());
                Authenticator::with_key(key).code(app)
            }
            None if body["chosen_method"] == "sms" => app.texted_code(PHONE).await,
            None => app.mailed_code(BO).await,
        };
        let path = format!("{}/{state}", unified::SETUP);
        browser
            .post(&format!("{path}x"), json!({"passcode": code}))
            .await;
        let answer = browser.post(&path, json!({"passcode": code})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        browser.post(&path, json!({"passcode": code})).await;
        secrets.extend([state, code]);
    }
    let second = browser.set_up_authenticator(app).await;
    let codes = "/api/accounts/mf-recovery-codes";
    let codes = browser.post(codes, json!({})).await.response();
    let codes = codes["recovery_codes"].as_array().unwrap();
    secrets.extend(codes.iter().map(text));
    app.wait(30);

    app.browser().send_code(BO, "email").await;
    let link = app.link(BO).await;
    let code = app.mailed_code(BO).await;
    app.browser().get(&format!("{link}0")).await;
    app.browser().get(&link).await;
    for identity in [BO, PHONE, "nobody@example.com"] {
        app.browser().unified(identity, code.as_str()).await;
    }
    secrets.push(code);
    app.browser().unified(PHONE, PASSWORD).await;
    app.browser().send_code(PHONE, "sms").await;
    secrets.push(app.texted_code(PHONE).await);
    for (path, code) in [
        (VALIDATE, second.code(app)),
        ("/api/accounts/mf-recovery", text(&codes[0])),
    ] {
        let mut browser = app.browser();
        let body = json!({"email": BO, "password": PASSWORD, "remember": true});
        browser.post("/api/accounts/login", body).await;
        let wrong = json!({"code": format!("{}1", &code[..5])});
        browser.post(path, wrong).await;
        let answer = browser.post(path, json!({"code": code})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        secrets.push(code);
        secrets.extend(browser.cookies.values().cloned());
    }
    secrets.extend(app.stored(BO).await.us_totp_secrets);
    secrets.extend(app.stored(BO).await.tf_totp_secret);
    secrets
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
        "{LIFE}{UNIFIED}{TWO_FACTOR}SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"
SECURITY_TWO_FACTOR_ALWAYS_VALIDATE = false
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

    let codes = codes_and_factors(&app).await;

    let log = log.0.lock().unwrap().clone();
    // A code is short enough to be part of a number by chance.
    let words = || log.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    for code in codes {
        let logged = log.contains(&code) && (code.len() > 6 || words().any(|word| word == code));
        assert!(!logged, "{code} in {log}");
    }
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
