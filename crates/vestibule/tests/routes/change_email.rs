//! `/change-email`: a new address.

use serde_json::json;

use crate::support::mails::{destination, token_of};
use crate::support::{ANA, Browser, LIFE, PASSWORD, TestApp};

const CHANGE: &str = "/api/accounts/change-email";
const NEW: &str = "new@example.com";

/// Ana's browser after a request to change her address, and the link mailed to the new address.
async fn request_change<'a>(app: &'a TestApp, new: &str) -> (Browser<'a>, String) {
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.post(CHANGE, json!({"email": new})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["current_email"], ANA);
    (browser, app.link(new).await)
}

#[tokio::test]
async fn the_address_changes_when_its_link_is_opened_and_only_once() {
    let app = TestApp::with(LIFE).await;
    let (mut browser, link) = request_change(&app, NEW).await;
    assert_eq!(app.stored(ANA).await.email.as_deref(), Some(ANA));
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/email-changed");
    assert_eq!(query[0].0, "success");
    assert_eq!(query[1], ("email".to_owned(), NEW.to_owned()));
    assert_eq!(app.browser().sign_in(NEW, PASSWORD).await.status, 200);
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 400);
    let answer = browser.get(CHANGE).await;
    assert_eq!(answer.response()["current_email"], NEW);
    let told = app.mails(ANA).await;
    assert_eq!(told.len(), 1, "the old address is notified");
    // The link works only once.
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/email-error", "error")
    );
    assert_eq!(query.len(), 1);
}

#[tokio::test]
async fn unusable_addresses_are_refused() {
    let app = TestApp::with(LIFE).await;
    app.user("bo@example.com", |draft| draft).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    for (email, code) in [
        ("", "EMAIL_NOT_PROVIDED"),
        ("no", "INVALID_EMAIL_ADDRESS"),
        ("BO@example.com", "EMAIL_ALREADY_ASSOCIATED"),
        (ANA, "EMAIL_ALREADY_ASSOCIATED"),
    ] {
        let answer = browser.post(CHANGE, json!({"email": email})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{email}");
    }
    assert!(app.all_mails().await.is_empty());
}

#[tokio::test]
async fn attack_self_verified_email_a_link_confirms_only_the_address_that_it_was_sent_to() {
    let app = TestApp::with(LIFE).await;
    let (mut browser, first) = request_change(&app, "first@example.com").await;
    let answer = browser
        .post(CHANGE, json!({"email": "victim@example.com"}))
        .await;
    assert_eq!(answer.status, 200);
    let (view, _) = destination(&app.browser().get(&first).await);
    assert_eq!(view, "/email-changed");
    assert_eq!(
        app.stored("first@example.com").await.email.as_deref(),
        Some("first@example.com")
    );
    // The first change voids links requested under the previous address.
    let second = app.link("victim@example.com").await;
    let (view, _) = destination(&app.browser().get(&second).await);
    assert_eq!(view, "/email-error");
}

#[tokio::test]
async fn attack_race_an_address_taken_by_another_user_in_the_meantime_is_refused() {
    let app = TestApp::with(LIFE).await;
    let (_, link) = request_change(&app, NEW).await;
    app.user("NEW@example.com", |draft| draft).await;
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/email-error", "error")
    );
    assert_eq!(app.stored(ANA).await.email.as_deref(), Some(ANA));
}

#[tokio::test]
async fn attack_single_use_of_64_simultaneous_uses_one_changes_the_address() {
    let app = TestApp::with(LIFE).await;
    let (_, link) = request_change(&app, NEW).await;
    let asking = (0..64).map(|_| {
        let (mut browser, link) = (app.browser(), &link);
        async move { destination(&browser.get(link).await).0 }
    });
    let views = futures_util::future::join_all(asking).await;
    let done = views.iter().filter(|view| *view == "/email-changed");
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn with_links_consumed_by_post_opening_the_link_only_hands_over_the_token() {
    let app = TestApp::with(&format!("{LIFE}SECURITY_LINKS_CONSUMED_BY = \"post\"")).await;
    let (_, link) = request_change(&app, NEW).await;
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/email-changed");
    assert_eq!(query, [("token".to_owned(), token_of(&link).to_owned())]);
    assert_eq!(app.stored(ANA).await.email.as_deref(), Some(ANA));
    let answer = app.browser().post(&link, json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["email"], NEW);
    let answer = app.browser().post(&link, json!({})).await;
    assert_eq!(answer.verdict(), (400, "API_ERROR".into()));
}

#[tokio::test]
async fn an_expired_link_is_refused_with_its_lifetime() {
    let app = TestApp::with(&format!("{LIFE}SECURITY_CHANGE_EMAIL_WITHIN = \"1 day\"")).await;
    let (_, link) = request_change(&app, NEW).await;
    app.wait(86_401);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/email-error");
    assert!(query[0].1.contains("1 day"), "{query:?}");
}
