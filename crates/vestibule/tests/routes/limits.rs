//! Limits on guessing and sending: `docs/features/limits.md`.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::OffsetDateTime;
use vestibule::{Event, admin};
use vestibule_store::sql::TableNames;
use vestibule_store::{MemoryStore, NewUser, Store, StoreError, User, UserId, UserKey, UserPatch};

use crate::support::sqlite::Folder;
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD, TestApp};

pub(super) const AUTHZ: &str = "/api/accounts/authz?methods=basic";
pub(super) const CHANGE: &str = "/api/accounts/change";
pub(super) const LOGIN: &str = "/api/accounts/login";
pub(super) const VERIFY: &str = "/api/accounts/verify";

/// A proxy that the server trusts names the client's address.
pub(super) const PROXY: &str = "TRUSTED_PROXIES = [\"127.0.0.1\"]\n";

/// A limit for addresses that is lower than that for accounts.
pub(super) const FEW_FOR_ADDRESS: &str = "SECURITY_LIMIT_ADDRESS = \"3 per 15 minutes\"\n";

/// Guesses wrong passwords and returns the statuses.
pub(super) async fn guess(browser: &mut Browser<'_>, email: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for number in 0..times {
        let answer = browser.sign_in(email, &format!("wrong {number}")).await;
        statuses.push(answer.status.as_u16());
    }
    statuses
}

pub(super) fn refused(answer: &Answer) -> bool {
    answer.status == 429
}

/// The seconds of `Retry-After`.
pub(super) fn wait_of(answer: &Answer) -> i64 {
    assert_eq!(answer.verdict(), (429, "TOO_MANY_ATTEMPTS".to_owned()));
    answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn reached(user_id: Option<UserId>, limit: &'static str, counted: &'static str) -> Event<'static> {
    Event::LimitReached {
        user_id,
        limit,
        counted,
    }
}

/// The reached limits since the last time.
fn limits_of(app: &TestApp) -> Vec<Event<'static>> {
    let events = app.take_events().into_iter();
    events
        .filter(|event| matches!(event, Event::LimitReached { .. }))
        .collect()
}

pub(super) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[tokio::test]
async fn after_ten_wrong_passwords_even_the_right_one_is_refused_until_the_window_ends() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 10).await, [400; 10]);
    app.wait(60);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(wait_of(&answer), 14 * 60);
    assert!(!browser.is_signed_in().await);
    app.wait(14 * 60 - 1);
    assert_eq!(wait_of(&browser.sign_in(ANA, PASSWORD).await), 1);
    app.wait(1);
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_limit_of_a_day_outlasts_shorter_windows() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for _ in 0..5 {
        assert_eq!(guess(&mut browser, ANA, 10).await, [400; 10]);
        app.wait(15 * 60);
    }
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(wait_of(&answer), 24 * 60 * 60 - 5 * 15 * 60);
}

#[tokio::test]
async fn attack_brute_force_parallel_wrong_passwords_are_compared_up_to_the_limit() {
    let app = TestApp::new().await;
    let hashes = || app.app().passwords().checked();
    let before = hashes();
    let guesses = (0..1000).map(|number| {
        // From many sessions and many clients.
        let mut browser = app.browser().from(&format!("198.51.100.{}", number % 250));
        async move {
            browser
                .sign_in(ANA, &format!("wrong {number}"))
                .await
                .status
                .as_u16()
        }
    });
    let statuses = join_all(guesses).await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(400), count(429)), (10, 990));
    assert_eq!(hashes() - before, 10);
}

#[tokio::test]
async fn parallel_right_passwords_are_all_accepted() {
    let app = TestApp::new().await;
    let attempts = (0..60).map(|_| {
        let mut browser = app.browser();
        async move { browser.sign_in(ANA, PASSWORD).await.status.as_u16() }
    });
    assert_eq!(join_all(attempts).await, [200; 60]);
    let right = basic(ANA, PASSWORD);
    let requests = (0..60).map(|_| {
        let mut program = app.browser().header("authorization", &right);
        async move { program.get(AUTHZ).await.status.as_u16() }
    });
    assert_eq!(join_all(requests).await, [200; 60]);
}

