//! SQLite through rusqlite.
//!
//! Reads run where they are asked for, on a connection with its statements prepared: a row
//! takes a few microseconds, less than handing the work to another thread would. What reads
//! many rows goes elsewhere. Writes go one after the other through one connection, off the
//! async threads. Other processes may write to the same file: both sides wait for each other.

mod apply;
mod file;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use time::OffsetDateTime;

use self::apply::Undone;
pub use self::file::path_of;
use self::file::{FileId, connect, make_file, switch_to_wal};
use super::columns::{TableNames, UserColumns, column_names};
use super::error::map_error;
use super::journal;
use super::leaving::LeavingStatements;
use super::passwords;
use super::roles::RoleStatements;
use super::schema;
use super::trackers::TrackerStatements;
use super::users::{ATTRIBUTES, Statements};
use crate::schema_check::{Finding, Upgrade};
use crate::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, Identity, MailFate, NewRole, NewTracker,
    NewUser, PasswordKind, PermissionChange, QueuedMail, RefreshTracker, Role, RoleId, Store,
    StoreError, Uniquifiers, User, UserId, UserKey, UserPatch,
};

/// How long a reader trusts that the file is still the one that it has open. To ask every
/// time would cost a third of a read.
const TRUST: Duration = Duration::from_secs(1);

/// A database file.
#[derive(Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    tables: TableNames,
    users: Statements,
    roles: RoleStatements,
    trackers: TrackerStatements,
    leaving: LeavingStatements,
    file: FileId,
    /// The attributes for which a look-up that ignores case reads the whole table.
    slow: Vec<Identity>,
    /// Connections that nobody reads with at this moment.
    readers: Mutex<Vec<Reader>>,
    /// Whoever waits for it is a task and not a thread: however many sign in at once, one
    /// thread is busy with it.
    writer: Arc<tokio::sync::Mutex<Connection>>,
}

#[derive(Debug)]
struct Reader {
    connection: Connection,
    /// When the file was last seen in its place.
    checked: Instant,
}

impl SqliteStore {
    /// Opens a database whose tables are there.
    ///
    /// # Errors
    /// When the file cannot be opened, or a table or column is missing that nothing works
    /// without.
    pub fn open(path: &Path, tables: &TableNames) -> Result<Self, StoreError> {
        let path = std::path::absolute(path)
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let file = FileId::of(&path)?;
        switch_to_wal(&writer)?;
        let columns = UserColumns::new(column_names(&writer, &tables.user)?, &tables.user)?;
        schema::make_ours(&mut writer, tables)?;
        let leaving = LeavingStatements::new(&writer, tables, &columns)?;
        let users = Statements::new(tables, columns);
        let roles = RoleStatements::new(&writer, tables)?;
        let trackers = TrackerStatements::new(&writer, tables)?;
        let mut slow = Vec::new();
        for attribute in ATTRIBUTES {
            if users.reads_all(&writer, attribute)? {
                slow.push(attribute);
            }
        }
        Ok(Self(Arc::new(Inner {
            path,
            tables: tables.clone(),
            users,
            roles,
            trackers,
            leaving,
            file,
            slow,
            readers: Mutex::default(),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
        })))
    }

    /// Makes the tables that are not there, and the file if need be. Says what it made.
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

