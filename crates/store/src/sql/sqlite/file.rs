//! The database file: its path, its identity, and its connections.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::map_error;
use crate::StoreError;
use crate::sql::address::{malformed, not_served};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// The page cache of a connection, in KiB, so that look-ups in a large table find most pages in
/// it. A small database takes no more than its size.
const CACHE_KIB: i64 = 16 * 1024;

/// The pause between attempts to get a lock that SQLite does not wait for.
const PAUSE: Duration = Duration::from_millis(20);

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 64;

/// Identifies a file independently of its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let facts = std::fs::metadata(path)
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        Ok(Self {
            device: facts.dev(),
            inode: facts.ino(),
        })
    }
}

/// The file that a SQLAlchemy address names: `sqlite:///relative.db`,
/// `sqlite:////absolute.db`. Options after the question mark are ignored, except `uri=true`,
/// which makes the name one of SQLite's own URIs.
///
/// # Errors
/// When the address is of another kind or names no file.
pub fn path_of(uri: &str) -> Result<PathBuf, StoreError> {
    let rest = uri
        .strip_prefix("sqlite:")
        .or_else(|| uri.strip_prefix("sqlite+pysqlite:"))
        .ok_or_else(|| not_served(uri))?;
    let rest = rest.strip_prefix("///").unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_uri = query.split('&').any(|option| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.to_ascii_lowercase();
        name == "uri" && matches!(value.as_str(), "true" | "yes" | "on" | "y" | "t" | "1")
    });
    let path = match path.strip_prefix("file:") {
        Some(named) if is_uri => file_of(named, query)?,
        // SQLAlchemy and SQLite would open different files.
        Some(_) => {
            return Err(malformed(
                "names a file: URI without ?uri=true: write sqlite:///name.db",
            ));
        }
        None => path,
    };
    if path.is_empty() || path == ":memory:" {
        return Err(malformed(
            "names no file, and a SQLite database needs one, as in sqlite:///file.db",
        ));
    }
    Ok(PathBuf::from(path))
}

/// The path in one of SQLite's URIs, given what follows `file:`.
fn file_of<'a>(named: &'a str, query: &str) -> Result<&'a str, StoreError> {
    // SQLAlchemy hands these to Python's driver, and the others to SQLite.
    let is_known = |option: &str| {
        let name = option.split('=').next().unwrap_or_default();
        let of_python = [
            "",
            "cached_statements",
            "check_same_thread",
            "detect_types",
            "isolation_level",
            "timeout",
            "uri",
        ];
        of_python.contains(&name) || matches!(option, "mode=rw" | "mode=rwc" | "cache=private")
    };
    let path = match named.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => named,
    };
    let is_plain = !path.contains(['%', '#']) && (path.starts_with('/') || path == named);
    if query.split('&').all(is_known) && is_plain {
        return Ok(path);
    }
    Err(malformed(
        "is a file: URI with parts that are not followed here: write sqlite:///name.db",
    ))
}

/// Creates the file if it does not exist, readable by its owner only: it will hold password
/// hashes.
pub(super) fn make_file(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).mode(0o600);
    let made = match options.clone().create_new(true).open(path) {
        // A dangling symbolic link: SQLite would create the file with the umask's mode.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !path.exists() => {
            options.create(true).open(path)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made,
    };
    made.map(drop)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))
}

/// Switches to write-ahead logging, in which readers continue during a write. The mode is stored
/// in the file, and other connections adopt it. SQLite does not wait for others here, so we do.
pub(super) fn switch_to_wal(connection: &Connection) -> Result<(), StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        let mode: Result<String, _> =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(StoreError::Unavailable(format!(
                    "write-ahead logging is not possible where the file is (it stays in mode {mode})"
                )));
            }
            Err(error) if is_busy(&error) && waited < PATIENCE => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(error) => return Err(map_error(error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(PATIENCE).map_err(map_error)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(map_error)?;
    // Changes that were answered survive a power failure, for example a consumed refresh token or
    // a changed password. Most writes follow work that takes longer than the fsync.
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(map_error)?;
    connection
        .pragma_update(None, "cache_size", -CACHE_KIB)
        .map_err(map_error)?;
    // Plans that do not depend on bound values. Without this, SQLite prepares a join anew for each
    // execution, because the values could lead to another plan; that takes seven times as long as
    // the read.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(map_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_sqlalchemy() {
        for (uri, path) in [
            ("sqlite:///file.db", "file.db"),
            ("sqlite:////var/lib/file.db", "/var/lib/file.db"),
            ("sqlite:///file.db?timeout=5", "file.db"),
            ("sqlite:///file.db?uri=true", "file.db"),
            ("sqlite:///file:x.db?uri=true", "x.db"),
            ("sqlite:///file:x.db?mode=rwc&uri=true&timeout=5", "x.db"),
            ("sqlite:///file:/var/x.db?uri=true", "/var/x.db"),
            ("sqlite:///file:///var/x.db?uri=1", "/var/x.db"),
            ("sqlite:///file://localhost/var/x.db?uri=true", "/var/x.db"),
        ] {
            assert_eq!(path_of(uri).unwrap(), PathBuf::from(path), "{uri}");
        }
        for uri in [
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:///file:x.db",
            "sqlite:///file:x.db?uri=false",
            "sqlite:///file:x.db?mode=memory&uri=true",
            "sqlite:///file:x.db?mode=ro&uri=true",
            "sqlite:///file:x%20y.db?uri=true",
            "sqlite:///file://host/x.db?uri=true",
            "sqlite:///file:?uri=true",
            "postgresql://localhost/x",
            "file.db",
        ] {
            assert!(path_of(uri).is_err(), "{uri}");
        }
    }
}