#[tokio::test]
async fn a_reached_limit_is_reported_once_per_window() {
    let app = TestApp::with("SECURITY_LIMIT_ADDRESS = \"12 per hour\"").await;
    let ana = app.stored(ANA).await.id;
    let mut browser = app.browser().from("203.0.113.7");
    guess(&mut browser, ANA, 9).await;
    assert_eq!(limits_of(&app), []);
    guess(&mut browser, ANA, 5).await;
    assert_eq!(limits_of(&app), [reached(Some(ana), "password", "account")]);
    guess(&mut browser, "nobody@example.com", 5).await;
    assert_eq!(limits_of(&app), [reached(None, "password", "address")]);
    app.wait(15 * 60);
    let mut other = app.browser().from("203.0.113.8");
    guess(&mut other, ANA, 11).await;
    assert_eq!(limits_of(&app), [reached(Some(ana), "password", "account")]);
    guess(&mut app.browser(), "nobody@example.com", 12).await;
    assert_eq!(limits_of(&app), [reached(None, "password", "account")]);

    let entries = app.app().store().audit(None, 0, 1000).await.unwrap();
    let limits: Vec<_> = entries
        .iter()
        .filter(|entry| entry.what.kind == "limit_reached")
        .map(|entry| {
            let detail: Value = serde_json::from_str(entry.what.detail.as_ref().unwrap()).unwrap();
            (
                entry.what.user_id,
                detail["limit"].clone(),
                detail["counted"].clone(),
            )
        })
        .collect();
    let entry = |user, counted: &str| (user, json!("password"), json!(counted));
    assert_eq!(
        limits,
        [
            entry(Some(ana), "account"),
            entry(None, "address"),
            entry(Some(ana), "account"),
            entry(None, "account")
        ]
    );
}

#[tokio::test]
async fn in_the_mode_log_limits_are_reported_and_nothing_is_refused() {
    let app = TestApp::with("SECURITY_LIMITS = \"log\"").await;
    let ana = app.stored(ANA).await.id;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 20).await, [400; 20]);
    assert_eq!(limits_of(&app), [reached(Some(ana), "password", "account")]);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert!(answer.set_cookie("vestibule_device").is_some());
}

#[tokio::test]
async fn when_limits_are_off_nothing_is_counted_and_no_cookie_is_set() {
    let folder = Folder::new();
    let store = folder.store(&TableNames::default());
    let app = TestApp::built("SECURITY_LIMITS = \"off\"", |builder| {
        builder.datastore(store)
    })
    .await;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 60).await, [400; 60]);
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.set_cookie("vestibule_device"), None);
    assert_eq!(limits_of(&app), []);
    assert_eq!(rows(&folder), 0);
}

