//! `/change-username`: a new username.

use serde_json::json;
use vestibule::Event;
use vestibule::admin::NewAccount;

use crate::support::{ANA, LIFE, TestApp};

const CHANGE: &str = "/api/accounts/change-username";

#[tokio::test]
async fn the_new_username_is_stored_and_notified() {
    let app = TestApp::with(LIFE).await;
    let user_id = app.stored(ANA).await.id;
    let mut browser = app.signed_in().await.with_csrf().await;
    app.take_events();
    let answer = browser.get(CHANGE).await;
    assert_eq!(answer.response()["current_username"], json!(null));
    let answer = browser.post(CHANGE, json!({"username": "analove"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.response().get("current_username").is_none());
    let answer = browser.get(CHANGE).await;
    assert_eq!(answer.response()["current_username"], "analove");
    assert_eq!(app.mails(ANA).await.len(), 1);
    let changed = |old_username| Event::UsernameChanged {
        user_id,
        old_username,
    };
    assert_eq!(app.take_events(), [changed(None)]);
    browser.post(CHANGE, json!({"username": "anabel"})).await;
    assert_eq!(app.take_events(), [changed(Some("analove"))]);
}

#[tokio::test]
async fn unusable_usernames_are_refused() {
    let app = TestApp::with(LIFE).await;
    app.user("bo@example.com", |draft| NewAccount {
        username: Some("bobby".to_owned()),
        ..draft
    })
    .await;
    let mut browser = app.signed_in().await.with_csrf().await;
    browser.post(CHANGE, json!({"username": "analove"})).await;
    for (username, code) in [
        (json!("bobby"), "USERNAME_ALREADY_ASSOCIATED"),
        (json!("analove"), "USERNAME_ALREADY_ASSOCIATED"),
        (json!("a"), "USERNAME_INVALID_LENGTH"),
        (json!("a-b-c"), "USERNAME_DISALLOWED_CHARACTERS"),
        (json!(7), "API_ERROR"),
        (json!(""), "USERNAME_NOT_PROVIDED"),
        (json!(null), "USERNAME_NOT_PROVIDED"),
    ] {
        let answer = browser.post(CHANGE, json!({"username": username})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{username}");
    }
    // A missing field does not remove the username.
    let answer = browser.post(CHANGE, json!({})).await;
    assert_eq!(answer.verdict(), (400, "USERNAME_NOT_PROVIDED".into()));
    assert_eq!(app.stored(ANA).await.username.as_deref(), Some("analove"));
}

#[tokio::test]
async fn attack_race_of_simultaneous_requests_for_a_username_one_succeeds() {
    let app = TestApp::with(LIFE).await;
    let mut browsers = Vec::new();
    for number in 0..16 {
        let email = format!("user{number}@example.com");
        app.user(&email, |draft| draft).await;
        let mut browser = app.browser();
        browser.sign_in(&email, crate::support::PASSWORD).await;
        browsers.push(browser.with_csrf().await);
    }
    let asking = browsers
        .iter_mut()
        .map(|browser| browser.post(CHANGE, json!({"username": "wanted"})));
    let answers = futures_util::future::join_all(asking).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1);
}
