//! Databases whose encoding covers only some languages.

use std::sync::Arc;

use vestibule_store::schema_check::Finding;
use vestibule_store::sql::TableNames;
use vestibule_store::sql::server::ServerStore;
use vestibule_store::{Identity, NewUser, Store, StoreError};

use crate::server::{Engine, Schema};
use crate::support::{by_email, user};

const CYRILLIC: &str = "\u{430}\u{43d}\u{43d}\u{430}@example.com";
const DOTLESS: &str = "\u{131}@example.com";
const WESTERN: &str = "j\u{f6}rg@example.com";

async fn open(schema: &Schema) -> Arc<dyn Store> {
    let tables = TableNames::default();
    Arc::new(ServerStore::open(&schema.uri, &tables).await.unwrap())
}

/// A value that the encoding cannot represent belongs to no user, and writing it is refused.
async fn keeps_western_texts_alone(store: &Arc<dyn Store>) {
    store.create_user(user(WESTERN)).await.unwrap();
    for ignore_case in [true, false] {
        assert!(by_email(store, WESTERN, ignore_case).await.is_some());
        for other in [CYRILLIC, DOTLESS, "\u{1f511}@example.com"] {
            assert!(
                by_email(store, other, ignore_case).await.is_none(),
                "{other}"
            );
        }
    }
    for (value, can) in [
        (WESTERN, true),
        ("ana@example.com", true),
        (DOTLESS, false),
        (CYRILLIC, false),
    ] {
        let kept = store.can_keep(Identity::Email, value).await.unwrap();
        assert_eq!(kept, can, "{value}");
    }
    let refused = store.create_user(user(CYRILLIC)).await;
    assert_eq!(refused, Err(StoreError::Unstorable));
    assert_eq!(store.role(CYRILLIC).await, Ok(None));
    assert_eq!(store.tracker(CYRILLIC).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_database_in_latin1_is_reported_and_works_for_what_it_can_store() {
    let schema = Schema::latin1(Engine::Postgres);
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    let findings = ServerStore::check(&schema.uri, &tables).await.unwrap();
    let found = "LATIN1".to_owned();
    assert_eq!(findings, [Finding::Encoding { found }]);
    keeps_western_texts_alone(&open(&schema).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_in_latin1_are_reported_and_work_for_what_they_can_store() {
    let schema = Schema::latin1(Engine::Mysql);
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    schema.ask("ALTER TABLE user CONVERT TO CHARACTER SET latin1");
    let findings = ServerStore::check(&schema.uri, &tables).await.unwrap();
    let email = Finding::CharacterSet {
        table: "user".to_owned(),
        column: "email".to_owned(),
        found: "latin1".to_owned(),
    };
    assert!(findings.contains(&email), "{findings:?}");
    keeps_western_texts_alone(&open(&schema).await).await;
    // Three bytes for each character are enough for these languages, but not for all characters.
    schema.ask("ALTER TABLE user CONVERT TO CHARACTER SET utf8mb3");
    let store = open(&schema).await;
    let key = "\u{1f511}@example.com";
    assert_eq!(store.can_keep(Identity::Email, CYRILLIC).await, Ok(true));
    assert_eq!(store.can_keep(Identity::Email, key).await, Ok(false));
    assert!(by_email(&store, key, true).await.is_none());
    assert_eq!(
        store.create_user(user(key)).await,
        Err(StoreError::Unstorable)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_tables_store_every_language_whatever_the_encoding_of_the_database() {
    let schema = Schema::latin1(Engine::Mysql);
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    assert_eq!(ServerStore::check(&schema.uri, &tables).await.unwrap(), []);
    let store = open(&schema).await;
    let new = NewUser {
        username: Some("\u{1f511}\u{430}".to_owned()),
        ..user(CYRILLIC)
    };
    let made = store.create_user(new).await.unwrap();
    assert_eq!(by_email(&store, CYRILLIC, true).await, Some(made));
}
