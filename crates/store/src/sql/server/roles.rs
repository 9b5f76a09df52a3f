//! The statements about roles: what they are, and who has them.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::dialect::Dialect;
use super::users::Query;
use super::wire::{Link, Row, Value};
use crate::sql::TableNames;
use crate::{NewRole, PermissionChange, Role, RoleId, StoreError, UserId};

/// The statements, built once.
#[derive(Debug)]
pub(super) struct RoleStatements {
    dialect: Dialect,
    tables: TableNames,
    /// Whether the tables are there. Where they are not, nobody has a role.
    there: bool,
    columns: HashSet<String>,
    /// The columns of a role, as they are selected.
    pub(super) list: String,
    of_user: String,
    by_name: String,
    by_id: String,
    all: String,
}

/// How roles are joined to their users.
pub(super) const JOINED: &str = "LEFT JOIN {roles_users} l ON l.user_id = u.id \
     LEFT JOIN {role} r ON r.id = l.role_id";

impl RoleStatements {
    pub(super) fn new(
        dialect: Dialect,
        tables: &TableNames,
        columns: HashSet<String>,
        links: &HashSet<String>,
    ) -> Self {
        let there = ["id", "name"].iter().all(|name| columns.contains(*name))
            && ["user_id", "role_id"]
                .iter()
                .all(|name| links.contains(*name));
        let or_nothing = |name: &str| {
            if columns.contains(name) {
                format!("r.{name}")
            } else {
                // A text, so that it reads as one.
                "CAST(NULL AS CHAR(1))".to_owned()
            }
        };
        let list = format!(
            "{}, r.name, {}, {}",
            dialect.number("r.id"),
            or_nothing("description"),
            or_nothing("permissions")
        );
        let select = |rest: &str| {
            dialect.statement(tables, &format!("SELECT {list} FROM {{role}} r {rest}"))
        };
        let (exactly, _) = dialect.exactly("r.name");
        Self {
            of_user: select(
                "JOIN {roles_users} l ON l.role_id = r.id WHERE l.user_id = ? ORDER BY r.name",
            ),
            by_name: select(&format!("WHERE {exactly}")),
            by_id: select("WHERE r.id = ?"),
            all: select("ORDER BY r.name"),
            dialect,
            tables: tables.clone(),
            there,
            columns,
            list,
        }
    }

    pub(super) fn are_there(&self) -> bool {
        self.there
    }

