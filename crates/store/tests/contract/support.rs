//! Temporary folders, the databases in them, and short forms for common calls.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use time::OffsetDateTime;
use vestibule_store::sql::TableNames;
use vestibule_store::sql::sqlite::SqliteStore;
use vestibule_store::{Identity, NewUser, Store, User, UserId, UserKey, UserPatch};

/// A folder for one test, which is deleted afterwards.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("vestibule-store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("accounts.db")
    }

    /// Creates the database and opens it.
    pub(crate) fn made(&self) -> SqliteStore {
        SqliteStore::init(&self.file(), &TableNames::default()).unwrap();
        self.open()
    }

    /// Opens the existing database.
    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.file(), &TableNames::default()).unwrap()
    }

    /// A folder with a copy of the file that the reference's own models made.
    pub(crate) fn with_reference() -> Self {
        let folder = Self::new();
        std::fs::copy(fixture(), folder.file()).unwrap();
        folder
    }

    /// A connection to the same file that bypasses the store.
    pub(crate) fn sql(&self) -> Connection {
        let connection = Connection::open(self.file()).unwrap();
        connection
            .busy_timeout(std::time::Duration::from_secs(10))
            .unwrap();
        connection
    }

    /// Another process, which runs these lines of Python; `db` is the path of the file.
    pub(crate) fn python(&self, lines: &str) -> Command {
        let mut command = Command::new("python3");
        command.arg("-c").arg(format!(
            "import sqlite3, sys, time\ndb = sys.argv[1]\n{lines}"
        ));
        command.arg(self.file());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary directory does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference.sqlite")
}

/// A moment this many seconds after the first.
pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
}

/// A user handle that no other user has.
fn handle() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("handle {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn user(email: &str) -> NewUser {
    NewUser {
        email: email.to_owned(),
        username: None,
        password: Some("$old".to_owned()),
        active: true,
        confirmed_at: None,
        fs_uniquifier: format!("uniquifier of {email}"),
        fs_token_uniquifier: format!("token uniquifier of {email}"),
        fs_webauthn_user_handle: handle(),
        us_phone_number: None,
        us_totp_secrets: None,
        created_at: at(0),
    }
}

pub(crate) async fn by_email(
    store: &Arc<dyn Store>,
    value: &str,
    ignore_case: bool,
) -> Option<User> {
    by(store, Identity::Email, value, ignore_case).await
}

pub(crate) async fn by(
    store: &Arc<dyn Store>,
    attribute: Identity,
    value: &str,
    ignore_case: bool,
) -> Option<User> {
    store
        .user(UserKey::Identity {
            attribute,
            value,
            ignore_case,
        })
        .await
        .unwrap()
}

pub(crate) async fn by_id(store: &Arc<dyn Store>, id: UserId) -> User {
    store.user(UserKey::Id(id)).await.unwrap().unwrap()
}

pub(crate) async fn patch(
    store: &Arc<dyn Store>,
    id: UserId,
    patch: UserPatch,
    seconds: i64,
) -> bool {
    store.update_user(id, patch, at(seconds)).await.unwrap()
}
