//! Internal faults: a store that fails or panics, and a full queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use time::OffsetDateTime;
use vestibule_store::{
    MemoryStore, NewUser, Role, Store, StoreError, User, UserId, UserKey, UserPatch,
};

use crate::support::{ANA, PASSWORD, TestApp};

/// How the store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Gone,
    Panicking,
}

#[derive(Debug)]
struct MoodyStore {
    inner: MemoryStore,
    mood: AtomicUsize,
}

impl MoodyStore {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::default(),
            mood: AtomicUsize::new(0),
        })
    }

    fn be(&self, mood: Mood) {
        self.mood.store(mood as usize, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.mood.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(StoreError::Unavailable(
                "a secret detail of the database".to_owned(),
            )),
            _ => panic!("a secret detail of a panic"),
        }
    }
}

#[async_trait]
impl Store for MoodyStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        self.check()?;
        self.inner.user(key).await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.check()?;
        self.inner.create_user(new).await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.check()?;
        self.inner.update_user(id, patch, now).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.inner.list_users(after, limit).await
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        self.inner.roles_of(id).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.check()
    }
}

#[tokio::test]
async fn attack_fail_open_without_the_database_every_request_is_refused() {
    let store = MoodyStore::new();
    let app = TestApp::on(store.clone()).await;
    let mut signed_in = app.signed_in().await;
    store.be(Mood::Gone);
    for answer in [
        signed_in.get("/api/accounts/login").await,
        app.browser().sign_in(ANA, PASSWORD).await,
        app.browser().get("/readyz").await,
    ] {
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (503, "UNAVAILABLE")
        );
        assert!(answer.headers.contains_key("retry-after"));
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(
        app.browser().get("/healthz").await.status,
        200,
        "the process is up"
    );
    store.be(Mood::Well);
    assert!(
        signed_in.is_signed_in().await,
        "the session works again when the database is back"
    );
}

#[tokio::test]
async fn attack_crash_a_panic_is_a_500_in_the_envelope() {
    let store = MoodyStore::new();
    let app = TestApp::on(store.clone()).await;
    store.be(Mood::Panicking);
    let answer = app.browser().sign_in(ANA, PASSWORD).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (500, "INTERNAL_ERROR")
    );
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    store.be(Mood::Well);
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_overload_a_full_queue_answers_503_and_recovers() {
    // One hashing thread, and a hash slow enough for the queue to fill.
    let slow = "SECURITY_LIMITS = \"off\"\nSECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 2048, argon2__time_cost = 2, argon2__parallelism = 1 }";
    let app = TestApp::with(slow).await;
    let attempts = (0..200).map(|_| async { app.browser().sign_in(ANA, PASSWORD).await });
    let answers = futures_util::future::join_all(attempts).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!(count(200) + count(503), 200);
    assert!(
        count(200) >= 128 && count(503) >= 1,
        "{} and {}",
        count(200),
        count(503)
    );
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        assert_eq!(answer.code(), "BUSY");
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn attack_enumeration_by_time_every_attempt_costs_one_hash() {
    let app = TestApp::new().await;
    app.user("off@example.com", |draft| vestibule::admin::NewAccount {
        active: false,
        ..draft
    })
    .await;
    let hashes = || app.app().passwords().checked();
    for (email, password) in [
        (ANA, PASSWORD),
        (ANA, "wrong"),
        ("no@example.com", "wrong"),
        ("off@example.com", "wrong"),
        ("off@example.com", PASSWORD),
    ] {
        let before = hashes();
        app.browser().sign_in(email, password).await;
        assert_eq!(hashes() - before, 1, "{email}");
    }
}

#[tokio::test]
async fn attack_fail_open_a_failed_sign_in_leaves_no_session() {
    // This store does not support refresh tokens, which the settings require.
    let app = TestApp::built("SECURITY_REFRESH_TOKEN = true", |builder| {
        builder.datastore(MoodyStore::new())
    })
    .await;
    let mut browser = app.browser();
    let body = serde_json::json!({"email": ANA, "password": PASSWORD});
    let path = "/api/accounts/login?include_auth_token";
    let answer = browser.post(path, body).await;
    assert!(answer.status.is_server_error(), "{answer:?}");
    assert!(!browser.is_signed_in().await, "{answer:?}");
    assert_eq!(app.take_events(), []);
}
