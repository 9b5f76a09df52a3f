//! What `vestibule db check` finds in a database.

use std::fmt;

/// Something that a database lacks, or that differs from what vestibule needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A table is missing.
    Table(String),
    /// A column is missing.
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Whether `vestibule db upgrade` can add it: existing rows need no value for it.
        addable: bool,
    },
    /// An index is missing, so look-ups are slow.
    Index {
        /// The index.
        name: String,
        /// The table.
        table: String,
    },
    /// A unique constraint is missing, so two users could share an identity.
    Unique {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column has a type that alters the values written into it.
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
    /// A column cannot store every character: its character set covers only some languages.
    CharacterSet {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The character set that it has.
        found: String,
    },
    /// The database cannot store every character: its encoding covers only some languages.
    Encoding {
        /// The encoding that it has.
        found: String,
    },
    /// Some password hashes cannot be checked, so their users cannot sign in with a password.
    Passwords {
        /// How many hashes.
        count: u64,
        /// Why they cannot be checked.
        why: String,
    },
    /// A column that vestibule does not know is `NOT NULL` and has no default, so no user can be
    /// created.
    Unfilled {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

/// Something that `vestibule db upgrade` added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade(pub Finding);

impl Finding {
    /// What the operator can do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Table(_) | Self::Index { .. } | Self::Column { addable: true, .. } => {
                "`vestibule db upgrade` adds it"
            }
            Self::Column { addable: false, .. } => {
                "existing rows need values that vestibule cannot know: add it by hand"
            }
            Self::Unique { .. } => {
                "`vestibule db upgrade` adds the constraint, once no two rows have the same value"
            }
            Self::Type { .. } => "change the column's type by hand: vestibule rewrites no column",
            Self::CharacterSet { .. } => {
                "`ALTER TABLE ... CONVERT TO CHARACTER SET utf8mb4` by hand: vestibule rewrites no column"
            }
            Self::Encoding { .. } => {
                "move the tables into a database made with ENCODING 'UTF8' (pg_dump, then restore)"
            }
            Self::Passwords { .. } => {
                "their users need a new password: by /reset, or by `vestibule users change_password`"
            }
            Self::Unfilled { .. } => "give the column a default, or allow NULL in it",
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
