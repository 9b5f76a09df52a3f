//! Compares a server's database with the expected schema, and adds what it lacks.

use std::collections::{BTreeMap, HashSet};

use super::encoding;
use super::expected_tables::{bare, family, migrations, wanted};
use super::wire::Link;
use crate::schema_check::{Finding, Upgrade};
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::query::Value;
use crate::sql::statements::{OUR_TABLES, journal};

/// The indexes that the reference does not create: name, placeholder of the table, column,
/// indexed expression. They serve look-ups of users that ignore case, and rows that refer to a
/// user. MySQL needs none: its collations ignore case, and its foreign keys have indexes.
const INDEXES: [(&str, &str, &str, &str); 5] = [
    (
        "vestibule_user_email_lower",
        "user",
        "email",
        "lower(email COLLATE \"C\")",
    ),
    (
        "vestibule_user_username_lower",
        "user",
        "username",
        "lower(username COLLATE \"C\")",
    ),
    (
        "vestibule_roles_users_user_id",
        "roles_users",
        "user_id",
        "user_id",
    ),
    (
        "vestibule_refresh_user_id",
        "fs_refresh_tracker",
        "user_id",
        "user_id",
    ),
    (
        "vestibule_web_authn_user_id",
        "web_authn",
        "user_id",
        "user_id",
    ),
];

/// A column, as the server describes it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    kind: String,
    /// Whether a row can omit it.
    optional: bool,
    /// Whether it drops the fractions of seconds.
    whole_seconds: bool,
    /// The character set of MySQL's texts.
    pub(super) charset: String,
}

/// The columns of a table; none if the table does not exist.
pub(super) async fn columns_of(
    link: &mut Link<'_>,
    dialect: Dialect,
    table: &str,
) -> Result<Vec<Column>, sqlx_core::Error> {
    let statement = match dialect {
        Dialect::Postgres => {
            "SELECT lower(column_name)::text, lower(data_type)::text, \
             (is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES')::int::bigint, \
             coalesce(datetime_precision, 6)::bigint, ''::text \
             FROM information_schema.columns \
             WHERE table_name = $1 AND table_schema = ANY (current_schemas(false)) \
             ORDER BY ordinal_position"
        }
        Dialect::Sqlite | Dialect::MySql { .. } => {
            "SELECT CAST(lower(column_name) AS CHAR(64)), CAST(lower(data_type) AS CHAR(64)), \
             CAST(is_nullable = 'YES' OR column_default IS NOT NULL OR extra <> '' AS SIGNED), \
             CAST(coalesce(datetime_precision, 6) AS SIGNED), \
             CAST(coalesce(character_set_name, '') AS CHAR(64)) \
             FROM information_schema.columns \
             WHERE table_name = ? AND table_schema = database() ORDER BY ordinal_position"
        }
    };
    let rows = link.rows(statement, &[Value::text(table)]).await?;
    let mut columns = Vec::new();
    for row in rows {
        columns.push(Column {
            name: row.text(0)?.unwrap_or_default(),
            kind: row.text(1)?.unwrap_or_default(),
            optional: row.number(2)? == Some(1),
            whole_seconds: row.number(3)? == Some(0),
            charset: row.text(4)?.unwrap_or_default(),
        });
    }
    Ok(columns)
}

/// The names of columns.
pub(super) fn names(columns: &[Column]) -> HashSet<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

/// Whether any of them drops the fractions of seconds.
pub(super) fn lose_fractions(columns: &[Column]) -> bool {
    columns.iter().any(|column| column.whole_seconds)
}

/// The columns with a unique index over this column alone and all rows.
async fn unique_columns(
    link: &mut Link<'_>,
    dialect: Dialect,
    table: &str,
) -> Result<HashSet<String>, sqlx_core::Error> {
    let statement = match dialect {
        Dialect::Postgres => {
            "SELECT lower(a.attname)::text FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
             WHERE c.relname = $1 AND n.nspname = ANY (current_schemas(false)) \
             AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] > 0"
        }
        Dialect::Sqlite | Dialect::MySql { .. } => {
            "SELECT CAST(lower(min(column_name)) AS CHAR(64)) FROM information_schema.statistics \
             WHERE table_name = ? AND table_schema = database() AND non_unique = 0 \
             GROUP BY index_name HAVING count(*) = 1"
        }
    };
    let rows = link.rows(statement, &[Value::text(table)]).await?;
    let mut names = HashSet::new();
    for row in rows {
        names.extend(row.text(0)?);
    }
    Ok(names)
}

