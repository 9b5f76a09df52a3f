//! `/refresh-token` with the token in a cookie.

use serde_json::json;

use crate::support::callers::text;
use crate::support::{ANA, Browser, PASSWORD, TestApp};

const REFRESH: &str = "/api/accounts/refresh-token";
const LOGIN: &str = "/api/accounts/login?include_auth_token";

async fn in_cookie(extra: &str) -> TestApp {
    TestApp::with(&format!("SECURITY_REFRESH_TOKEN = true\n{extra}")).await
}

async fn signed_in(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD});
    let answer = browser.post(LOGIN, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser
}

/// The same browser after its session has ended.
fn later<'a>(mut browser: Browser<'a>) -> Browser<'a> {
    browser.cookies.retain(|name, _| name == "fs_refresh");
    assert_eq!(browser.cookies.len(), 1);
    browser
}

#[tokio::test]
async fn the_token_is_sent_only_in_its_cookie() {
    let app = in_cookie("").await;
    let body = json!({"email": ANA, "password": PASSWORD});
    let answer = app.browser().post(LOGIN, body).await;
    let cookie = answer.set_cookie("fs_refresh").unwrap();
    assert!(
        cookie.ends_with("; Secure; HttpOnly; Path=/; SameSite=Strict"),
        "{cookie}"
    );
    assert!(!answer.text.contains("refresh_token"), "{answer:?}");
    let mut browser = later(signed_in(&app).await);
    let before = browser.cookies["fs_refresh"].clone();
    let answer = browser.post(REFRESH, json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.response()["user"].get("refresh_token").is_none());
    text(&answer.response()["user"]["authentication_token"]);
    assert!(
        answer
            .set_cookie("fs_refresh")
            .unwrap()
            .ends_with("; Secure; HttpOnly; Path=/; SameSite=Strict")
    );
    assert_ne!(browser.cookies["fs_refresh"], before);
    assert_eq!(browser.post(REFRESH, json!({})).await.status, 200);
    assert!(
        !browser.cookies.contains_key("session") || !browser.is_signed_in().await,
        "an exchange does not create a session"
    );
}

#[tokio::test]
async fn the_cookie_has_the_configured_name_and_attributes() {
    let app = in_cookie(
        "SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"r\"
SECURITY_REFRESH_TOKEN_COOKIE = { samesite = \"Lax\", httponly = true, path = \"/api\", max_age = 3600 }",
    )
    .await;
    let mut browser = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD});
    let answer = browser.post(LOGIN, body).await;
    let cookie = answer.set_cookie("r").unwrap();
    assert!(
        cookie.ends_with(
            "; Expires=Fri, 15 Jan 2027 09:00:00 GMT; Max-Age=3600; HttpOnly; Path=/api; SameSite=Lax"
        ),
        "{cookie}"
    );
    assert!(answer.set_cookie("fs_refresh").is_none());
    let answer = browser.sign_out().await;
    assert_eq!(
        answer.set_cookie("r").unwrap(),
        "r=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/api; SameSite=Lax"
    );
}

#[tokio::test]
async fn attack_wrong_place_with_a_cookie_configured_a_token_in_the_body_is_ignored() {
    let app = in_cookie("").await;
    let browser = later(signed_in(&app).await);
    let token = browser.cookies["fs_refresh"].clone();
    let body = json!({"refresh_token": token});
    let answer = app.browser().post(REFRESH, body).await;
    assert_eq!(answer.code(), "REFRESH_TOKEN_REQUIRED");
    for odd in [json!({"refresh_token": 7}), json!({"refresh_token": "x"})] {
        let answer = browser.clone().post(REFRESH, odd.clone()).await;
        let code = answer.verdict();
        // The first of the two succeeds; the second sends a cookie that was exchanged already.
        assert!(
            code == (200, String::new()) || code == (400, "REFRESH_TOKEN_INVALID".into()),
            "{odd}: {answer:?}"
        );
    }
    let mut empty = app.browser();
    empty.cookies.insert("fs_refresh".into(), String::new());
    let answer = empty.post(REFRESH, json!({})).await;
    assert_eq!(answer.code(), "REFRESH_TOKEN_REQUIRED");
}

