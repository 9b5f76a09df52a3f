//! Which texts a database can store. Character sets for some languages cannot hold all of Unicode.

use std::collections::HashMap;

use super::schema::Column;
use super::wire::Link;
use crate::schema_check::Finding;
use crate::sql::dialect::Dialect;
use crate::sql::query::{Query, Value};

/// The character sets in which users are stored.
#[derive(Debug)]
pub(super) struct Encodings {
    dialect: Dialect,
    /// The encoding of PostgreSQL's database.
    database: String,
    /// The character sets of MySQL's columns, by name.
    columns: HashMap<String, String>,
}

/// How to find out whether a text can be stored.
pub(super) enum Question<'a> {
    /// The answer is known.
    Known(bool),
    /// This statement selects 1 if the text can be stored.
    Ask(Query<'a>),
}

impl Encodings {
    pub(super) async fn read(
        link: &mut Link<'_>,
        dialect: Dialect,
        users: &[Column],
    ) -> Result<Self, sqlx_core::Error> {
        let database = match dialect {
            Dialect::Postgres => of_database(link).await?,
            Dialect::Sqlite | Dialect::MySql { .. } => String::new(),
        };
        let columns = users.iter();
        Ok(Self {
            dialect,
            database,
            columns: columns
                .map(|column| (column.name.clone(), column.charset.clone()))
                .collect(),
        })
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.dialect != Dialect::Postgres || self.database == "UTF8"
    }

    /// Whether a column can store a text.
    pub(super) fn can_keep<'a>(&self, column: &str, text: &'a str) -> Question<'a> {
        if text.is_ascii() || text.contains('\0') {
            return Question::Known(!text.contains('\0'));
        }
        let value = || Value::text(text);
        let charset = self.columns.get(column).map_or("", String::as_str);
        match self.dialect {
            Dialect::Sqlite => Question::Known(true),
            Dialect::Postgres if self.is_utf8() => Question::Known(true),
            Dialect::Postgres => Question::Ask(Query::new(
                "SELECT (length($1::text) > 0)::int::bigint",
                vec![value()],
            )),
            Dialect::MySql { .. } => match charset {
                "" | "utf8mb4" => Question::Known(true),
                "utf8" | "utf8mb3" => Question::Known(text.chars().all(|c| c <= '\u{ffff}')),
                // The server's own name of a character set.
                charset => Question::Ask(Query::new(
                    format!(
                        "SELECT CAST(CAST(CONVERT(CONVERT(? USING {charset}) USING utf8mb4) AS \
                         BINARY) = CAST(? AS BINARY) AS SIGNED)"
                    ),
                    vec![value(), value()],
                )),
            },
        }
    }
}

async fn of_database(link: &mut Link<'_>) -> Result<String, sqlx_core::Error> {
    let rows = link
        .rows("SELECT current_setting('server_encoding')::text", &[])
        .await?;
    let name = rows.first().map(|row| row.text(0)).transpose()?;
    Ok(name.flatten().unwrap_or_default())
}

/// Finds a database that cannot store every text.
pub(super) async fn check(
    link: &mut Link<'_>,
    dialect: Dialect,
) -> Result<Option<Finding>, sqlx_core::Error> {
    if dialect != Dialect::Postgres {
        return Ok(None);
    }
    let found = of_database(link).await?;
    Ok((found != "UTF8").then_some(Finding::Encoding { found }))
}

/// Finds a column of MySQL's that cannot store every text.
pub(super) fn check_column(table: &str, column: &Column) -> Option<Finding> {
    let all = matches!(column.charset.as_str(), "" | "utf8mb4");
    (!all).then(|| Finding::CharacterSet {
        table: table.to_owned(),
        column: column.name.clone(),
        found: column.charset.clone(),
    })
}
