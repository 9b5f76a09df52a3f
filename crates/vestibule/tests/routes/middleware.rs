//! The middleware around every request.

use http::Method;
use serde_json::json;

use crate::support::{ANA, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";

#[tokio::test]
async fn every_answer_has_an_envelope_an_id_and_the_security_headers() {
    let app = TestApp::new().await;
    for (method, path, status) in [
        (Method::GET, LOGIN, 200),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/readyz", 200),
        (Method::GET, "/nothing", 404),
        (Method::DELETE, LOGIN, 405),
        (Method::POST, "/healthz", 405),
    ] {
        let answer = app
            .browser()
            .send(method.clone(), path, None, Vec::new())
            .await;
        assert_eq!(answer.status, status, "{method} {path}");
        answer.response();
        for name in [
            "x-request-id",
            "x-content-type-options",
            "content-security-policy",
            "referrer-policy",
        ] {
            assert!(
                answer.headers.contains_key(name),
                "{name} at {method} {path}"
            );
        }
        assert!(
            !answer.headers.contains_key("strict-transport-security"),
            "only over TLS"
        );
    }
    let answer = app
        .browser()
        .header("x-forwarded-proto", "https")
        .get(LOGIN)
        .await;
    assert!(answer.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn options_lists_the_allowed_methods() {
    let app = TestApp::new().await;
    let answer = app
        .browser()
        .send(Method::OPTIONS, LOGIN, None, Vec::new())
        .await;
    assert_eq!(answer.status, 200);
    let allow = answer.headers["allow"].to_str().unwrap();
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        assert!(allow.contains(method), "{allow}");
    }
}

#[tokio::test]
async fn a_plain_request_id_is_kept_and_an_odd_one_replaced() {
    let app = TestApp::new().await;
    let answer = app
        .browser()
        .header("x-request-id", "abc-12345")
        .get("/healthz")
        .await;
    assert_eq!(answer.headers["x-request-id"], "abc-12345");
    for odd in ["short", "with space 123", "<script>alert</script>"] {
        let answer = app
            .browser()
            .header("x-request-id", odd)
            .get("/healthz")
            .await;
        assert_ne!(answer.headers["x-request-id"], odd);
    }
}

#[tokio::test]
async fn attack_link_from_header_an_untrusted_host_is_refused_before_any_effect() {
    let app = TestApp::new().await;
    for host in [
        "evil.example",
        "localhost.evil.example",
        "localhost:5000@evil.example",
        "",
    ] {
        let mut browser = app.browser().header("host", host);
        let answer = browser.sign_in(ANA, PASSWORD).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "UNTRUSTED_HOST"),
            "{host}"
        );
    }
    assert_eq!(app.take_events(), []);
}

#[tokio::test]
async fn only_trusted_hosts_are_accepted() {
    let app = TestApp::with("TRUSTED_HOSTS = [\"app.example\", \".sub.example\"]").await;
    for (host, status) in [
        ("app.example", 200),
        ("a.sub.example:8443", 200),
        ("localhost", 400),
    ] {
        assert_eq!(
            app.browser().header("host", host).get(LOGIN).await.status,
            status,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let app = TestApp::new().await;
    let body = json!({"email": ANA, "password": "x".repeat(70_000)});
    let answer = app.browser().post(LOGIN, body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (413, "BODY_TOO_LARGE")
    );
    assert_eq!(answer.response()["explanation"]["check"], "content_length");
}

#[tokio::test]
async fn bodies_other_than_json_and_forms_are_refused() {
    let app = TestApp::new().await;
    for content_type in [Some("text/plain"), Some("application/xml"), None] {
        let body = json!({"email": ANA, "password": PASSWORD})
            .to_string()
            .into_bytes();
        let answer = app
            .browser()
            .send(Method::POST, LOGIN, content_type, body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (415, "UNSUPPORTED_MEDIA_TYPE")
        );
        assert_eq!(answer.response()["explanation"]["check"], "content_type");
    }
}

#[tokio::test]
async fn a_listed_cors_origin_signs_in() {
    let app =
        TestApp::with("CORS_ORIGINS = [\"https://spa.example\"]\nCORS_SUPPORTS_CREDENTIALS = true")
            .await;
    let mut browser = app
        .browser()
        .header("origin", "https://spa.example")
        .header("sec-fetch-site", "cross-site");
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "https://spa.example"
    );
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let mut browser = browser.header("access-control-request-method", "POST");
    let answer = browser.send(Method::OPTIONS, LOGIN, None, Vec::new()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains_key("access-control-allow-methods"));
    let answer = app
        .browser()
        .header("origin", "https://evil.example")
        .get(LOGIN)
        .await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn attack_sign_in_csrf_a_cross_site_sign_in_is_refused() {
    let app = TestApp::new().await;
    let mut lured = app
        .browser()
        .header("sec-fetch-site", "cross-site")
        .header("origin", "null");
    let answer = lured.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 403);
    assert!(lured.cookies.is_empty());
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_in_the_envelope() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser
        .cookies
        .insert("other".into(), "x".repeat(33 * 1024));
    let answer = browser.get(LOGIN).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (431, "HEADERS_TOO_LARGE")
    );
}
