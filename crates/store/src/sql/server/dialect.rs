//! What PostgreSQL and MySQL spell differently.

use time::OffsetDateTime;

use super::wire::Value;
use crate::sql::TableNames;

/// Which server, and what it can keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    MySql {
        /// Whether moments lose their fractions, as in tables that SQLAlchemy made.
        whole_seconds: bool,
    },
}

impl Dialect {
    /// A name as this server takes it whatever it is.
    pub(super) fn quote(self, name: &str) -> String {
        match self {
            Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql { .. } => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// Fills in the tables' names, and writes the marks of values (`?`) as this server
    /// numbers them.
    pub(super) fn statement(self, tables: &TableNames, text: &str) -> String {
        tables.fill_with(&self.marks(text), |name| self.quote(name))
    }

    /// Writes the marks of values as this server numbers them.
    pub(super) fn marks(self, text: &str) -> String {
        match self {
            Self::MySql { .. } => text.to_owned(),
            Self::Postgres => numbered(text),
        }
    }

    /// How one transaction after the other is let through that names the same value. MySQL
    /// needs none: its unique indexes ignore case.
    pub(super) fn lock_value(self) -> Option<&'static str> {
        match self {
            Self::Postgres => {
                Some("SELECT pg_advisory_xact_lock(hashtextextended($1, 7236837245))::text")
            }
            Self::MySql { .. } => None,
        }
    }

    /// A whole number of any size, as it is selected.
    pub(super) fn number(self, column: &str) -> String {
        match self {
            Self::Postgres => format!("{column}::bigint"),
            Self::MySql { .. } => column.to_owned(),
        }
    }

    /// Equality to the byte, by an index where there is one. MySQL's collations take case,
    /// accents and trailing spaces for one; its columns may be of another character set than the
    /// values.
    pub(super) fn exactly(self, column: &str) -> (String, usize) {
        match self {
            Self::Postgres => (format!("{column} = ?"), 1),
            Self::MySql { .. } => (
                format!(
                    "{column} = ? AND CAST(CONVERT({column} USING utf8mb4) AS BINARY) \
                     = CAST(? AS BINARY)"
                ),
                2,
            ),
        }
    }

    /// A moment as it will be read again: nothing is rounded on the way.
    pub(super) fn moment(self, moment: OffsetDateTime) -> OffsetDateTime {
        let kept = match self {
            Self::MySql {
                whole_seconds: true,
            } => moment.replace_nanosecond(0),
            _ => moment.replace_nanosecond(moment.nanosecond() / 1000 * 1000),
        };
        kept.unwrap_or(moment)
    }

    pub(super) fn at(self, moment: OffsetDateTime) -> Value {
        Value::Moment(Some(self.moment(moment)))
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
    fn marks_are_numbered_and_names_quoted() {
        let tables = TableNames {
            user: "us\"?er".to_owned(),
            ..TableNames::default()
        };
        let text = "SELECT id FROM {user} WHERE a = ? AND b = ?";
        assert_eq!(
            Dialect::Postgres.statement(&tables, text),
            "SELECT id FROM \"us\"\"?er\" WHERE a = $1 AND b = $2"
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
