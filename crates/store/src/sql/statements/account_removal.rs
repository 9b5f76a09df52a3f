//! Ending a user's access, and deleting a user.

use time::OffsetDateTime;

use super::{PresentColumns, Statements};
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome};
use crate::sql::query::{Query, Value};
use crate::{Uniquifiers, UserId};

/// The statements, built once, for the tables that exist.
#[derive(Debug)]
pub(in crate::sql) struct RemovalStatements {
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
        let delete = [
            delete_of(&present.roles_users, "roles_users"),
            delete_of(&present.refresh, "fs_refresh_tracker"),
            Some(statement("DELETE FROM {user} WHERE id = ?")),
        ];
        Self {
            delete: delete.into_iter().flatten().collect(),
        }
    }
}

impl Statements {
    /// Revokes every credential except the password, inside of a transaction.
    pub(in crate::sql) async fn reset_access<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
        fresh: &Uniquifiers,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        let changed = db.execute(&self.users.reset_access(id, fresh, now)).await?;
        self.passkeys.delete_all(db, id).await?;
        self.identities.delete_all(db, id).await?;
        self.trackers.revoke_all(db, id, now).await?;
        Ok(changed == 1)
    }

    /// Deletes a user and the rows that refer to them, inside of a transaction.
    pub(in crate::sql) async fn delete_user<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
    ) -> Outcome<bool, X> {
        // While the user is locked, no other transaction adds rows that refer to them.
        if self.users.lock(db, id).await?.is_none() {
            return Ok(false);
        }
        self.passkeys.delete_all(db, id).await?;
        self.identities.delete_all(db, id).await?;
        let mut changed = 0;
        for text in &self.removal.delete {
            changed = db
                .execute(&Query::new(text, vec![Value::number(id.0)]))
                .await?;
        }
        Ok(changed == 1)
    }
}
