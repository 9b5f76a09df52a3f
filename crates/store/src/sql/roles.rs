//! The statement about roles.

use rusqlite::Connection;

use super::columns::{TableNames, column_names};
use super::error::map_error;
use crate::{Role, RoleId, StoreError, UserId};

/// The statement, built once; none where there are no tables of roles, which is nothing
/// wrong: then nobody has one.
#[derive(Debug)]
pub(super) struct RoleStatement(Option<String>);

impl RoleStatement {
    pub(super) fn new(connection: &Connection, tables: &TableNames) -> Result<Self, StoreError> {
        let roles = column_names(connection, &tables.role)?;
        let links = column_names(connection, &tables.roles_users)?;
        let complete = ["id", "name"].iter().all(|name| roles.contains(*name))
            && ["user_id", "role_id"]
                .iter()
                .all(|name| links.contains(*name));
        if !complete {
            return Ok(Self(None));
        }
        let or_nothing = |name: &str| {
            if roles.contains(name) {
                format!("r.{name}")
            } else {
                "NULL".to_owned()
            }
        };
        // Nothing in the reference's table keeps a role from being given twice.
        Ok(Self(Some(tables.fill(&format!(
            "SELECT DISTINCT r.id, r.name, {}, {} FROM {{role}} r \
             JOIN {{roles_users}} l ON l.role_id = r.id WHERE l.user_id = ?1 ORDER BY r.name",
            or_nothing("description"),
            or_nothing("permissions"),
        )))))
    }

    pub(super) fn of(&self, connection: &Connection, id: UserId) -> Result<Vec<Role>, StoreError> {
        let Some(statement) = &self.0 else {
            return Ok(Vec::new());
        };
        let mut statement = connection.prepare_cached(statement).map_err(map_error)?;
        let rows = statement
            .query_map([id.0], |row| {
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
            })
            .map_err(map_error)?;
        rows.map(|row| row.map_err(map_error)).collect()
    }
}
