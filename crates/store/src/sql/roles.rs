//! The statements about roles: what they are, and who has them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use time::OffsetDateTime;

use super::columns::{TableNames, column_names};
use super::error::map_error;
use super::moment;
use crate::{NewRole, PermissionChange, Role, RoleId, StoreError, UserId};

/// The statements, built once.
#[derive(Debug)]
pub(super) struct RoleStatements {
    /// None where there are no tables of roles, which is nothing wrong: then nobody has one.
    texts: Option<Texts>,
    /// The columns of roles that not every database has.
    optional: Vec<&'static str>,
    tables: TableNames,
}

#[derive(Debug)]
struct Texts {
    of_user: String,
    by_name: String,
    by_id: String,
    all: String,
    give: String,
    take: String,
}

impl RoleStatements {
    pub(super) fn new(connection: &Connection, tables: &TableNames) -> Result<Self, StoreError> {
        let roles = column_names(connection, &tables.role)?;
        let links = column_names(connection, &tables.roles_users)?;
        let complete = ["id", "name"].iter().all(|name| roles.contains(*name))
            && ["user_id", "role_id"]
                .iter()
                .all(|name| links.contains(*name));
        let optional: Vec<&str> = ["description", "permissions", "update_datetime"]
            .into_iter()
            .filter(|name| roles.contains(*name))
            .collect();
        let or_nothing = |name: &str| {
            if optional.contains(&name) {
                format!("r.{name}")
            } else {
                "NULL".to_owned()
            }
        };
        let select = format!(
            "r.id, r.name, {}, {} FROM {{role}} r",
            or_nothing("description"),
            or_nothing("permissions"),
        );
        let texts = complete.then(|| Texts {
            of_user: tables.fill(&format!(
                "SELECT {select} JOIN {{roles_users}} l ON l.role_id = r.id WHERE l.user_id = ?1"
            )),
            by_name: tables.fill(&format!("SELECT {select} WHERE r.name = ?1")),
            by_id: tables.fill(&format!("SELECT {select} WHERE r.id = ?1")),
            all: tables.fill(&format!("SELECT {select} ORDER BY r.name")),
            // One statement: of two who give it at once, in whatever process, one does.
            give: tables.fill(
                "INSERT INTO {roles_users} (user_id, role_id) SELECT ?1, ?2 \
                 WHERE NOT EXISTS (SELECT 1 FROM {roles_users} WHERE user_id = ?1 AND role_id = ?2)",
            ),
            take: tables.fill("DELETE FROM {roles_users} WHERE user_id = ?1 AND role_id = ?2"),
        });
        Ok(Self {
            texts,
            optional,
            tables: tables.clone(),
        })
    }

    /// The statements, where something is to be written.
    fn demand(&self) -> Result<&Texts, StoreError> {
        self.texts.as_ref().ok_or_else(|| {
            StoreError::Schema(format!(
                "there are no tables {:?} and {:?}: run `vestibule db upgrade`",
                self.tables.role, self.tables.roles_users
            ))
        })
    }

    fn has(&self, column: &str) -> bool {
        self.optional.contains(&column)
    }

    pub(super) fn of(&self, connection: &Connection, id: UserId) -> Result<Vec<Role>, StoreError> {
        let Some(texts) = &self.texts else {
            return Ok(Vec::new());
        };
        let mut roles = several(connection, &texts.of_user, params![id.0])?;
        // By name, as every store has them. Nothing in the reference's table keeps a role from being
        // given twice.
        roles.sort_by(|one, other| one.name.cmp(&other.name));
        roles.dedup_by_key(|role| role.id);
        Ok(roles)
    }