    /// What the database lacks.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn check(path: &Path, tables: &TableNames) -> Result<Vec<Finding>, StoreError> {
        schema::check(&connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, tables)
    }

    /// What the stored password hashes cost to check, and how many there are of each kind.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn password_kinds(
        path: &Path,
        tables: &TableNames,
    ) -> Result<Vec<PasswordKind>, StoreError> {
        passwords::kinds(&connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, tables)
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

    /// Reads many rows, off the async threads.
    async fn read_elsewhere<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        finish(tokio::task::spawn_blocking(move || inner.read(work))).await
    }

    /// Writes what has to happen together or not at all.
    async fn write_together<T, E>(
        &self,
        work: impl FnOnce(&Inner, &Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write(|inner, connection| {
            // From the first statement on: what is read in it, nobody changes meanwhile.
            let begin = TransactionBehavior::Immediate;
            let transaction = Transaction::new_unchecked(connection, begin).map_err(map_error)?;
            let outcome = work(inner, &transaction)?;
            transaction.commit().map_err(map_error)?;
            Ok(outcome)
        })
        .await
    }

    async fn write<T, E>(
        &self,
        work: impl FnOnce(&Inner, &Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let writer = Arc::clone(&self.0.writer).lock_owned().await;
        finish(tokio::task::spawn_blocking(move || {
            // What is written to a file that nobody will open again would be lost.
            inner.check_file()?;
            work(&inner, &writer)
        }))
        .await
    }
}

async fn finish<T, E: From<StoreError>>(
    work: tokio::task::JoinHandle<Result<T, E>>,
) -> Result<T, E> {
    work.await
        .map_err(|_| StoreError::Other("a statement did not come to its end".to_owned()))?
}

impl Inner {
    /// Reads a row or two, here and now.
    fn read<T>(
        &self,
        work: impl FnOnce(&Self, &Connection) -> Result<T, StoreError>,
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
        let outcome = work(self, &reader.connection);
        // A connection that failed is not used again.
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            lock(&self.readers).push(reader);
        }
        outcome
    }

    /// Whether the file is still the one that was opened.
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

#[async_trait]
impl Store for SqliteStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        let exact = self
            .0
            .read(|inner, connection| inner.users.find(connection, key))?;
        let (
            None,
            UserKey::Identity {
                attribute,
                value,
                ignore_case: true,
            },
        ) = (&exact, key)
        else {
            return Ok(exact);
        };
        if self.0.slow.contains(&attribute) {
            let value = value.to_owned();
            self.read_elsewhere(move |inner, connection| {
                inner.users.find_in_any_case(connection, attribute, &value)
            })
            .await
        } else {
            self.0.read(|inner, connection| {
                inner.users.find_in_any_case(connection, attribute, value)
            })
        }
    }

    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        self.read_elsewhere(|inner, connection| passwords::kinds(connection, &inner.tables))
            .await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.write(|inner, connection| inner.users.insert(connection, new))
            .await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.write(move |inner, connection| inner.users.update(connection, id, patch, now))
            .await
    }

    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        let outcome = self
            .write_together(move |inner, connection| inner.apply(connection, change, now))
            .await;
        match outcome {
            Ok(user) => Ok(Applied::Done(user)),
            Err(Undone::Spent) => Ok(Applied::Spent),
            Err(Undone::Stale) => Ok(Applied::Stale),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    async fn claim_mails(
        &self,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        let claim = claim.to_owned();
        self.write_together(move |_, connection| {
            journal::claim(connection, &claim, now, until, limit)
        })
        .await
    }

    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        let claim = claim.to_owned();
        self.write(move |_, connection| journal::settle(connection, id, &claim, &fate))
            .await
    }

    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        self.read_elsewhere(|_, connection| journal::count(connection))
            .await
    }

    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        self.write(move |inner, connection| {
            let families = inner.trackers.purge(connection, cutoffs.families)?;
            Ok(families + journal::purge(connection, &cutoffs)?)
        })
        .await
    }

    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read_elsewhere(move |_, connection| journal::audit(connection, of, after, limit))
            .await
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.0.read(|_, connection| journal::head(connection))
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.read_elsewhere(move |inner, connection| inner.users.page(connection, after, limit))
            .await
    }

    async fn has_passkey(&self, id: UserId) -> Result<bool, StoreError> {
        self.0
            .read(|inner, connection| inner.leaving.has_passkey(connection, id))
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        self.0
            .read(|inner, connection| inner.roles.of(connection, id))
    }

    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let Some(user) = self.user(key).await? else {
            return Ok(None);
        };
        let roles = self.roles_of(user.id).await?;
        Ok(Some((user, roles)))
    }

    fn has_token_uniquifiers(&self) -> bool {
        self.0.users.has_token_uniquifiers()
    }

    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.write_together(move |inner, connection| {
            inner.leaving.reset_access(connection, id, &fresh, now)
        })
        .await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.write_together(move |inner, connection| inner.leaving.delete(connection, id))
            .await
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.0
            .read(|inner, connection| inner.roles.by_name(connection, name))
    }

    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        self.read_elsewhere(|inner, connection| inner.roles.all(connection))
            .await
    }

    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        self.write(|inner, connection| inner.roles.insert(connection, new))
            .await
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        self.write_together(move |inner, connection| {
            inner
                .roles
                .change_permissions(connection, role, change, now)
        })
        .await
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        self.write(move |inner, connection| inner.roles.give(connection, user, role))
            .await
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        self.write(move |inner, connection| inner.roles.take(connection, user, role))
            .await
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.write(move |inner, connection| inner.trackers.insert(connection, &new))
            .await
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        self.0
            .read(|inner, connection| inner.trackers.find(connection, family))
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let family = family.to_owned();
        self.write(move |inner, connection| inner.trackers.rotate(connection, &family, from, now))
            .await
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let family = family.to_owned();
        self.write(move |inner, connection| inner.trackers.revoke(connection, &family, now))
            .await
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        self.write(move |inner, connection| {
            inner
                .trackers
                .clean(connection, user, expired_before, revoked)
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.check_file()?;
        self.0.read(|_, connection| {
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
