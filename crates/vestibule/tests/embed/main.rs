//! An application that embeds the library: the examples unchanged, rendered answers, and edge cases
//! of the layers.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod answers;
mod browser;
mod dev_mailbox;
mod edges;

#[path = "../../../../examples/embed.rs"]
#[expect(dead_code, reason = "the example's own main is not called here")]
mod embed;

#[path = "../../../../examples/own_table.rs"]
#[expect(dead_code, reason = "the example's own main is not called here")]
mod own_table;

use serde_json::json;

use browser::{Browser, PASSWORD};

#[tokio::test]
async fn an_anonymous_client_is_refused_in_the_applications_format() {
    let mut browser = Browser::new(embed::application().await.unwrap());
    assert_eq!(browser.get("/").await.text, "Hello, stranger!\n");
    for path in ["/api/me", "/api/report", "/api/admin"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(
            answer.json(),
            json!({"please": "sign in", "codes": ["UNAUTHENTICATED"]}),
            "the application's own format"
        );
    }
    assert_eq!(browser.get("/nowhere").await.text, "nothing at /nowhere\n");
}

#[tokio::test]
async fn a_signed_in_user_is_known_on_the_applications_routes() {
    let mut browser = Browser::new(embed::application().await.unwrap());
    let signed_in = browser.sign_in("ana@example.com", PASSWORD).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    assert_eq!(browser.get("/").await.text, "Hello, ana@example.com!\n");
    let me = browser.get("/api/me").await;
    assert_eq!(
        me.json(),
        json!({"email": "ana@example.com", "roles": ["editor"]})
    );
    assert!(me.headers["vary"].to_str().unwrap().contains("Cookie"));
    assert!(me.headers.contains_key("x-request-id"));
    assert_eq!(browser.get("/api/report").await.text, "All is well.\n");
    let refused = browser.get("/api/admin").await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["response"]["error_codes"],
        json!(["UNAUTHORIZED"])
    );
}

#[tokio::test]
async fn attack_csrf_a_state_change_of_the_application_needs_the_token() {
    let mut browser = Browser::new(embed::application().await.unwrap());
    let signed_in = browser.sign_in("ana@example.com", PASSWORD).await;
    let refused = browser.post("/api/close", json!({})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["response"]["error_codes"],
        json!(["CSRF_TOKEN_MISSING"])
    );
    let token = signed_in.json()["response"]["csrf_token"].clone();
    browser.header("x-xsrf-token", token.as_str().unwrap());
    let closed = browser.post("/api/close", json!({})).await;
    assert_eq!(
        (closed.status, closed.text.contains("closed")),
        (200.try_into().unwrap(), true)
    );
}

#[tokio::test]
async fn an_application_with_its_own_user_table_works() {
    let mut browser = Browser::new(own_table::application().await.unwrap());
    assert_eq!(browser.get("/orders").await.status, 401);
    let wrong = browser.sign_in("ana@example.com", "not it").await;
    assert_eq!(wrong.status, 400);
    let right = browser.sign_in("ANA@example.com", PASSWORD).await;
    assert_eq!(right.status, 200, "{right:?}");
    assert_eq!(browser.get("/orders").await.text, "customer 1\n");
}
