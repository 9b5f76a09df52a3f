//! Compares a SQLite database with the expected schema, and adds what it lacks.
//!
//! The expected schema is read from a database that the migrations create in memory, so that it
//! is defined in one place.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::map_error;
use crate::StoreError;
use crate::schema_check::{Finding, Upgrade};
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::statements::{OUR_TABLES, journal};

const MIGRATIONS: [&str; 4] = [
    include_str!("../../../../../migrations/sqlite/0001_accounts.sql"),
    include_str!("../../../../../migrations/sqlite/0002_journal.sql"),
    include_str!("../../../../../migrations/sqlite/0003_guesses.sql"),
    include_str!("../../../../../migrations/sqlite/0004_identities.sql"),
];

/// An index that the reference does not create.
struct Index {
    name: &'static str,
    /// The placeholder of its table.
    table: &'static str,
    column: &'static str,
    cutoffs: &'static str,
}

/// For look-ups of users that ignore case, and for rows that refer to a user: SQLite creates no
/// index for a foreign key.
const INDEXES: [Index; 5] = [
    Index {
        name: "vestibule_user_email_lower",
        table: "user",
        column: "email",
        cutoffs: "lower(email)",
    },
    Index {
        name: "vestibule_user_username_lower",
        table: "user",
        column: "username",
        cutoffs: "lower(username)",
    },
    Index {
        name: "vestibule_roles_users_user_id",
        table: "roles_users",
        column: "user_id",
        cutoffs: "user_id",
    },
    Index {
        name: "vestibule_refresh_user_id",
        table: "fs_refresh_tracker",
        column: "user_id",
        cutoffs: "user_id",
    },
    Index {
        name: "vestibule_web_authn_user_id",
        table: "web_authn",
        column: "user_id",
        cutoffs: "user_id",
    },
];

/// A column, as `PRAGMA table_info` describes it.
struct Column {
    name: String,
    kind: String,
    required: bool,
    default: Option<String>,
    key: bool,
}

