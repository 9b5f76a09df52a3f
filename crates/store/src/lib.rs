//! What is remembered, and where.
//!
//! The [`Store`] trait says what the features need. [`MemoryStore`] is the whole of it in
//! memory, and what the SQL store is tested against. Only `sql/` speaks SQL.

mod change;
mod each_by_itself;
mod memory;
mod password_kind;
mod patch;
mod record;
pub mod schema_check;
pub mod sql;

use std::fmt;

use async_trait::async_trait;
pub use change::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, FamilyChange, MailFate, NewEntries, NewEntry,
    NewMail, OneTimeSecret, QueuedMail, RoleChange, Seals, UserChange,
};
pub use memory::MemoryStore;
pub use password_kind::PasswordKind;
pub use patch::{
    NewRole, NewTracker, NewUser, OnlyIf, PasswordChange, PermissionChange, SignIn, Uniquifiers,
    UserPatch,
};
pub use record::{RefreshTracker, Role, RoleId, User, UserId};
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
    /// By `fs_token_uniquifier`, which tokens carry where the table has that column.
    TokenUniquifier(&'a str),
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
            Self::TokenUniquifier(_) => f.write_str("TokenUniquifier"),
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
    /// The database cannot keep every character of a value: it was made for some languages only.
    #[error("the database cannot keep every character of this value: see `vestibule db check`")]
    Unstorable,
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
    /// The address of the database cannot be used. No part of it that may be secret is in here.
    #[error("the address of the database {0}")]
    Address(String),
    /// The tables are not the ones that are needed.
    #[error("the schema does not fit: {0}")]
    Schema(String),
    /// This store does not do that.
    #[error("this store does not support {0}")]
    Unsupported(&'static str),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Where users, roles and refresh tokens are kept.
///
/// A store of an application's own has to find, make and change users. What it leaves out
/// beyond that it does not support: whoever has no roles need not write about them.
///
/// ```
/// use std::sync::Mutex;
/// use time::OffsetDateTime;
/// use vestibule_store::{
///     Identity, NewUser, PasswordChange, Store, StoreError, User, UserId, UserKey, UserPatch,
/// };
///
/// #[derive(Debug, Default)]
/// struct Few(Mutex<Vec<User>>);
///
/// #[async_trait::async_trait]
/// impl Store for Few {
///     async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
///         let is_meant = |user: &&User| match key {
///             UserKey::Id(id) => user.id == id,
///             UserKey::Uniquifier(text) => user.fs_uniquifier == text,
///             UserKey::Identity { attribute: Identity::Email, value, .. } => {
///                 user.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(value))
///             }
///             _ => false,
///         };
///         Ok(self.0.lock().unwrap().iter().find(is_meant).cloned())
///     }
///
///     async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
///         let mut users = self.0.lock().unwrap();
///         let id = UserId(users.len() as i64 + 1);
///         let mut user = User::new(id, new.fs_uniquifier);
///         (user.email, user.password, user.active) = (Some(new.email), new.password, new.active);
///         users.push(user.clone());
///         Ok(user)
///     }
///
///     async fn update_user(
///         &self,
///         id: UserId,
///         patch: UserPatch,
///         _now: OffsetDateTime,
///     ) -> Result<bool, StoreError> {
///         let mut users = self.0.lock().unwrap();
///         let Some(user) = users.iter_mut().find(|user| user.id == id) else {
///             return Ok(false);
///         };
///         match patch.password {
///             Some(PasswordChange::Set(new)) => user.password = Some(new),
///             // Only if it is still the one that was looked at.
///             Some(PasswordChange::Upgrade { old, new }) if user.password.as_ref() == Some(&old) => {
///                 user.password = Some(new);
///             }
///             _ => {}
///         }
///         user.active = patch.active.unwrap_or(user.active);
///         if let Some(fresh) = patch.fs_uniquifier {
///             user.fs_uniquifier = fresh; // Whoever was signed in no longer is.
///         }
///         Ok(true)
///     }
///
///     async fn ping(&self) -> Result<(), StoreError> {
///         Ok(())
///     }
/// }
/// # let _: std::sync::Arc<dyn Store> = std::sync::Arc::new(Few::default());
/// ```
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// One user.
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError>;

    /// One user and their roles, by name: in one round trip, where one costs something.
    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let Some(user) = self.user(key).await? else {
            return Ok(None);
        };
        let roles = self.roles_of(user.id).await?;
        Ok(Some((user, roles)))
    }

    /// Whether users have an `fs_token_uniquifier` of their own. Where they have none, tokens
    /// carry `fs_uniquifier`.
    fn has_token_uniquifiers(&self) -> bool {
        false
    }

    /// Whether every character of an identity can be kept: not in a database or a column that was
    /// made for some languages only.
    async fn can_keep(&self, attribute: Identity, value: &str) -> Result<bool, StoreError> {
        let _ = (attribute, value);
        Ok(true)
    }

    /// What the stored password hashes cost to check, and how many there are of each kind. It may
    /// read every user.
    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        Ok(Vec::new())
    }

    /// Makes a user.
    async fn create_user(&self, new: NewUser) -> Result<User, StoreError>;

    /// Changes a user, in one statement; false when there is no such user.
    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Does a change with everything that belongs to it, all or nothing. A store that does not
    /// say how does what its other functions can, keeps no audit log, and can neither spend
    /// secrets nor send mail.
    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        each_by_itself::apply(self, change, now).await
    }

    /// Hands out mails that are due, to nobody else until the lease is over.
    async fn claim_mails(
        &self,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        let _ = (claim, now, until, limit);
        Ok(Vec::new())
    }

    /// Decides about a mail that was handed out; false when somebody else has it by now.
    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        let _ = (id, claim, fate);
        Ok(false)
    }

    /// How many mails wait, and how many will never be sent.
    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        Ok((0, 0))
    }

    /// Forgets what nobody needs any more, of everybody. How many rows that were.
    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        let _ = cutoffs;
        Ok(0)
    }

    /// Entries of the audit log after one of them, of everybody or of one user, in order.
    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let _ = (of, after, limit);
        Ok(Vec::new())
    }

    /// The end of the audit log.
    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        Ok(AuditHead::default())
    }

    /// Ends every way in but the password, all or nothing: fresh uniquifiers, no second
    /// factors, no codes, no passkeys, no refresh tokens. False when there is no such user.
    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (id, fresh, now);
        Err(StoreError::Unsupported("ending every way in"))
    }

    /// Deletes a user and whatever belongs to them, all or nothing; false when there is no
    /// such user.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let _ = id;
        Err(StoreError::Unsupported("deleting users"))
    }

    /// Users in the order of their primary keys, after one of them.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let _ = (after, limit);
        Err(StoreError::Unsupported("listing users"))
    }

    /// Whether a user has a passkey.
    async fn has_passkey(&self, id: UserId) -> Result<bool, StoreError> {
        let _ = id;
        Ok(false)
    }

    /// The roles of a user, by name.
    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        let _ = id;
        Ok(Vec::new())
    }

    /// One role.
    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let _ = name;
        Ok(None)
    }

    /// Every role, by name.
    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        Ok(Vec::new())
    }

    /// Makes a role.
    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        let _ = new;
        Err(StoreError::Unsupported("roles"))
    }

    /// Adds to what a role allows, or takes away from it. Changes at once are all made. The
    /// role as it is then; none when there is no such role.
    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let _ = (role, change, now);
        Err(StoreError::Unsupported("roles"))
    }

    /// Gives a role; false when the user has it already.
    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let _ = (user, role);
        Err(StoreError::Unsupported("roles"))
    }

    /// Takes a role; false when the user does not have it.
    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let _ = (user, role);
        Err(StoreError::Unsupported("roles"))
    }

    /// Begins a family of refresh tokens, in its first generation.
    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        let _ = new;
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// One family of refresh tokens.
    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        let _ = family;
        Ok(None)
    }

    /// Goes on to the next generation, if the present one is `from` and the family is not
    /// revoked: of all who try at once, one gets true.
    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (family, from, now);
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// Ends a family; false when there is none, or it was ended before.
    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let _ = (family, now);
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// Removes the families of a user that expired before a moment, or that are revoked. How
    /// many that were.
    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let _ = (user, expired_before, revoked);
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
