//! What becomes of mails that cannot be sent.

use vestibule_store::{Change, NewMail};

use crate::support::TestApp;

#[tokio::test]
async fn a_mail_that_was_given_up_is_forgotten_after_thirty_days() {
    let app = TestApp::new().await;
    let store = app.app().store();
    let now = app.app().clock().now();
    let change = Change {
        mails: vec![NewMail {
            message_id: "<1@example.com>".to_owned(),
            payload: "sealed with a key of before".to_owned(),
            created_at: now,
        }],
        ..Change::default()
    };
    store.apply(change, now).await.unwrap();
    let count = async || {
        app.vestibule.background(std::future::ready(())).await;
        store.count_mails().await.unwrap()
    };
    assert_eq!(count().await, (0, 1));
    app.wait(30 * 86_400);
    assert_eq!(count().await, (0, 1));
    app.wait(1);
    assert_eq!(count().await, (0, 0));
}
