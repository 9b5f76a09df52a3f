//! Families of refresh tokens.

use time::OffsetDateTime;

use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, all, first, lost_row};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::{NewTracker, RefreshTracker, StoreError, UserId};

/// How many families a purge removes at a time.
const BATCH: usize = 500;

/// The columns of a family, in the order in which they are read.
const COLUMNS: [&str; 9] = [
    "user_id",
    "refresh_family",
    "gen",
    "name",
    "create_datetime",
    "expires_at",
    "revoked_at",
    "last_used_at",
    "id",
];

/// The statements, built once.
#[derive(Debug)]
pub(in crate::sql) struct TrackerStatements {
    dialect: Dialect,
    table: String,
    /// Whether the table exists. Without it there are no refresh tokens.
    exists: bool,
    insert: String,
    find: String,
    rotate: String,
    revoke: String,
    revoke_all: String,
    clean: [String; 2],
    purge: String,
    expired: String,
    remove: String,
}

impl TrackerStatements {
    pub(in crate::sql) fn new(dialect: Dialect, tables: &TableNames, exists: bool) -> Self {
        let statement = |text: &str| dialect.statement(tables, text);
        let (exactly, _) = dialect.exactly("refresh_family");
        let list = COLUMNS.map(|column| match column {
            "id" | "user_id" | "gen" => dialect.number(column),
            column => column.to_owned(),
        });
        Self {
            insert: statement(
                "INSERT INTO {fs_refresh_tracker} \
                 (refresh_family, gen, expires_at, last_used_at, create_datetime, name, user_id) \
                 VALUES (?, 1, ?, ?, ?, ?, ?)",
            ),
            find: statement(&format!(
                "SELECT {} FROM {{fs_refresh_tracker}} WHERE {exactly}",
                list.join(", ")
            )),
            // Compare and swap: of all requests that rotate one generation, one succeeds.
            rotate: statement(&format!(
                "UPDATE {{fs_refresh_tracker}} SET gen = gen + 1, last_used_at = ? \
                 WHERE {exactly} AND gen = ? AND revoked_at IS NULL"
            )),
            revoke: statement(&format!(
                "UPDATE {{fs_refresh_tracker}} SET revoked_at = ? \
                 WHERE {exactly} AND revoked_at IS NULL"
            )),
            revoke_all: statement(
                "UPDATE {fs_refresh_tracker} SET revoked_at = ? \
                 WHERE user_id = ? AND revoked_at IS NULL",
            ),
            // SQLite keeps times as text, which sorts as the times do.
            clean: ["", " OR revoked_at IS NOT NULL"].map(|or_revoked| {
                statement(&format!(
                    "DELETE FROM {{fs_refresh_tracker}} \
                     WHERE user_id = ? AND (expires_at < ?{or_revoked})"
                ))
            }),
            purge: statement("DELETE FROM {fs_refresh_tracker} WHERE expires_at < ?"),
            expired: statement(&format!(
                "SELECT {} FROM {{fs_refresh_tracker}} WHERE expires_at < ? LIMIT {BATCH}",
                dialect.number("id"),
            )),
            remove: statement("DELETE FROM {fs_refresh_tracker} WHERE id IN "),
            dialect,
            table: tables.refresh.clone(),
            exists,
        }
    }

    /// The statements that exchange a refresh token.
    #[cfg(test)]
    pub(in crate::sql) fn hot_texts(&self) -> [&str; 2] {
        [&self.find, &self.rotate]
    }

