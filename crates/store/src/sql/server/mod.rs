//! PostgreSQL and MySQL (or MariaDB) through sqlx.
//!
//! A statement that only reads is tried once more when its connection turns out to be dead. One
//! that writes is not: nobody knows whether the first try came through. It goes over a
//! connection that answered a moment before.

mod address;
mod apply;
mod dialect;
mod encoding;
mod error;
mod journal;
mod leaving;
mod limits;
mod parts;
mod passwords;
mod pool;
mod roles;
mod schema;
mod site;
mod target;
mod tls;
mod trackers;
mod users;
mod wire;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

pub(crate) use self::address::{Address, is_server, read};
use self::dialect::Dialect;
use self::encoding::{Encodings, Question};
use self::error::{is_broken, map_error, stood_in_the_way};
use self::journal::{JournalStatements, event_of, head_of};
use self::leaving::PasskeyStatements;
use self::pool::{ATTEMPTS, Pool, pause, together, within_limit};
use self::roles::RoleStatements;
use self::site::Site;
use self::trackers::TrackerStatements;
use self::users::{Query, UserStatements};
use self::wire::{Link, Row, Value};
use super::columns::UserColumns;
use crate::schema_check::{Finding, Upgrade};
use crate::sql::TableNames;
use crate::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, Identity, MailFate, NewRole, NewTracker,
    NewUser, PasswordKind, PermissionChange, QueuedMail, RefreshTracker, Role, RoleId, Store,
    StoreError, Uniquifiers, User, UserId, UserKey, UserPatch,
};

/// A database on a server.
#[derive(Clone)]
pub struct ServerStore(Arc<Inner>);

struct Inner {
    pool: Pool,
    dialect: Dialect,
    tables: TableNames,
    users: UserStatements,
    roles: RoleStatements,
    trackers: TrackerStatements,
    journal: JournalStatements,
    encodings: Encodings,
    /// What belongs to a user besides: passkeys.
    passkeys: Option<PasskeyStatements>,
}

impl fmt::Debug for ServerStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStore")
            .field("dialect", &self.0.dialect)
            .finish_non_exhaustive()
    }
}

impl ServerStore {
    /// Opens a database whose tables are there.
    ///
    /// # Errors
    /// When the server does not answer, or a table or column is missing that nothing works
    /// without.
    pub async fn open(uri: &str, tables: &TableNames) -> Result<Self, StoreError> {
        let site = Site::at(uri)?;
        site.make_ours(tables).await?;
        let Site { pool, dialect } = site;
        let mut held = pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        let mut columns = Vec::new();
        for table in tables.all() {
            let found = schema::columns_of(&mut link, dialect, table)
                .await
                .map_err(map_error)?;
            columns.push(found);
        }
        let users = columns.first().map_or(&[][..], Vec::as_slice);
        let encodings = Encodings::read(&mut link, dialect, users).await;
        let encodings = encodings.map_err(map_error)?;
        held.settle(&Ok(()));
        let [users, roles, links, passkeys, trackers] = columns.as_slice() else {
            return Err(StoreError::Other("five tables are known".to_owned()));
        };
        let dialect = match dialect {
            Dialect::MySql { .. } => Dialect::MySql {
                whole_seconds: schema::lose_fractions(users) || schema::lose_fractions(trackers),
            },
            Dialect::Postgres => Dialect::Postgres,
        };
        let user_columns = UserColumns::new(schema::names(users), &tables.user)?;
        let passkeys = (!passkeys.is_empty()).then(|| PasskeyStatements::new(dialect, tables));
        Ok(Self(Arc::new(Inner {
            users: UserStatements::new(dialect, tables, user_columns),
            roles: RoleStatements::new(
                dialect,
                tables,
                schema::names(roles),
                &schema::names(links),
            ),
            trackers: TrackerStatements::new(dialect, tables, !trackers.is_empty()),
            journal: JournalStatements::new(dialect),
            encodings,
            passkeys,
            pool,
            dialect,
            tables: tables.clone(),
        })))
    }

