//! The statements about families of refresh tokens.

use time::OffsetDateTime;

use super::dialect::Dialect;
use super::users::Query;
use super::wire::{Link, Row, Value};
use crate::sql::TableNames;
use crate::{NewTracker, RefreshTracker, StoreError, UserId};

/// The statements, built once.
#[derive(Debug)]
pub(super) struct TrackerStatements {
    dialect: Dialect,
    table: String,
    there: bool,
    insert: String,
    find: String,
    rotate: String,
    revoke: String,
    revoke_all: String,
    clean: [String; 2],
    expired: String,
    remove: String,
}

impl TrackerStatements {
    pub(super) fn new(dialect: Dialect, tables: &TableNames, there: bool) -> Self {
        let statement = |text: &str| dialect.statement(tables, text);
        let (exactly, _) = dialect.exactly("refresh_family");
        Self {
            insert: statement(
                "INSERT INTO {fs_refresh_tracker} \
                 (refresh_family, gen, expires_at, last_used_at, create_datetime, name, user_id) \
                 VALUES (?, 1, ?, ?, ?, ?, ?)",
            ),
            find: statement(&format!(
                "SELECT {}, refresh_family, {}, name, create_datetime, expires_at, revoked_at, \
                 last_used_at FROM {{fs_refresh_tracker}} WHERE {exactly}",
                dialect.number("user_id"),
                dialect.number("gen"),
            )),
            // Compare and swap: of all who try with one generation, one finds it.
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
            clean: ["", " OR revoked_at IS NOT NULL"].map(|or_revoked| {
                statement(&format!(
                    "DELETE FROM {{fs_refresh_tracker}} \
                     WHERE user_id = ? AND (expires_at < ?{or_revoked})"
                ))
            }),
            // Looked for first: a DELETE would lock every row that it looks at on MySQL, those
            // that somebody exchanges a token of among them.
            expired: statement(&format!(
                "SELECT {} FROM {{fs_refresh_tracker}} WHERE expires_at < ? LIMIT {AT_A_TIME}",
                dialect.number("id"),
            )),
            remove: tables.fill_with("DELETE FROM {fs_refresh_tracker} WHERE id IN ", |name| {
                dialect.quote(name)
            }),
            dialect,
            table: tables.refresh.clone(),
            there,
        }
    }

    pub(super) fn are_there(&self) -> bool {
        self.there
    }

    pub(super) fn demand(&self) -> Result<(), StoreError> {
        if self.there {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "there is no table {:?}: run `vestibule db upgrade`",
            self.table
        )))
    }

    /// A family's name, as often as the comparison with it needs it.
    fn named(&self, family: &str) -> Vec<Value> {
        let (_, times) = self.dialect.exactly("refresh_family");
        vec![Value::Text(Some(family.to_owned())); times]
    }

    pub(super) fn insert(&self, new: &NewTracker) -> Query {
        let created = self.dialect.at(new.created_at);
        Query {
            text: self.insert.clone(),
            values: vec![
                Value::Text(Some(new.family.clone())),
                self.dialect.at(new.expires_at),
                created.clone(),
                created,
                Value::Text(Some(new.name.clone())),
                Value::Number(new.user_id.0),
            ],
        }
    }

    pub(super) fn find(&self, family: &str) -> Query {
        Query {
            text: self.find.clone(),
            values: self.named(family),
        }
    }

    pub(super) fn rotate(&self, family: &str, from: i64, now: OffsetDateTime) -> Query {
        let mut values = vec![self.dialect.at(now)];
        values.extend(self.named(family));
        values.push(Value::Number(from));
        Query {
            text: self.rotate.clone(),
            values,
        }
    }

    pub(super) fn revoke(&self, family: &str, now: OffsetDateTime) -> Query {
        let mut values = vec![self.dialect.at(now)];
        values.extend(self.named(family));
        Query {
            text: self.revoke.clone(),
            values,
        }
    }

    pub(super) async fn revoke_all(
        &self,
        link: &mut Link<'_>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), sqlx_core::Error> {
        let values = [self.dialect.at(now), Value::Number(user.0)];
        link.execute(&self.revoke_all, &values).await.map(drop)
    }

    pub(super) fn clean(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Query {
        let before = expired_before.map(|at| self.dialect.moment(at));
        Query {
            text: self.clean[usize::from(revoked)].clone(),
            values: vec![Value::Number(user.0), Value::Moment(before)],
        }
    }

    /// Some of the families, whoever's, that expired before a moment.
    pub(super) fn expired(&self, before: OffsetDateTime) -> Query {
        Query {
            text: self.expired.clone(),
            values: vec![self.dialect.at(before)],
        }
    }

    /// Removes those that were found.
    pub(super) fn remove(&self, found: &[Row]) -> Result<Query, sqlx_core::Error> {
        let ids = found
            .iter()
            .map(|row| Ok(Value::Number(row.number(0)?.unwrap_or_default())));
        let values = ids.collect::<Result<Vec<_>, sqlx_core::Error>>()?;
        let marks = format!("({})", vec!["?"; values.len()].join(", "));
        Ok(Query {
            text: format!("{}{}", self.remove, self.dialect.marks(&marks)),
            values,
        })
    }
}

/// How many families are removed at a time.
pub(super) const AT_A_TIME: usize = 500;

pub(super) fn read(row: &Row) -> Result<RefreshTracker, sqlx_core::Error> {
    let needed = |index: usize| {
        row.moment(index)?
            .ok_or_else(|| sqlx_core::Error::ColumnNotFound(format!("tracker column {index}")))
    };
    Ok(RefreshTracker {
        user_id: UserId(row.number(0)?.unwrap_or_default()),
        family: row.text(1)?.unwrap_or_default(),
        generation: row.number(2)?.unwrap_or_default(),
        name: row.text(3)?.unwrap_or_default(),
        created_at: needed(4)?,
        expires_at: needed(5)?,
        revoked_at: row.moment(6)?,
        last_used_at: needed(7)?,
    })
}
