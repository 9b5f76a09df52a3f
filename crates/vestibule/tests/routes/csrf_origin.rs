//! The CSRF token for an app on another origin.

use serde_json::json;

use crate::support::{ANA, Browser, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";
const LOGOUT: &str = "/api/accounts/logout";
const PAGE: &str = include_str!("../../../../docs/features/cors.md");

const SHARED: &str = "CORS_ORIGINS = [\"https://app.example\", \"http://localhost:8080\", \"https://app.other.example\"]
CORS_SUPPORTS_CREDENTIALS = true
SECURITY_LOGOUT_CSRF = true
SECURITY_CSRF_COOKIE = { domain = \"other.example\", samesite = \"Strict\", secure = true, httponly = false }
TRUSTED_HOSTS = [\"localhost\", \"accounts.other.example\"]
";

async fn fix(mut browser: Browser<'_>) -> String {
    let answer = browser.sign_out().await;
    assert_eq!(answer.code(), "CSRF_TOKEN_MISSING");
    let explanation = answer.response()["explanation"].clone();
    explanation["fix"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_fix_names_the_cookie_only_to_a_page_that_can_read_it() {
    let app = TestApp::with(SHARED).await;
    let browser = app.signed_in().await;
    let from = |origin: &str| fix(browser.clone().header("origin", origin));
    let elsewhere = from("https://app.example").await;
    assert!(!elsewhere.contains("XSRF-TOKEN"), "{elsewhere}");
    let read = "csrf_token in the response of GET /login and send it in the header X-XSRF-Token";
    assert!(elsewhere.contains(read), "{elsewhere}");
    // Cookies are shared between ports.
    for origin in ["http://localhost:8080", "http://localhost:5000"] {
        assert!(from(origin).await.contains("cookie XSRF-TOKEN"), "{origin}");
    }
    assert!(fix(browser.clone()).await.contains("cookie XSRF-TOKEN"));
    // A cookie for the whole site is readable on its other subdomains.
    let mut of_site = app.browser().header("host", "accounts.other.example");
    of_site.sign_in(ANA, PASSWORD).await;
    let sibling = of_site.header("origin", "https://app.other.example");
    assert!(fix(sibling).await.contains("cookie XSRF-TOKEN"));
}

#[tokio::test]
async fn the_example_in_cors_md_works() {
    for part in [
        "credentials: \"include\"",
        "withCredentials: true",
        ".response.csrf_token",
        "\"X-XSRF-Token\"",
    ] {
        assert!(PAGE.contains(part), "{part}");
    }
    let app = TestApp::with(SHARED).await;
    let mut browser = app
        .browser()
        .header("origin", "https://app.example")
        .header("sec-fetch-site", "cross-site");
    let answer = browser.get(LOGIN).await;
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let token = answer.csrf_token();
    let mut browser = browser.header("x-xsrf-token", &token);
    let body = json!({"email": ANA, "password": PASSWORD});
    assert_eq!(browser.post(LOGIN, body).await.status, 200);
    assert_eq!(browser.post(LOGOUT, json!({})).await.status, 200);
    assert!(!browser.is_signed_in().await);
}