    /// Makes the tables that are not there. Says what it made.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub async fn init(uri: &str, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        let site = Site::at(uri)?;
        let mut held = site.hold_alive().await?;
        let mut link = held.link().map_err(map_error)?;
        site.lock(&mut link).await?;
        let made = schema::init(&mut link, site.dialect, tables).await;
        site.keep(&mut link, made).await
    }

    /// Connects, and asks for nothing.
    ///
    /// # Errors
    /// When the address cannot be used, or the server does not answer or refuses the user.
    pub async fn reach(uri: &str) -> Result<(), StoreError> {
        let site = Site::at(uri)?;
        site.hold_alive().await.map(drop)
    }

    /// What the database lacks.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn check(uri: &str, tables: &TableNames) -> Result<Vec<Finding>, StoreError> {
        let site = Site::at(uri)?;
        let mut held = site.pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        schema::check(&mut link, site.dialect, tables)
            .await
            .map_err(map_error)
    }

    /// What the stored password hashes cost to check, and how many there are of each kind.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn password_kinds(
        uri: &str,
        tables: &TableNames,
    ) -> Result<Vec<PasswordKind>, StoreError> {
        let site = Site::at(uri)?;
        let mut held = site.pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        link.unlimited().await.map_err(map_error)?;
        passwords::kinds(&mut link, site.dialect, tables)
            .await
            .map_err(map_error)
    }

    /// Adds what is missing, and changes nothing that is there. Says what it added.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub async fn upgrade(uri: &str, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        let site = Site::at(uri)?;
        let mut held = site.hold_alive().await?;
        let mut link = held.link().map_err(map_error)?;
        site.lock(&mut link).await?;
        let added = schema::upgrade(&mut link, site.dialect, tables).await;
        site.keep(&mut link, added).await
    }
}

impl Inner {
    /// Reads, and once more if the connection turns out to be dead.
    async fn rows(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let work = async {
            let mut held = self.pool.hold().await?;
            let outcome = held.link()?.rows(statement, values).await;
            held.settle(&outcome);
            match outcome {
                Err(error) if is_broken(&error) => {
                    drop(held);
                    let mut held = self.pool.hold_alive().await?;
                    let outcome = held.link()?.rows(statement, values).await;
                    held.settle(&outcome);
                    outcome
                }
                outcome => outcome,
            }
        };
        within_limit(work).await.map_err(map_error)
    }

    /// The same for a value that came from outside: one that the database cannot keep is nobody's.
    async fn look_up(&self, query: &Query) -> Result<Vec<Row>, StoreError> {
        match self.rows(&query.text, &query.values).await {
            Err(StoreError::Unstorable) => Ok(Vec::new()),
            outcome => outcome,
        }
    }

    /// Makes a user, inside of a transaction.
    async fn create(
        &self,
        link: &mut Link<'_>,
        query: &Query,
    ) -> Result<Option<User>, sqlx_core::Error> {
        let id = link.insert(&query.text, &query.values).await?;
        self.users.by_id(link, UserId(id)).await
    }

    /// Writes one statement; how many rows matched.
    async fn execute(&self, query: &Query) -> Result<u64, StoreError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let work = async {
                let mut held = self.pool.hold_alive().await?;
                let outcome = held.link()?.execute(&query.text, &query.values).await;
                held.settle(&outcome);
                outcome
            };
            match within_limit(work).await {
                // The server undid it: to do it again is to do it once.
                Err(error) if stood_in_the_way(&error) && attempts < ATTEMPTS => {
                    pause(attempts).await;
                }
                outcome => return outcome.map_err(map_error),
            }
        }
    }
}

