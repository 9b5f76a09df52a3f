//! `/dev/mailbox`: what would have been sent.

use serde_json::json;

use crate::support::{LIFE, TestApp};

#[tokio::test]
async fn the_developer_reads_the_mails() {
    // The application under test has a mailer of its own: its mailbox stays empty.
    let app = TestApp::with(LIFE).await;
    let mut browser = app.browser();
    let page = browser.get("/dev/mailbox").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("style-src"), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    let answer = browser.get("/dev/mailbox.json").await;
    assert_eq!(answer.response(), json!({"mails": [], "sms": []}));
}

#[tokio::test]
async fn attack_fail_open_nobody_else_reads_them() {
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
        for path in ["/dev/mailbox", "/dev/mailbox.json"] {
            let mut browser = app.browser().header(name, value);
            let answer = browser.get(path).await;
            assert_eq!(answer.verdict(), (404, "NOT_FOUND".into()), "{name} {path}");
        }
    }
}

#[tokio::test]
async fn attack_fail_open_where_mails_are_sent_it_is_not_there() {
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