    /// Refuses to write if the table does not exist.
    fn require_table(&self) -> Result<(), StoreError> {
        if self.exists {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "there is no table {:?}: run `vestibule db upgrade`",
            self.table
        )))
    }

    /// A family's name, repeated as often as a comparison takes it.
    fn compared<'a>(&self, family: &'a str) -> Vec<Value<'a>> {
        let (_, times) = self.dialect.exactly("refresh_family");
        vec![Value::text(family); times]
    }

    pub(in crate::sql) async fn insert<X: Executor>(
        &self,
        db: &mut X,
        new: &NewTracker,
    ) -> Outcome<(), X> {
        self.require_table()?;
        let created = self.dialect.time_value(new.created_at);
        let values = vec![
            Value::text(&new.family),
            self.dialect.time_value(new.expires_at),
            created.clone(),
            created,
            Value::text(&new.name),
            Value::number(new.user_id.0),
        ];
        db.execute(&Query::new(&self.insert, values))
            .await
            .map(drop)
    }

    pub(in crate::sql) async fn create<X: Executor>(
        &self,
        db: &mut X,
        new: &NewTracker,
    ) -> Outcome<RefreshTracker, X> {
        self.insert(db, new).await?;
        let made = self.find(db, &new.family).await?;
        made.ok_or_else(|| lost_row().into())
    }

    pub(in crate::sql) async fn find<X: Executor>(
        &self,
        db: &mut X,
        family: &str,
    ) -> Outcome<Option<RefreshTracker>, X> {
        if !self.exists || !self.dialect.can_compare(family) {
            return Ok(None);
        }
        let query = Query::new(&self.find, self.compared(family));
        first(db, &query, |row| self.read(row)).await
    }

    pub(in crate::sql) async fn rotate<X: Executor>(
        &self,
        db: &mut X,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        self.require_table()?;
        let mut values = vec![self.dialect.time_value(now)];
        values.extend(self.compared(family));
        values.push(Value::number(from));
        Ok(db.execute(&Query::new(&self.rotate, values)).await? == 1)
    }

    pub(in crate::sql) async fn revoke<X: Executor>(
        &self,
        db: &mut X,
        family: &str,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        self.require_table()?;
        let mut values = vec![self.dialect.time_value(now)];
        values.extend(self.compared(family));
        Ok(db.execute(&Query::new(&self.revoke, values)).await? == 1)
    }

    /// Ends every family of a user.
    pub(in crate::sql) async fn revoke_all<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
        now: OffsetDateTime,
    ) -> Outcome<(), X> {
        if !self.exists {
            return Ok(());
        }
        let values = vec![self.dialect.time_value(now), Value::number(user.0)];
        db.execute(&Query::new(&self.revoke_all, values))
            .await
            .map(drop)
    }

    pub(in crate::sql) async fn clean<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Outcome<u64, X> {
        if !self.exists {
            return Ok(0);
        }
        let before = expired_before.map(|time| self.dialect.time(time));
        let values = vec![Value::number(user.0), Value::Time(before)];
        let text = &self.clean[usize::from(revoked)];
        db.execute(&Query::new(text, values)).await
    }

    /// Removes the expired families of all users. Returns how many there were.
    pub(in crate::sql) async fn purge<X: Executor>(
        &self,
        db: &mut X,
        expired_before: OffsetDateTime,
    ) -> Outcome<u64, X> {
        if !self.exists {
            return Ok(0);
        }
        let before = || vec![self.dialect.time_value(expired_before)];
        if self.dialect == Dialect::Sqlite {
            return db.execute(&Query::new(&self.purge, before())).await;
        }
        // A DELETE on MySQL locks every row that it looks at, including those of families that
        // are in use. Hence the expired rows are selected first.
        let mut removed = 0;
        loop {
            let expired = Query::new(&self.expired, before());
            let read = |row: &dyn Cells| {
                let record = self.record(row, &["id"]);
                record.number(0).map(Value::Number)
            };
            let found = all(db, &expired, read).await?;
            let count = found.len();
            if count > 0 {
                let list = format!("({})", vec!["?"; count].join(", "));
                let text = format!("{}{}", self.remove, self.dialect.placeholders(&list));
                removed += db.execute(&Query::new(text, found)).await?;
            }
            if count < BATCH {
                return Ok(removed);
            }
        }
    }

    fn record<'a>(&'a self, cells: &'a dyn Cells, columns: &'static [&'static str]) -> Record<'a> {
        Record {
            cells,
            table: &self.table,
            columns,
            first: 0,
        }
    }

    fn read(&self, cells: &dyn Cells) -> Result<RefreshTracker, StoreError> {
        let row = self.record(cells, &COLUMNS);
        let required_time = |column| row.required(column, row.time(column)?);
        Ok(RefreshTracker {
            user_id: UserId(row.required(0, row.number(0)?)?),
            family: row.required(1, row.text(1)?)?,
            generation: row.number(2)?.unwrap_or_default(),
            name: row.required(3, row.text(3)?)?,
            created_at: required_time(4)?,
            expires_at: required_time(5)?,
            revoked_at: row.time(6)?,
            last_used_at: required_time(7)?,
        })
    }
}