#[async_trait]
impl Store for ServerStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        let Some(query) = self.0.users.find(key, "", "") else {
            return Ok(None);
        };
        let rows = self.0.look_up(&query).await?;
        self.0.users.pick(&rows, key)
    }

    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let by_any_case = matches!(
            key,
            UserKey::Identity {
                ignore_case: true,
                ..
            }
        );
        if by_any_case || !self.0.roles.are_there() {
            let Some(user) = self.user(key).await? else {
                return Ok(None);
            };
            let roles = self.roles_of(user.id).await?;
            return Ok(Some((user, roles)));
        }
        let more = format!(", {}", self.0.roles.list);
        let Some(query) = self.0.users.find(key, roles::JOINED, &more) else {
            return Ok(None);
        };
        let rows = self.0.look_up(&query).await?;
        let Some(user) = self.0.users.pick(&rows, key)? else {
            return Ok(None);
        };
        let roles = roles::read_all(&rows, users::COLUMNS).map_err(map_error)?;
        Ok(Some((user, roles)))
    }

    fn has_token_uniquifiers(&self) -> bool {
        self.0.users.has_token_uniquifiers()
    }

    async fn can_keep(&self, attribute: Identity, value: &str) -> Result<bool, StoreError> {
        match self.0.encodings.can_keep(attribute.column(), value) {
            Question::Known(can) => Ok(can),
            Question::Ask(text, values) => {
                let rows = self.0.look_up(&Query { text, values }).await?;
                let answer = rows.first().map(|row| row.number(0)).transpose();
                Ok(answer.map_err(map_error)?.flatten() == Some(1))
            }
        }
    }

    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        let mut held = self.0.pool.hold_alive().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        // It may take longer than what a request waits for. The connection is not used again.
        link.unlimited().await.map_err(map_error)?;
        passwords::kinds(&mut link, self.0.dialect, &self.0.tables)
            .await
            .map_err(map_error)
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        let inner = &self.0;
        let query = inner.users.insert(new)?;
        let made = together!(inner.pool, |link| inner.create(link, &query).await)?;
        made.ok_or_else(|| StoreError::Other("a new row has gone".to_owned()))
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        match self.0.users.update(id, patch, now)? {
            Some(query) => Ok(self.0.execute(&query).await? == 1),
            None => Ok(self.user(UserKey::Id(id)).await?.is_some()),
        }
    }

    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        self.0.apply(&change, now).await
    }

    async fn claim_mails(
        &self,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        let inner = &self.0;
        together!(inner.pool, |link| inner
            .claim(link, claim, now, until, limit)
            .await)
    }

    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        let (text, values) = self.0.settle(id, claim, &fate);
        Ok(self.0.execute(&Query { text, values }).await? == 1)
    }

    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        let rows = self.0.rows(self.0.count_mails(), &[]).await?;
        let number = |index: usize| {
            let row = rows.first().map(|row| row.number(index));
            row.transpose().map_err(map_error)
        };
        let (all, failed) = (number(0)?.flatten(), number(1)?.flatten());
        let (all, failed) = (all.unwrap_or_default(), failed.unwrap_or_default());
        Ok(((all - failed).unsigned_abs(), failed.unsigned_abs()))
    }

    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        self.0.purge(&cutoffs).await
    }

    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let (text, values) = self.0.audit(of, after, limit);
        let rows = self.0.rows(text, &values).await?;
        let events = rows.iter().map(event_of);
        events.collect::<Result<_, _>>().map_err(map_error)
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        head_of(&self.0.rows(self.0.head(), &[]).await?).map_err(map_error)
    }

    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let inner = &self.0;
        together!(inner.pool, |link| inner.reset(link, id, &fresh, now).await)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let inner = &self.0;
        together!(inner.pool, |link| inner.delete(link, id).await)
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let query = self.0.users.page(after, limit);
        let rows = self.0.rows(&query.text, &query.values).await?;
        let users = rows.iter().map(|row| self.0.users.read(row));
        users.collect::<Result<_, _>>().map_err(map_error)
    }

    async fn has_passkey(&self, id: UserId) -> Result<bool, StoreError> {
        let Some(passkeys) = &self.0.passkeys else {
            return Ok(false);
        };
        let found = self.0.rows(&passkeys.find, &[Value::Number(id.0)]).await?;
        Ok(!found.is_empty())
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        if !self.0.roles.are_there() {
            return Ok(Vec::new());
        }
        let query = self.0.roles.of_user(id);
        let rows = self.0.rows(&query.text, &query.values).await?;
        roles::read_all(&rows, 0).map_err(map_error)
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        if !self.0.roles.are_there() || name.contains('\0') {
            return Ok(None);
        }
        let query = self.0.roles.by_name(name);
        let rows = self.0.look_up(&query).await?;
        Ok(roles::read_all(&rows, 0).map_err(map_error)?.pop())
    }

    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        if !self.0.roles.are_there() {
            return Ok(Vec::new());
        }
        let query = self.0.roles.all();
        let rows = self.0.rows(&query.text, &query.values).await?;
        roles::read_all(&rows, 0).map_err(map_error)
    }

    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        let inner = &self.0;
        inner.roles.demand_for(&new)?;
        let made = together!(inner.pool, |link| inner.roles.insert(link, &new).await)?;
        made.ok_or_else(|| StoreError::Other("a new row has gone".to_owned()))
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let inner = &self.0;
        inner.roles.demand_column("permissions")?;
        together!(inner.pool, |link| inner
            .roles
            .change_permissions(link, role, change.clone(), now)
            .await)
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let inner = &self.0;
        inner.roles.demand()?;
        together!(inner.pool, |link| inner.roles.give(link, user, role).await)
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        self.0.roles.demand()?;
        let query = self.0.roles.take(user, role);
        Ok(self.0.execute(&query).await? > 0)
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.0.trackers.demand()?;
        self.0.execute(&self.0.trackers.insert(&new)).await?;
        self.tracker(&new.family)
            .await?
            .ok_or_else(|| StoreError::Other("a new row has gone".to_owned()))
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        if !self.0.trackers.are_there() || family.contains('\0') {
            return Ok(None);
        }
        let query = self.0.trackers.find(family);
        let rows = self.0.look_up(&query).await?;
        let tracker = rows.first().map(trackers::read).transpose();
        tracker.map_err(map_error)
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.0.trackers.demand()?;
        let query = self.0.trackers.rotate(family, from, now);
        Ok(self.0.execute(&query).await? == 1)
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        self.0.trackers.demand()?;
        let query = self.0.trackers.revoke(family, now);
        Ok(self.0.execute(&query).await? == 1)
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        if !self.0.trackers.are_there() {
            return Ok(0);
        }
        let query = self.0.trackers.clean(user, expired_before, revoked);
        self.0.execute(&query).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.rows("SELECT 'here'", &[]).await.map(drop)
    }
}
