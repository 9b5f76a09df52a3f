//! What is taken from a user in one piece: every way in but the password, or everything.

use time::OffsetDateTime;

use super::Inner;
use super::dialect::Dialect;
use super::wire::{Link, Value};
use crate::sql::TableNames;
use crate::{Uniquifiers, UserId};

impl Inner {
    pub(super) async fn delete(
        &self,
        link: &mut Link<'_>,
        id: UserId,
    ) -> Result<bool, sqlx_core::Error> {
        let key = [Value::Number(id.0)];
        let statement = |text: &str| self.dialect.statement(&self.tables, text);
        if self.roles.are_there() {
            let text = "DELETE FROM {roles_users} WHERE user_id = ?";
            link.execute(&statement(text), &key).await?;
        }
        if let Some(passkeys) = &self.passkeys {
            link.execute(&passkeys.delete, &key).await?;
        }
        if self.trackers.are_there() {
            let text = "DELETE FROM {fs_refresh_tracker} WHERE user_id = ?";
            link.execute(&statement(text), &key).await?;
        }
        let text = "DELETE FROM {user} WHERE id = ?";
        Ok(link.execute(&statement(text), &key).await? == 1)
    }

    pub(super) async fn reset(
        &self,
        link: &mut Link<'_>,
        id: UserId,
        fresh: &Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, sqlx_core::Error> {
        let query = self.users.reset(id, fresh, now);
        let changed = link.execute(&query.text, &query.values).await?;
        if let Some(passkeys) = &self.passkeys {
            link.execute(&passkeys.delete, &[Value::Number(id.0)])
                .await?;
        }
        if self.trackers.are_there() {
            self.trackers.revoke_all(link, id, now).await?;
        }
        Ok(changed == 1)
    }
}

/// What is asked of passkeys.
#[derive(Debug)]
pub(super) struct PasskeyStatements {
    pub(super) find: String,
    delete: String,
}

impl PasskeyStatements {
    pub(super) fn new(dialect: Dialect, tables: &TableNames) -> Self {
        let statement = |text| dialect.statement(tables, text);
        Self {
            find: statement("SELECT 1 FROM {web_authn} WHERE user_id = ? LIMIT 1"),
            delete: statement("DELETE FROM {web_authn} WHERE user_id = ?"),
        }
    }
}
