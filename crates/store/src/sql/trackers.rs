//! The statements about families of refresh tokens.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use time::OffsetDateTime;

use super::columns::{TableNames, column_names};
use super::error::map_error;
use super::moment;
use crate::{NewTracker, RefreshTracker, StoreError, UserId};

/// The statements, built once; none where the table is not there.
#[derive(Debug)]
pub(super) struct TrackerStatements {
    texts: Option<Texts>,
    table: String,
}

#[derive(Debug)]
struct Texts {
    insert: String,
    find: String,
    rotate: String,
    revoke: String,
    clean: String,
    purge: String,
}

impl TrackerStatements {
    pub(super) fn new(connection: &Connection, tables: &TableNames) -> Result<Self, StoreError> {
        let there = !column_names(connection, &tables.refresh)?.is_empty();
        let texts = there.then(|| Texts {
            insert: tables.fill(
                "INSERT INTO {fs_refresh_tracker} \
                 (refresh_family, gen, expires_at, last_used_at, create_datetime, name, user_id) \
                 VALUES (?1, 1, ?2, ?3, ?3, ?4, ?5)",
            ),
            find: tables.fill(
                "SELECT user_id, refresh_family, gen, name, create_datetime, expires_at, \
                 revoked_at, last_used_at, id FROM {fs_refresh_tracker} WHERE refresh_family = ?1",
            ),
            // Compare and swap: of all who try with one generation, one finds it.
            rotate: tables.fill(
                "UPDATE {fs_refresh_tracker} SET gen = gen + 1, last_used_at = ?3 \
                 WHERE refresh_family = ?1 AND gen = ?2 AND revoked_at IS NULL",
            ),
            revoke: tables.fill(
                "UPDATE {fs_refresh_tracker} SET revoked_at = ?2 \
                 WHERE refresh_family = ?1 AND revoked_at IS NULL",
            ),
            // Moments are texts that sort as they follow each other.
            clean: tables.fill(
                "DELETE FROM {fs_refresh_tracker} WHERE user_id = ?1 \
                 AND (expires_at < ?2 OR (?3 AND revoked_at IS NOT NULL))",
            ),
            purge: tables.fill("DELETE FROM {fs_refresh_tracker} WHERE expires_at < ?1"),
        });
        Ok(Self {
            texts,
            table: tables.refresh.clone(),
        })
    }

    fn demand(&self) -> Result<&Texts, StoreError> {
        self.texts.as_ref().ok_or_else(|| {
            StoreError::Schema(format!(
                "there is no table {:?}: run `vestibule db upgrade`",
                self.table
            ))
        })
    }

    pub(super) fn insert(
        &self,
        connection: &Connection,
        new: &NewTracker,
    ) -> Result<RefreshTracker, StoreError> {
        let texts = self.demand()?;
        connection
            .execute(
                &texts.insert,
                params![
                    new.family,
                    moment::write(new.expires_at),
                    moment::write(new.created_at),
                    new.name,
                    new.user_id.0
                ],
            )
            .map_err(map_error)?;
        self.find(connection, &new.family)?
            .ok_or_else(|| StoreError::Other("a new row has gone".to_owned()))
    }

    pub(super) fn find(
        &self,
        connection: &Connection,
        family: &str,
    ) -> Result<Option<RefreshTracker>, StoreError> {
        let Some(texts) = &self.texts else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(&texts.find).map_err(map_error)?;
        statement
            .query_row([family], |row| Ok(self.read(row)))
            .optional()
            .map_err(map_error)?
            .transpose()
    }

    pub(super) fn rotate(
        &self,
        connection: &Connection,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let changed = connection
            .prepare_cached(&self.demand()?.rotate)
            .and_then(|mut statement| statement.execute(params![family, from, moment::write(now)]));
        Ok(changed.map_err(map_error)? == 1)
    }

    pub(super) fn revoke(
        &self,
        connection: &Connection,
        family: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let changed =
            connection.execute(&self.demand()?.revoke, params![family, moment::write(now)]);
        Ok(changed.map_err(map_error)? == 1)
    }

    pub(super) fn clean(
        &self,
        connection: &Connection,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let Some(texts) = &self.texts else {
            return Ok(0);
        };
        let before = expired_before.map(moment::write);
        let changed = connection
            .execute(&texts.clean, params![user.0, before, revoked])
            .map_err(map_error)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Of everybody.
    pub(super) fn purge(
        &self,
        connection: &Connection,
        expired_before: Option<OffsetDateTime>,
    ) -> Result<u64, StoreError> {
        let (Some(texts), Some(before)) = (&self.texts, expired_before) else {
            return Ok(0);
        };
        let changed = connection
            .execute(&texts.purge, [moment::write(before)])
            .map_err(map_error)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn read(&self, row: &Row<'_>) -> Result<RefreshTracker, StoreError> {
        let moment = |at: usize, column: &str| -> Result<Option<OffsetDateTime>, StoreError> {
            let text: Option<String> = row.get(at).map_err(map_error)?;
            text.map(|text| moment::read(text.as_bytes()).ok_or_else(|| self.corrupt(row, column)))
                .transpose()
        };
        let needed = |value: Option<OffsetDateTime>, column: &str| {
            value.ok_or_else(|| self.corrupt(row, column))
        };
        Ok(RefreshTracker {
            user_id: UserId(row.get(0).map_err(map_error)?),
            family: row.get(1).map_err(map_error)?,
            generation: row
                .get::<_, Option<i64>>(2)
                .map_err(map_error)?
                .unwrap_or(0),
            name: row.get(3).map_err(map_error)?,
            created_at: needed(moment(4, "create_datetime")?, "create_datetime")?,
            expires_at: needed(moment(5, "expires_at")?, "expires_at")?,
            revoked_at: moment(6, "revoked_at")?,
            last_used_at: needed(moment(7, "last_used_at")?, "last_used_at")?,
        })
    }

    fn corrupt(&self, row: &Row<'_>, column: &str) -> StoreError {
        StoreError::Corrupt {
            table: self.table.clone(),
            column: column.to_owned(),
            row: row.get(8).unwrap_or_default(),
        }
    }
}
