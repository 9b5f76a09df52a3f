//! What request headers may decide: `docs/decisions/trust.md`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{ANA, Answer, LIFE, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz";
const LOGIN: &str = "/api/accounts/login";
const RESET: &str = "/api/accounts/reset";

fn explained(answer: &Answer) -> (String, String) {
    let explanation = &answer.response()["explanation"];
    let text = |name: &str| explanation[name].as_str().unwrap_or_default().to_owned();
    (text("saw"), text("fix"))
}

#[tokio::test]
async fn attack_csrf_an_http_page_on_the_same_host_is_cross_site() {
    let app = TestApp::with("TRUSTED_HOSTS = [\"app.example\"]").await;
    let browser = app
        .browser()
        .header("host", "app.example")
        .header("x-forwarded-proto", "https");
    let sign_in = json!({"email": ANA, "password": PASSWORD});
    let mut plain = browser.clone().header("origin", "http://app.example");
    let refused = plain.post(LOGIN, sign_in.clone()).await;
    assert_eq!(refused.verdict(), (403, "CROSS_SITE_REQUEST".to_owned()));
    let (saw, fix) = explained(&refused);
    assert_eq!(
        saw,
        "Origin: http://app.example; the origin of this server is https://app.example"
    );
    assert!(fix.contains("only the scheme differs"), "{fix}");
    let mut own = browser.header("origin", "https://app.example");
    assert_eq!(own.post(LOGIN, sign_in).await.status, 200);
}

#[tokio::test]
async fn a_proxy_that_drops_the_port_is_named_in_the_explanation() {
    let app = TestApp::with("TRUSTED_HOSTS = [\"app.example\"]").await;
    let mut browser = app.browser().header("host", "app.example");
    browser.sign_in(ANA, PASSWORD).await;
    let token = browser.cookies["XSRF-TOKEN"].clone();
    let mut page = browser
        .header("x-forwarded-proto", "https")
        .header("x-csrf-token", &token)
        .header("referer", "https://app.example:8443/sign-in?secret=1");
    let sign_in = json!({"email": ANA, "password": PASSWORD});
    let refused = page.post(LOGIN, sign_in.clone()).await;
    assert_eq!(
        refused.verdict(),
        (400, "CSRF_REFERRER_MISMATCH".to_owned())
    );
    let (saw, fix) = explained(&refused);
    assert_eq!(
        saw,
        "Referer: https://app.example:8443; the origin of this server is https://app.example"
    );
    assert!(fix.contains("$http_host"), "{fix}");
    let mut page = page.header("host", "app.example:8443");
    let passed = page.post(LOGIN, sign_in).await;
    assert_eq!(passed.code(), "ANONYMOUS_USER_REQUIRED");
}

#[tokio::test]
async fn attack_csrf_a_cross_site_websocket_handshake_with_a_cookie_is_refused() {
    let app = TestApp::new().await;
    let ana = app.signed_in().await;
    for (name, value) in [("upgrade", "websocket"), ("sec-websocket-key", "AAAA")] {
        let handshake = ana.clone().header(name, value);
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "http://evil.localhost:5000"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let mut lured = handshake.clone().header(name, value);
            let verdict = (403, "CROSS_SITE_REQUEST".to_owned());
            assert_eq!(lured.get(AUTHZ).await.verdict(), verdict, "{name}: {value}");
        }
        let mut own = handshake.clone().header("origin", "http://localhost:5000");
        assert_eq!(own.get(AUTHZ).await.status, 200);
        let mut program = handshake;
        assert_eq!(program.get(AUTHZ).await.status, 200);
    }
    // A page cannot add a token to a handshake with another site.
    let bearer = app.bearer(&app.auth_token(ANA).await);
    let mut bearer = bearer
        .header("upgrade", "websocket")
        .header("origin", "https://evil.example");
    assert_eq!(bearer.get(AUTHZ).await.status, 200);
}

#[tokio::test]
async fn attack_limiter_key_a_copied_address_does_not_satisfy_strong_protection() {
    // The client's address is not a trusted proxy.
    let app =
        TestApp::with("SESSION_PROTECTION = \"strong\"\nTRUSTED_PROXIES = [\"10.0.0.0/8\"]").await;
    let mut honest = app.browser().header("user-agent", "one");
    honest.sign_in(ANA, PASSWORD).await;
    let mut forging = app
        .browser()
        .header("user-agent", "one")
        .header("x-forwarded-for", "203.0.113.9");
    forging.cookies = honest.cookies.clone();
    // The header is ignored: the address is that of the connection.
    assert!(forging.is_signed_in().await);

    // Behind a trusted proxy, the address is the one that the proxy appended.
    let app = TestApp::with("SESSION_PROTECTION = \"strong\"").await;
    let victim = app.browser().header("user-agent", "one");
    let mut ana = victim.header("x-forwarded-for", "203.0.113.9");
    ana.sign_in(ANA, PASSWORD).await;
    assert!(ana.is_signed_in().await);
    let mut thief = ana
        .clone()
        .header("x-forwarded-for", "203.0.113.9, 198.51.100.1");
    assert!(!thief.is_signed_in().await);
}

