//! The dev mailbox in an embedding application.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use serde_json::json;
use vestibule::Settings;
use vestibule::{Builder, Vestibule};
use vestibule::{DeliveryError, Mailer, Outgoing};

use crate::browser::{Answer, Browser};
use crate::edges::{LINES, ana};

/// Builds an application with the mailbox, requests a mail, and opens the mailbox.
async fn mailbox_after_a_mail(
    more: &str,
    change: impl FnOnce(Builder) -> Builder,
) -> (Answer, Browser) {
    let settings = Settings::from_toml(&format!(
        "{LINES}SECURITY_RECOVERABLE = true\nSECURITY_RESET_VIEW = \"/reset\"
SECURITY_RESET_ERROR_VIEW = \"/reset-error\"\n{more}"
    ))
    .unwrap();
    let vestibule = change(Vestibule::builder(settings)).build().unwrap();
    ana(&vestibule).await;
    let router = Router::new()
        .route("/", get(|| async { "home" }))
        .merge(vestibule.dev_mailbox())
        .nest(vestibule.prefix(), vestibule.router())
        .fallback(async |request: Request| format!("nothing at {}", request.uri().path()))
        .layer(vestibule.layer());
    let mut browser = Browser::new(router);
    let body = json!({"email": "ana@example.com"});
    let answer = browser.post("/api/accounts/reset", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // One round of the background work.
    let stop = tokio::time::sleep(std::time::Duration::from_millis(300));
    vestibule.background(stop).await;
    let path = vestibule.dev_mailbox_path();
    let key = path
        .as_deref()
        .and_then(|path| path.strip_prefix("/dev/mailbox"));
    let json = format!("/dev/mailbox.json{}", key.unwrap_or_default());
    (browser.get(&json).await, browser)
}

#[tokio::test]
async fn an_applications_dev_mailbox_shows_its_mails() {
    let (answer, mut browser) = mailbox_after_a_mail("", |builder| builder).await;
    let mails = answer.json()["response"]["mails"].clone();
    assert_eq!(mails.as_array().unwrap().len(), 1, "{answer:?}");
    assert_eq!(mails[0]["to"], "ana@example.com");
    let page = browser.get("/dev/mailbox").await;
    assert!(page.text.contains("ana@example.com"));
    assert!(page.headers.contains_key("content-security-policy"));
    assert_eq!(browser.get("/dev").await.text, "nothing at /dev");
    browser.header("x-forwarded-for", "127.0.0.1");
    assert_eq!(browser.get("/dev/mailbox").await.status, 404);
}

#[derive(Debug)]
struct Silent;

#[async_trait]
impl Mailer for Silent {
    async fn send(&self, _: &Outgoing) -> Result<(), DeliveryError> {
        Ok(())
    }
}

#[tokio::test]
async fn attack_fail_open_an_application_with_a_mail_route_has_no_mailbox() {
    let (answer, _) = mailbox_after_a_mail("", |builder| builder.mailer(Arc::new(Silent))).await;
    assert_eq!(answer.text, "nothing at /dev/mailbox.json");
    let (answer, _) = mailbox_after_a_mail("MAIL_SUPPRESS_SEND = true\n", |builder| builder).await;
    assert_eq!(answer.text, "nothing at /dev/mailbox.json");
}
