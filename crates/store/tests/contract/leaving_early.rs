//! Requests that are cancelled before the answer comes, and sessions that hold a lock that others
//! wait for.

use std::process::{Child, Stdio};
use std::time::Duration;

use vestibule_store::sql::TableNames;
use vestibule_store::sql::server::ServerStore;
use vestibule_store::{Change, SignIn, Store, StoreError, UserChange, UserId, UserKey, UserPatch};

use crate::away::over;
use crate::journal::events;
use crate::server::{Engine, Schema};
use crate::support::{at, user};

const READERS: usize = 12;

fn signed_in(id: UserId) -> Change {
    let patch = UserPatch {
        sign_in: Some(SignIn { ip: None }),
        ..UserPatch::default()
    };
    Change {
        user: Some(UserChange::Update(id, Box::new(patch))),
        events: Some(events(&["signed_in"], Some(id))),
        ..Change::default()
    }
}

/// Many concurrent readers look up whether a user is active.
async fn all_see(store: &ServerStore, id: UserId) -> Vec<Result<bool, StoreError>> {
    let reads = (0..READERS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let user = store.user(UserKey::Id(id)).await?;
            Ok(user.is_some_and(|user| user.active))
        })
    });
    let mut seen = Vec::new();
    for read in reads.collect::<Vec<_>>() {
        seen.push(read.await.unwrap());
    }
    seen
}

async fn stays_whole(schema: Schema) {
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    let (_wire, uri) = over(&schema, Duration::from_millis(1));
    let store = ServerStore::open(&uri, &tables).await.unwrap();
    let direct = ServerStore::open(&schema.uri, &tables).await.unwrap();
    let ana = store.create_user(user("ana@example.com")).await.unwrap();

    // Each is cancelled at another moment: before the statement, in the middle of it, before the
    // commit.
    let leaving = (0..6_u64).map(|whose| {
        let store = store.clone();
        tokio::spawn(async move {
            for step in 0..50_u64 {
                let patience = Duration::from_micros((whose * 50 + step) * 97 % 24_000);
                let work = async {
                    match step % 3 {
                        0 => store.apply(signed_in(ana.id), at(1)).await.map(drop),
                        1 => store.user(UserKey::Id(ana.id)).await.map(drop),
                        _ => store
                            .update_user(ana.id, UserPatch::default(), at(1))
                            .await
                            .map(drop),
                    }
                };
                if let Ok(outcome) = tokio::time::timeout(patience, work).await {
                    outcome.unwrap();
                }
            }
        })
    });
    for one in leaving.collect::<Vec<_>>() {
        one.await.unwrap();
    }

    // No connection is lost, and none returns outdated data.
    assert_eq!(all_see(&store, ana.id).await, vec![Ok(true); READERS]);
    let deactivated = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    direct
        .update_user(ana.id, deactivated, at(2))
        .await
        .unwrap();
    for _ in 0..3 {
        assert_eq!(all_see(&store, ana.id).await, vec![Ok(false); READERS]);
    }
    // What was reported as written is visible to every connection.
    for number in 1..=READERS {
        let name = format!("ana{number}");
        let named = UserPatch {
            username: Some(Some(name.clone())),
            ..UserPatch::default()
        };
        assert_eq!(store.update_user(ana.id, named, at(3)).await, Ok(true));
        let seen = direct.user(UserKey::Id(ana.id)).await.unwrap();
        assert_eq!(seen.and_then(|user| user.username), Some(name));
    }
    if schema.engine == Engine::Postgres {
        let open = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        assert_eq!(schema.ask(open).trim(), "0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_denial_cancelled_requests_leak_no_connection_postgres() {
    stays_whole(Schema::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_denial_cancelled_requests_leak_no_connection_mysql() {
    stays_whole(Schema::mysql()).await;
}

/// A session that holds a lock on the head of the audit log until it is killed.
struct Holder(Child);

impl Holder {
    fn of(schema: &Schema) -> Self {
        let (nap, flag) = match schema.engine {
            Engine::Postgres => ("SELECT pg_sleep(120)", "-c"),
            Engine::Mysql => ("SELECT SLEEP(120)", "-e"),
        };
        let statements =
            format!("BEGIN; SELECT last FROM vestibule_audit_head WHERE id = 1 FOR UPDATE; {nap};");
        let child = schema
            .client()
            .args([flag, &statements])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(500));
        Self(child)
    }

    /// Whether the lock is still held.
    fn holds(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn goes_on_reading(schema: Schema) {
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    let store = ServerStore::open(&schema.uri, &tables).await.unwrap();
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    store.apply(signed_in(ana.id), at(1)).await.unwrap();

    let mut holder = Holder::of(&schema);
    let writers = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.apply(signed_in(ana.id), at(2)).await })
    });
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(all_see(&store, ana.id).await, vec![Ok(true); READERS]);
    assert!(holder.holds(), "the readers waited for the lock");
    for writer in writers {
        let outcome = writer.await.unwrap();
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_))),
            "{outcome:?}"
        );
    }
    assert!(holder.holds(), "the writers waited for the lock");

    drop(holder);
    // A server notices a killed client only when it next sends something to it.
    let (asleep, end) = match schema.engine {
        Engine::Postgres => (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
             AND query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()",
            "SELECT pg_terminate_backend(whose)",
        ),
        Engine::Mysql => (
            "SELECT id FROM information_schema.processlist WHERE db = database() \
             AND info LIKE '%SLEEP(120)%' AND id <> connection_id()",
            "KILL whose",
        ),
    };
    schema.ask(&end.replace("whose", schema.ask(asleep).trim()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    store.apply(signed_in(ana.id), at(3)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_denial_a_held_lock_blocks_no_reader_postgres() {
    goes_on_reading(Schema::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_denial_a_held_lock_blocks_no_reader_mysql() {
    goes_on_reading(Schema::mysql()).await;
}

/// A server that rejects an update of a row changed since it was read, as MariaDB does since
/// 11.6.2.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_succeed_under_strict_snapshot_isolation() {
    let schema = Schema::mysql();
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    let known = "SELECT COUNT(*) FROM information_schema.system_variables \
                 WHERE variable_name = 'innodb_snapshot_isolation'";
    let strict = schema.ask(known).trim() == "1";
    if strict {
        // This applies to connections opened from now on.
        schema.administer("SET GLOBAL innodb_snapshot_isolation = ON");
    }
    let store = ServerStore::open(&schema.uri, &tables).await.unwrap();
    let made = (0..24).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let email = format!("person{number}@example.com");
            let change = Change {
                claims: vec![(vestibule_store::Identity::Email, email.clone())],
                user: Some(UserChange::Create(Box::new(user(&email)))),
                events: Some(events(&["registered"], None)),
                ..Change::default()
            };
            store.apply(change, at(1)).await
        })
    });
    let mut outcomes = Vec::new();
    for one in made.collect::<Vec<_>>() {
        outcomes.push(one.await.unwrap());
    }
    if strict {
        schema.administer("SET GLOBAL innodb_snapshot_isolation = OFF");
    }
    for outcome in outcomes {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}
