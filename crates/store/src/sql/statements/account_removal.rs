//! Ending a user's access, and deleting a user.

use time::OffsetDateTime;

use super::{PresentColumns, Statements};
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, first};
use crate::sql::query::{Query, Value};
use crate::{Uniquifiers, UserId};

/// The statements, built once, for the tables that exist.
#[derive(Debug)]
pub(in crate::sql) struct RemovalStatements {
    find_passkey: Option<String>,
    delete_passkeys: Option<String>,
    /// Deletes the rows that refer to a user, then the user.
    delete: Vec<String>,
}

impl RemovalStatements {
    pub(in crate::sql) fn new(
        dialect: Dialect,
        tables: &TableNames,
        present: &PresentColumns,
    ) -> Self {
        let statement = |text: &str| dialect.statement(tables, text);
        let delete_of = |columns: &std::collections::HashSet<String>, table: &str| {
            let text = format!("DELETE FROM {{{table}}} WHERE user_id = ?");
            columns.contains("user_id").then(|| statement(&text))
        };
        let delete_passkeys = delete_of(&present.web_authn, "web_authn");
        let delete = [
            delete_of(&present.roles_users, "roles_users"),
            delete_passkeys.clone(),
            delete_of(&present.refresh, "fs_refresh_tracker"),
            Some(statement("DELETE FROM {user} WHERE id = ?")),
        ];
        let find_passkey = delete_passkeys
            .is_some()
            .then(|| statement("SELECT 1 FROM {web_authn} WHERE user_id = ? LIMIT 1"));
        Self {
            find_passkey,
            delete_passkeys,
            delete: delete.into_iter().flatten().collect(),
        }
    }
}

impl Statements {
    #[cfg(test)]
    pub(in crate::sql) fn has_passkey_text(&self) -> Option<&str> {
        self.removal.find_passkey.as_deref()
    }

    pub(in crate::sql) async fn has_passkey<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
    ) -> Outcome<bool, X> {
        let Some(find) = &self.removal.find_passkey else {
            return Ok(false);
        };
        let query = Query::new(find, vec![Value::number(id.0)]);
        let found = first(db, &query, |_| Ok(())).await?;
        Ok(found.is_some())
    }

    /// Revokes every credential except the password, inside of a transaction.
    pub(in crate::sql) async fn reset_access<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
        fresh: &Uniquifiers,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        let changed = db.execute(&self.users.reset_access(id, fresh, now)).await?;
        if let Some(text) = &self.removal.delete_passkeys {
            db.execute(&Query::new(text, vec![Value::number(id.0)]))
                .await?;
        }
        self.trackers.revoke_all(db, id, now).await?;
        Ok(changed == 1)
    }

    /// Deletes a user and the rows that refer to them, inside of a transaction.
    pub(in crate::sql) async fn delete_user<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
    ) -> Outcome<bool, X> {
        let mut changed = 0;
        for text in &self.removal.delete {
            changed = db
                .execute(&Query::new(text, vec![Value::number(id.0)]))
                .await?;
        }
        Ok(changed == 1)
    }
}
