//! `/change-email`: another address.

use serde_json::json;

use crate::support::mails::{destination, token_of};
use crate::support::{ANA, Browser, LIFE, PASSWORD, TestApp};

const CHANGE: &str = "/api/accounts/change-email";
const NEW: &str = "new@example.com";

/// Ana asked for another address; the link that was mailed to it.
async fn asked<'a>(app: &'a TestApp, new: &str) -> (Browser<'a>, String) {
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.post(CHANGE, json!({"email": new})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["current_email"], ANA);
    (browser, app.link(new).await)
}

#[tokio::test]
async fn the_address_is_in_force_once_its_link_is_used() {
    let app = TestApp::with(LIFE).await;
    let (mut browser, link) = asked(&app, NEW).await;
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
    assert_eq!(told.len(), 1, "whoever reads the old address hears of it");
    // Once.
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/email-error", "error")
    );
    assert_eq!(query.len(), 1);
}

#[tokio::test]
async fn what_is_refused() {
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
async fn attack_self_verified_email_of_two_changes_each_link_confirms_its_own_address() {
    let app = TestApp::with(LIFE).await;
    let (mut browser, first) = asked(&app, "first@example.com").await;
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
    // What was asked for from the address before is void.
    let second = app.link("victim@example.com").await;
    let (view, _) = destination(&app.browser().get(&second).await);
    assert_eq!(view, "/email-error");
}

#[tokio::test]
async fn attack_race_an_address_that_somebody_got_meanwhile_stays_theirs() {
    let app = TestApp::with(LIFE).await;
    let (_, link) = asked(&app, NEW).await;
    app.user("NEW@example.com", |draft| draft).await;
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/email-error", "error")
    );
    assert_eq!(app.stored(ANA).await.email.as_deref(), Some(ANA));
}

#[tokio::test]
async fn attack_single_use_of_many_at_once_one_changes_the_address() {
    let app = TestApp::with(LIFE).await;
    let (_, link) = asked(&app, NEW).await;
    let asking = (0..64).map(|_| {
        let (mut browser, link) = (app.browser(), &link);
        async move { destination(&browser.get(link).await).0 }
    });
    let views = futures_util::future::join_all(asking).await;
    let done = views.iter().filter(|view| *view == "/email-changed");
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn the_app_posts_the_token_where_links_change_nothing_by_themselves() {
    let app = TestApp::with(&format!("{LIFE}SECURITY_LINKS_CONSUMED_BY = \"post\"")).await;
    let (_, link) = asked(&app, NEW).await;
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
async fn a_link_is_good_for_its_time() {
    let app = TestApp::with(&format!("{LIFE}SECURITY_CHANGE_EMAIL_WITHIN = \"1 day\"")).await;
    let (_, link) = asked(&app, NEW).await;
    app.wait(86_401);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/email-error");
    assert!(query[0].1.contains("1 day"), "{query:?}");
}
