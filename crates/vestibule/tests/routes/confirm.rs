//! `/confirm`: proof that the user controls the address.

use http::Method;
use serde_json::json;

use crate::support::mails::{destination, token_of};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const CONFIRM: &str = "/api/accounts/confirm";
const NEW: &str = "new@example.com";

/// An application with an unconfirmed user, and the link mailed to them.
async fn unconfirmed(extra: &str) -> (TestApp, String) {
    let app = TestApp::with(&format!("{LIFE}{extra}")).await;
    app.user(NEW, |draft| vestibule::admin::NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
    let answer = app.browser().post(CONFIRM, json!({"email": NEW})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let link = app.link(NEW).await;
    (app, link)
}

async fn is_confirmed(app: &TestApp) -> bool {
    app.stored(NEW).await.confirmed_at.is_some()
}

#[tokio::test]
async fn the_link_confirms_once() {
    let (app, link) = unconfirmed("").await;
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/confirmed");
    assert_eq!(query[0].0, "success");
    assert!(is_confirmed(&app).await);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/confirm-error", "info")
    );
    assert_eq!(
        query.len(),
        1,
        "the redirect does not name the user: {query:?}"
    );
    assert_eq!(app.browser().sign_in(NEW, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn expired_and_invalid_links_redirect_to_the_error_view() {
    let (app, link) = unconfirmed("SECURITY_CONFIRM_EMAIL_WITHIN = \"2 hours\"\n").await;
    for bad in ["a", "a.b.c", &format!("{}x", token_of(&link))] {
        let (view, query) = destination(&app.browser().get(&format!("{CONFIRM}/{bad}")).await);
        assert_eq!(view, "/confirm-error");
        assert_eq!(query.len(), 1);
        assert_eq!(query[0].0, "error");
    }
    app.wait(2 * 3600 + 1);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/confirm-error");
    assert!(query[0].1.contains("2 hours"), "{query:?}");
    assert!(!is_confirmed(&app).await);
}

#[tokio::test]
async fn a_new_link_is_sent_only_to_an_unconfirmed_user() {
    let (app, _) = unconfirmed("").await;
    for (email, code) in [
        (ANA, "ALREADY_CONFIRMED"),
        ("no@example.com", "USER_DOES_NOT_EXIST"),
        ("no", "INVALID_EMAIL_ADDRESS"),
        ("", "EMAIL_NOT_PROVIDED"),
    ] {
        let answer = app.browser().post(CONFIRM, json!({"email": email})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{email}");
    }
    assert_eq!(app.all_mails().await.len(), 1);
}

#[tokio::test]
async fn attack_wrong_step_a_link_for_a_previous_address_confirms_no_other() {
    let (app, link) = unconfirmed("").await;
    let user = app.stored(NEW).await;
    let patch = vestibule_store::UserPatch {
        email: Some("other@example.com".to_owned()),
        ..Default::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, patch, now)
        .await
        .unwrap();
    let (view, _) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/confirm-error");
    assert!(app.stored("other@example.com").await.confirmed_at.is_none());
}

#[tokio::test]
async fn attack_link_scanner_a_head_request_or_a_link_consumed_by_post_changes_nothing() {
    let (app, link) = unconfirmed("").await;
    let mut browser = app.browser();
    browser.send(Method::HEAD, &link, None, Vec::new()).await;
    assert!(!is_confirmed(&app).await);
    // With `SECURITY_LINKS_CONSUMED_BY = "post"`, a GET changes nothing either.
    let (app, link) = unconfirmed("SECURITY_LINKS_CONSUMED_BY = \"post\"\n").await;
    for _ in 0..2 {
        let (view, query) = destination(&app.browser().get(&link).await);
        assert_eq!(view, "/confirmed");
        let token = token_of(&link).to_owned();
        assert_eq!(query, [("token".to_owned(), token)]);
        assert!(!is_confirmed(&app).await);
    }
    let answer = app.browser().post(&link, json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["email"], NEW);
    assert!(is_confirmed(&app).await);
    let answer = app.browser().post(&link, json!({})).await;
    assert_eq!(answer.verdict(), (400, "ALREADY_CONFIRMED".into()));
    let answer = app.browser().post(&format!("{CONFIRM}/x"), json!({})).await;
    assert_eq!(answer.verdict(), (400, "INVALID_CONFIRMATION_TOKEN".into()));
}

#[tokio::test]
async fn attack_session_fixation_opening_another_users_link_leaves_the_session_alone() {
    let (app, link) = unconfirmed("SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\n").await;
    let mut ana = app.signed_in().await;
    let before = ana.session_state();
    let (view, _) = destination(&ana.get(&link).await);
    assert_eq!(view, "/confirmed");
    assert_eq!(ana.session_state(), before);
}

#[tokio::test]
async fn opening_the_link_signs_in_only_with_auto_login() {
    let (app, link) = unconfirmed("SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\n").await;
    let mut browser = app.browser();
    browser.get(&link).await;
    assert!(browser.is_signed_in().await);
    let (app, link) = unconfirmed("").await;
    let mut browser = app.browser();
    browser.get(&link).await;
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_single_use_of_64_simultaneous_uses_one_confirms() {
    let (app, link) = unconfirmed("").await;
    let asking = (0..64).map(|_| {
        let (mut browser, link) = (app.browser(), &link);
        async move { destination(&browser.get(link).await).0 }
    });
    let views = futures_util::future::join_all(asking).await;
    assert_eq!(views.iter().filter(|view| *view == "/confirmed").count(), 1);
}

#[tokio::test]
async fn a_replaced_message_may_have_its_own_category() {
    let (app, _) =
        unconfirmed("SECURITY_MSG_INVALID_CONFIRMATION_TOKEN = [\"Nope.\", \"warning\"]\n").await;
    let (_, query) = destination(&app.browser().get(&format!("{CONFIRM}/xyz")).await);
    assert_eq!(query, [("warning".to_owned(), "Nope.".to_owned())]);
}

#[tokio::test]
async fn attack_sign_in_csrf_a_cross_site_image_neither_confirms_nor_signs_in() {
    let (app, link) = unconfirmed("SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\n").await;
    let mut lured = app
        .browser()
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "no-cors")
        .header("sec-fetch-dest", "image");
    let answer = lured.get(&link).await;
    assert_eq!(answer.verdict(), (403, "CROSS_SITE_REQUEST".into()));
    assert!(!lured.is_signed_in().await);
    let mut followed = app.browser();
    followed.get(&link).await;
    assert!(followed.is_signed_in().await);
}
