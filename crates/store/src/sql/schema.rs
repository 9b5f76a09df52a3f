//! What an existing database lacks, and adding it.
//!
//! What there has to be is read off a database that the migrations make in memory, so that
//! it stands in one place.

use std::fmt;

use rusqlite::Connection;

use super::columns::{TableNames, quote};
use super::sqlite::{column_names, map_error};
use crate::StoreError;

const MIGRATIONS: [&str; 1] = [include_str!(
    "../../../../migrations/sqlite/0001_accounts.sql"
)];

/// The indexes for looking users up whatever the case. The reference does without.
const INDEXES: [(&str, &str); 2] = [
    ("vestibule_user_email_lower", "email"),
    ("vestibule_user_username_lower", "username"),
];

/// Something that a database lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A table.
    Table(String),
    /// A column.
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Whether it can be added without knowing what to put into the rows.
        addable: bool,
    },
    /// An index that look-ups are slow without.
    Index {
        /// The index.
        name: String,
        /// The table.
        table: String,
    },
}

/// Something that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade(pub Finding);

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table {table}"),
            Self::Column { table, column, .. } => write!(f, "column {table}.{column}"),
            Self::Index { name, table } => write!(f, "index {name} on {table}"),
        }
    }
}

/// A column as it has to be.
struct Column {
    name: String,
    kind: String,
    required: bool,
    default: Option<String>,
}

pub(super) fn init(
    connection: &mut Connection,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, StoreError> {
    let missing = check(connection, tables)?;
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(map_error)?;
    for migration in MIGRATIONS {
        transaction
            .execute_batch(&tables.fill(migration))
            .map_err(map_error)?;
    }
    let mut made = Vec::new();
    for finding in missing {
        match &finding {
            Finding::Table(_) => made.push(Upgrade(finding)),
            // Only on tables that were made just now: those that were there stay as they are.
            Finding::Index { name, table }
                if made.contains(&Upgrade(Finding::Table(table.clone()))) =>
            {
                create_index(&transaction, name, tables)?;
                made.push(Upgrade(finding));
            }
            Finding::Index { .. } | Finding::Column { .. } => {}
        }
    }
    transaction.commit().map_err(map_error)?;
    Ok(made)
}

pub(super) fn check(
    connection: &Connection,
    tables: &TableNames,
) -> Result<Vec<Finding>, StoreError> {
    let wanted = reference(tables)?;
    let mut findings = Vec::new();
    for table in tables.all() {
        let present = column_names(connection, table)?;
        if present.is_empty() {
            findings.push(Finding::Table(table.to_owned()));
            continue;
        }
        for column in columns_of(&wanted, table)? {
            if !present.contains(&column.name) {
                findings.push(Finding::Column {
                    table: table.to_owned(),
                    addable: !column.required || column.default.is_some(),
                    column: column.name,
                });
            }
        }
    }
    let users = column_names(connection, &tables.user)?;
    for (name, column) in INDEXES {
        let unindexed = users.is_empty() || users.contains(column);
        if unindexed && !has_index(connection, name)? {
            findings.push(Finding::Index {
                name: name.to_owned(),
                table: tables.user.clone(),
            });
        }
    }
    Ok(findings)
}

pub(super) fn upgrade(
    connection: &mut Connection,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, StoreError> {
    let mut added = init(connection, tables)?;
    let wanted = reference(tables)?;
    let findings = check(connection, tables)?;
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(map_error)?;
    for finding in findings {
        match &finding {
            Finding::Column {
                table,
                column,
                addable: true,
            } => {
                add_column(&transaction, &wanted, table, column)?;
            }
            Finding::Index { name, .. } => create_index(&transaction, name, tables)?,
            Finding::Table(_) | Finding::Column { .. } => continue,
        }
        added.push(Upgrade(finding));
    }
    transaction.commit().map_err(map_error)?;
    Ok(added)
}

/// An empty database with everything in it.
fn reference(tables: &TableNames) -> Result<Connection, StoreError> {
    let connection = Connection::open_in_memory().map_err(map_error)?;
    for migration in MIGRATIONS {
        connection
            .execute_batch(&tables.fill(migration))
            .map_err(map_error)?;
    }
    Ok(connection)
}

fn columns_of(connection: &Connection, table: &str) -> Result<Vec<Column>, StoreError> {
    let mut statement = connection
        .prepare(&format!("PRAGMA table_info({})", quote(table)))
        .map_err(map_error)?;
    let columns = statement
        .query_map([], |row| {
            Ok(Column {
                name: row.get(1)?,
                kind: row.get(2)?,
                required: row.get(3)?,
                default: row.get(4)?,
            })
        })
        .map_err(map_error)?;
    columns.collect::<Result<_, _>>().map_err(map_error)
}

fn add_column(
    connection: &Connection,
    wanted: &Connection,
    table: &str,
    column: &str,
) -> Result<(), StoreError> {
    let Some(column) = columns_of(wanted, table)?
        .into_iter()
        .find(|known| known.name == column)
    else {
        return Ok(());
    };
    // SQLite adds no column that is both required and filled from the clock: it stays
    // optional, and every writer fills it.
    let statement = format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        quote(table),
        quote(&column.name),
        column.kind
    );
    connection.execute_batch(&statement).map_err(map_error)
}

fn has_index(connection: &Connection, name: &str) -> Result<bool, StoreError> {
    connection
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = ?1",
            [name],
            |row| row.get::<_, i64>(0),
        )
        .map(|count| count > 0)
        .map_err(map_error)
}

fn create_index(
    connection: &Connection,
    name: &str,
    tables: &TableNames,
) -> Result<(), StoreError> {
    let Some((_, column)) = INDEXES.iter().find(|(known, _)| *known == name) else {
        return Ok(());
    };
    let statement = format!(
        "CREATE INDEX IF NOT EXISTS {} ON {} (lower({}))",
        quote(name),
        quote(&tables.user),
        quote(column)
    );
    connection.execute_batch(&statement).map_err(map_error)
}
