//! Maps the errors of SQLite to those of the store.

use rusqlite::ErrorCode;

use crate::StoreError;

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to map_err by its name"
)]
pub(super) fn map_error(error: rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return StoreError::Other(error.to_string());
    };
    let message = message.clone().unwrap_or_default();
    match failure.code {
        // "UNIQUE constraint failed: user.email"
        ErrorCode::ConstraintViolation if message.starts_with("UNIQUE") => StoreError::Conflict {
            column: message.rsplit('.').next().unwrap_or_default().to_owned(),
        },
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::CannotOpen
        | ErrorCode::DiskFull
        | ErrorCode::ReadOnly
        | ErrorCode::SystemIoFailure
        | ErrorCode::NotADatabase
        | ErrorCode::DatabaseCorrupt => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Other(error.to_string()),
    }
}
