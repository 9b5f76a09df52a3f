//! A SQLite file in a temporary folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use vestibule_store::Store;
use vestibule_store::sql::TableNames;
use vestibule_store::sql::sqlite::SqliteStore;

/// A folder for one database, which is deleted afterwards.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vestibule-routes-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("accounts.db")
    }

    /// Creates the database and opens it.
    pub(crate) fn store(&self, tables: &TableNames) -> Arc<dyn Store> {
        SqliteStore::init(&self.file(), tables).unwrap();
        Arc::new(SqliteStore::open(&self.file(), tables).unwrap())
    }

    /// A connection to the same file that bypasses the store.
    pub(crate) fn sql(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary directory does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
