//! What a database lacks, in words.

use std::fmt;

/// Something that a database lacks, or has otherwise than it should.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// There is no such table.
    Table(String),
    /// There is no such column.
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Whether it can be added without knowing what to put into the rows.
        addable: bool,
    },
    /// There is no such index, and look-ups are slow without it.
    Index {
        /// The index.
        name: String,
        /// The table.
        table: String,
    },
    /// Nothing keeps two rows from having one value, so two people could share an identity.
    Unique {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The column is of a type that changes what is written into it.
    Type {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type that it has.
        found: String,
        /// The type that it should have.
        wanted: String,
    },
    /// The column cannot hold every text: its character set is that of some languages only.
    CharacterSet {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The character set that it has.
        found: String,
    },
    /// The database cannot hold every text: its encoding is that of some languages only.
    Encoding {
        /// The encoding that it has.
        found: String,
    },
    /// Password hashes that cannot be checked: their users cannot sign in with a password.
    Passwords {
        /// How many.
        count: u64,
        /// Why.
        why: String,
    },
    /// The column is not one of ours, has to be filled and has no default, so no user can
    /// be made.
    Unfilled {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

/// Something that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade(pub Finding);

impl Finding {
    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Table(_) | Self::Index { .. } | Self::Column { addable: true, .. } => {
                "`vestibule db upgrade` adds it"
            }
            Self::Column { addable: false, .. } => {
                "its rows need values that only you can know: add it by hand"
            }
            Self::Unique { .. } => {
                "`vestibule db upgrade` adds the constraint, once no two rows have the same value"
            }
            Self::Type { .. } => "change the column's type by hand: nothing here rewrites a column",
            Self::CharacterSet { .. } => {
                "`ALTER TABLE ... CONVERT TO CHARACTER SET utf8mb4` by hand: nothing here rewrites a column"
            }
            Self::Encoding { .. } => {
                "move the tables into a database made with ENCODING 'UTF8' (pg_dump, then restore)"
            }
            Self::Passwords { .. } => {
                "their users need a new password: by /reset, or by `vestibule users change_password`"
            }
            Self::Unfilled { .. } => "give the column a default, or let it be empty",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table {table}"),
            Self::Column { table, column, .. } => write!(f, "column {table}.{column}"),
            Self::Index { name, table } => write!(f, "index {name} on {table}"),
            Self::Unique { table, column } => write!(f, "unique constraint on {table}.{column}"),
            Self::Type {
                table,
                column,
                found,
                wanted,
            } => write!(f, "type {wanted} of {table}.{column}, which is {found}"),
            Self::CharacterSet {
                table,
                column,
                found,
            } => write!(
                f,
                "character set utf8mb4 of {table}.{column}, which is {found}"
            ),
            Self::Encoding { found } => {
                write!(f, "encoding UTF8 of the database, which is {found}")
            }
            Self::Passwords { count, why } => {
                write!(
                    f,
                    "password hashes that can be checked in place of {count}: {why}"
                )
            }
            Self::Unfilled { table, column } => write!(f, "default for {table}.{column}"),
        }
    }
}
