//! Every step emits an event to the application and writes an entry to the tamper-evident audit
//! log.

use std::sync::{Arc, Mutex};

use serde_json::json;
use vestibule::Event;
use vestibule::admin;
use vestibule::program::audit::{self, Verdict};

use crate::support::heard::lasting;
use crate::support::mails::{destination, token_of};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const NEW: &str = "new@example.com";

const MOVED: &str = "moved@example.com";

/// Takes one account from registration to a password reset. Returns the events that this emits.
async fn whole_lifecycle(app: &TestApp) -> Vec<Event<'static>> {
    let mut browser = app.browser();
    let body = json!({"email": NEW, "password": PASSWORD, "password_confirm": PASSWORD, "username": "newbie"});
    assert_eq!(
        browser.post("/api/accounts/register", body).await.status,
        200
    );
    let confirmation = app.link(NEW).await;
    destination(&browser.get(&confirmation).await);
    browser.sign_in(NEW, "wrong").await;
    browser.sign_in(NEW, PASSWORD).await;
    let mut browser = browser.with_csrf().await;
    let body = json!({"password": PASSWORD, "new_password": "correct horse", "new_password_confirm": "correct horse"});
    let answer = browser.post("/api/accounts/change", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser.headers.clear();
    let mut browser = browser.with_csrf().await;
    browser
        .post(
            "/api/accounts/change-username",
            json!({"username": "oldie"}),
        )
        .await;
    browser
        .post("/api/accounts/change-email", json!({"email": MOVED}))
        .await;
    let change = app.link(MOVED).await;
    destination(&browser.get(&change).await);
    browser.sign_out().await;
    let mut browser = app.browser();
    browser
        .post("/api/accounts/recover-username", json!({"email": MOVED}))
        .await;
    browser
        .post("/api/accounts/reset", json!({"email": MOVED}))
        .await;
    let body = json!({"password": PASSWORD, "password_confirm": PASSWORD});
    let reset = app.link(MOVED).await;
    let answer = browser.post(&reset, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user_id = app.stored(MOVED).await.id;
    let token = |link: &str| lasting(token_of(link));
    vec![
        Event::Registered {
            user_id,
            confirmation_token: Some(token(&confirmation)),
        },
        Event::Confirmed { user_id },
        Event::SignInFailed {
            user_id: Some(user_id),
            via: "password",
        },
        Event::SignedIn {
            user_id,
            via: &["password"],
        },
        Event::PasswordChanged { user_id },
        Event::SignedIn {
            user_id,
            via: &["change"],
        },
        Event::UsernameChanged {
            user_id,
            old_username: Some("newbie"),
        },
        Event::ChangeEmailInstructionsSent {
            user_id,
            new_email: MOVED,
            token: token(&change),
        },
        Event::ChangeEmailConfirmed {
            user_id,
            old_email: NEW,
        },
        Event::SignedOut { user_id },
        Event::UsernameRecoverySent { user_id },
        Event::ResetInstructionsSent {
            user_id,
            token: token(&reset),
        },
        Event::PasswordReset { user_id },
    ]
}

#[tokio::test]
async fn every_step_emits_an_event_and_writes_an_audit_entry() {
    let app = TestApp::with(LIFE).await;
    let expected = whole_lifecycle(&app).await;
    assert_eq!(app.take_events(), expected);
    let user = app.stored(MOVED).await;
    let entries = app
        .app()
        .store()
        .audit(Some(user.id), 0, 100)
        .await
        .unwrap();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|entry| entry.what.kind.as_str())
        .collect();
    let expected: Vec<&str> = expected.iter().map(Event::kind).collect();
    assert_eq!(kinds, expected);
    for entry in &entries {
        assert_eq!(entry.what.address.as_deref(), Some("127.0.0.1"));
        assert!(entry.what.request_id.is_some());
        let detail = entry.what.detail.clone().unwrap_or_default();
        for secret in [PASSWORD, "correct horse", &user.fs_uniquifier] {
            assert!(!detail.contains(secret), "{detail}");
        }
    }
}

