//! The tables that a server's database should have, read from the migrations, so that they are
//! defined in one place.

use crate::sql::dialect::Dialect;

const POSTGRES: [&str; 4] = [
    include_str!("../../../../../migrations/postgres/0001_accounts.sql"),
    include_str!("../../../../../migrations/postgres/0002_journal.sql"),
    include_str!("../../../../../migrations/postgres/0003_guesses.sql"),
    include_str!("../../../../../migrations/postgres/0004_identities.sql"),
];
const MYSQL: [&str; 4] = [
    include_str!("../../../../../migrations/mysql/0001_accounts.sql"),
    include_str!("../../../../../migrations/mysql/0002_journal.sql"),
    include_str!("../../../../../migrations/mysql/0003_guesses.sql"),
    include_str!("../../../../../migrations/mysql/0004_identities.sql"),
];

/// A table, read from the migration: its placeholder there, and its columns with their types.
pub(super) struct Wanted {
    pub(super) mark: String,
    pub(super) columns: Vec<(String, String)>,
    pub(super) unique: Vec<String>,
}

pub(super) fn migrations(dialect: Dialect) -> [&'static str; 4] {
    match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite | Dialect::MySql { .. } => MYSQL,
    }
}

/// The tables that the migrations create.
pub(super) fn wanted(dialect: Dialect) -> Vec<Wanted> {
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

/// A type without its constraints.
pub(super) fn bare(kind: &str) -> String {
    let end = kind.find(" NOT NULL").or_else(|| kind.find(" DEFAULT"));
    kind[..end.unwrap_or(kind.len())].to_owned()
}

/// The family of a type, given the declared type or the server's own name for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Family {
    Number,
    Text,
    Flag,
    Moment,
    Bytes,
    Other(String),
}

pub(super) fn family(kind: &str) -> Family {
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
        // The driver returns it as another type.
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
    fn types_that_read_differently_are_not_a_known_family() {
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
        assert_eq!(mysql.len(), 11);
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
