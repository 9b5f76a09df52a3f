//! Roles, and which users have them.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::PresentColumns;
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, all, first, lost_row};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::{NewRole, PermissionChange, Role, RoleChange, RoleId, StoreError, UserId};

/// The columns of a role, in the order in which they are read.
const COLUMNS: [&str; 4] = ["id", "name", "description", "permissions"];

/// Joins users, `u`, with their roles, `r`.
pub(super) const JOIN: &str = "LEFT JOIN {roles_users} l ON l.user_id = u.id \
     LEFT JOIN {role} r ON r.id = l.role_id";

/// The statements, built once.
#[derive(Debug)]
pub(in crate::sql) struct RoleStatements {
    dialect: Dialect,
    tables: TableNames,
    /// Whether the tables exist. Without them no user has a role, which is no error.
    exists: bool,
    columns: HashSet<String>,
    /// The columns of a role, `r`, as a SELECT lists them.
    pub(super) list: String,
    of_user: String,
    by_name: String,
    by_id: String,
    all: String,
    lock_user: String,
    has: String,
    give: String,
    take: String,
    change_permissions: String,
}

impl RoleStatements {
    pub(in crate::sql) fn new(
        dialect: Dialect,
        tables: &TableNames,
        present: &PresentColumns,
    ) -> Self {
        let columns = present.role.clone();
        let has_all = |columns: &HashSet<String>, names: [&str; 2]| {
            names.iter().all(|name| columns.contains(*name))
        };
        let exists = has_all(&columns, ["id", "name"])
            && has_all(&present.roles_users, ["user_id", "role_id"]);
        let list = COLUMNS.map(|column| match column {
            "id" => dialect.number("r.id"),
            column if columns.contains(column) => format!("r.{column}"),
            // Cast to a text type, so that the driver reads it as text.
            _ => "CAST(NULL AS CHAR(1))".to_owned(),
        });
        let list = list.join(", ");
        let statement = |text: &str| dialect.statement(tables, text);
        let select = |rest: &str| statement(&format!("SELECT {list} FROM {{role}} r {rest}"));
        let (exactly, _) = dialect.exactly("r.name");
        let dated = if columns.contains("update_datetime") {
            ", update_datetime = ?"
        } else {
            ""
        };
        Self {
            of_user: select("JOIN {roles_users} l ON l.role_id = r.id WHERE l.user_id = ?"),
            by_name: select(&format!("WHERE {exactly}")),
            by_id: select("WHERE r.id = ?"),
            all: select(""),
            lock_user: statement("SELECT id FROM {user} WHERE id = ? FOR UPDATE"),
            has: statement(&format!(
                "SELECT {} FROM {{roles_users}} WHERE user_id = ? AND role_id = ?",
                dialect.number("role_id")
            )),
            // Inserts nothing if the user or the role does not exist.
            give: statement(
                "INSERT INTO {roles_users} (user_id, role_id) \
                 SELECT {user}.id, {role}.id FROM {user} CROSS JOIN {role} \
                 WHERE {user}.id = ? AND {role}.id = ?",
            ),
            take: statement("DELETE FROM {roles_users} WHERE user_id = ? AND role_id = ?"),
            change_permissions: statement(&format!(
                "UPDATE {{role}} SET permissions = ?{dated} WHERE id = ?"
            )),
            dialect,
            tables: tables.clone(),
            exists,
            columns,
            list,
        }
    }

    pub(in crate::sql) const fn exists(&self) -> bool {
        self.exists
    }

    #[cfg(test)]
    pub(in crate::sql) fn of_user_text(&self) -> &str {
        &self.of_user
    }

