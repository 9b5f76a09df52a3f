//! Signing in by a mailed link: `/login` with `SECURITY_PASSWORDLESS`.

use http::Method;
use serde_json::json;
use vestibule::admin;

use crate::support::callers::text;
use crate::support::mails::{destination, token_of};
use crate::support::{ANA, LIFE, TestApp};

const LOGIN: &str = "/api/accounts/login";

async fn with_link(extra: &str) -> (TestApp, String) {
    let app = TestApp::with(&format!("{LIFE}SECURITY_PASSWORDLESS = true\n{extra}")).await;
    let answer = app.browser().post(LOGIN, json!({"email": ANA})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["user"], json!({}));
    let link = app.link(ANA).await;
    (app, link)
}

async fn passes_authz(browser: &mut crate::support::Browser<'_>) -> bool {
    browser.get("/api/accounts/authz").await.status == 200
}

#[tokio::test]
async fn the_link_signs_in_once() {
    let (app, link) = with_link("").await;
    let mut browser = app.browser();
    let (view, query) = destination(&browser.get(&link).await);
    assert_eq!(view, "/in");
    let pair = |name: &str| (name.to_owned(), ANA.to_owned());
    assert_eq!(query, [pair("email"), pair("identity")]);
    assert!(passes_authz(&mut browser).await);
    let mut other = app.browser();
    let (view, query) = destination(&other.get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/login-error", "error")
    );
    assert_eq!(query.len(), 1);
    assert!(!passes_authz(&mut other).await);
}

#[tokio::test]
async fn opening_an_expired_link_sends_another() {
    let (app, link) = with_link("SECURITY_LOGIN_WITHIN = \"1 hour\"\n").await;
    app.wait(3601);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/login-error");
    assert!(
        query[0].1.contains("1 hour") && query[0].1.contains(ANA),
        "{query:?}"
    );
    assert_eq!(query[1].0, "email");
    let another = app.link(ANA).await;
    assert_ne!(another, link);
    let mut browser = app.browser();
    browser.get(&another).await;
    assert!(passes_authz(&mut browser).await);
}