    /// Refuses to write where there are no tables.
    pub(super) fn demand(&self) -> Result<(), StoreError> {
        if self.there {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "there are no tables {:?} and {:?}: run `vestibule db upgrade`",
            self.tables.role, self.tables.roles_users
        )))
    }

    pub(super) fn demand_column(&self, column: &str) -> Result<(), StoreError> {
        self.demand()?;
        if self.columns.contains(column) {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "the table {:?} has no column {column:?}: run `vestibule db upgrade`",
            self.tables.role
        )))
    }

    /// Refuses a role that the tables cannot hold.
    pub(super) fn demand_for(&self, new: &NewRole) -> Result<(), StoreError> {
        self.demand()?;
        if new.description.is_some() {
            self.demand_column("description")?;
        }
        if !new.permissions.is_empty() {
            self.demand_column("permissions")?;
        }
        Ok(())
    }

    fn statement(&self, text: &str) -> String {
        self.dialect.statement(&self.tables, text)
    }

    pub(super) fn of_user(&self, id: UserId) -> Query {
        Query {
            text: self.of_user.clone(),
            values: vec![Value::Number(id.0)],
        }
    }

    pub(super) fn all(&self) -> Query {
        Query {
            text: self.all.clone(),
            values: Vec::new(),
        }
    }

    pub(super) fn by_name(&self, name: &str) -> Query {
        let (_, times) = self.dialect.exactly("r.name");
        Query {
            text: self.by_name.clone(),
            values: vec![Value::Text(Some(name.to_owned())); times],
        }
    }

    async fn by_id(
        &self,
        link: &mut Link<'_>,
        id: RoleId,
    ) -> Result<Option<Role>, sqlx_core::Error> {
        let rows = link.rows(&self.by_id, &[Value::Number(id.0)]).await?;
        Ok(read_all(&rows, 0)?.pop())
    }

    pub(super) async fn insert(
        &self,
        link: &mut Link<'_>,
        new: &NewRole,
    ) -> Result<Option<Role>, sqlx_core::Error> {
        let mut values = vec![("name", Value::Text(Some(new.name.clone())))];
        for (column, value) in [
            ("description", new.description.clone()),
            ("permissions", joined(&new.permissions)),
        ] {
            if value.is_some() {
                values.push((column, Value::Text(value)));
            }
        }
        if self.columns.contains("update_datetime") {
            values.push(("update_datetime", self.dialect.at(new.created_at)));
        }
        let (names, values): (Vec<&str>, Vec<Value>) = values.into_iter().unzip();
        let marks = vec!["?"; names.len()].join(", ");
        let text = format!(
            "INSERT INTO {{role}} ({}) VALUES ({marks})",
            names.join(", ")
        );
        let id = link.insert(&self.statement(&text), &values).await?;
        self.by_id(link, RoleId(id)).await
    }

    /// Reads and writes, in a transaction: whoever else wants to change the role waits.
    pub(super) async fn change_permissions(
        &self,
        link: &mut Link<'_>,
        id: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, sqlx_core::Error> {
        let locked = format!("{} FOR UPDATE", self.by_id);
        let rows = link.rows(&locked, &[Value::Number(id.0)]).await?;
        let Some(mut role) = read_all(&rows, 0)?.pop() else {
            return Ok(None);
        };
        change.apply(&mut role.permissions);
        let mut values = vec![Value::Text(joined(&role.permissions))];
        let mut dated = "";
        if self.columns.contains("update_datetime") {
            dated = ", update_datetime = ?";
            values.push(self.dialect.at(now));
        }
        values.push(Value::Number(id.0));
        let text = format!("UPDATE {{role}} SET permissions = ?{dated} WHERE id = ?");
        link.execute(&self.statement(&text), &values).await?;
        Ok(Some(role))
    }

    /// In a transaction. Nothing in the reference's table keeps a role from being given twice:
    /// whoever gives this user one waits for the user's row.
    pub(super) async fn give(
        &self,
        link: &mut Link<'_>,
        user: UserId,
        role: RoleId,
    ) -> Result<bool, sqlx_core::Error> {
        let pair = [Value::Number(user.0), Value::Number(role.0)];
        let lock = self.statement("SELECT id FROM {user} WHERE id = ? FOR UPDATE");
        link.execute(&lock, &pair[..1]).await?;
        let number = self.dialect.number("role_id");
        let text =
            format!("SELECT {number} FROM {{roles_users}} WHERE user_id = ? AND role_id = ?");
        if !link.rows(&self.statement(&text), &pair).await?.is_empty() {
            return Ok(false);
        }
        let text = "INSERT INTO {roles_users} (user_id, role_id) VALUES (?, ?)";
        link.execute(&self.statement(text), &pair).await?;
        Ok(true)
    }

    pub(super) fn take(&self, user: UserId, role: RoleId) -> Query {
        Query {
            text: self.statement("DELETE FROM {roles_users} WHERE user_id = ? AND role_id = ?"),
            values: vec![Value::Number(user.0), Value::Number(role.0)],
        }
    }
}

/// Permissions as the reference keeps them: in one text, with commas.
fn joined(permissions: &[String]) -> Option<String> {
    Some(permissions.join(",")).filter(|text| !text.is_empty())
}

/// The roles in some rows, from a column on: by name, each once.
pub(super) fn read_all<'a>(
    rows: impl IntoIterator<Item = &'a Row>,
    first: usize,
) -> Result<Vec<Role>, sqlx_core::Error> {
    let mut roles: Vec<Role> = Vec::new();
    for row in rows {
        // A user without roles comes with a row of nothing.
        let Some(id) = row.number(first)? else {
            continue;
        };
        let permissions = row.text(first + 3)?.unwrap_or_default();
        roles.push(Role {
            id: RoleId(id),
            name: row.text(first + 1)?.unwrap_or_default(),
            description: row.text(first + 2)?,
            permissions: permissions
                .split(',')
                .filter(|permission| !permission.is_empty())
                .map(str::to_owned)
                .collect(),
        });
    }
    // Databases sort by their own language's rules.
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles.dedup_by_key(|role| role.id);
    Ok(roles)
}
