//! SQLite through rusqlite.
//!
//! Reads run on the async thread that requests them, on a connection with prepared statements: a
//! row takes a few microseconds, less than handing the work to another thread. Reads of many rows
//! run on a blocking thread. Writes run one after another on one connection, off the async
//! threads. Other processes may write to the same file; both sides wait for each other.

mod error;
mod executor;
mod file;
#[cfg(test)]
mod hot_path;
mod schema;
mod store;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params_from_iter};

use self::error::map_error;
use self::executor::OnConnection;
pub use self::file::path_of;
use self::file::{FileId, connect, make_file, switch_to_wal};
use super::columns::TableNames;
use super::dialect::Dialect;
use super::executor::{Failure, at_once};
use super::statements::users::ATTRIBUTES;
use super::statements::{PresentColumns, Statements, password_kinds};
use crate::schema_check::{Finding, Upgrade};
use crate::{Identity, PasswordKind, StoreError};

/// How long a reader assumes that the file was not replaced. Checking each time would cost a
/// third of a read.
const TRUST: Duration = Duration::from_secs(1);

/// A database file.
#[derive(Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    tables: TableNames,
    statements: Statements,
    file: FileId,
    /// The attributes for which a look-up that ignores case reads the whole table.
    slow: Vec<Identity>,
    /// Idle connections for reads.
    readers: Mutex<Vec<Reader>>,
    /// Tasks wait for it, not threads: however many users sign in at once, one thread is busy.
    writer: Arc<tokio::sync::Mutex<Connection>>,
}

#[derive(Debug)]
struct Reader {
    connection: Connection,
    /// When it was last checked that the file was not replaced.
    checked: Instant,
}

impl SqliteStore {
    /// Opens a database that has its tables.
    ///
    /// # Errors
    /// When the file cannot be opened, or lacks a table or column that is required.
    pub fn open(path: &Path, tables: &TableNames) -> Result<Self, StoreError> {
        let path = std::path::absolute(path)
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let file = FileId::of(&path)?;
        switch_to_wal(&writer)?;
        let columns = |table: &str| schema::column_names(&writer, table);
        let present = PresentColumns {
            user: columns(&tables.user)?,
            role: columns(&tables.role)?,
            roles_users: columns(&tables.roles_users)?,
            web_authn: columns(&tables.web_authn)?,
            refresh: columns(&tables.refresh)?,
        };
        let statements = Statements::new(Dialect::Sqlite, tables, present, true)?;
        // After the check above, so that a file without a table of users stays unchanged.
        schema::make_ours(&mut writer, tables)?;
        let mut slow = Vec::new();
        for attribute in ATTRIBUTES {
            if reads_whole_table(&writer, &statements, attribute)? {
                slow.push(attribute);
            }
        }
        Ok(Self(Arc::new(Inner {
            path,
            tables: tables.clone(),
            statements,
            file,
            slow,
            readers: Mutex::default(),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
        })))
    }

    /// Creates the missing tables, and the file if there is none. Returns what it created.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn init(path: &Path, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        make_file(path)?;
        let mut connection = connect(path, flags)?;
        switch_to_wal(&connection)?;
        schema::init(&mut connection, tables)
    }

    /// Finds what the database lacks.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn check(path: &Path, tables: &TableNames) -> Result<Vec<Finding>, StoreError> {
        schema::check(&connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, tables)
    }

    /// Counts the stored password hashes by what they cost to check.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn password_kinds(
        path: &Path,
        tables: &TableNames,
    ) -> Result<Vec<PasswordKind>, StoreError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        count_passwords(&mut OnConnection(&connection), tables).map_err(store_error)
    }

    /// Adds what is missing and changes nothing else. Returns what it added.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn upgrade(path: &Path, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        schema::upgrade(
            &mut connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
            tables,
        )
    }

    /// Reads many rows, off the async threads.
    async fn read_elsewhere<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &mut OnConnection<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        finish(tokio::task::spawn_blocking(move || inner.read(work))).await
    }

    /// Writes in one transaction, or not at all.
    async fn write_together<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &mut OnConnection<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.transaction(work).await?.map_err(store_error)
    }

    /// The same for callers that need the reason why a change was not applied.
    async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &mut OnConnection<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<Answer<T>, StoreError> {
        self.with_writer(|statements, connection| {
            // Locks out other writers from the first statement on: what the transaction reads
            // stays as it is.
            let begin = TransactionBehavior::Immediate;
            let transaction = Transaction::new_unchecked(connection, begin).map_err(map_error)?;
            let outcome = work(statements, &mut OnConnection(&transaction));
            if outcome.is_ok() {
                transaction.commit().map_err(map_error)?;
            }
            Ok(outcome)
        })
        .await
    }

    /// Writes single statements.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &mut OnConnection<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.with_writer(|statements, connection| {
            work(statements, &mut OnConnection(connection)).map_err(store_error)
        })
        .await
    }

    async fn with_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Statements, &Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let writer = Arc::clone(&self.0.writer).lock_owned().await;
        finish(tokio::task::spawn_blocking(move || {
            // A write to a file that was replaced would be lost.
            inner.check_file()?;
            work(&inner.statements, &writer)
        }))
        .await
    }
}

/// What functions over statements return here.
type Answer<T> = Result<T, Failure<Infallible>>;

fn store_error(failure: Failure<Infallible>) -> StoreError {
    failure.into_store(|never| match never {})
}

async fn finish<T>(work: tokio::task::JoinHandle<Result<T, StoreError>>) -> Result<T, StoreError> {
    work.await
        .map_err(|_| StoreError::Other("a statement did not come to its end".to_owned()))?
}

/// Counts the password hashes; none if there is no such column.
fn count_passwords(db: &mut OnConnection<'_>, tables: &TableNames) -> Answer<Vec<PasswordKind>> {
    if !schema::column_names(db.0, &tables.user)?.contains("password") {
        return Ok(Vec::new());
    }
    at_once(password_kinds::count(db, Dialect::Sqlite, tables))
}

/// Whether a look-up that ignores the case of this attribute reads the whole table, because it
/// has no index for it: databases that the reference created have none.
fn reads_whole_table(
    connection: &Connection,
    statements: &Statements,
    attribute: Identity,
) -> Result<bool, StoreError> {
    let Some(query) = statements.users.explain_in_any_case(attribute) else {
        return Ok(false);
    };
    let plan: String = connection
        .query_row(&query.text, params_from_iter(&query.values), |row| {
            row.get("detail")
        })
        .map_err(map_error)?;
    Ok(!plan.starts_with("SEARCH"))
}

impl Inner {
    /// Reads a few rows on the calling thread.
    fn read<T>(
        &self,
        work: impl FnOnce(&Self, &mut OnConnection<'_>) -> Answer<T>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.readers).pop();
        let reader = match idle {
            Some(reader) if reader.checked.elapsed() < TRUST => reader,
            idle => {
                self.check_file()?;
                let connection = match idle {
                    Some(reader) => reader.connection,
                    None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
                };
                Reader {
                    connection,
                    checked: Instant::now(),
                }
            }
        };
        let outcome = work(self, &mut OnConnection(&reader.connection)).map_err(store_error);
        // A connection that failed is closed.
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            lock(&self.readers).push(reader);
        }
        outcome
    }

    /// Fails if the file was replaced since it was opened.
    fn check_file(&self) -> Result<(), StoreError> {
        if FileId::of(&self.path)? == self.file {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "{}: another file has taken its place; start again to use that one",
            self.path.display()
        )))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A connection is sound even if a thread panicked while it held the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
