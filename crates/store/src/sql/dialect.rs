//! The differences between the databases' SQL.

use time::OffsetDateTime;

use super::TableNames;
use super::query::Value;

/// The kind of database, and the precision of its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "server"),
    expect(
        dead_code,
        reason = "a build without drivers of servers constructs SQLite alone"
    )
)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    MySql {
        /// Whether columns drop the fractions of seconds, as in tables that SQLAlchemy created.
        whole_seconds: bool,
    },
}

impl Dialect {
    /// Quotes a name, whatever characters it has.
    pub(super) fn quote(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql { .. } => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// Fills in the names of the tables, and numbers the placeholders (`?`) if the database
    /// requires it.
    pub(super) fn statement(self, tables: &TableNames, text: &str) -> String {
        tables.fill_with(&self.placeholders(text), |name| self.quote(name))
    }

    /// Writes the placeholders (`?`) as this database does.
    pub(super) fn placeholders(self, text: &str) -> String {
        match self {
            Self::Sqlite | Self::MySql { .. } => text.to_owned(),
            Self::Postgres => numbered(text),
        }
    }

    /// An INSERT that does nothing if the row exists.
    pub(super) fn insert_or_ignore(self, into: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => {
                self.placeholders(&format!("INSERT INTO {into} ON CONFLICT DO NOTHING"))
            }
            Self::MySql { .. } => format!("INSERT IGNORE INTO {into}"),
        }
    }

    /// The clause that locks the rows of a SELECT for a change. SQLite needs none: it locks out
    /// other writers when the transaction begins.
    pub(super) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres | Self::MySql { .. } => " FOR UPDATE",
        }
    }

    /// Makes transactions that claim the same value wait for each other. MySQL needs no lock,
    /// because its unique indexes ignore case, and SQLite has one writer at a time.
    pub(super) const fn lock_value(self) -> Option<&'static str> {
        match self {
            Self::Postgres => {
                Some("SELECT pg_advisory_xact_lock(hashtextextended($1, 7236837245))::text")
            }
            Self::Sqlite | Self::MySql { .. } => None,
        }
    }

    /// Selects an integer column of any size.
    pub(super) fn number(self, column: &str) -> String {
        match self {
            Self::Postgres => format!("{column}::bigint"),
            Self::Sqlite | Self::MySql { .. } => column.to_owned(),
        }
    }

    /// The condition for equality to the byte, and how often it takes the value. It uses an index
    /// if there is one. MySQL's collations ignore case, accents and trailing spaces, and its
    /// columns may have another character set than the values.
    pub(super) fn exactly(self, column: &str) -> (String, usize) {
        match self {
            Self::Sqlite | Self::Postgres => (format!("{column} = ?"), 1),
            Self::MySql { .. } => (
                format!(
                    "{column} = ? AND CAST(CONVERT({column} USING utf8mb4) AS BINARY) \
                     = CAST(? AS BINARY)"
                ),
                2,
            ),
        }
    }

    /// Whether a text can be compared with columns. PostgreSQL has no text with a NUL, and
    /// MySQL's collations ignore it: no row has such a value.
    pub(super) fn can_compare(self, text: &str) -> bool {
        self == Self::Sqlite || !text.contains('\0')
    }

    /// The time as the database will return it. It is truncated here, so that the database does
    /// not round it up.
    pub(super) fn time(self, time: OffsetDateTime) -> OffsetDateTime {
        let kept = match self {
            Self::MySql {
                whole_seconds: true,
            } => time.replace_nanosecond(0),
            _ => time.replace_nanosecond(time.nanosecond() / 1000 * 1000),
        };
        kept.unwrap_or(time)
    }

    pub(super) fn time_value(self, time: OffsetDateTime) -> Value<'static> {
        Value::Time(Some(self.time(time)))
    }
}

fn numbered(text: &str) -> String {
    let mut numbered = String::with_capacity(text.len() + 16);
    for (number, part) in text.split('?').enumerate() {
        if number > 0 {
            numbered.push('$');
            numbered.push_str(&number.to_string());
        }
        numbered.push_str(part);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_and_names_quoted() {
        let tables = TableNames {
            user: "us\"?er".to_owned(),
            ..TableNames::default()
        };
        let text = "SELECT id FROM {user} WHERE a = ? AND b = ?";
        assert_eq!(
            Dialect::Postgres.statement(&tables, text),
            "SELECT id FROM \"us\"\"?er\" WHERE a = $1 AND b = $2"
        );
        assert_eq!(
            Dialect::Sqlite.statement(&tables, text),
            "SELECT id FROM \"us\"\"?er\" WHERE a = ? AND b = ?"
        );
        let mysql = Dialect::MySql {
            whole_seconds: false,
        };
        assert_eq!(
            mysql.statement(&tables, text),
            "SELECT id FROM `us\"?er` WHERE a = ? AND b = ?"
        );
    }
}