#[tokio::test]
async fn attack_wrong_place_with_bodies_configured_a_token_in_a_cookie_is_ignored() {
    let app =
        TestApp::with("SECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"")
            .await;
    let token = text(&app.tokens(ANA).await["refresh_token"]);
    for name in ["fs_refresh", "refresh_token", "session", "remember_token"] {
        let mut browser = app.browser();
        browser.cookies.insert(name.into(), token.clone());
        let answer = browser.post(REFRESH, json!({})).await;
        assert_eq!(answer.code(), "REFRESH_TOKEN_REQUIRED", "{name}");
    }
    let answer = app.signed_in().await.sign_out().await;
    assert!(answer.set_cookie("fs_refresh").is_none());
}

#[tokio::test]
async fn signing_out_ends_the_family_of_the_cookie_and_clears_it() {
    let app = in_cookie("").await;
    let mut browser = signed_in(&app).await;
    let thief = later(browser.clone());
    let answer = browser.sign_out().await;
    assert_eq!(
        answer.set_cookie("fs_refresh").unwrap(),
        "fs_refresh=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/; \
         SameSite=Strict"
    );
    let left = &browser.cookies;
    assert!(left.keys().eq(["vestibule_device"]), "{left:?}");
    let answer = thief.clone().post(REFRESH, json!({})).await;
    assert_eq!(answer.code(), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn attack_session_residue_signing_out_after_the_session_ended_leaves_no_refresh_cookie() {
    // The session ended with the browser, but the refresh cookie is still there. A user who signs
    // out now means all of it.
    let app = in_cookie("").await;
    let mut browser = later(signed_in(&app).await);
    let mut thief = browser.clone();
    let answer = browser.sign_out().await;
    assert_eq!(answer.status, 200);
    assert!(
        !browser.cookies.contains_key("fs_refresh"),
        "the cookie is left: {answer:?}"
    );
    let answer = thief.post(REFRESH, json!({})).await;
    assert_eq!(
        answer.code(),
        "REFRESH_TOKEN_INVALID",
        "a copy of the cookie is refused as well"
    );
}

#[tokio::test]
async fn attack_wrong_person_signing_out_does_not_end_another_users_family_in_the_cookie() {
    let app = in_cookie("").await;
    app.user("bo@example.com", |draft| draft).await;
    let ana = later(signed_in(&app).await);
    let mut bo = app.browser();
    bo.sign_in("bo@example.com", PASSWORD).await;
    let planted = ana.cookies["fs_refresh"].clone();
    bo.cookies.insert("fs_refresh".into(), planted);
    assert_eq!(bo.sign_out().await.status, 200);
    let mut ana = ana;
    assert_eq!(ana.post(REFRESH, json!({})).await.status, 200);
}

#[tokio::test]
async fn attack_csrf_a_cross_site_request_does_not_consume_the_refresh_cookie() {
    let app = in_cookie("").await;
    let browser = later(signed_in(&app).await);
    let mut lured = browser
        .clone()
        .header("sec-fetch-site", "cross-site")
        .header("origin", "https://evil.example");
    let answer = lured.post(REFRESH, json!({})).await;
    assert_eq!(answer.verdict(), (403, "CROSS_SITE_REQUEST".into()));
    // The content types that a form can send without a preflight request are not JSON.
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let mut lured = browser.clone();
        let answer = lured
            .send(
                http::Method::POST,
                REFRESH,
                Some(content_type),
                b"{}".to_vec(),
            )
            .await;
        assert!(answer.status.is_client_error(), "{content_type}");
        assert!(answer.set_cookie("fs_refresh").is_none());
    }
    let mut browser = browser;
    assert_eq!(browser.post(REFRESH, json!({})).await.status, 200);
}
