//! `/change`: a new password.

use serde_json::{Value, json};

use crate::support::callers::text;
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const CHANGE: &str = "/api/accounts/change";
const NEW: &str = "correct horse";

fn change(old: &str, new: &str) -> Value {
    json!({"password": old, "new_password": new, "new_password_confirm": new})
}

#[tokio::test]
async fn the_new_password_is_in_force_and_every_other_session_ends() {
    let app = TestApp::with(LIFE).await;
    let mut other = app.signed_in().await;
    let token = app.auth_token(ANA).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.get(CHANGE).await;
    assert_eq!(answer.response()["active_password"], true);
    let path = format!("{CHANGE}?include_auth_token");
    let answer = browser.post(&path, change(PASSWORD, NEW)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let minted = text(&answer.response()["user"]["authentication_token"]);
    browser.headers.clear();
    assert!(browser.is_signed_in().await);
    assert!(!other.is_signed_in().await);
    let authz = |token: String| {
        let mut bearer = app.bearer(&token);
        async move { bearer.get("/api/accounts/authz").await.status }
    };
    assert_eq!(authz(token).await, 401);
    assert_eq!(authz(minted).await, 200);
    assert_eq!(app.browser().sign_in(ANA, NEW).await.status, 200);
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 400);
    assert_eq!(app.mails(ANA).await.len(), 1);
}

#[tokio::test]
async fn invalid_password_changes_are_refused_by_field() {
    let app = TestApp::with(LIFE).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    for (body, field, code) in [
        (json!({}), "new_password", "PASSWORD_NOT_PROVIDED"),
        (
            json!({"new_password": NEW, "new_password_confirm": NEW}),
            "password",
            "PASSWORD_NOT_PROVIDED",
        ),
        (change("wrong", NEW), "password", "INVALID_PASSWORD"),
        (
            change(PASSWORD, PASSWORD),
            "password",
            "PASSWORD_IS_THE_SAME",
        ),
        (
            change(PASSWORD, "short"),
            "new_password",
            "PASSWORD_INVALID_LENGTH",
        ),
        (
            json!({"password": PASSWORD, "new_password": NEW, "new_password_confirm": "other"}),
            "new_password_confirm",
            "RETYPE_PASSWORD_MISMATCH",
        ),
        (
            json!({"password": [], "new_password": NEW, "new_password_confirm": NEW}),
            "password",
            "API_ERROR",
        ),
    ] {
        let answer = browser.post(CHANGE, body).await;
        assert_eq!(answer.status, 400);
        let codes = &answer.response()["field_error_codes"][field];
        assert_eq!(*codes, json!([code]), "{answer:?}");
    }
    assert!(app.all_mails().await.is_empty());
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_user_without_a_password_needs_a_fresh_session_to_set_one() {
    let app = TestApp::with("SECURITY_REGISTERABLE = true\nSECURITY_CHANGEABLE = true\nSECURITY_PASSWORD_REQUIRED = false\nSECURITY_UNIFIED_SIGNIN = true").await;
    let mut browser = app.browser();
    let path = "/api/accounts/register";
    let answer = browser
        .post(path, json!({"email": "new@example.com"}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut browser = browser.with_csrf().await;
    let answer = browser.get(CHANGE).await;
    assert_eq!(answer.response()["active_password"], false);
    app.wait(3 * 86_400);
    let body = json!({"new_password": NEW, "new_password_confirm": NEW});
    for answer in [
        browser.get(CHANGE).await,
        browser.post(CHANGE, body.clone()).await,
    ] {
        assert_eq!(answer.verdict(), (401, "REAUTHENTICATION_REQUIRED".into()));
        assert_eq!(answer.response()["reauth_required"], true);
    }
    app.wait(-3 * 86_400);
    assert_eq!(browser.post(CHANGE, body).await.status, 200);
    let answer = app.browser().sign_in("new@example.com", NEW).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn attack_wrong_person_a_token_beside_a_session_changes_its_own_users_password_only() {
    let app = TestApp::with(LIFE).await;
    app.user("bo@example.com", |draft| draft).await;
    let token = app.auth_token("bo@example.com").await;
    let mut ana = app.signed_in().await;
    let before = ana.session_state();
    let mut both = ana.clone().header("authentication-token", &token);
    let answer = both.post(CHANGE, change(PASSWORD, NEW)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    ana.cookies = both.cookies;
    assert_eq!(ana.session_state(), before);
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
    assert_eq!(
        app.browser().sign_in("bo@example.com", NEW).await.status,
        200
    );
}

#[tokio::test]
async fn attack_race_of_simultaneous_password_changes_one_is_applied() {
    let app = TestApp::with(LIFE).await;
    let browser = app.signed_in().await.with_csrf().await;
    let asking = (0..16).map(|number| {
        let mut browser = browser.clone();
        let new = format!("password number {number}");
        async move { (browser.post(CHANGE, change(PASSWORD, &new)).await, new) }
    });
    let answers = futures_util::future::join_all(asking).await;
    let done: Vec<_> = answers
        .iter()
        .filter(|(answer, _)| answer.status == 200)
        .collect();
    assert_eq!(done.len(), 1);
    assert_eq!(app.browser().sign_in(ANA, &done[0].1).await.status, 200);
}

#[tokio::test]
async fn the_notice_links_to_the_password_reset() {
    let app = TestApp::with(LIFE).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.post(CHANGE, change(PASSWORD, NEW)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let notice = app.mails(ANA).await.pop().unwrap().text.unwrap();
    assert!(notice.contains("/api/accounts/reset\n"), "{notice}");
}

#[tokio::test]
async fn attack_session_residue_an_invalid_remember_cookie_is_not_replaced_by_a_valid_one() {
    for remembered in [false, true] {
        let app = TestApp::with(LIFE).await;
        let mut browser = app.browser();
        let sign_in = json!({"email": ANA, "password": PASSWORD, "remember": remembered});
        browser.post("/api/accounts/login", sign_in).await;
        if !remembered {
            let cookie = "remember_token".into();
            browser.cookies.insert(cookie, "another|user".to_owned());
        }
        let mut browser = browser.with_csrf().await;
        let answer = browser.post(CHANGE, change(PASSWORD, NEW)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let kept = answer.set_cookie("remember_token");
        let kept = kept.is_some_and(|cookie| !cookie.contains("Max-Age=0"));
        assert_eq!(kept, remembered);
    }
}