#[tokio::test]
async fn attack_link_from_header_a_mailed_link_never_has_a_port_chosen_by_the_client() {
    let app = TestApp::with(&format!(
        "{LIFE}TRUSTED_HOSTS = [\"app.example\", \"other.example:8443\"]"
    ))
    .await;
    for (name, value, link) in [
        ("host", "app.example:1337", "http://app.example/"),
        ("host", "APP.example", "http://app.example/"),
        ("host", "other.example:8443", "http://other.example:8443/"),
        (
            "x-forwarded-host",
            "app.example:1337",
            "http://app.example/",
        ),
    ] {
        let browser = app.browser().header("host", "app.example");
        let mut browser = browser.header(name, value);
        let answer = browser.post(RESET, json!({"email": ANA})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mails = app.all_mails().await;
        let text = mails.last().unwrap().text.clone().unwrap();
        assert!(text.contains(link), "{name}: {value}: {text}");
        assert!(!text.contains("1337"), "{text}");
    }
}

#[tokio::test]
async fn health_checks_answer_for_any_host() {
    let app = TestApp::with("TRUSTED_HOSTS = [\"app.example\"]").await;
    for host in ["10.0.3.7:8000", "localhost", "app.example", ""] {
        let mut probe = app.browser().header("host", host);
        for path in ["/healthz", "/readyz"] {
            let answer = probe.get(path).await;
            assert_eq!(answer.status, 200, "{host} {path}");
            assert!(answer.headers.contains_key("x-request-id"));
            assert!(answer.headers.contains_key("x-content-type-options"));
        }
        let other = probe.get("/healthz/x").await;
        let expected = if host == "app.example" { 404 } else { 400 };
        assert_eq!(other.status, expected, "{host}");
    }
}

#[tokio::test]
async fn redirects_and_secure_cookies_follow_the_scheme_of_the_outermost_proxy() {
    let app = TestApp::with(&format!(
        "{LIFE}TRUSTED_PROXIES = [\"127.0.0.0/8\", \"10.0.0.0/8\"]"
    ))
    .await;
    let mut browser = app
        .browser()
        .header("x-forwarded-for", "203.0.113.9, 10.0.0.1")
        .header("x-forwarded-proto", "https,http");
    let answer = browser.post(RESET, json!({"email": ANA})).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains_key("strict-transport-security"));
    let mails = app.all_mails().await;
    let text = mails.last().unwrap().text.clone().unwrap();
    assert!(text.contains("https://localhost:5000/"), "{text}");
}

/// Header names that only `http/trust` may read.
const READ_IN_TRUST: [&str; 12] = [
    "x-forwarded-",
    "x-real-ip",
    "x-original-",
    "\"forwarded\"",
    "sec-fetch-",
    "header::ORIGIN",
    "header::HOST",
    "header::REFERER",
    "header::UPGRADE",
    "SEC_WEBSOCKET",
    "header::FORWARDED",
    "sec-websocket-",
];

/// Files outside `http/trust` that may mention one of these names, with the reason.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "http/cors.rs",
        "answers CORS, which is about the Origin by definition",
    ),
    ("session/csrf.rs", "hands the Referer to trust"),
    ("outbound.rs", "names the host that our own requests go to"),
];

#[test]
fn proxy_and_origin_headers_are_read_only_in_trust() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = Vec::new();
    for file in files_below(&source) {
        let name = file.strip_prefix(&source).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            let line_reads = READ_IN_TRUST.iter().any(|header| line.contains(header));
            if line_reads && !name.starts_with("http/trust/") {
                seen.push((name.clone(), line.trim().to_owned()));
            }
        }
    }
    for (file, _) in EXCEPTIONS {
        let listed = seen.iter().any(|(name, _)| name == file);
        assert!(
            listed,
            "{file} is listed as an exception but reads no such header"
        );
    }
    seen.retain(|(name, _)| EXCEPTIONS.iter().all(|(file, _)| file != name));
    assert!(
        seen.is_empty(),
        "headers that http/trust should read: {seen:?}"
    );
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