    pub(super) fn all(&self, connection: &Connection) -> Result<Vec<Role>, StoreError> {
        match &self.texts {
            Some(texts) => several(connection, &texts.all, params![]),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn by_name(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<Option<Role>, StoreError> {
        match &self.texts {
            Some(texts) => one(connection, &texts.by_name, params![name]),
            None => Ok(None),
        }
    }

    pub(super) fn insert(&self, connection: &Connection, new: NewRole) -> Result<Role, StoreError> {
        let texts = self.demand()?;
        let mut values = vec![("name", Some(new.name))];
        let permissions = joined(&new.permissions);
        for (column, value) in [
            ("description", new.description),
            ("permissions", permissions),
        ] {
            if value.is_some() {
                self.demand_column(column)?;
                values.push((column, value));
            }
        }
        if self.has("update_datetime") {
            values.push(("update_datetime", Some(moment::write(new.created_at))));
        }
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        let marks: Vec<String> = (1..=values.len()).map(|at| format!("?{at}")).collect();
        let statement = self.tables.fill(&format!(
            "INSERT INTO {{role}} ({}) VALUES ({}) RETURNING id",
            names.join(", "),
            marks.join(", ")
        ));
        let values = values.iter().map(|(_, value)| value);
        let id: i64 = connection
            .query_row(&statement, rusqlite::params_from_iter(values), |row| {
                row.get(0)
            })
            .map_err(map_error)?;
        one(connection, &texts.by_id, params![id])?
            .ok_or_else(|| StoreError::Other("a new row has gone".to_owned()))
    }

    /// Reads and writes: the caller holds the database for it.
    pub(super) fn change_permissions(
        &self,
        connection: &Connection,
        id: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let texts = self.demand()?;
        self.demand_column("permissions")?;
        let Some(mut role) = one(connection, &texts.by_id, params![id.0])? else {
            return Ok(None);
        };
        change.apply(&mut role.permissions);
        let permissions = joined(&role.permissions);
        let changed = if self.has("update_datetime") {
            let statement =
                "UPDATE {role} SET permissions = ?2, update_datetime = ?3 WHERE id = ?1";
            let values = params![id.0, permissions, moment::write(now)];
            connection.execute(&self.tables.fill(statement), values)
        } else {
            let statement = "UPDATE {role} SET permissions = ?2 WHERE id = ?1";
            connection.execute(&self.tables.fill(statement), params![id.0, permissions])
        };
        changed.map_err(map_error)?;
        Ok(Some(role))
    }

    pub(super) fn give(
        &self,
        connection: &Connection,
        user: UserId,
        role: RoleId,
    ) -> Result<bool, StoreError> {
        let changed = connection.execute(&self.demand()?.give, params![user.0, role.0]);
        Ok(changed.map_err(map_error)? > 0)
    }

    pub(super) fn take(
        &self,
        connection: &Connection,
        user: UserId,
        role: RoleId,
    ) -> Result<bool, StoreError> {
        let changed = connection.execute(&self.demand()?.take, params![user.0, role.0]);
        Ok(changed.map_err(map_error)? > 0)
    }

    fn demand_column(&self, column: &str) -> Result<(), StoreError> {
        if self.has(column) {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "the table {:?} has no column {column:?}: run `vestibule db upgrade`",
            self.tables.role
        )))
    }
}

/// Permissions as the reference keeps them: in one text, with commas.
fn joined(permissions: &[String]) -> Option<String> {
    Some(permissions.join(",")).filter(|text| !text.is_empty())
}

fn one(
    connection: &Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> Result<Option<Role>, StoreError> {
    let mut statement = connection.prepare_cached(statement).map_err(map_error)?;
    statement
        .query_row(values, read)
        .optional()
        .map_err(map_error)
}

fn several(
    connection: &Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Role>, StoreError> {
    let mut statement = connection.prepare_cached(statement).map_err(map_error)?;
    let rows = statement.query_map(values, read).map_err(map_error)?;
    rows.map(|row| row.map_err(map_error)).collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Role> {
    let permissions: Option<String> = row.get(3)?;
    Ok(Role {
        id: RoleId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        permissions: permissions
            .unwrap_or_default()
            .split(',')
            .filter(|permission| !permission.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}
