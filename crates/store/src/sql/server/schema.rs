//! Comparing a server's database with what it should be, and adding what it lacks.

use std::collections::{BTreeMap, HashSet};

use super::encoding;
use super::wire::Link;
use crate::schema_check::{Finding, Upgrade};
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::query::Value;
use crate::sql::statements::journal;

const POSTGRES: [&str; 2] = [
    include_str!("../../../../../migrations/postgres/0001_accounts.sql"),
    include_str!("../../../../../migrations/postgres/0002_journal.sql"),
];
const MYSQL: [&str; 2] = [
    include_str!("../../../../../migrations/mysql/0001_accounts.sql"),
    include_str!("../../../../../migrations/mysql/0002_journal.sql"),
];

/// The indexes that the reference does without, with their tables' marks, their columns and
/// what they are over: for looking users up whatever the case, and for what belongs to one of
/// them. MySQL does without: its collations ignore case, its foreign keys have indexes.
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

/// A column, as the server tells of it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    kind: String,
    /// Whether rows can be without a value for it.
    optional: bool,
    /// Whether moments in it keep their fractions.
    whole_seconds: bool,
    /// The character set of MySQL's texts.
    pub(super) charset: String,
}

/// A table of ours, read off the migration: its name there, and its columns with their types.
struct Wanted {
    mark: String,
    columns: Vec<(String, String)>,
    unique: Vec<String>,
}

fn migrations(dialect: Dialect) -> [&'static str; 2] {
    match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite | Dialect::MySql { .. } => MYSQL,
    }
}

/// What the migration makes, so that it stands in one place.
fn wanted(dialect: Dialect) -> Vec<Wanted> {
    let mut tables: Vec<Wanted> = Vec::new();
    for line in migrations(dialect).into_iter().flat_map(str::lines) {
        if let Some(rest) = line.strip_prefix("CREATE TABLE IF NOT EXISTS {") {
            let mark = rest.split('}').next().unwrap_or_default().to_owned();
            tables.push(Wanted {
                mark,
                columns: Vec::new(),
                unique: Vec::new(),
            });
        }
        let Some(table) = tables.last_mut() else {
            continue;
        };
        let Some(line) = line.strip_prefix("    ") else {
            continue;
        };
        let line = line.trim_end_matches(',');
        let Some((name, kind)) = line.split_once(' ') else {
            continue;
        };
        match name {
            "UNIQUE" => table.unique.extend(
                kind.rsplit_once('(')
                    .map(|(_, column)| column.trim_end_matches(')').to_owned()),
            ),
            "PRIMARY" | "FOREIGN" | "INDEX" => {}
            _ => table
                .columns
                .push((name.trim_matches('`').to_owned(), kind.to_owned())),
        }
    }
    tables
}

/// The columns of a table; none when there is no such table.
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

/// Whether any of them loses the fractions of moments.
pub(super) fn lose_fractions(columns: &[Column]) -> bool {
    columns.iter().any(|column| column.whole_seconds)
}

/// The columns that have a unique index of their own, over all rows.
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

/// What the database lacks, in the order in which it can be added.
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

/// Whether a table of our own is not there, or a column.
pub(super) async fn lacks_ours(
    link: &mut Link<'_>,
    dialect: Dialect,
) -> Result<bool, sqlx_core::Error> {
    for table in journal::TABLES {
        if columns_of(link, dialect, table).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(!lacking_of_ours(link, dialect).await?.is_empty())
}

/// The columns that a table of ours from an earlier version lacks.
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

/// Makes the tables of our own that are not there, and their columns.
pub(super) async fn make_ours(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<(), sqlx_core::Error> {
    let [.., ours] = migrations(dialect);
    link.batch(&dialect.statement(tables, ours)).await?;
    for finding in lacking_of_ours(link, dialect).await? {
        add(link, dialect, tables, &finding).await?;
    }
    Ok(())
}

/// Makes the tables that are not there, and leaves the others alone.
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
            // Only on a table that was made just now: those that were there stay as they are.
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

/// Adds whatever can be added, and changes nothing that is there.
pub(super) async fn upgrade(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<Upgrade>, sqlx_core::Error> {
    let mut added = init(link, dialect, tables).await?;
    // Constraints and indexes come in a second round, when the columns are there.
    for _ in 0..2 {
        for finding in check(link, dialect, tables).await? {
            if add(link, dialect, tables, &finding).await? {
                added.push(Upgrade(finding));
            }
        }
    }
    Ok(added)
}

/// Adds one thing, if it can be added.
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
            // Two rows may have one value. Which of them is right is not for us to say.
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

/// A type without its conditions.
fn bare(kind: &str) -> String {
    let end = kind.find(" NOT NULL").or_else(|| kind.find(" DEFAULT"));
    kind[..end.unwrap_or(kind.len())].to_owned()
}

/// What a type holds: the declared one, or the server's own name for it.
#[derive(Debug, PartialEq, Eq)]
enum Family {
    Number,
    Text,
    Flag,
    Moment,
    Bytes,
    Other(String),
}

fn family(kind: &str) -> Family {
    let kind = kind.to_ascii_lowercase();
    let word = kind.split([' ', '(']).next().unwrap_or_default();
    match word {
        "serial" | "bigserial" | "integer" | "int" | "bigint" | "smallint" | "mediumint" => {
            Family::Number
        }
        "varchar" | "character" | "char" | "text" | "tinytext" | "mediumtext" | "longtext" => {
            Family::Text
        }
        "boolean" | "bool" | "tinyint" => Family::Flag,
        // What it gives back is another type to the driver.
        "timestamp" if kind.contains("with time zone") => Family::Other(kind),
        "timestamp" | "datetime" => Family::Moment,
        "bytea" | "blob" | "varbinary" | "tinyblob" | "mediumblob" | "longblob" => Family::Bytes,
        other => Family::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_read_as_another_is_not_taken_for_it() {
        for (kind, read) in [
            ("timestamp without time zone", Family::Moment),
            ("datetime(6)", Family::Moment),
            ("character varying(255)", Family::Text),
        ] {
            assert_eq!(family(kind), read, "{kind}");
        }
        for kind in ["timestamp with time zone", "json", "jsonb"] {
            assert!(matches!(family(kind), Family::Other(_)), "{kind}");
        }
    }

    #[test]
    fn both_migrations_make_the_same_tables() {
        let mysql = wanted(Dialect::MySql {
            whole_seconds: false,
        });
        let postgres = wanted(Dialect::Postgres);
        assert_eq!(mysql.len(), 9);
        for (one, other) in mysql.iter().zip(&postgres) {
            assert_eq!(one.mark, other.mark);
            for ((name, kind), (other_name, other_kind)) in one.columns.iter().zip(&other.columns) {
                assert_eq!(name, other_name);
                assert_eq!(family(kind), family(other_kind), "{name}");
            }
            assert_eq!(one.columns.len(), other.columns.len());
        }
        assert_eq!(postgres[1].unique.len(), 5);
    }
}
