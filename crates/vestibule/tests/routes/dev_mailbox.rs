//! `/dev/mailbox`: mails that would have been sent.

use serde_json::json;
use vestibule::Vestibule;

use crate::support::{Answer, LIFE, TestApp};

const COOKIE: &str = "vestibule_dev_mailbox";

/// The path of a page with the key. The application under test has its own mailer and so has no
/// mailbox path; a second one with the same settings has the same key.
pub(crate) fn with_key(app: &TestApp, page: &str) -> String {
    let twin = Vestibule::builder(app.app().settings().clone())
        .hashing_threads(1)
        .build()
        .unwrap();
    let path = twin.dev_mailbox_path().unwrap();
    assert!(app.vestibule.dev_mailbox_path().is_none());
    path.replace("/dev/mailbox", page)
}

const PAGES: [&str; 2] = ["/dev/mailbox", "/dev/mailbox.json"];

/// Everything by which a client could tell two answers apart.
fn seen(answer: &Answer) -> String {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id").unwrap();
    format!("{} {headers:?} {}", answer.status, answer.text)
}

#[tokio::test]
async fn the_key_opens_the_mailbox_and_sets_a_cookie() {
    // The application under test has its own mailer, so the mailbox stays empty.
    let app = TestApp::with(LIFE).await;
    let mut browser = app.browser();
    let page = browser.get(&with_key(&app, "/dev/mailbox")).await;
    assert_eq!(page.status, 200);
    let cookie = page.set_cookie(COOKIE).unwrap();
    assert!(
        cookie.ends_with("; HttpOnly; Path=/dev; SameSite=Strict"),
        "{cookie}"
    );
    // The cookie is sufficient from now on.
    let page = browser.get("/dev/mailbox").await;
    assert_eq!(page.status, 200);
    assert!(page.set_cookie(COOKIE).is_none());
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("style-src"), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    let answer = browser.get("/dev/mailbox.json").await;
    assert_eq!(answer.response(), json!({"mails": [], "sms": []}));
}

#[tokio::test]
async fn attack_fail_open_the_mailbox_refuses_other_hosts_and_proxied_requests() {
    let app = TestApp::with(&format!(
        "{LIFE}TRUSTED_HOSTS = [\"app.example.com\", \"localhost\"]"
    ))
    .await;
    for (name, value) in [
        ("host", "app.example.com"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        for path in PAGES {
            let mut browser = app.browser().header(name, value);
            let answer = browser.get(&with_key(&app, path)).await;
            assert_eq!(answer.verdict(), (404, "NOT_FOUND".into()), "{name} {path}");
        }
    }
}

#[tokio::test]
async fn attack_fail_open_the_mailbox_is_absent_if_a_mail_route_is_configured() {
    for route in [
        "MAIL_SUPPRESS_SEND = true",
        "MAIL_SERVER = \"mail.example.com\"",
        "MAIL_BACKEND = \"sendmail\"",
    ] {
        let app = TestApp::with(&format!("{LIFE}{route}")).await;
        let answer = app.browser().get("/dev/mailbox").await;
        assert_eq!(answer.verdict(), (404, "NOT_FOUND".into()), "{route}");
    }
}

#[tokio::test]
async fn attack_fail_open_without_the_key_the_mailbox_is_an_unknown_path() {
    let app = TestApp::with(LIFE).await;
    let unknown = seen(&app.browser().get("/dev/nothing").await);
    let right = with_key(&app, "");
    let wrong = format!("{}x", &right[..right.len() - 1]);
    for page in PAGES {
        for query in [
            "",
            "?key=",
            "?key=x",
            "?key",
            &wrong,
            &right[..right.len() - 1],
        ] {
            let answer = app.browser().get(&format!("{page}{query}")).await;
            assert_eq!(seen(&answer), unknown, "{page}{query}");
        }
        let mut browser = app.browser();
        browser.cookies.insert(COOKIE.into(), "x".into());
        assert_eq!(seen(&browser.get(page).await), unknown, "{page}");
        assert_eq!(app.browser().get(&with_key(&app, page)).await.status, 200);
    }
}

#[tokio::test]
async fn attack_fail_open_a_page_on_another_site_cannot_read_the_mailbox() {
    let lines = format!(
        "{LIFE}CORS_ORIGINS = [\"*\", \"https://app.example\"]\nCORS_RESOURCES = {{ \"/*\" = {{}}, \"/dev/*\" = {{}} }}"
    );
    let app = TestApp::with(&lines).await;
    for page in PAGES {
        let path = with_key(&app, page);
        for (name, value) in [
            ("origin", "https://app.example"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let mut lured = app.browser();
            assert_eq!(lured.get(&path).await.status, 200);
            let mut lured = lured.header(name, value);
            let answer = lured.get(&path).await;
            assert_eq!(
                answer.verdict(),
                (404, "NOT_FOUND".into()),
                "{name}: {value}"
            );
            let told = |header: &str| header.starts_with("access-control-");
            assert!(
                !answer.headers.keys().any(|h| told(h.as_str())),
                "{answer:?}"
            );
        }
        // Opened from the address bar, and from the mailbox page itself.
        for site in ["none", "same-origin"] {
            let mut own = app.browser().header("sec-fetch-site", site);
            assert_eq!(own.get(&path).await.status, 200, "{site}");
        }
    }
}
