//! `/recover-username`: mailing a forgotten username.

use serde_json::json;
use vestibule::admin::NewAccount;

use crate::support::{ANA, LIFE, TestApp};

const RECOVER: &str = "/api/accounts/recover-username";

#[tokio::test]
async fn the_username_is_mailed_to_the_address_of_its_user() {
    let app = TestApp::with(LIFE).await;
    app.user("bo@example.com", |draft| NewAccount {
        username: Some("bobby".to_owned()),
        ..draft
    })
    .await;
    let answer = app.browser().get(RECOVER).await;
    assert_eq!(answer.response().as_object().unwrap().len(), 1);
    let answer = app
        .browser()
        .post(RECOVER, json!({"email": "bo@example.com"}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response().as_object().unwrap().len(), 1);
    let mails = app.mails("bo@example.com").await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.as_ref().unwrap().contains("bobby"));
    for (email, code) in [
        ("no@example.com", "USER_DOES_NOT_EXIST"),
        ("no", "INVALID_EMAIL_ADDRESS"),
        ("", "EMAIL_NOT_PROVIDED"),
    ] {
        let answer = app.browser().post(RECOVER, json!({"email": email})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{email}");
    }
    let mut browser = app.signed_in().await;
    let answer = browser.post(RECOVER, json!({"email": ANA})).await;
    assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
}
