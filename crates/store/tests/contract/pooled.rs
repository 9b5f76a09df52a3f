//! What a transaction pooler must not break, and what we must not change behind it.

use std::sync::Arc;

use vestibule_store::sql::server::ServerStore;
use vestibule_store::sql::{Database, TableNames};
use vestibule_store::{Store, UserKey};

use crate::pooler::Pooler;
use crate::server::Schema;
use crate::support::{by_email, user};

/// The number of look-ups of each program.
const LOOK_UPS: usize = 200;

#[tokio::test]
async fn tables_are_created_checked_and_upgraded_through_a_pooler() {
    let tables = TableNames::default();
    for option in ["", "?pgbouncer=true"] {
        let schema = Schema::postgres();
        let pooler = Pooler::before(&schema.uri, 2);
        let database = Database::at(&format!("{}{option}", pooler.uri)).unwrap();
        database.reach().await.unwrap();
        assert!(!database.init(&tables).await.unwrap().is_empty());
        schema.ask("DROP INDEX vestibule_user_email_lower");
        assert_eq!(database.check(&tables).await.unwrap().len(), 1);
        assert_eq!(database.upgrade(&tables).await.unwrap().len(), 1);
        assert!(database.check(&tables).await.unwrap().is_empty());
        database.open(&tables).await.unwrap().ping().await.unwrap();
    }
}

/// Other programs use the sessions behind a pooler, too.
#[tokio::test]
async fn sessions_behind_a_pooler_keep_their_state() {
    let tables = TableNames::default();
    let schema = Schema::postgres();
    let pooler = Pooler::before(&schema.uri, 1);
    let database = Database::at(&pooler.uri).unwrap();
    database.init(&tables).await.unwrap();
    let store = database.open(&tables).await.unwrap();
    store.create_user(user("ana@example.com")).await.unwrap();
    assert!(by_email(&store, "ana@example.com", true).await.is_some());
    let ask = |statement: &str| {
        let mut psql = std::process::Command::new("psql");
        let output = psql.args(["-XAtq", "-c", statement, &pooler.uri]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let limits = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')";
    assert_eq!(ask(limits).trim(), "0|0");
    assert_eq!(
        ask("SELECT count(*) FROM pg_prepared_statements").trim(),
        "0"
    );
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
         (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(ask(locks).trim(), "0");
}

/// Two programs prepare statements of the same name in one session. Each must get its own results.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_mixed_up_statements_programs_behind_a_pooler_run_only_their_own() {
    let tables = TableNames::default();
    let schema = Schema::postgres();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    let pooler = Pooler::before(&schema.uri, 2);
    let mut programs: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..2 {
        programs.push(Arc::new(
            ServerStore::open(&pooler.uri, &tables).await.unwrap(),
        ));
    }
    // One program looks up by one column a value that another user has in another column.
    let mut bo = user("bo@example.com");
    bo.fs_uniquifier = "ana@example.com".to_owned();
    let ana = programs[0]
        .create_user(user("ana@example.com"))
        .await
        .unwrap();
    let bo = programs[0].create_user(bo).await.unwrap();
    let (one, other) = (Arc::clone(&programs[0]), Arc::clone(&programs[1]));
    let by_address = tokio::spawn(async move {
        for _ in 0..LOOK_UPS {
            let found = by_email(&one, "ana@example.com", false).await.unwrap();
            assert_eq!(found.id, ana.id);
        }
    });
    let by_uniquifier = tokio::spawn(async move {
        for _ in 0..LOOK_UPS {
            let key = UserKey::Uniquifier("ana@example.com");
            let found = other.user(key).await.unwrap().unwrap();
            assert_eq!(found.id, bo.id);
        }
    });
    by_address.await.unwrap();
    by_uniquifier.await.unwrap();
}
