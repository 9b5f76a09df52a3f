//! A database of any supported kind, opened by its address.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TableNames;
#[cfg(feature = "server")]
use super::server::{self, ServerStore, is_server};
use super::sqlite::{SqliteStore, path_of};
use crate::schema_check::{Finding, Upgrade};
use crate::{PasswordKind, Store, StoreError};

/// The location of a database: `SQLALCHEMY_DATABASE_URI`.
#[derive(Clone)]
pub enum Database {
    /// A SQLite file.
    File(PathBuf),
    /// The address of a server. It may hold a password.
    #[cfg(feature = "server")]
    Server(String),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Database {
    /// Shows the file's path or the kind of the server, and nothing secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "server")]
            Self::Server(uri) => {
                write!(f, "at {}", uri.split([':', '+']).next().unwrap_or_default())
            }
        }
    }
}

impl Database {
    /// Reads an address as SQLAlchemy writes it.
    ///
    /// # Errors
    /// When the kind of database is not supported, or the address names no database.
    pub fn at(uri: &str) -> Result<Self, StoreError> {
        // An address from a secrets file may end with a line break.
        let uri = uri.trim();
        #[cfg(feature = "server")]
        if is_server(uri) {
            server::read(uri)?;
            return Ok(Self::Server(uri.to_owned()));
        }
        path_of(uri).map(Self::File)
    }

    /// Checks that the certificates that its address names can be read.
    ///
    /// # Errors
    /// When a file cannot be read. The error names it.
    pub fn check_certificates(&self) -> Result<(), StoreError> {
        match self {
            Self::File(_) => Ok(()),
            #[cfg(feature = "server")]
            Self::Server(uri) => server::read(uri)?.check_files(),
        }
    }

    /// If the database is on another machine and its identity is not verified: the option of its
    /// address that requests verification.
    #[must_use]
    pub fn lacks_verification(&self) -> Option<&'static str> {
        match self {
            Self::File(_) => None,
            #[cfg(feature = "server")]
            Self::Server(uri) => server::read(uri)
                .ok()
                .filter(server::Address::is_exposed)
                .map(|address| address.verifying_option()),
        }
    }

    /// Checks that the database can be reached. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses the user.
    pub async fn reach(&self) -> Result<(), StoreError> {
        match self {
            Self::File(path) => std::fs::File::open(path)
                .map(drop)
                .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display()))),
            #[cfg(feature = "server")]
            Self::Server(uri) => ServerStore::reach(uri).await,
        }
    }

    /// The path of the file, if the database is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            #[cfg(feature = "server")]
            Self::Server(_) => None,
        }
    }

    /// Opens it. Its tables must exist.
    ///
    /// # Errors
    /// When it cannot be reached, or lacks a table or column that is required.
    pub async fn open(&self, tables: &TableNames) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(path) => Arc::new(SqliteStore::open(path, tables)?),
            #[cfg(feature = "server")]
            Self::Server(uri) => Arc::new(ServerStore::open(uri, tables).await?),
        })
    }

    /// Opens it, and creates the tables first if there is no table of users.
    ///
    /// # Errors
    /// When it cannot be reached or written.
    pub async fn open_or_make(&self, tables: &TableNames) -> Result<Arc<dyn Store>, StoreError> {
        let new = match self {
            Self::File(path) => !path.exists(),
            #[cfg(feature = "server")]
            Self::Server(_) => {
                let missing = Finding::Table(tables.user.clone());
                self.check(tables).await?.contains(&missing)
            }
        };
        if new {
            self.init(tables).await?;
        }
        self.open(tables).await
    }

    /// Creates the missing tables. Returns what it created.
    ///
    /// # Errors
    /// When it cannot be reached or written.
    pub async fn init(&self, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        match self {
            Self::File(path) => SqliteStore::init(path, tables),
            #[cfg(feature = "server")]
            Self::Server(uri) => ServerStore::init(uri, tables).await,
        }
    }

    /// Finds what it lacks.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn check(&self, tables: &TableNames) -> Result<Vec<Finding>, StoreError> {
        match self {
            Self::File(path) => SqliteStore::check(path, tables),
            #[cfg(feature = "server")]
            Self::Server(uri) => ServerStore::check(uri, tables).await,
        }
    }

    /// Counts the stored password hashes by what they cost to check.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn password_kinds(
        &self,
        tables: &TableNames,
    ) -> Result<Vec<PasswordKind>, StoreError> {
        match self {
            Self::File(path) => SqliteStore::password_kinds(path, tables),
            #[cfg(feature = "server")]
            Self::Server(uri) => ServerStore::password_kinds(uri, tables).await,
        }
    }

    /// Adds what is missing and changes nothing else. Returns what it added.
    ///
    /// # Errors
    /// When it cannot be reached or written.
    pub async fn upgrade(&self, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        match self {
            Self::File(path) => SqliteStore::upgrade(path, tables),
            #[cfg(feature = "server")]
            Self::Server(uri) => ServerStore::upgrade(uri, tables).await,
        }
    }
}