/// Creates the missing tables and leaves the others alone.
pub(super) fn init(
    connection: &mut Connection,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, StoreError> {
    let transaction = begin(connection)?;
    let made = make_tables(&transaction, tables)?;
    transaction.commit().map_err(map_error)?;
    Ok(made)
}

/// Creates our own tables and columns that are missing.
pub(super) fn make_ours(
    connection: &mut Connection,
    tables: &TableNames,
) -> Result<(), StoreError> {
    let [_, ours @ ..] = MIGRATIONS;
    let mut missing = !lacking_of_ours(connection)?.is_empty();
    for table in OUR_TABLES {
        missing = missing || columns_of(connection, table)?.is_empty();
    }
    if missing {
        let transaction = begin(connection)?;
        for migration in ours {
            transaction
                .execute_batch(&Dialect::Sqlite.statement(tables, migration))
                .map_err(map_error)?;
        }
        for finding in lacking_of_ours(&transaction)? {
            add(&transaction, &finding, tables)?;
        }
        transaction.commit().map_err(map_error)?;
    }
    Ok(())
}

/// The columns that our own tables lack because an earlier version created them.
fn lacking_of_ours(connection: &Connection) -> Result<Vec<Finding>, StoreError> {
    let mut lacking = Vec::new();
    for (table, column) in journal::ADDED {
        let present = columns_of(connection, table)?;
        if !present.is_empty() && present.iter().all(|found| found.name != column) {
            lacking.push(Finding::Column {
                table: table.to_owned(),
                column: column.to_owned(),
                addable: true,
            });
        }
    }
    Ok(lacking)
}

/// Finds what the database lacks, in the order in which it can be added.
pub(super) fn check(
    connection: &Connection,
    tables: &TableNames,
) -> Result<Vec<Finding>, StoreError> {
    let wanted = reference(tables)?;
    let mut findings = Vec::new();
    for table in tables.with_ours() {
        let present = columns_of(connection, table)?;
        if present.is_empty() {
            findings.push(Finding::Table(table.to_owned()));
            continue;
        }
        let unique = unique_columns(connection, table)?;
        let wanted_unique = unique_columns(&wanted, table)?;
        for column in columns_of(&wanted, table)? {
            let name = column.name.clone();
            let table = table.to_owned();
            let Some(found) = present.iter().find(|found| found.name == name) else {
                findings.push(Finding::Column {
                    table,
                    column: name,
                    addable: column.addable(),
                });
                continue;
            };
            if !keeps(&column.kind, &found.kind) {
                findings.push(Finding::Type {
                    table: table.clone(),
                    column: name.clone(),
                    found: found.kind.clone(),
                    wanted: column.kind,
                });
            }
            if wanted_unique.contains(&name) && !unique.contains(&name) {
                findings.push(Finding::Unique {
                    table,
                    column: name,
                });
            }
        }
    }
    findings.extend(unfilled(connection, &wanted, &tables.user)?);
    findings.extend(missing_indexes(connection, tables)?);
    Ok(findings)
}

/// Adds what is missing and can be added, and changes nothing else.
pub(super) fn upgrade(
    connection: &mut Connection,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, StoreError> {
    let transaction = begin(connection)?;
    let mut added = make_tables(&transaction, tables)?;
    // Constraints and indexes need the columns, and follow in a second round.
    for _ in 0..2 {
        for finding in check(&transaction, tables)? {
            if add(&transaction, &finding, tables)? {
                added.push(Upgrade(finding));
            }
        }
    }
    transaction.commit().map_err(map_error)?;
    Ok(added)
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(map_error)
}

fn make_tables(connection: &Connection, tables: &TableNames) -> Result<Vec<Upgrade>, StoreError> {
    let missing = check(connection, tables)?;
    migrate(connection, tables)?;
    let mut made = Vec::new();
    for finding in missing {
        let new = match &finding {
            Finding::Table(_) => true,
            // Only on a table that was just created: existing tables stay as they are.
            Finding::Index { table, .. } => {
                made.contains(&Upgrade(Finding::Table(table.clone())))
                    && add(connection, &finding, tables)?
            }
            _ => false,
        };
        if new {
            made.push(Upgrade(finding));
        }
    }
    Ok(made)
}

fn migrate(connection: &Connection, tables: &TableNames) -> Result<(), StoreError> {
    MIGRATIONS.iter().try_for_each(|migration| {
        connection
            .execute_batch(&Dialect::Sqlite.statement(tables, migration))
            .map_err(map_error)
    })
}

/// An empty database with the expected schema.
fn reference(tables: &TableNames) -> Result<Connection, StoreError> {
    let connection = Connection::open_in_memory().map_err(map_error)?;
    migrate(&connection, tables)?;
    Ok(connection)
}

/// Columns that are not ours and that a new row would have to fill.
fn unfilled(
    connection: &Connection,
    wanted: &Connection,
    table: &str,
) -> Result<Vec<Finding>, StoreError> {
    let known: BTreeSet<String> = columns_of(wanted, table)?
        .into_iter()
        .map(|column| column.name)
        .collect();
    let findings = columns_of(connection, table)?
        .into_iter()
        .filter(|column| !known.contains(&column.name) && !column.key && !column.addable());
    Ok(findings
        .map(|column| Finding::Unfilled {
            table: table.to_owned(),
            column: column.name,
        })
        .collect())
}

fn missing_indexes(
    connection: &Connection,
    tables: &TableNames,
) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for index in &INDEXES {
        let table = tables.named(index.table);
        let columns = columns_of(connection, &table)?;
        let indexable =
            columns.is_empty() || columns.iter().any(|found| found.name == index.column);
        if indexable && !has_index(connection, index.name)? {
            findings.push(Finding::Index {
                name: index.name.to_owned(),
                table,
            });
        }
    }
    Ok(findings)
}

impl Column {
    /// Whether a row can omit it.
    fn addable(&self) -> bool {
        !self.required || self.default.is_some()
    }
}

/// Whether a column of the type `found` returns what a column of the type `wanted` would: SQLite
/// converts "+1650" to a number in a numeric column, and 1 to text in a text column.
fn keeps(wanted: &str, found: &str) -> bool {
    match (Affinity::of(wanted), Affinity::of(found)) {
        (_, Affinity::Blob) | (Affinity::Blob | Affinity::Real, _) => true,
        (Affinity::Text, found) => found == Affinity::Text,
        (Affinity::Integer, found) => matches!(found, Affinity::Integer | Affinity::Numeric),
        // A time is text that no affinity converts to a number; a BOOLEAN is a number.
        (Affinity::Numeric, found) => {
            found != Affinity::Text || !wanted.eq_ignore_ascii_case("BOOLEAN")
        }
    }
}

/// How SQLite converts values, which follows from the declared type
/// (<https://sqlite.org/datatype3.html>, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    fn of(kind: &str) -> Self {
        let kind = kind.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| kind.contains(part));
        if has(&["INT"]) {
            Self::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Self::Text
        } else if kind.is_empty() || has(&["BLOB"]) {
            Self::Blob
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

/// The names of a table's columns; none if the table does not exist.
pub(super) fn column_names(
    connection: &Connection,
    table: &str,
) -> Result<HashSet<String>, StoreError> {
    let columns = columns_of(connection, table)?;
    Ok(columns.into_iter().map(|column| column.name).collect())
}

fn columns_of(connection: &Connection, table: &str) -> Result<Vec<Column>, StoreError> {
    let mut statement = connection
        .prepare("SELECT lower(name), type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1)")
        .map_err(map_error)?;
    let columns = statement
        .query_map([table], |row| {
            Ok(Column {
                name: row.get(0)?,
                kind: row.get(1)?,
                required: row.get(2)?,
                default: row.get(3)?,
                key: row.get::<_, i64>(4)? != 0,
            })
        })
        .map_err(map_error)?;
    columns.collect::<Result<_, _>>().map_err(map_error)
}

/// The columns with a unique index over this column alone and all rows.
fn unique_columns(connection: &Connection, table: &str) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection
        .prepare(
            "SELECT lower(min(c.name)) FROM pragma_index_list(?1) i, pragma_index_info(i.name) c \
             WHERE i.\"unique\" AND NOT i.partial GROUP BY i.name \
             HAVING count(*) = 1 AND min(c.cid) >= 0",
        )
        .map_err(map_error)?;
    let names = statement
        .query_map([table], |row| row.get(0))
        .map_err(map_error)?;
    names.collect::<Result<_, _>>().map_err(map_error)
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

/// Adds what a finding names. Returns false if it cannot be added.
fn add(
    connection: &Connection,
    finding: &Finding,
    tables: &TableNames,
) -> Result<bool, StoreError> {
    let statement = match finding {
        Finding::Column {
            table,
            column,
            addable: true,
        } => {
            let wanted = columns_of(&reference(tables)?, table)?;
            let kind = wanted.iter().find(|known| known.name == *column);
            // SQLite adds no column that is both required and filled from the clock: it
            // stays optional, and every writer fills it.
            format!(
                "ALTER TABLE {} ADD COLUMN {} {}",
                Dialect::Sqlite.quote(table),
                Dialect::Sqlite.quote(column),
                kind.map_or("", |known| known.kind.as_str())
            )
        }
        Finding::Unique { table, column } => format!(
            "CREATE UNIQUE INDEX {} ON {} ({})",
            Dialect::Sqlite.quote(&format!("vestibule_{table}_{column}_unique")),
            Dialect::Sqlite.quote(table),
            Dialect::Sqlite.quote(column)
        ),
        Finding::Index { name, table } => {
            let Some(index) = INDEXES.iter().find(|index| index.name == name) else {
                return Ok(false);
            };
            format!(
                "CREATE INDEX {} ON {} ({})",
                Dialect::Sqlite.quote(name),
                Dialect::Sqlite.quote(table),
                index.cutoffs
            )
        }
        _ => return Ok(false),
    };
    match connection.execute_batch(&statement).map_err(map_error) {
        Ok(()) => Ok(true),
        // Two rows have the same value, and only the operator can tell which is right.
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_compared_by_how_sqlite_converts_values() {
        for (wanted, found, same) in [
            ("VARCHAR(255)", "TEXT", true),
            ("VARCHAR(255)", "", true),
            ("VARCHAR(128)", "INTEGER", false),
            ("VARCHAR(128)", "NUMERIC", false),
            ("TEXT", "JSON", false),
            ("INTEGER", "BIGINT", true),
            ("INTEGER", "NUMERIC(10)", true),
            ("INTEGER", "VARCHAR(10)", false),
            ("BOOLEAN", "TINYINT", true),
            ("BOOLEAN", "VARCHAR(1)", false),
            ("DATETIME", "TIMESTAMP", true),
            ("DATETIME", "TEXT", true),
            ("BLOB", "VARCHAR(1024)", true),
        ] {
            assert_eq!(keeps(wanted, found), same, "{wanted} {found}");
        }
    }
}