#[tokio::test]
async fn the_audit_log_verifies_as_whole() {
    let app = TestApp::with(LIFE).await;
    whole_lifecycle(&app).await;
    app.browser().sign_in(ANA, PASSWORD).await;
    let mut heard = Vec::new();
    let verdict = audit::verify(app.app(), None, |done, all| heard.push((done, all)))
        .await
        .unwrap();
    let Verdict::Whole { entries, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert!(entries > 13, "{entries}");
    assert_eq!(heard.last(), Some(&(entries, entries)));
}

#[tokio::test]
async fn an_operators_changes_are_in_the_audit_log() {
    let app = TestApp::new().await;
    let ana = app.stored(ANA).await;
    let role = admin::roles::create(app.app(), "editor".to_owned(), None, vec![])
        .await
        .unwrap();
    let permissions = || vec!["write".to_owned()];
    let changed = admin::roles::add_permissions(app.app(), role, permissions())
        .await
        .unwrap();
    let changed = admin::roles::remove_permissions(app.app(), changed.role, permissions())
        .await
        .unwrap();
    let role = changed.role;
    for first in [true, false] {
        let given = admin::roles::give(app.app(), &ana, &role).await.unwrap();
        assert_eq!(given, first);
    }
    for first in [true, false] {
        let taken = admin::roles::take(app.app(), &ana, &role).await.unwrap();
        assert_eq!(taken, first);
    }
    admin::set_active(app.app(), &ana, false).await.unwrap();
    admin::reset_access(app.app(), &ana).await.unwrap();
    admin::delete(app.app(), &ana).await.unwrap();
    let entries = app.app().store().audit(Some(ana.id), 0, 100).await.unwrap();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|entry| entry.what.kind.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "created_by_operator",
            "role_given",
            "role_taken",
            "deactivated",
            "access_reset",
            "deleted"
        ]
    );
    assert!(entries.iter().all(|entry| entry.what.address.is_none()));
    // Entries about the role itself belong to no user.
    let mut all = app.app().store().audit(None, 0, 100).await.unwrap();
    all.retain(|entry| entry.what.user_id.is_none());
    let told: Vec<(&str, &str)> = all
        .iter()
        .map(|entry| {
            (
                entry.what.kind.as_str(),
                entry.what.detail.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("role_created", r#"{"permissions":[],"role":"editor"}"#),
            (
                "permissions_added",
                r#"{"permissions":["write"],"role":"editor"}"#
            ),
            (
                "permissions_removed",
                r#"{"permissions":["write"],"role":"editor"}"#
            ),
        ]
    );
}

#[tokio::test]
async fn mails_and_refusals_are_in_the_language_of_the_request() {
    let app = TestApp::with(LIFE).await;
    let mut texts = Vec::new();
    for language in ["en", "de-AT,de;q=0.9", "fr", "es", "xx"] {
        let mut browser = app.browser().header("accept-language", language);
        browser
            .post("/api/accounts/reset", json!({"email": ANA}))
            .await;
        texts.push(app.mails(ANA).await.pop().unwrap().subject);
    }
    assert_eq!(texts[0], texts[4]);
    let mut different = texts[..4].to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4, "{texts:?}");
    // Refusals are localized as well.
    let mut german = app.browser().header("accept-language", "de");
    let answer = german.sign_in(ANA, "wrong").await;
    assert_eq!(answer.code(), "INVALID_PASSWORD");
    let english = app.browser().sign_in(ANA, "wrong").await;
    assert_ne!(answer.response()["errors"], english.response()["errors"]);
}

#[tokio::test]
async fn attack_denial_unauthenticated_requests_emit_events_but_write_no_audit_entries() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&heard);
    let app = TestApp::built("", |builder| {
        builder.on_event(move |event, circumstances| {
            let from = circumstances.address().map(|address| address.to_string());
            let request = circumstances.request_id().unwrap_or_default().to_owned();
            note.lock().unwrap().push((event.kind(), from, request));
        })
    })
    .await;
    let entries = async || app.app().store().audit(None, 0, 100).await.unwrap().len();
    let before = entries().await;
    for path in ["/api/accounts/authz", "/api/accounts/verify"] {
        let mut anonymous = app.browser().header("x-request-id", "request-one");
        assert_eq!(anonymous.get(path).await.status, 401, "{path}");
        let expected = (
            "unauthenticated",
            Some("127.0.0.1".to_owned()),
            "request-one".to_owned(),
        );
        assert_eq!(std::mem::take(&mut *heard.lock().unwrap()), [expected]);
    }
    assert_eq!(entries().await, before);
    let mut ana = app.browser().header("x-request-id", "request-two");
    ana.sign_in(ANA, PASSWORD).await;
    let (kind, _, request) = heard.lock().unwrap().remove(0);
    assert_eq!((kind, &*request), ("signed_in", "request-two"));
}
