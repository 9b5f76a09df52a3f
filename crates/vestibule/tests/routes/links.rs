//! The links in mails: their targets and contents.

use serde_json::json;

use crate::support::mails::destination;
use crate::support::{ANA, Browser, LIFE, TestApp};

const RESET: &str = "/api/accounts/reset";

/// The link in the mail that this client requested, without its token.
async fn link_of(app: &TestApp, browser: Browser<'_>) -> String {
    let before = app.all_mails().await.len();
    let answer = { browser }.post(RESET, json!({"email": ANA})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mails = app.all_mails().await;
    assert_eq!(mails.len(), before + 1);
    let text = mails.last().unwrap().text.clone().unwrap();
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/reset/"));
    link.unwrap().rsplit_once('/').unwrap().0.to_owned()
}

const LIES: [(&str, &str); 12] = [
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "1234"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-server", "evil.example"),
    ("x-host", "evil.example"),
    ("x-original-host", "evil.example"),
    ("x-original-url", "http://evil.example/"),
    ("forwarded", "host=evil.example;proto=https"),
    ("referer", "http://evil.example/"),
    ("via", "1.1 evil.example"),
    ("x-real-ip", "203.0.113.7"),
];

#[tokio::test]
async fn attack_link_from_header_client_headers_do_not_change_the_links_in_mails() {
    // The client's address is not a trusted proxy.
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_LIMITS = \"off\"\nTRUSTED_PROXIES = [\"10.0.0.0/8\"]"
    ))
    .await;
    let honest = link_of(&app, app.browser()).await;
    assert_eq!(honest, "http://localhost:5000/api/accounts/reset");
    for (name, value) in LIES {
        let link = link_of(&app, app.browser().header(name, value)).await;
        assert_eq!(link, honest, "{name}");
    }
    // A request for another host is refused, and no mail is sent.
    let before = app.all_mails().await.len();
    let mut browser = app.browser().header("host", "evil.example");
    let answer = browser.post(RESET, json!({"email": ANA})).await;
    assert_eq!(answer.verdict(), (400, "UNTRUSTED_HOST".into()));
    assert_eq!(app.all_mails().await.len(), before);
}

#[tokio::test]
async fn attack_link_from_header_with_a_public_url_the_host_header_is_ignored() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_LIMITS = \"off\"
SECURITY_PUBLIC_URL = \"https://app.example.com\"
TRUSTED_HOSTS = [\"app.example.com\", \"localhost\", \"other.example.com\"]"
    ))
    .await;
    for host in ["app.example.com", "localhost:5000", "other.example.com"] {
        let link = link_of(&app, app.browser().header("host", host)).await;
        assert_eq!(link, "https://app.example.com/api/accounts/reset", "{host}");
    }
    // Headers of a trusted proxy are ignored as well; an unknown forwarded host is refused.
    for (name, value) in LIES
        .into_iter()
        .filter(|(name, _)| *name != "x-forwarded-host")
    {
        let link = link_of(&app, app.browser().header(name, value)).await;
        assert_eq!(link, "https://app.example.com/api/accounts/reset", "{name}");
    }
    let mut browser = app.browser().header("x-forwarded-host", "evil.example");
    let answer = browser.post(RESET, json!({"email": ANA})).await;
    assert_eq!(answer.verdict(), (400, "UNTRUSTED_HOST".into()));
}

#[tokio::test]
async fn redirects_lead_to_the_configured_redirect_host() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_REDIRECT_HOST = \"localhost:8080\""
    ))
    .await;
    let answer = app.browser().get("/api/accounts/confirm/x").await;
    let (view, _) = destination(&answer);
    assert_eq!(view, "http://localhost:8080/confirm-error");
}

#[tokio::test]
async fn attack_wrong_purpose_a_link_of_one_kind_is_refused_at_the_others() {
    let app = TestApp::with(&format!("{LIFE}SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\n")).await;
    app.user("new@example.com", |draft| vestibule::admin::NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
    let mut ana = app.signed_in().await.with_csrf().await;
    let path = "/api/accounts/change-email";
    ana.post(path, json!({"email": "moved@example.com"})).await;
    app.browser().post(RESET, json!({"email": ANA})).await;
    let confirm = "/api/accounts/confirm";
    app.browser()
        .post(confirm, json!({"email": "new@example.com"}))
        .await;
    let links = [
        ("confirm", app.link("new@example.com").await),
        ("reset", app.link(ANA).await),
        ("change-email", app.link("moved@example.com").await),
    ];
    app.take_events();
    for (kind, link) in &links {
        let token = link.rsplit('/').next().unwrap();
        for (other, view) in [
            ("confirm", "/confirm-error"),
            ("reset", "/reset-password-error"),
            ("change-email", "/email-error"),
        ] {
            if other == *kind {
                continue;
            }
            let answer = app
                .browser()
                .get(&format!("/api/accounts/{other}/{token}"))
                .await;
            assert_eq!(destination(&answer).0, view, "{kind} as {other}");
        }
        let body = json!({"password": "a new password", "password_confirm": "a new password"});
        if *kind != "reset" {
            let answer = app.browser().post(&format!("{RESET}/{token}"), body).await;
            assert_eq!(
                answer.verdict(),
                (400, "INVALID_RESET_PASSWORD_TOKEN".into())
            );
        }
        let mut bearer = app.bearer(token);
        assert_eq!(bearer.get("/api/accounts/authz").await.status, 401);
    }
    assert_eq!(app.take_events(), [], "nothing happened");
}

#[tokio::test]
async fn attack_secret_in_a_store_mails_in_the_outbox_are_sealed() {
    let app = TestApp::with(LIFE).await;
    app.browser().post(RESET, json!({"email": ANA})).await;
    let now = app.app().clock().now();
    let store = app.app().store();
    let waiting = store.claim_mails("claim", now, now, 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    for secret in [ANA, "reset", "localhost", "http"] {
        assert!(!waiting[0].payload.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn attack_crash_by_odd_input_a_token_of_invalid_utf8_is_refused() {
    let app = TestApp::with(LIFE).await;
    for place in ["confirm", "reset"] {
        let path = format!("/api/accounts/{place}/%ff");
        let (_, query) = destination(&app.browser().get(&path).await);
        assert_eq!(query[0].0, "error");
    }
    let answer = app
        .browser()
        .post("/api/accounts/reset/%ff", json!({}))
        .await;
    assert_eq!(
        answer.verdict(),
        (400, "INVALID_RESET_PASSWORD_TOKEN".into())
    );
}
