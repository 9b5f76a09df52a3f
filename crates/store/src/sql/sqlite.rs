//! SQLite through rusqlite.
//!
//! Reads run where they are asked for, on a connection with its statements prepared: a row
//! takes a few microseconds, less than handing the work to another thread would. Writes go
//! one after the other through one connection, off the async threads. Other processes may
//! write to the same file: both sides wait for each other.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use time::OffsetDateTime;

use super::columns::{TableNames, UserColumns, quote};
use super::schema::{self, Finding, Upgrade};
use super::users::Statements;
use crate::{NewUser, Role, Store, StoreError, User, UserId, UserKey, UserPatch};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 64;

/// A database file.
#[derive(Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    statements: Statements,
    /// Connections that nobody reads with at this moment.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
}

/// The file that a SQLAlchemy address names: `sqlite:///relative.db`,
/// `sqlite:////absolute.db`. Options behind a question mark are passed over.
///
/// # Errors
/// When the address is of another kind, or names no file.
pub fn path_of(uri: &str) -> Result<PathBuf, StoreError> {
    let rest = uri
        .strip_prefix("sqlite:")
        .or_else(|| uri.strip_prefix("sqlite+pysqlite:"))
        .ok_or_else(|| {
            StoreError::Schema(format!(
                "{:?} databases are not served by this version: use sqlite:///file.db",
                uri.split(':').next().unwrap_or_default()
            ))
        })?;
    let path = rest.strip_prefix("///").unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path == ":memory:" {
        return Err(StoreError::Schema(
            "a SQLite database needs a file, as in sqlite:///file.db".to_owned(),
        ));
    }
    Ok(PathBuf::from(path))
}

impl SqliteStore {
    /// Opens a database whose tables are there.
    ///
    /// # Errors
    /// When the file cannot be opened, or a table or column is missing that nothing works
    /// without.
    pub fn open(path: &Path, tables: &TableNames) -> Result<Self, StoreError> {
        let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        writer
            .pragma_update(None, "journal_mode", "wal")
            .map_err(map_error)?;
        let columns = UserColumns::new(column_names(&writer, &tables.user)?, &tables.user)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            statements: Statements::new(tables, columns),
            readers: Mutex::default(),
            writer: Mutex::new(writer),
        })))
    }

    /// Makes the tables that are not there, and the file if need be. Says what it made.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn init(path: &Path, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = connect(path, flags)?;
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(map_error)?;
        schema::init(&mut connection, tables)
    }

    /// What the database lacks.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn check(path: &Path, tables: &TableNames) -> Result<Vec<Finding>, StoreError> {
        schema::check(&connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, tables)
    }

    /// Adds what is missing, and changes nothing that is there. Says what it added.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn upgrade(path: &Path, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        schema::upgrade(
            &mut connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
            tables,
        )
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Statements, &Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.0.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let outcome = work(&self.0.statements, &connection);
        // A connection that failed is not used again.
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            lock(&self.0.readers).push(connection);
        }
        outcome
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner.statements, &lock(&inner.writer)))
            .await
            .map_err(|_| StoreError::Other("a write did not finish".to_owned()))?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        self.read(|statements, connection| statements.find(connection, key))
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.write(|statements, connection| statements.insert(connection, new))
            .await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.write(move |statements, connection| statements.update(connection, id, patch, now))
            .await
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.read(|statements, connection| statements.page(connection, after, limit))
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        self.read(|statements, connection| statements.roles(connection, id))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|_, connection| {
            connection
                .query_row("SELECT 1", [], |_| Ok(()))
                .map_err(map_error)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A connection is sound whatever happened to whoever held it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(PATIENCE).map_err(map_error)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(map_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The columns of a table; none when there is no such table.
pub(super) fn column_names(
    connection: &Connection,
    table: &str,
) -> Result<HashSet<String>, StoreError> {
    let mut statement = connection
        .prepare(&format!("PRAGMA table_info({})", quote(table)))
        .map_err(map_error)?;
    let names = statement
        .query_map([], |row| row.get(1))
        .map_err(map_error)?;
    names.collect::<Result<_, _>>().map_err(map_error)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to map_err by its name"
)]
pub(super) fn map_error(error: rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return StoreError::Other(error.to_string());
    };
    let message = message.clone().unwrap_or_default();
    match failure.code {
        // "UNIQUE constraint failed: user.email"
        ErrorCode::ConstraintViolation if message.starts_with("UNIQUE") => StoreError::Conflict {
            column: message.rsplit('.').next().unwrap_or_default().to_owned(),
        },
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::CannotOpen
        | ErrorCode::DiskFull
        | ErrorCode::ReadOnly
        | ErrorCode::SystemIoFailure
        | ErrorCode::NotADatabase
        | ErrorCode::DatabaseCorrupt => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_sqlalchemy() {
        for (uri, path) in [
            ("sqlite:///file.db", "file.db"),
            ("sqlite:////var/lib/file.db", "/var/lib/file.db"),
            ("sqlite:///file.db?timeout=5", "file.db"),
        ] {
            assert_eq!(path_of(uri).unwrap(), PathBuf::from(path), "{uri}");
        }
        for uri in [
            "sqlite://",
            "sqlite:///:memory:",
            "postgresql://localhost/x",
            "file.db",
        ] {
            assert!(path_of(uri).is_err(), "{uri}");
        }
    }
}
