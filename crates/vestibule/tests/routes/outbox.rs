//! Mails that cannot be sent.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use vestibule::{DeliveryError, Mailer, Outgoing};
use vestibule_store::{Change, NewMail};

use crate::support::{ANA, LIFE, TestApp};

const DAY: i64 = 86_400;

/// A mail server that gives the same answer to every mail.
#[derive(Debug)]
struct Stubborn {
    says: Mutex<Result<(), DeliveryError>>,
    sent: Mutex<Vec<String>>,
}

impl Stubborn {
    fn new(error: DeliveryError) -> Arc<Self> {
        Arc::new(Self {
            says: Mutex::new(Err(error)),
            sent: Mutex::default(),
        })
    }
}

#[async_trait]
impl Mailer for Stubborn {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        let outcome = self.says.lock().unwrap().clone();
        if outcome.is_ok() {
            self.sent.lock().unwrap().push(mail.to.clone());
        }
        outcome
    }
}

/// An application with a mail for Ana in its outbox, and its mail server.
async fn with_a_mail(error: DeliveryError) -> (TestApp, Arc<Stubborn>) {
    let mailer = Stubborn::new(error);
    let shared = Arc::clone(&mailer) as Arc<dyn Mailer>;
    let app = TestApp::built(LIFE, |builder| builder.mailer(shared)).await;
    let mut browser = app.browser();
    let answer = browser
        .post("/api/accounts/reset", json!({ "email": ANA }))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (app, mailer)
}

/// Runs one attempt of the worker. Returns how many mails wait and how many were given up.
async fn tried(app: &TestApp) -> (u64, u64) {
    app.vestibule.background(std::future::ready(())).await;
    app.app().store().count_mails().await.unwrap()
}

#[tokio::test]
async fn a_mail_blocked_by_a_local_fault_waits_until_the_fault_is_fixed() {
    let (app, mailer) = with_a_mail(DeliveryError::Blocked("no such host".to_owned())).await;
    for _ in 0..29 {
        assert_eq!(tried(&app).await, (1, 0));
        app.wait(DAY);
    }
    *mailer.says.lock().unwrap() = Ok(());
    assert_eq!(tried(&app).await, (0, 0));
    assert_eq!(*mailer.sent.lock().unwrap(), [ANA]);
}

#[tokio::test]
async fn a_mail_that_the_receiving_server_defers_is_given_up_after_two_days() {
    let (app, _) = with_a_mail(DeliveryError::Later("mailbox full".to_owned())).await;
    assert_eq!(tried(&app).await, (1, 0));
    app.wait(2 * DAY - 1);
    assert_eq!(tried(&app).await, (1, 0));
    app.wait(3600);
    assert_eq!(tried(&app).await, (0, 1));
}

#[tokio::test]
async fn a_mail_that_was_given_up_is_deleted_after_thirty_days() {
    let (app, _) = with_a_mail(DeliveryError::Never("no such user".to_owned())).await;
    assert_eq!(tried(&app).await, (0, 1));
    app.wait(30 * DAY);
    assert_eq!(tried(&app).await, (0, 1));
    app.wait(1);
    assert_eq!(tried(&app).await, (0, 0));
}

#[tokio::test]
async fn a_mail_sealed_with_a_missing_key_waits_thirty_days_for_it() {
    let app = TestApp::new().await;
    let now = app.app().clock().now();
    let change = Change {
        mails: vec![NewMail {
            message_id: "<1@example.com>".to_owned(),
            payload: "sealed with a key of before".to_owned(),
            created_at: now,
        }],
        ..Change::default()
    };
    app.app().store().apply(change, now).await.unwrap();
    assert_eq!(tried(&app).await, (1, 0));
    app.wait(3 * DAY);
    assert_eq!(tried(&app).await, (1, 0));
    app.wait(27 * DAY);
    assert_eq!(tried(&app).await, (0, 1));
}
