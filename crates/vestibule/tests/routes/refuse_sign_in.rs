//! Users whom the application does not allow to sign in: `Builder::refuse_sign_in`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use vestibule::{LocalizedMessage, Message};

use crate::support::{ANA, Answer, LIFE, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz";
const WHY: &str = "Come back tomorrow.";

/// An application that refuses every sign-in while the flag is set.
async fn locking(extra: &str) -> (TestApp, Arc<AtomicBool>) {
    let locked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&locked);
    let app = TestApp::built(&format!("{LIFE}{extra}"), |builder| {
        builder.refuse_sign_in(move |_| {
            let locked = asked.load(Ordering::Relaxed);
            locked.then(|| LocalizedMessage::from(Message::DisabledAccount).in_own_words(WHY))
        })
    })
    .await;
    (app, locked)
}

fn assert_refused_with_reason(answer: &Answer) {
    assert_eq!(answer.verdict(), (400, "DISABLED_ACCOUNT".to_owned()));
    assert_eq!(answer.response()["errors"], json!([WHY]));
}

#[tokio::test]
async fn attack_lockout_bypass_a_locked_out_user_cannot_sign_in_with_a_password() {
    let (app, locked) = locking("SECURITY_API_ENABLED_METHODS = [\"session\", \"basic\"]\n").await;
    let basic = format!("{AUTHZ}?methods=basic");
    assert_eq!(app.basic(ANA, PASSWORD).get(&basic).await.status, 200);
    locked.store(true, Ordering::Relaxed);
    let mut browser = app.browser();
    assert_refused_with_reason(&browser.sign_in(ANA, PASSWORD).await);
    assert!(!browser.is_signed_in().await);
    assert_eq!(app.basic(ANA, PASSWORD).get(&basic).await.status, 401);
    // Only a client that proves the password learns the reason.
    let guess = app.browser().sign_in(ANA, "wrong").await;
    assert_eq!(guess.code(), "INVALID_PASSWORD");
    locked.store(false, Ordering::Relaxed);
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn attack_lockout_bypass_confirming_resetting_and_registering_do_not_sign_in() {
    let (app, locked) = locking(
        "SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\nSECURITY_AUTO_LOGIN_AFTER_RESET = true\n",
    )
    .await;
    let unconfirmed = "bo@example.com";
    let unknown = |mut draft: vestibule::admin::NewAccount| {
        draft.confirmed = false;
        draft
    };
    app.user(unconfirmed, unknown).await;
    for (path, email) in [("confirm", unconfirmed), ("reset", ANA)] {
        let path = format!("/api/accounts/{path}");
        let answer = app.browser().post(&path, json!({"email": email})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    locked.store(true, Ordering::Relaxed);
    let mut browser = app.browser();
    let link = app.link(unconfirmed).await;
    assert_eq!(browser.get(&link).await.status, 302);
    assert!(app.stored(unconfirmed).await.confirmed_at.is_some());
    assert!(!browser.is_signed_in().await);
    let body = json!({"password": "correct horse", "password_confirm": "correct horse"});
    let answer = browser.post(&app.link(ANA).await, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!browser.is_signed_in().await);

    let (app, locked) = locking("SECURITY_CONFIRMABLE = false\n").await;
    locked.store(true, Ordering::Relaxed);
    let mut browser = app.browser();
    let body =
        json!({"email": "new@example.com", "password": PASSWORD, "password_confirm": PASSWORD});
    let answer = browser.post("/api/accounts/register", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_lockout_bypass_a_sign_in_link_is_neither_sent_nor_accepted() {
    let (app, locked) = locking("SECURITY_PASSWORDLESS = true\n").await;
    let login = "/api/accounts/login";
    app.browser().post(login, json!({"email": ANA})).await;
    let link = app.link(ANA).await;
    locked.store(true, Ordering::Relaxed);
    let mut browser = app.browser();
    browser.get(&link).await;
    assert_eq!(browser.get(AUTHZ).await.status, 401);
    for path in ["login", "reset", "recover-username"] {
        let path = format!("/api/accounts/{path}");
        assert_refused_with_reason(&app.browser().post(&path, json!({"email": ANA})).await);
    }
    assert_eq!(
        app.mails(ANA).await.len(),
        1,
        "only the mail from before the lockout"
    );
    locked.store(false, Ordering::Relaxed);
    browser.get(&link).await;
    assert_eq!(
        browser.get(AUTHZ).await.status,
        200,
        "the refusal did not consume the link"
    );
}

#[tokio::test]
async fn a_lockout_does_not_end_existing_sessions_and_tokens() {
    let (app, locked) = locking("").await;
    let mut session = app.signed_in().await;
    let token = app.auth_token(ANA).await;
    locked.store(true, Ordering::Relaxed);
    assert!(session.is_signed_in().await);
    assert_eq!(app.bearer(&token).get(AUTHZ).await.status, 200);
}
