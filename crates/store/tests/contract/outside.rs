//! Changes to our own tables that bypass the store, on every database: a column that an earlier
//! version lacked, a deleted row, a table that accepts no entries.

use std::sync::Arc;

use vestibule_store::schema_check::{Finding, Upgrade};
use vestibule_store::sql::{Database, TableNames};
use vestibule_store::{AuditHead, Change, Store};

use crate::journal::events;
use crate::server::{Engine, Schema};
use crate::support::{Folder, at};

/// A database, with access that bypasses the store.
pub(crate) enum Outside {
    File(Folder),
    Server(Schema),
}

impl Outside {
    /// An initialised database on each engine.
    pub(crate) async fn each() -> [Self; 3] {
        let each = [
            Self::File(Folder::new()),
            Self::Server(Schema::postgres()),
            Self::Server(Schema::mysql()),
        ];
        for outside in &each {
            let made = outside.database().init(&TableNames::default()).await;
            made.unwrap();
        }
        each
    }

    fn database(&self) -> Database {
        match self {
            Self::File(folder) => Database::File(folder.file()),
            Self::Server(schema) => Database::Server(schema.uri.clone()),
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.database().open(&TableNames::default()).await.unwrap()
    }

    pub(crate) fn run(&self, statement: &str) {
        match self {
            Self::File(folder) => folder.sql().execute_batch(statement).unwrap(),
            Self::Server(schema) => {
                schema.ask(statement);
            }
        }
    }
}

impl Outside {
    /// The name of a table, quoted as this database does.
    pub(crate) fn quoted(&self, table: &str) -> String {
        match self {
            Self::Server(schema) if schema.engine == Engine::Mysql => format!("`{table}`"),
            _ => format!("\"{table}\""),
        }
    }

    /// The constant for true.
    pub(crate) fn truth(&self) -> &'static str {
        match self {
            Self::Server(schema) if schema.engine == Engine::Postgres => "true",
            _ => "1",
        }
    }

    /// The first column of every row of a file.
    pub(crate) fn rows(&self, statement: &str) -> Vec<String> {
        let Self::File(folder) = self else {
            panic!("only a file is read");
        };
        let sql = folder.sql();
        let mut statement = sql.prepare(statement).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

async fn note(store: &Arc<dyn Store>, kinds: &[&str]) {
    let change = Change {
        events: Some(events(kinds, None)),
        ..Change::default()
    };
    store.apply(change, at(1)).await.unwrap();
}

#[tokio::test]
async fn a_missing_head_column_is_added_by_opening_or_upgrading() {
    for outside in Outside::each().await {
        note(&outside.open().await, &["a", "b"]).await;
        let before = outside.open().await.audit_head().await.unwrap();
        for upgrades in [false, true] {
            outside.run("ALTER TABLE vestibule_audit_head DROP COLUMN end_seal");
            let lacking = Finding::Column {
                table: "vestibule_audit_head".to_owned(),
                column: "end_seal".to_owned(),
                addable: true,
            };
            let tables = TableNames::default();
            let found = outside.database().check(&tables).await.unwrap();
            assert!(found.contains(&lacking), "{found:?}");
            if upgrades {
                let added = outside.database().upgrade(&tables).await.unwrap();
                assert!(added.contains(&Upgrade(lacking)), "{added:?}");
            }
            let store = outside.open().await;
            let unsealed = AuditHead {
                end_seal: String::new(),
                ..before.clone()
            };
            assert_eq!(store.audit_head().await, Ok(unsealed));
        }
        let store = outside.open().await;
        note(&store, &["c"]).await;
        let head = store.audit_head().await.unwrap();
        assert_eq!(head.last, 3);
        assert!(head.end_seal.starts_with("end 3"), "{head:?}");
    }
}

#[tokio::test]
async fn a_log_without_a_head_continues_after_its_last_entry_and_shows_it() {
    for outside in Outside::each().await {
        let store = outside.open().await;
        note(&store, &["a", "b"]).await;
        let before = store.audit_head().await.unwrap();
        outside.run("DELETE FROM vestibule_audit_head");
        assert_eq!(store.audit_head().await, Ok(AuditHead::default()));
        note(&store, &["c", "d"]).await;
        let log = store.audit(None, 2, 10).await.unwrap();
        assert_eq!(log.len(), 2);
        // The third entry was appended to a head without a seal.
        let gone = AuditHead {
            end_seal: String::new(),
            ..before
        };
        let changes = events(&["c", "d"], None);
        let (expected, head) = gone.append(&changes, None);
        assert_eq!(log, expected);
        assert_eq!(store.audit_head().await, Ok(head));
    }
}

#[tokio::test]
async fn a_missing_table_of_our_own_is_created_by_opening() {
    for outside in Outside::each().await {
        outside.run("DROP TABLE vestibule_guesses");
        let lacking = Finding::Table("vestibule_guesses".to_owned());
        let found = outside.database().check(&TableNames::default()).await;
        assert!(found.unwrap().contains(&lacking));
        let store = outside.open().await;
        assert_eq!(store.forget_guesses("ana").await, Ok(0));
        let found = outside.database().check(&TableNames::default()).await;
        assert!(!found.unwrap().contains(&lacking));
    }
}