#[tokio::test]
async fn with_passwordless_a_password_does_not_sign_in() {
    let (app, _) = with_link("").await;
    let mut browser = app.browser();
    let answer = browser.sign_in(ANA, crate::support::PASSWORD).await;
    assert_eq!(answer.status, 200, "a link is mailed instead");
    assert!(!passes_authz(&mut browser).await);
    for (email, code) in [
        ("no@example.com", "USER_DOES_NOT_EXIST"),
        ("no", "INVALID_EMAIL_ADDRESS"),
        ("", "EMAIL_NOT_PROVIDED"),
    ] {
        let answer = app.browser().post(LOGIN, json!({"email": email})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{email}");
    }
}

#[tokio::test]
async fn attack_wrong_state_deactivated_and_unconfirmed_users_are_not_signed_in_by_link() {
    let (app, link) = with_link("").await;
    let user = app.stored(ANA).await;
    admin::set_active(app.app(), &user, false).await.unwrap();
    let mut browser = app.browser();
    let (view, _) = destination(&browser.get(&link).await);
    assert_eq!(view, "/login-error");
    assert!(!passes_authz(&mut browser).await);
    // An unconfirmed user is not even sent a link.
    app.user("new@example.com", |draft| admin::NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
    let answer = app
        .browser()
        .post(LOGIN, json!({"email": "new@example.com"}))
        .await;
    assert_eq!(answer.verdict(), (400, "CONFIRMATION_REQUIRED".into()));
}

#[tokio::test]
async fn attack_link_scanner_with_links_consumed_by_post_only_a_post_signs_in() {
    let (app, link) = with_link("SECURITY_LINKS_CONSUMED_BY = \"post\"\n").await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let mut scanner = app.browser();
        let answer = scanner.send(method, &link, None, Vec::new()).await;
        let (view, query) = destination(&answer);
        assert_eq!(view, "/in");
        assert_eq!(query, [("token".to_owned(), token_of(&link).to_owned())]);
        assert!(!passes_authz(&mut scanner).await);
    }
    let mut browser = app.browser();
    let path = format!("{link}?include_auth_token");
    let answer = browser.post(&path, json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.response()["user"]["authentication_token"]);
    assert!(passes_authz(&mut browser).await);
    let answer = app.browser().post(&link, json!({})).await;
    assert_eq!(answer.verdict(), (400, "INVALID_LOGIN_TOKEN".into()));
}

#[tokio::test]
async fn attack_link_scanner_a_head_request_to_an_expired_link_sends_no_mail() {
    for by in ["get", "post"] {
        let (app, link) = with_link(&format!(
            "SECURITY_LOGIN_WITHIN = \"1 hour\"\nSECURITY_LINKS_CONSUMED_BY = \"{by}\"\n"
        ))
        .await;
        app.wait(3601);
        app.take_events();
        for _ in 0..3 {
            let mut scanner = app.browser();
            let answer = scanner.send(Method::HEAD, &link, None, Vec::new()).await;
            assert_eq!(destination(&answer).0, "/login-error", "{by}");
        }
        assert_eq!(app.mails(ANA).await.len(), 1, "{by}");
        assert_eq!(app.take_events(), [], "{by}");
        // A user who opens the link is sent another one.
        app.browser().get(&link).await;
        assert_eq!(app.mails(ANA).await.len(), 2, "{by}");
    }
}

#[tokio::test]
async fn attack_session_fixation_another_users_link_does_not_replace_a_session() {
    let (app, link) = with_link("").await;
    app.user("bo@example.com", |draft| draft).await;
    app.browser()
        .post(LOGIN, json!({"email": "bo@example.com"}))
        .await;
    let other = app.link("bo@example.com").await;
    let mut ana = app.browser();
    ana.get(&link).await;
    let before = ana.session_state();
    let (view, query) = destination(&ana.get(&other).await);
    assert_eq!((view.as_str(), query.len()), ("/in", 0));
    assert_eq!(ana.session_state(), before);
    let mut program = ana.clone().header("accept", "application/json");
    let answer = program.get(&other).await;
    assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
    // The link still works for its own user.
    let mut bo = app.browser();
    bo.get(&other).await;
    assert!(passes_authz(&mut bo).await);
}

#[tokio::test]
async fn attack_single_use_of_64_simultaneous_uses_one_signs_in() {
    let (app, link) = with_link("").await;
    let asking = (0..64).map(|_| {
        let (mut browser, link) = (app.browser(), &link);
        async move { destination(&browser.get(link).await).0 }
    });
    let views = futures_util::future::join_all(asking).await;
    assert_eq!(views.iter().filter(|view| *view == "/in").count(), 1);
}

#[tokio::test]
async fn attack_enumeration_an_old_link_does_not_reveal_the_users_new_address() {
    let (app, link) = with_link("SECURITY_LOGIN_WITHIN = \"1 hour\"\n").await;
    let user = app.stored(ANA).await;
    let patch = vestibule::store::UserPatch {
        email: Some("secret-new@example.com".to_owned()),
        ..vestibule::store::UserPatch::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, patch, now)
        .await
        .unwrap();
    app.wait(3601);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/login-error");
    assert_eq!(query.len(), 1, "{query:?}");
    assert!(!query[0].1.contains("secret-new"), "{query:?}");
    assert!(app.mails("secret-new@example.com").await.is_empty());
}

#[tokio::test]
async fn attack_sign_in_csrf_a_cross_site_image_or_frame_does_not_sign_in() {
    let (app, link) = with_link("").await;
    for (mode, dest) in [("no-cors", "image"), ("navigate", "iframe")] {
        let mut lured = app
            .browser()
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", dest);
        let answer = lured.get(&link).await;
        assert_eq!(
            answer.verdict(),
            (403, "CROSS_SITE_REQUEST".into()),
            "{dest}"
        );
        assert!(!passes_authz(&mut lured).await, "{dest}");
    }
    // Followed from a webmail page, the link signs in.
    let mut followed = app
        .browser()
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "document");
    assert_eq!(destination(&followed.get(&link).await).0, "/in");
    assert!(passes_authz(&mut followed).await);
}
