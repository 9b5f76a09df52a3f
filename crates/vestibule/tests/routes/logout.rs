//! Signing out: `/logout`.

use http::Method;
use serde_json::json;
use vestibule::Event;

use crate::support::{ANA, PASSWORD, TestApp};

const LOGOUT: &str = "/api/accounts/logout";

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookies() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser
        .post(
            "/api/accounts/login",
            json!({"email": ANA, "password": PASSWORD, "remember": true}),
        )
        .await;
    let answer = browser.sign_out().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.response(), json!({}));
    for name in ["session", "remember_token", "XSRF-TOKEN"] {
        let cookie = answer
            .set_cookie(name)
            .unwrap_or_else(|| panic!("{name}: {answer:?}"));
        assert!(
            cookie.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"),
            "{cookie}"
        );
    }
    assert!(browser.cookies.keys().eq(["vestibule_device"]));
    assert!(!browser.is_signed_in().await);
    let user_id = app.stored(ANA).await.id;
    assert_eq!(
        app.take_events().last(),
        Some(&Event::SignedOut { user_id })
    );
}

#[tokio::test]
async fn an_anonymous_client_may_sign_out() {
    let app = TestApp::new().await;
    let answer = app.browser().sign_out().await;
    assert_eq!(
        (answer.status.as_u16(), answer.response()),
        (200, json!({}))
    );
    assert_eq!(app.take_events(), []);
}

#[tokio::test]
async fn a_body_is_not_needed_and_get_is_not_allowed() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let answer = browser.get(LOGOUT).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert_eq!(answer.headers["allow"], "POST, OPTIONS");
    assert!(browser.is_signed_in().await);
    let answer = browser.send(Method::POST, LOGOUT, None, Vec::new()).await;
    assert_eq!(answer.status, 200);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn with_logout_by_get_a_link_signs_out_and_redirects() {
    let app = TestApp::with(
        "SECURITY_LOGOUT_METHODS = [\"GET\", \"POST\"]\nSECURITY_POST_LOGOUT_VIEW = \"/bye\"",
    )
    .await;
    let mut browser = app.signed_in().await;
    let answer = browser.get(LOGOUT).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.headers["location"], "/bye");
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn with_logout_csrf_signing_out_needs_a_csrf_token() {
    let app = TestApp::with("SECURITY_LOGOUT_CSRF = true").await;
    let mut browser = app.signed_in().await;
    let answer = browser.sign_out().await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "CSRF_TOKEN_MISSING")
    );
    assert!(browser.is_signed_in().await);
    let token = browser.get("/api/accounts/login").await.csrf_token();
    let mut browser = browser.header("x-xsrf-token", &token);
    assert_eq!(browser.sign_out().await.status, 200);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_csrf_a_cross_site_sign_out_is_refused() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let mut lured = browser
        .clone()
        .header("sec-fetch-site", "cross-site")
        .header("origin", "https://evil.example");
    let answer = lured.sign_out().await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (403, "CROSS_SITE_REQUEST")
    );
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_open_redirect_signing_out_redirects_only_within_the_site() {
    let app = TestApp::with(
        "SECURITY_LOGOUT_METHODS = [\"GET\", \"POST\"]\nSECURITY_POST_LOGOUT_VIEW = \"/bye\"",
    )
    .await;
    for (query, place) in [
        ("", "/bye"),
        ("?next=/foo%3Fa%3D1", "/foo?a=1"),
        ("?next=", "/bye"),
        ("?next=https://evil.example/", "/bye"),
        ("?next=//evil.example/", "/bye"),
        ("?next=/%5Cevil.example", "/bye"),
        ("?next=/%0d%0aX-Evil:%201", "/bye"),
        ("?next=javascript:alert(1)", "/bye"),
    ] {
        let mut browser = app.signed_in().await;
        let answer = browser.get(&format!("{LOGOUT}{query}")).await;
        assert_eq!(answer.status, 302, "{query}");
        assert_eq!(answer.headers["location"], place, "{query}");
        assert!(!browser.is_signed_in().await, "{query}");
    }
}

const BY_LINK: &str =
    "SECURITY_LOGOUT_METHODS = [\"GET\", \"POST\"]\nSECURITY_POST_LOGOUT_VIEW = \"/bye\"\n";

#[tokio::test]
async fn attack_csrf_a_subresource_or_prefetch_on_another_site_does_not_sign_out() {
    for more in ["", "SECURITY_LOGOUT_CSRF = true"] {
        let app = TestApp::with(&format!("{BY_LINK}{more}")).await;
        let mut browser = app.signed_in().await;
        for site in ["cross-site", "same-site", "nonsense"] {
            for (mode, dest, purpose) in [
                ("no-cors", "image", None),
                ("no-cors", "script", None),
                ("cors", "empty", None),
                ("navigate", "iframe", None),
                ("navigate", "document", Some("prefetch;prerender")),
            ] {
                let mut lured = browser
                    .clone()
                    .header("sec-fetch-site", site)
                    .header("sec-fetch-mode", mode)
                    .header("sec-fetch-dest", dest);
                if let Some(purpose) = purpose {
                    lured = lured.header("sec-purpose", purpose);
                }
                for method in [Method::GET, Method::HEAD] {
                    let head = method == Method::HEAD;
                    let answer = lured.send(method, LOGOUT, None, Vec::new()).await;
                    assert_eq!(answer.status, 403, "{site} {mode} {dest}");
                    assert!(head || answer.code() == "CROSS_SITE_REQUEST");
                }
            }
        }
        assert!(browser.is_signed_in().await);
        // A link that the user followed signs out, whichever site it is on.
        for site in ["cross-site", "same-site", "same-origin", "none"] {
            let mut followed = app
                .signed_in()
                .await
                .header("sec-fetch-site", site)
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document");
            assert_eq!(followed.get(LOGOUT).await.status, 302, "{site}");
            assert!(!followed.is_signed_in().await, "{site}");
        }
    }
}

#[tokio::test]
async fn a_get_from_a_listed_cors_origin_signs_out() {
    let app = TestApp::with(&format!(
        "{BY_LINK}CORS_ORIGINS = [\"https://app.example\"]"
    ))
    .await;
    let mut browser = app
        .signed_in()
        .await
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors")
        .header("origin", "https://app.example");
    assert_eq!(browser.get(LOGOUT).await.status, 302);
}

#[tokio::test]
async fn attack_csrf_without_fetch_metadata_signing_out_by_link_needs_a_token() {
    let app = TestApp::with(&format!("{BY_LINK}SECURITY_LOGOUT_CSRF = true")).await;
    let mut browser = app.signed_in().await;
    let answer = browser.get(LOGOUT).await;
    assert_eq!(answer.verdict(), (400, "CSRF_TOKEN_MISSING".into()));
    assert!(browser.is_signed_in().await);
    let mut browser = browser.with_csrf().await;
    assert_eq!(browser.get(LOGOUT).await.status, 302);
    assert!(!browser.is_signed_in().await);
}