    /// Refuses to write where there are no tables.
    fn require_tables(&self) -> Result<(), StoreError> {
        if self.exists {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "there are no tables {:?} and {:?}: run `vestibule db upgrade`",
            self.tables.role, self.tables.roles_users
        )))
    }

    fn require_column(&self, column: &str) -> Result<(), StoreError> {
        if self.columns.contains(column) {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "the table {:?} has no column {column:?}: run `vestibule db upgrade`",
            self.tables.role
        )))
    }

    pub(in crate::sql) async fn of_user<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
    ) -> Outcome<Vec<Role>, X> {
        if !self.exists {
            return Ok(Vec::new());
        }
        let query = Query::new(&self.of_user, vec![Value::number(id.0)]);
        self.several(db, &query).await
    }

    pub(in crate::sql) async fn all<X: Executor>(&self, db: &mut X) -> Outcome<Vec<Role>, X> {
        if !self.exists {
            return Ok(Vec::new());
        }
        self.several(db, &Query::new(&self.all, Vec::new())).await
    }

    async fn several<X: Executor>(&self, db: &mut X, query: &Query<'_>) -> Outcome<Vec<Role>, X> {
        let roles = all(db, query, |row| self.read(row, 0)).await?;
        Ok(each_once_by_name(roles.into_iter().flatten().collect()))
    }

    pub(in crate::sql) async fn by_name<X: Executor>(
        &self,
        db: &mut X,
        name: &str,
    ) -> Outcome<Option<Role>, X> {
        if !self.exists || !self.dialect.can_compare(name) {
            return Ok(None);
        }
        let (_, times) = self.dialect.exactly("r.name");
        let query = Query::new(&self.by_name, vec![Value::text(name); times]);
        let found = first(db, &query, |row| self.read(row, 0)).await?;
        Ok(found.flatten())
    }

    async fn by_id<X: Executor>(
        &self,
        db: &mut X,
        id: RoleId,
        lock: &str,
    ) -> Outcome<Option<Role>, X> {
        let query = Query::new(format!("{}{lock}", self.by_id), vec![Value::number(id.0)]);
        let found = first(db, &query, |row| self.read(row, 0)).await?;
        Ok(found.flatten())
    }

    pub(in crate::sql) async fn create<X: Executor>(
        &self,
        db: &mut X,
        new: &NewRole,
    ) -> Outcome<Role, X> {
        self.require_tables()?;
        let permissions = joined(&new.permissions);
        let mut values = vec![("name", Value::text(&new.name))];
        for (column, value) in [
            ("description", &new.description),
            ("permissions", &permissions),
        ] {
            if value.is_some() {
                self.require_column(column)?;
                values.push((column, Value::maybe_text(value.as_deref())));
            }
        }
        if self.columns.contains("update_datetime") {
            values.push(("update_datetime", self.dialect.time_value(new.created_at)));
        }
        let (names, values): (Vec<&str>, Vec<Value<'_>>) = values.into_iter().unzip();
        let text = format!(
            "INSERT INTO {{role}} ({}) VALUES ({})",
            names.join(", "),
            vec!["?"; names.len()].join(", ")
        );
        let text = self.dialect.statement(&self.tables, &text);
        let id = db.insert(&Query::new(text, values)).await?;
        let made = self.by_id(db, RoleId(id), "").await?;
        made.ok_or_else(|| lost_row().into())
    }

    /// Reads and writes, inside of a transaction. Other changes to the role wait.
    pub(in crate::sql) async fn change_permissions<X: Executor>(
        &self,
        db: &mut X,
        id: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Outcome<Option<Role>, X> {
        self.require_tables()?;
        self.require_column("permissions")?;
        let Some(mut role) = self.by_id(db, id, self.dialect.for_update()).await? else {
            return Ok(None);
        };
        change.apply(&mut role.permissions);
        let permissions = joined(&role.permissions);
        let mut values = vec![Value::maybe_text(permissions.as_deref())];
        if self.columns.contains("update_datetime") {
            values.push(self.dialect.time_value(now));
        }
        values.push(Value::number(id.0));
        db.execute(&Query::new(&self.change_permissions, values))
            .await?;
        Ok(Some(role))
    }

    /// Gives a role, inside of a transaction. The reference's table has no constraint against
    /// giving it twice, so other transactions that give this user a role wait for the user's row.
    pub(in crate::sql) async fn give<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
        role: RoleId,
    ) -> Outcome<bool, X> {
        self.require_tables()?;
        let pair = || vec![Value::number(user.0), Value::number(role.0)];
        if self.dialect != Dialect::Sqlite {
            let lock = Query::new(&self.lock_user, vec![Value::number(user.0)]);
            db.execute(&lock).await?;
        }
        let has = first(db, &Query::new(&self.has, pair()), |_| Ok(())).await?;
        if has.is_some() {
            return Ok(false);
        }
        Ok(db.execute(&Query::new(&self.give, pair())).await? == 1)
    }

    pub(in crate::sql) async fn take<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
        role: RoleId,
    ) -> Outcome<bool, X> {
        self.require_tables()?;
        let pair = vec![Value::number(user.0), Value::number(role.0)];
        Ok(db.execute(&Query::new(&self.take, pair)).await? > 0)
    }

    /// One part of a change. Returns false if the change is already in effect, or if the role
    /// does not exist.
    pub(super) async fn apply<X: Executor>(
        &self,
        db: &mut X,
        change: &RoleChange,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        match change {
            RoleChange::Create(new) => self.create(db, new).await.map(|_| true),
            RoleChange::Permissions(role, change) => {
                let changed = self.change_permissions(db, *role, change.clone(), now);
                Ok(changed.await?.is_some())
            }
            RoleChange::Give(user, role) => self.give(db, *user, *role).await,
            RoleChange::Take(user, role) => self.take(db, *user, *role).await,
        }
    }

    /// Reads the role that begins at a cell of a row. A user without roles is joined with NULLs.
    pub(super) fn read(&self, cells: &dyn Cells, first: usize) -> Result<Option<Role>, StoreError> {
        let row = Record {
            cells,
            table: &self.tables.role,
            columns: &COLUMNS,
            first,
        };
        let Some(id) = row.number(0)? else {
            return Ok(None);
        };
        let permissions = row.text(3)?.unwrap_or_default();
        Ok(Some(Role {
            id: RoleId(id),
            name: row.text(1)?.unwrap_or_default(),
            description: row.text(2)?,
            permissions: permissions
                .split(',')
                .filter(|permission| !permission.is_empty())
                .map(str::to_owned)
                .collect(),
        }))
    }
}

/// Permissions as the reference stores them: one text, separated by commas.
fn joined(permissions: &[String]) -> Option<String> {
    Some(permissions.join(",")).filter(|text| !text.is_empty())
}

/// Sorts roles by name and removes duplicates. Every database has its own collation, and a user
/// may have a role twice.
pub(super) fn each_once_by_name(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles.dedup_by_key(|role| role.id);
    roles
}