/// Finds what the database lacks, in the order in which it can be added.
pub(super) async fn check(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<Finding>, sqlx_core::Error> {
    let mut findings = Vec::new();
    findings.extend(encoding::check(link, dialect).await?);
    for wanted in wanted(dialect) {
        let table = tables.named(&wanted.mark);
        let present = columns_of(link, dialect, &table).await?;
        if present.is_empty() {
            findings.push(Finding::Table(table));
            continue;
        }
        let unique = unique_columns(link, dialect, &table).await?;
        for (name, kind) in &wanted.columns {
            let Some(found) = present.iter().find(|column| column.name == *name) else {
                findings.push(Finding::Column {
                    table: table.clone(),
                    column: name.clone(),
                    addable: !kind.contains("NOT NULL") || kind.contains("DEFAULT"),
                });
                continue;
            };
            if family(kind) != family(&found.kind) {
                findings.push(Finding::Type {
                    table: table.clone(),
                    column: name.clone(),
                    found: found.kind.clone(),
                    wanted: bare(kind),
                });
            }
            findings.extend(encoding::check_column(&table, found));
            if wanted.unique.contains(name) && !unique.contains(name) {
                findings.push(Finding::Unique {
                    table: table.clone(),
                    column: name.clone(),
                });
            }
        }
        if wanted.mark == "user" {
            let known: HashSet<&String> = wanted.columns.iter().map(|(name, _)| name).collect();
            for column in &present {
                if !known.contains(&column.name) && !column.optional {
                    findings.push(Finding::Unfilled {
                        table: table.clone(),
                        column: column.name.clone(),
                    });
                }
            }
        }
    }
    findings.extend(missing_indexes(link, dialect, tables).await?);
    Ok(findings)
}

async fn missing_indexes(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<Finding>, sqlx_core::Error> {
    let mut findings = Vec::new();
    if dialect != Dialect::Postgres {
        return Ok(findings);
    }
    for (name, mark, column, _) in INDEXES {
        let there = link
            .rows(
                "SELECT 1::bigint FROM pg_indexes \
                 WHERE indexname = $1 AND schemaname = ANY (current_schemas(false))",
                &[Value::text(name)],
            )
            .await?;
        let table = tables.named(mark);
        let columns = columns_of(link, dialect, &table).await?;
        let indexable = columns.is_empty() || names(&columns).contains(column);
        if there.is_empty() && indexable {
            findings.push(Finding::Index {
                name: name.to_owned(),
                table,
            });
        }
    }
    Ok(findings)
}

/// Whether one of our own tables or columns is missing.
pub(super) async fn lacks_ours(
    link: &mut Link<'_>,
    dialect: Dialect,
) -> Result<bool, sqlx_core::Error> {
    for table in OUR_TABLES {
        if columns_of(link, dialect, table).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(!lacking_of_ours(link, dialect).await?.is_empty())
}

/// The columns that our own tables lack because an earlier version created them.
async fn lacking_of_ours(
    link: &mut Link<'_>,
    dialect: Dialect,
) -> Result<Vec<Finding>, sqlx_core::Error> {
    let mut lacking = Vec::new();
    for (table, column) in journal::ADDED {
        let present = columns_of(link, dialect, table).await?;
        if !present.is_empty() && !names(&present).contains(column) {
            lacking.push(Finding::Column {
                table: table.to_owned(),
                column: column.to_owned(),
                addable: true,
            });
        }
    }
    Ok(lacking)
}

/// Creates our own tables and columns that are missing.
pub(super) async fn make_ours(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<(), sqlx_core::Error> {
    let [_, ours @ ..] = migrations(dialect);
    for migration in ours {
        link.batch(&dialect.statement(tables, migration)).await?;
    }
    for finding in lacking_of_ours(link, dialect).await? {
        add(link, dialect, tables, &finding).await?;
    }
    Ok(())
}

/// Creates the missing tables and leaves the others alone.
pub(super) async fn init(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, sqlx_core::Error> {
    let missing = check(link, dialect, tables).await?;
    for migration in migrations(dialect) {
        link.batch(&dialect.statement(tables, migration)).await?;
    }
    let mut made: Vec<Upgrade> = Vec::new();
    for finding in missing {
        let new = match &finding {
            Finding::Table(_) => true,
            // Only on a table that was just created: existing tables stay as they are.
            Finding::Index { table, .. } => {
                made.contains(&Upgrade(Finding::Table(table.clone())))
                    && add(link, dialect, tables, &finding).await?
            }
            _ => false,
        };
        if new {
            made.push(Upgrade(finding));
        }
    }
    Ok(made)
}

/// Adds what is missing and can be added, and changes nothing else.
pub(super) async fn upgrade(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, sqlx_core::Error> {
    let mut added = init(link, dialect, tables).await?;
    // Constraints and indexes need the columns, and follow in a second round.
    for _ in 0..2 {
        for finding in check(link, dialect, tables).await? {
            if add(link, dialect, tables, &finding).await? {
                added.push(Upgrade(finding));
            }
        }
    }
    Ok(added)
}

/// Adds what a finding names. Returns false if it cannot be added.
async fn add(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
    finding: &Finding,
) -> Result<bool, sqlx_core::Error> {
    let quote = |name: &str| dialect.quote(name);
    let statement = match finding {
        Finding::Column {
            table,
            column,
            addable: true,
        } => {
            let kinds: BTreeMap<String, String> = wanted(dialect)
                .into_iter()
                .filter(|wanted| tables.named(&wanted.mark) == *table)
                .flat_map(|wanted| wanted.columns)
                .collect();
            let Some(kind) = kinds.get(column) else {
                return Ok(false);
            };
            format!(
                "ALTER TABLE {} ADD COLUMN {} {kind}",
                quote(table),
                quote(column)
            )
        }
        Finding::Unique { table, column } => {
            // Two rows may have the same value, and only the operator can tell which is right.
            let twice = format!(
                "SELECT 1 FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} \
                 HAVING count(*) > 1 LIMIT 1",
                table = quote(table),
                column = quote(column)
            );
            if !link.rows(&twice, &[]).await?.is_empty() {
                return Ok(false);
            }
            format!(
                "CREATE UNIQUE INDEX {} ON {} ({})",
                quote(&format!("vestibule_{table}_{column}_unique")),
                quote(table),
                quote(column)
            )
        }
        Finding::Index { name, table } => {
            let Some((_, _, _, cutoffs)) = INDEXES.iter().find(|(known, ..)| known == name) else {
                return Ok(false);
            };
            format!(
                "CREATE INDEX {} ON {} ({cutoffs})",
                quote(name),
                quote(table)
            )
        }
        _ => return Ok(false),
    };
    link.batch(&statement).await?;
    Ok(true)
}
