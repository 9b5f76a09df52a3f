//! What is remembered, and where.
//!
//! The [`Store`] trait says what the features need. [`MemoryStore`] is the whole of it in
//! memory, and what the SQL store is tested against. Only `sql/` speaks SQL.

mod memory;
mod patch;
mod record;
pub mod schema_check;
pub mod sql;

use std::fmt;

use async_trait::async_trait;
pub use memory::MemoryStore;
pub use patch::{NewUser, PasswordChange, SignIn, UserPatch};
pub use record::{Role, User, UserId};
use time::OffsetDateTime;

/// A column that identifies a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// `email`.
    Email,
    /// `username`.
    Username,
    /// `us_phone_number`.
    Phone,
}

impl Identity {
    /// The column's name.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
            Self::Phone => "us_phone_number",
        }
    }
}

/// How a user is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UserKey<'a> {
    /// By primary key.
    Id(UserId),
    /// By `fs_uniquifier`, which sessions carry.
    Uniquifier(&'a str),
    /// By an attribute. When case is ignored, a user who has it in exactly this case comes
    /// before others.
    Identity {
        /// Which attribute.
        attribute: Identity,
        /// Its value, normalised.
        value: &'a str,
        /// Whether upper and lower case are one.
        ignore_case: bool,
    },
}

impl fmt::Debug for UserKey<'_> {
    /// Which key, and neither the uniquifier nor the identity itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.debug_tuple("Id").field(&id.0).finish(),
            Self::Uniquifier(_) => f.write_str("Uniquifier"),
            Self::Identity { attribute, .. } => f.write_str(attribute.column()),
        }
    }
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// Another row has this value already.
    #[error("another row has the same {column}")]
    Conflict {
        /// The column.
        column: String,
    },
    /// A row makes no sense.
    #[error("{table}.{column} of row {row} makes no sense")]
    Corrupt {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row's primary key.
        row: i64,
    },
    /// The tables are not the ones that are needed.
    #[error("the schema does not fit: {0}")]
    Schema(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Where users and roles are kept.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// One user.
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError>;

    /// Makes a user.
    async fn create_user(&self, new: NewUser) -> Result<User, StoreError>;

    /// Changes a user, in one statement; false when there is no such user.
    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Users in the order of their primary keys, after one of them.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// The roles of a user, by name.
    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
