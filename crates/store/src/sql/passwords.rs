//! Which kinds of password hashes a SQLite file holds.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::columns::{TableNames, column_names, quote};
use super::error::map_error;
use crate::password_kind::Kinds;
use crate::{PasswordKind, StoreError};

/// Reads every password hash, one after the other.
pub(super) fn kinds(
    connection: &Connection,
    tables: &TableNames,
) -> Result<Vec<PasswordKind>, StoreError> {
    if !column_names(connection, &tables.user)?.contains("password") {
        return Ok(Vec::new());
    }
    let statement = format!(
        "SELECT password FROM {} WHERE password <> ''",
        quote(&tables.user)
    );
    let mut statement = connection.prepare(&statement).map_err(map_error)?;
    let mut rows = statement.query([]).map_err(map_error)?;
    let mut kinds = Kinds::default();
    while let Some(row) = rows.next().map_err(map_error)? {
        let hash = match row.get_ref(0).map_err(map_error)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes),
            _ => Ok(""),
        };
        kinds.add(hash.unwrap_or_default(), 1);
    }
    Ok(kinds.all())
}
