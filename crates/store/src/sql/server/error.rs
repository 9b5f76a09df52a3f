//! Maps the errors of a server to those of the store.

use sqlx_core::error::DatabaseError;
use sqlx_mysql::MySqlDatabaseError;
use sqlx_postgres::PgDatabaseError;

use crate::StoreError;

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to map_err by its name"
)]
pub(super) fn map_error(error: sqlx_core::Error) -> StoreError {
    match &error {
        sqlx_core::Error::Database(refused) if refused.is_unique_violation() => {
            StoreError::Conflict {
                column: column_of(&**refused),
            }
        }
        sqlx_core::Error::Database(refused) if is_unstorable(&**refused) => StoreError::Unstorable,
        sqlx_core::Error::Database(refused) if is_away(&**refused) || is_busy(&**refused) => {
            StoreError::Unavailable(refused.message().to_owned())
        }
        // Only the server's message: the driver would add a line of PostgreSQL's source code.
        sqlx_core::Error::Database(refused) if refuses_sign_in(&**refused) => {
            StoreError::Other(format!(
                "the database refuses the user or the password: {}",
                refused.message()
            ))
        }
        sqlx_core::Error::Database(refused) => {
            StoreError::Other(format!("the database says: {}", refused.message()))
        }
        sqlx_core::Error::Io(cause) => StoreError::Unavailable(cause.to_string()),
        sqlx_core::Error::Tls(cause) => {
            StoreError::Unavailable(format!("no secure connection: {cause}"))
        }
        sqlx_core::Error::Protocol(_)
        | sqlx_core::Error::PoolTimedOut
        | sqlx_core::Error::PoolClosed
        | sqlx_core::Error::WorkerCrashed => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Other(error.to_string()),
    }
}

/// Whether the server refuses the user or the password.
pub(super) fn refuses_sign_in(refused: &dyn DatabaseError) -> bool {
    match number(refused) {
        Some(number) => matches!(number, 1044 | 1045 | 1698),
        None => refused.code().is_some_and(|code| code.starts_with("28")),
    }
}

/// Whether the connection broke, so that a statement that only reads can be tried on another.
pub(super) fn is_broken(error: &sqlx_core::Error) -> bool {
    match error {
        sqlx_core::Error::Io(_)
        | sqlx_core::Error::Protocol(_)
        | sqlx_core::Error::WorkerCrashed => true,
        sqlx_core::Error::Database(refused) => is_away(&**refused),
        _ => false,
    }
}

/// Whether the server rolled a transaction back because of another one.
pub(super) fn is_rolled_back(error: &sqlx_core::Error) -> bool {
    let Some(refused) = error.as_database_error() else {
        return false;
    };
    match number(refused) {
        // A deadlock, and MariaDB's "the record has changed since it was read".
        Some(number) => matches!(number, 1213 | 1020),
        // A serialisation failure and a deadlock.
        None => matches!(refused.code().as_deref(), Some("40001" | "40P01")),
    }
}

/// Whether a server is shutting down, starting, full or read-only.
fn is_away(refused: &dyn DatabaseError) -> bool {
    let state = refused.code();
    let state = state.as_deref().unwrap_or_default();
    // MySQL: shutting down, too many connections, and three codes for read-only servers.
    let gone = matches!(number(refused), Some(1053 | 1040 | 1290 | 1792 | 1836));
    gone || matches!(
        state,
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006"
    ) || state.starts_with("08")
}

/// Whether a statement waited too long for a lock, or ran too long.
fn is_busy(refused: &dyn DatabaseError) -> bool {
    match number(refused) {
        // A wait for a lock; the limits of MariaDB and of MySQL.
        Some(number) => matches!(number, 1205 | 1969 | 3024),
        None => matches!(refused.code().as_deref(), Some("55P03" | "57014" | "25P03")),
    }
}

/// Whether a text has characters that a column or the database cannot store or compare.
fn is_unstorable(refused: &dyn DatabaseError) -> bool {
    match number(refused) {
        // "Incorrect string value", and the same number for other types.
        Some(1366) => refused.message().starts_with("Incorrect string value"),
        // Collations that do not mix, and conversions that are impossible.
        Some(number) => matches!(number, 1267 | 1270 | 1271 | 1977 | 3988),
        // A character without an equivalent in the database's encoding, or none at all.
        None => matches!(refused.code().as_deref(), Some("22P05" | "22021")),
    }
}

/// MySQL's error number: most of its errors share one SQLSTATE.
fn number(refused: &dyn DatabaseError) -> Option<u16> {
    let ours = refused.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(ours.number())
}

/// The column whose value is taken.
fn column_of(refused: &(dyn DatabaseError + 'static)) -> String {
    // PostgreSQL: "Key (email)=(...) already exists."
    if let Some(postgres) = refused.try_downcast_ref::<PgDatabaseError>() {
        let named = postgres
            .detail()
            .and_then(|detail| detail.split_once("Key ("))
            .and_then(|(_, rest)| rest.split_once(')'));
        // Of several columns, the last one is the most specific.
        let columns = named.map_or("", |(columns, _)| columns);
        return columns.rsplit(", ").next().unwrap_or_default().to_owned();
    }
    // MySQL: "Duplicate entry '...' for key 'user.email'", MariaDB without the table. The value
    // may contain anything, so the name of the key is read from the end.
    let message = refused.message().trim_end_matches('\'');
    let key = message.rsplit('\'').next().unwrap_or_default();
    let key = key.rsplit('.').next().unwrap_or_default();
    // As SQLAlchemy or `db upgrade` names the index, whatever the name of the table.
    if key.contains("_credential_id") {
        return "credential_id".to_owned();
    }
    // A unique index that `db upgrade` added.
    let bare = key
        .strip_prefix("vestibule_")
        .and_then(|rest| rest.strip_suffix("_unique"))
        .map(|rest| rest.split_once('_').map_or(rest, |(_, column)| column));
    bare.unwrap_or(key).to_owned()
}
