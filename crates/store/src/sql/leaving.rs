//! What is taken from a user in one piece: every way in but the password, or everything.

use rusqlite::{Connection, params};
use time::OffsetDateTime;

use super::columns::{TableNames, UserColumns, column_names};
use super::error::map_error;
use super::moment;
use crate::{StoreError, Uniquifiers, UserId};

/// The statements, built once, for the tables and columns that are there.
#[derive(Debug)]
pub(super) struct LeavingStatements {
    reset: String,
    revoke_all: Option<String>,
    find_passkey: Option<String>,
    delete_passkeys: Option<String>,
    /// What belongs to a user, then the user.
    delete: Vec<String>,
}

impl LeavingStatements {
    pub(super) fn new(
        connection: &Connection,
        tables: &TableNames,
        columns: &UserColumns,
    ) -> Result<Self, StoreError> {
        let delete_of = |table: &str, mark: &str| -> Result<Option<String>, StoreError> {
            let there = column_names(connection, table)?.contains("user_id");
            let statement = format!("DELETE FROM {{{mark}}} WHERE user_id = ?1");
            Ok(there.then(|| tables.fill(&statement)))
        };
        let delete_passkeys = delete_of(&tables.web_authn, "web_authn")?;
        let delete_trackers = delete_of(&tables.refresh, "fs_refresh_tracker")?;
        let revoke_all = delete_trackers.is_some().then(|| {
            tables.fill(
                "UPDATE {fs_refresh_tracker} SET revoked_at = ?2 \
                 WHERE user_id = ?1 AND revoked_at IS NULL",
            )
        });
        let mut delete: Vec<String> = [
            delete_of(&tables.roles_users, "roles_users")?,
            delete_passkeys.clone(),
            delete_trackers,
        ]
        .into_iter()
        .flatten()
        .collect();
        delete.push(tables.fill("DELETE FROM {user} WHERE id = ?1"));

        let mut sets = vec!["fs_uniquifier = ?2".to_owned()];
        let values = [
            ("fs_token_uniquifier", "?3"),
            ("update_datetime", "?4"),
            ("us_totp_secrets", "NULL"),
            ("tf_primary_method", "NULL"),
            ("tf_totp_secret", "NULL"),
            ("tf_phone_number", "NULL"),
            ("mf_recovery_codes", "NULL"),
        ];
        for (column, value) in values {
            if columns.has(column) {
                sets.push(format!("{column} = {value}"));
            }
        }
        // Every value has its place, whether or not its column is there.
        let reset = format!(
            "UPDATE {{user}} SET {} WHERE id = ?1 AND ?3 IS NOT NULL AND ?4 IS NOT NULL",
            sets.join(", ")
        );
        let find_passkey = delete_passkeys
            .is_some()
            .then(|| tables.fill("SELECT 1 FROM {web_authn} WHERE user_id = ?1 LIMIT 1"));
        Ok(Self {
            find_passkey,
            reset: tables.fill(&reset),
            revoke_all,
            delete_passkeys,
            delete,
        })
    }

    /// Whether a user has a passkey.
    pub(super) fn has_passkey(
        &self,
        connection: &Connection,
        id: UserId,
    ) -> Result<bool, StoreError> {
        let Some(find) = &self.find_passkey else {
            return Ok(false);
        };
        let mut statement = connection.prepare_cached(find).map_err(map_error)?;
        statement.exists([id.0]).map_err(map_error)
    }

    /// Ends every way in but the password.
    pub(super) fn reset_access(
        &self,
        connection: &Connection,
        id: UserId,
        fresh: &Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let now = moment::write(now);
        let changed = connection
            .execute(&self.reset, params![id.0, fresh.session, fresh.token, now])
            .map_err(map_error)?;
        if let Some(statement) = &self.delete_passkeys {
            connection.execute(statement, [id.0]).map_err(map_error)?;
        }
        if let Some(statement) = &self.revoke_all {
            connection
                .execute(statement, params![id.0, now])
                .map_err(map_error)?;
        }
        Ok(changed == 1)
    }

    /// Deletes a user and what belongs to them.
    pub(super) fn delete(&self, connection: &Connection, id: UserId) -> Result<bool, StoreError> {
        let mut changed = 0;
        for statement in &self.delete {
            changed = connection.execute(statement, [id.0]).map_err(map_error)?;
        }
        Ok(changed == 1)
    }
}
