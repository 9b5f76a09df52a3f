//! PostgreSQL and MySQL (or MariaDB) through sqlx.
//!
//! A statement that only reads is repeated once when its connection turns out to be dead. One that
//! writes is not, because it is unknown whether the first try succeeded. It runs on a connection
//! that answered a moment before.

mod address;
mod admin_connection;
mod encoding;
mod error;
mod expected_tables;
mod limits;
mod pool;
mod schema;
mod single;
mod store;
mod target;
mod tls;
mod uri_parts;
mod wire;

use std::fmt;
use std::sync::Arc;

pub(crate) use self::address::{Address, is_server, read};
use self::admin_connection::AdminConnection;
use self::encoding::Encodings;
use self::error::map_error;
use self::pool::Pool;
use self::wire::Link;
use super::dialect::Dialect;
use super::executor::Failure;
use super::statements::{PresentColumns, Statements, password_kinds};
use crate::schema_check::{Finding, Upgrade};
use crate::sql::TableNames;
use crate::{PasswordKind, StoreError};

/// A database on a server.
#[derive(Clone)]
pub struct ServerStore(Arc<Inner>);

struct Inner {
    pool: Pool,
    dialect: Dialect,
    tables: TableNames,
    statements: Statements,
    encodings: Encodings,
}

impl fmt::Debug for ServerStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStore")
            .field("dialect", &self.0.dialect)
            .finish_non_exhaustive()
    }
}

impl ServerStore {
    /// Opens a database that has its tables.
    ///
    /// # Errors
    /// When the server does not answer, or the database lacks a table or column that is required.
    pub async fn open(uri: &str, tables: &TableNames) -> Result<Self, StoreError> {
        let admin = AdminConnection::at(uri)?;
        admin.make_ours(tables).await?;
        let AdminConnection { pool, dialect } = admin;
        let mut held = pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        let mut columns = Vec::new();
        for table in tables.all() {
            let found = schema::columns_of(&mut link, dialect, table)
                .await
                .map_err(map_error)?;
            columns.push(found);
        }
        let users = columns.first().map_or(&[][..], Vec::as_slice);
        let encodings = Encodings::read(&mut link, dialect, users).await;
        let encodings = encodings.map_err(map_error)?;
        held.settle(&Ok(()));
        let [users, roles, roles_users, passkeys, trackers] = columns.as_slice() else {
            return Err(StoreError::Other("five tables are known".to_owned()));
        };
        let dialect = match dialect {
            Dialect::MySql { .. } => Dialect::MySql {
                whole_seconds: [users, trackers, passkeys]
                    .into_iter()
                    .any(|columns| schema::lose_fractions(columns)),
            },
            dialect => dialect,
        };
        let present = PresentColumns {
            user: schema::names(users),
            role: schema::names(roles),
            roles_users: schema::names(roles_users),
            web_authn: schema::names(passkeys),
            refresh: schema::names(trackers),
        };
        Ok(Self(Arc::new(Inner {
            statements: Statements::new(dialect, tables, present, encodings.is_utf8())?,
            encodings,
            pool,
            dialect,
            tables: tables.clone(),
        })))
    }

    /// Creates the missing tables. Returns what it created.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub async fn init(uri: &str, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        let admin = AdminConnection::at(uri)?;
        let mut held = admin.hold_alive().await?;
        let mut link = held.link().map_err(map_error)?;
        admin.lock(&mut link).await?;
        let made = schema::init(&mut link, admin.dialect, tables).await;
        admin.keep(&mut link, made).await
    }

    /// Connects and sends no statement.
    ///
    /// # Errors
    /// When the address cannot be used, or the server does not answer or refuses the user.
    pub async fn reach(uri: &str) -> Result<(), StoreError> {
        let admin = AdminConnection::at(uri)?;
        admin.hold_alive().await.map(drop)
    }

    /// Finds what the database lacks.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn check(uri: &str, tables: &TableNames) -> Result<Vec<Finding>, StoreError> {
        let admin = AdminConnection::at(uri)?;
        let mut held = admin.pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        schema::check(&mut link, admin.dialect, tables)
            .await
            .map_err(map_error)
    }

    /// Counts the stored password hashes by what they cost to check.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn password_kinds(
        uri: &str,
        tables: &TableNames,
    ) -> Result<Vec<PasswordKind>, StoreError> {
        let admin = AdminConnection::at(uri)?;
        let mut held = admin.pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        link.unlimited().await.map_err(map_error)?;
        count_passwords(&mut link, admin.dialect, tables).await
    }

    /// Adds what is missing and changes nothing else. Returns what it added.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub async fn upgrade(uri: &str, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
        let admin = AdminConnection::at(uri)?;
        let mut held = admin.hold_alive().await?;
        let mut link = held.link().map_err(map_error)?;
        admin.lock(&mut link).await?;
        let added = schema::upgrade(&mut link, admin.dialect, tables).await;
        admin.keep(&mut link, added).await
    }
}

/// Counts the password hashes; none if there is no such column.
async fn count_passwords(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<PasswordKind>, StoreError> {
    let columns = schema::columns_of(link, dialect, &tables.user)
        .await
        .map_err(map_error)?;
    if columns.iter().all(|column| column.name != "password") {
        return Ok(Vec::new());
    }
    let kinds = password_kinds::count(link, dialect, tables).await;
    kinds.map_err(store_error)
}

fn store_error(failure: Failure<sqlx_core::Error>) -> StoreError {
    failure.into_store(map_error)
}