fn rows(folder: &Folder) -> i64 {
    let count = "SELECT count(*) FROM vestibule_guesses";
    folder.sql().query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn attack_brute_force_counters_outlast_a_restart_and_hold_for_all_servers() {
    let folder = Folder::new();
    let tables = TableNames::default();
    let store = folder.store(&tables);
    let app = TestApp::built("", |builder| builder.datastore(store)).await;
    assert_eq!(guess(&mut app.browser(), ANA, 6).await, [400; 6]);
    drop(app);
    // Two servers with the same database.
    let servers = [0, 1].map(|_| folder.store(&tables));
    let [one, other] = servers.map(TestApp::server_on);
    assert_eq!(sign_in(&one, "wrong").await, 400);
    assert_eq!(sign_in(&other, "wrong").await, 400);
    assert_eq!(sign_in(&one, "wrong").await, 400);
    assert_eq!(sign_in(&other, "wrong").await, 400);
    assert_eq!(sign_in(&one, PASSWORD).await, 429);
    assert_eq!(sign_in(&other, PASSWORD).await, 429);

    // The table reveals neither accounts nor addresses.
    let text = "SELECT group_concat(principal || purpose || device, ' ') FROM vestibule_guesses";
    let text: String = folder.sql().query_row(text, [], |row| row.get(0)).unwrap();
    for known in ["ana", "example", "127.0.0.1"] {
        assert!(!text.contains(known), "{text}");
    }
}

async fn sign_in(server: &axum::Router, password: &str) -> u16 {
    use tower::ServiceExt as _;
    let request = http::Request::post(LOGIN)
        .header("host", "localhost:5000")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(
            json!({"email": ANA, "password": password}).to_string(),
        ))
        .unwrap();
    let answer = server.clone().oneshot(request).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn attack_flood_mails_to_one_recipient_are_limited_and_the_answer_stays_the_same() {
    const RESET: &str = "/api/accounts/reset";
    const RECOVER: &str = "/api/accounts/recover-username";
    for generic in [true, false] {
        let app = TestApp::with(&format!(
            "{LIFE}SECURITY_RETURN_GENERIC_RESPONSES = {generic}\n"
        ))
        .await;
        let ana = app.stored(ANA).await.id;
        let answer = async |path: &str, email: &str| {
            let mut browser = app.browser().header("x-request-id", "the-same");
            let answer = browser.post(path, json!({"email": email})).await;
            let mut response = answer.response();
            response.as_object_mut().unwrap().remove("csrf_token");
            (answer.status.as_u16(), response)
        };
        let first = answer(RESET, ANA).await;
        for number in 1..10 {
            // All kinds of mail, in all spellings, count together.
            let path = if number % 2 == 0 { RESET } else { RECOVER };
            let found = answer(path, "Ana@EXAMPLE.com").await;
            assert_eq!(found, first, "{generic} {number}");
        }
        assert_eq!(app.mails(ANA).await.len(), 5);
        assert_eq!(limits_of(&app), [reached(Some(ana), "send", "recipient")]);
        // Other recipients have counters of their own.
        app.user("bo@example.com", |draft| draft).await;
        answer(RESET, "bo@example.com").await;
        assert_eq!(app.mails("bo@example.com").await.len(), 1);
        app.wait(15 * 60);
        answer(RESET, ANA).await;
        assert_eq!(app.mails(ANA).await.len(), 6);
    }
}

#[tokio::test]
async fn attack_flood_registrations_and_changes_of_address_cannot_flood_a_mailbox() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_RETURN_GENERIC_RESPONSES = true\nSECURITY_LIMIT_SEND = \"2 per day\"\n"
    ))
    .await;
    let victim = "victim@elsewhere.example";
    let register = json!({
        "email": victim, "username": "victim", "password": "battery staple", "password_confirm": "battery staple",
    });
    for _ in 0..5 {
        let answer = app
            .browser()
            .post("/api/accounts/register", register.clone())
            .await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(app.mails(victim).await.len(), 2);

    let mut ana = app.signed_in().await.with_csrf().await;
    let other = "other@elsewhere.example";
    for _ in 0..5 {
        let answer = ana
            .post("/api/accounts/change-email", json!({"email": other}))
            .await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(app.mails(other).await.len(), 2);
}

#[tokio::test]
async fn unlocking_clears_the_counters_of_an_account() {
    let app = TestApp::with(LIFE).await;
    let ana = app.stored(ANA).await;
    assert!(!admin::unlock(app.app(), &ana).await.unwrap());
    let mut owner = app.signed_in().await;
    owner.sign_out().await;
    for browser in [&mut owner, &mut app.browser()] {
        assert_eq!(guess(browser, ANA, 10).await, [400; 10]);
    }
    for _ in 0..6 {
        app.browser()
            .post("/api/accounts/reset", json!({"email": ANA}))
            .await;
    }
    assert!(admin::unlock(app.app(), &ana).await.unwrap());
    for mut browser in [owner, app.browser()] {
        assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
    }
    app.browser()
        .post("/api/accounts/reset", json!({"email": ANA}))
        .await;
    assert_eq!(app.mails(ANA).await.len(), 6);
    let log = app
        .app()
        .store()
        .audit(Some(ana.id), 0, 1000)
        .await
        .unwrap();
    assert_eq!(
        log.iter()
            .filter(|entry| entry.what.kind == "unlocked")
            .count(),
        1
    );
}

/// A store of an application, which does not count.
#[derive(Debug)]
struct Own(MemoryStore);

#[async_trait]
impl Store for Own {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        self.0.user(key).await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.0.create_user(new).await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.0.update_user(id, patch, now).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn attack_fail_open_a_store_that_does_not_count_has_limits_in_memory() {
    let store = Arc::new(Own(MemoryStore::default()));
    let app = TestApp::built("", |builder| builder.datastore(store)).await;
    let mut browser = app.browser();
    assert_eq!(guess(&mut browser, ANA, 11).await[9..], [400, 429]);
    assert_eq!(limits_of(&app).len(), 1);
    app.wait(15 * 60);
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_document_describes_429_unless_nothing_is_refused() {
    for (mode, described) in [("on", true), ("log", false), ("off", false)] {
        let app = TestApp::with(&format!("SECURITY_LIMITS = \"{mode}\"")).await;
        let answer = app.browser().get("/api/accounts/openapi.json").await;
        let document: Value = serde_json::from_str(&answer.text).unwrap();
        let paths = document["paths"].as_object().unwrap();
        for (path, method, checks) in [
            ("login", "post", true),
            ("verify", "post", true),
            ("login", "get", false),
        ] {
            let found = paths
                .iter()
                .find(|(name, _)| name.ends_with(&format!("/{path}")));
            let responses = &found.unwrap().1[method]["responses"];
            assert_eq!(
                !responses["429"].is_null(),
                described && checks,
                "{mode} {path} {method}"
            );
        }
    }
}
