//! Simultaneous exchanges of one refresh token.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::Barrier;
use vestibule::{Event, FamilyEnd};
use vestibule_store::{
    MemoryStore, NewTracker, NewUser, RefreshTracker, Store, StoreError, User, UserId, UserKey,
    UserPatch,
};

use crate::support::callers::text;
use crate::support::{ANA, TestApp};

const MANY: usize = 64;

const IN_BODY: &str = "SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"
";
const GRACE: &str = "SECURITY_REFRESH_TOKEN_GRACE = \"10 seconds\"";

/// A store in which [`MANY`] readers all see the family before any of them rotates it. The read
/// before them, by the sign-in, does not wait.
#[derive(Debug)]
struct StartingLine {
    inner: MemoryStore,
    barrier: Barrier,
    waiting: AtomicUsize,
}

impl StartingLine {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::default(),
            barrier: Barrier::new(MANY),
            waiting: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Store for StartingLine {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        self.inner.user(key).await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.inner.create_user(new).await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.inner.update_user(id, patch, now).await
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.inner.create_tracker(new).await
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        let seen = self.inner.tracker(family).await;
        if (1..=MANY).contains(&self.waiting.fetch_add(1, Ordering::SeqCst)) {
            self.barrier.wait().await;
        }
        seen
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.inner.rotate_tracker(family, from, now).await
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        self.inner.revoke_tracker(family, now).await
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let trackers = self.inner.clean_trackers(user, expired_before, revoked);
        trackers.await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The outcome of each simultaneous exchange of one token: the successor, or `None` if it was
/// refused.
async fn at_once(app: &Arc<TestApp>, token: &str) -> Vec<Option<String>> {
    let tasks: Vec<_> = (0..MANY)
        .map(|_| {
            let (app, token) = (Arc::clone(app), token.to_owned());
            tokio::spawn(async move {
                let body = json!({"refresh_token": token});
                let mut browser = app.browser();
                let answer = browser.post("/api/accounts/refresh-token", body).await;
                if answer.status == 200 {
                    return Some(text(&answer.response()["user"]["refresh_token"]));
                }
                assert_eq!(answer.verdict(), (400, "REFRESH_TOKEN_INVALID".into()));
                None
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn is_accepted(app: &Arc<TestApp>, token: &str) -> bool {
    let body = json!({"refresh_token": token});
    let mut browser = app.browser();
    let answer = browser.post("/api/accounts/refresh-token", body).await;
    answer.status == 200
}

/// The events of families that ended, since the last time.
fn take_ends(app: &TestApp) -> Vec<Event<'static>> {
    let mut events = app.take_events();
    events.retain(|event| matches!(event, Event::RefreshFamilyEnded { .. }));
    events
}

/// One application whose store makes all requests read the same state, and eight in which they meet
/// at random.
async fn apps(grace: &str) -> Vec<Arc<TestApp>> {
    let lines = format!("{IN_BODY}{grace}");
    let store = StartingLine::new();
    let met = TestApp::built(&lines, |builder| builder.datastore(store)).await;
    let mut apps = vec![Arc::new(met)];
    for _ in 0..8 {
        apps.push(Arc::new(TestApp::with(&lines).await));
    }
    apps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_race_without_grace_one_simultaneous_exchange_succeeds_and_the_family_ends() {
    for app in apps("").await {
        let token = text(&app.tokens(ANA).await["refresh_token"]);
        let outcomes = at_once(&app, &token).await;
        let got: Vec<&String> = outcomes.iter().flatten().collect();
        assert_eq!(got.len(), 1, "{outcomes:?}");
        let ended = Event::RefreshFamilyEnded {
            user_id: app.stored(ANA).await.id,
            why: FamilyEnd::Reused,
        };
        assert_eq!(take_ends(&app), [ended], "the event is emitted once");
        assert!(
            !is_accepted(&app, got[0]).await,
            "the successor is revoked as well"
        );
        assert!(!is_accepted(&app, &token).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_race_within_the_grace_period_all_exchanges_get_the_same_successor() {
    for app in apps(GRACE).await {
        let token = text(&app.tokens(ANA).await["refresh_token"]);
        let outcomes = at_once(&app, &token).await;
        let different: BTreeSet<_> = outcomes.into_iter().collect();
        assert_eq!(different.len(), 1, "{different:?}");
        let successor = different.into_iter().next().unwrap().unwrap();
        assert_ne!(successor, token);
        assert_eq!(take_ends(&app), []);
        assert!(is_accepted(&app, &successor).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_race_a_sign_out_among_exchanges_leaves_no_valid_token() {
    for round in 0..16 {
        let app = Arc::new(TestApp::with(&format!("{IN_BODY}{GRACE}")).await);
        let token = text(&app.tokens(ANA).await["refresh_token"]);
        let auth = app.auth_token(ANA).await;
        let leaving = {
            let (app, token) = (Arc::clone(&app), token.clone());
            tokio::spawn(async move {
                let body = json!({"refresh_token": token});
                let mut bearer = app.bearer(&auth);
                bearer.post("/api/accounts/logout", body).await.status
            })
        };
        let outcomes = at_once(&app, &token).await;
        assert_eq!(leaving.await.unwrap(), 200);
        for token in outcomes.iter().flatten().chain([&token]) {
            assert!(!is_accepted(&app, token).await, "round {round}");
        }
    }
}
