//! Persistent data of vestibule: users, roles, refresh tokens, the outbox and the audit log.
//!
//! The [`Store`] trait is what the features need. [`MemoryStore`] implements all of it in memory,
//! and the contract tests hold the SQL stores to the same behaviour. Only `sql/` contains SQL.

mod change;
mod default_apply;
mod guess;
mod linked_identity;
mod memory;
mod passkey;
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
pub use guess::{GuessKey, GuessSlot, Reservation, ReservedGuess};
pub use linked_identity::{IdentityChange, LinkedIdentity, NewIdentity};
pub use memory::{MemoryGuesses, MemoryStore};
pub use passkey::{NewPasskey, Passkey, PasskeyChange, PasskeyUsage};
pub use password_kind::PasswordKind;
pub use patch::{
    FactorColumn, NewRole, NewTracker, NewUser, OnlyIf, PasswordChange, PermissionChange, SignIn,
    Uniquifiers, UserPatch,
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
    /// The name of the column.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
            Self::Phone => "us_phone_number",
        }
    }
}

/// The key by which a user is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UserKey<'a> {
    /// The primary key.
    Id(UserId),
    /// `fs_uniquifier`, which session cookies carry.
    Uniquifier(&'a str),
    /// `fs_token_uniquifier`, which auth tokens carry if the table has that column.
    TokenUniquifier(&'a str),
    /// An identity attribute. If case is ignored, a user whose value has exactly this case takes
    /// precedence over others.
    Identity {
        /// The attribute.
        attribute: Identity,
        /// The value, normalised.
        value: &'a str,
        /// Whether upper and lower case are treated as the same.
        ignore_case: bool,
    },
}

impl fmt::Debug for UserKey<'_> {
    /// Shows the kind of key, but neither the uniquifier nor the identity itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.debug_tuple("Id").field(&id.0).finish(),
            Self::Uniquifier(_) => f.write_str("Uniquifier"),
            Self::TokenUniquifier(_) => f.write_str("TokenUniquifier"),
            Self::Identity { attribute, .. } => f.write_str(attribute.column()),
        }
    }
}

/// An error of a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// Another row already has this value in a unique column.
    #[error("another row has the same {column}")]
    Conflict {
        /// The column.
        column: String,
    },
    /// The database cannot store every character of a value: its encoding covers only some
    /// languages.
    #[error("the database cannot keep every character of this value: see `vestibule db check`")]
    Unstorable,
    /// A row holds a value that its column cannot mean.
    #[error("{table}.{column} of row {row} holds an invalid value")]
    Corrupt {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row's primary key.
        row: i64,
    },
    /// The address of the database cannot be used. The text contains no part of it that may be
    /// secret.
    #[error("the address of the database {0}")]
    Address(String),
    /// The database lacks tables or columns that vestibule needs.
    #[error("the schema does not fit: {0}")]
    Schema(String),
    /// This store does not support the operation.
    #[error("this store does not support {0}")]
    Unsupported(&'static str),
    /// Any other error.
    #[error("{0}")]
    Other(String),
}

/// Where users, roles, refresh tokens, mails and the audit log are stored.
///
/// An application can implement its own store. It must implement looking up, creating and updating
/// users, and `ping`. Everything else has a default, so a store without roles need not mention
/// them: look-ups find nothing, and other methods fail with [`StoreError::Unsupported`].
///
/// Every method fails with [`StoreError::Unavailable`] if the database does not answer. A `now`
/// argument is the current time, which the caller takes from its own clock.
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
///             // Only if nothing has replaced the hash that was verified.
///             Some(PasswordChange::Upgrade { old, new }) if user.password.as_ref() == Some(&old) => {
///                 user.password = Some(new);
///             }
///             _ => {}
///         }
///         user.active = patch.active.unwrap_or(user.active);
///         if let Some(fresh) = patch.fs_uniquifier {
///             user.fs_uniquifier = fresh; // Ends every session of the user.
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
    /// Looks up a user; `None` if no user has this key.
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError>;

    /// Looks up a user and their roles, sorted by name. A store with a network in between does it
    /// in one round trip.
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

    /// Whether users have an `fs_token_uniquifier` of their own. If not, auth tokens carry
    /// `fs_uniquifier`.
    fn has_token_uniquifiers(&self) -> bool {
        false
    }

    /// Whether the store can keep every character of an identity. A database or a column whose
    /// encoding covers only some languages cannot.
    async fn can_keep(&self, attribute: Identity, value: &str) -> Result<bool, StoreError> {
        let _ = (attribute, value);
        Ok(true)
    }

    /// Groups the stored password hashes by what they cost to check, and counts each group. May
    /// read every user.
    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        Ok(Vec::new())
    }

    /// Creates a user and returns them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if another user has the same email address, username, phone number
    /// or uniquifier.
    async fn create_user(&self, new: NewUser) -> Result<User, StoreError>;

    /// Updates a user, in one statement. Returns false if the user does not exist or no longer
    /// matches [`UserPatch::only_if`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if another user has one of the new values.
    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Applies a change: all of it, or nothing.
    ///
    /// The default calls the store's other methods. It supports changes of one user, one role or
    /// one family, and of a user together with a family, which it applies one after the other. It
    /// ignores claims and audit entries.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if a claim or another unique value belongs to another row; nothing
    /// is changed then. [`StoreError::Unsupported`] if the store cannot do it, which in the default
    /// includes one-time secrets, mails, passkeys, linked identities and several changes at once.
    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        default_apply::apply(self, change, now).await
    }

    /// Claims up to `limit` mails that are due at `now`. No other worker gets them before `until`,
    /// when the lease ends. `claim` names the claim for [`settle_mail`](Self::settle_mail). Each
    /// claimed mail counts as one more attempt.
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

    /// Records the outcome for a mail that was claimed. Returns false, and changes nothing, if the
    /// mail no longer belongs to this claim, because the lease ended and another worker took it.
    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        let _ = (id, claim, fate);
        Ok(false)
    }

    /// Whether a one-time secret was consumed.
    async fn is_consumed(&self, secret: &OneTimeSecret) -> Result<bool, StoreError> {
        let _ = secret;
        Ok(false)
    }

    /// How many mails are waiting, and how many were given up.
    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        Ok((0, 0))
    }

    /// Reserves a guess in every slot, or in none if one of them is full. Of any number of parallel
    /// reservations in one window, no more are granted than the slot allows. The slots must be
    /// distinct.
    ///
    /// A store that does not support it gets the limits of one process, counted in memory.
    async fn reserve_guess(
        &self,
        slots: &[GuessSlot],
        now: OffsetDateTime,
    ) -> Result<Reservation, StoreError> {
        let _ = (slots, now);
        Err(StoreError::Unsupported("counting guesses"))
    }

    /// Gives reserved guesses back, each to the window that counted it, and deletes the counters
    /// `cleared`. All of it is done, or nothing.
    async fn release_guesses(
        &self,
        returned: &[ReservedGuess],
        cleared: &[GuessKey],
    ) -> Result<(), StoreError> {
        let _ = (returned, cleared);
        Err(StoreError::Unsupported("counting guesses"))
    }

    /// Deletes every counter of a principal, whatever the purpose and the device. Returns how many.
    async fn forget_guesses(&self, principal: &str) -> Result<u64, StoreError> {
        let _ = principal;
        Err(StoreError::Unsupported("counting guesses"))
    }

    /// Deletes the data of all users that is older than `cutoffs` allows. Returns the number of
    /// deleted rows.
    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        let _ = cutoffs;
        Ok(0)
    }

    /// Up to `limit` entries of the audit log with numbers greater than `after`, in ascending
    /// order; of one user, or of all.
    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let _ = (of, after, limit);
        Ok(Vec::new())
    }

    /// The head of the audit log.
    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        Ok(AuditHead::default())
    }

    /// Revokes every credential of a user except the password, atomically: replaces the uniquifiers
    /// and removes second factors, recovery codes, passkeys and linked identities, and revokes the
    /// refresh-token families. Returns false if the user does not exist.
    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (id, fresh, now);
        Err(StoreError::Unsupported("revoking credentials"))
    }

    /// Deletes a user and everything that belongs to them, atomically. Returns false if the user
    /// does not exist.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let _ = id;
        Err(StoreError::Unsupported("deleting users"))
    }

    /// Up to `limit` users whose primary keys are greater than `after`, in ascending order.
    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let _ = (after, limit);
        Err(StoreError::Unsupported("listing users"))
    }

    /// Whether a user has a passkey: one of this usage, or any.
    async fn has_passkey(
        &self,
        id: UserId,
        usage: Option<PasskeyUsage>,
    ) -> Result<bool, StoreError> {
        let _ = (id, usage);
        Ok(false)
    }

    /// The passkey with this credential identifier.
    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
        let _ = credential_id;
        Ok(None)
    }

    /// The passkeys of a user, in the order of their primary keys.
    async fn passkeys_of(&self, id: UserId) -> Result<Vec<Passkey>, StoreError> {
        let _ = id;
        Ok(Vec::new())
    }

    /// The linked identity with this key, compared byte for byte.
    async fn linked_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<LinkedIdentity>, StoreError> {
        let _ = (issuer, subject);
        Ok(None)
    }

    /// The linked identities of a user, in the order of their primary keys.
    async fn linked_identities_of(&self, id: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        let _ = id;
        Ok(Vec::new())
    }

    /// The roles of a user, sorted by name.
    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        let _ = id;
        Ok(Vec::new())
    }

    /// The role with this name.
    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let _ = name;
        Ok(None)
    }

    /// Every role, sorted by name.
    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        Ok(Vec::new())
    }

    /// Creates a role and returns it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the name is taken.
    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        let _ = new;
        Err(StoreError::Unsupported("roles"))
    }

    /// Adds permissions to a role or removes some. Concurrent changes all take effect. Returns the
    /// role after the change; `None` if the role does not exist.
    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let _ = (role, change, now);
        Err(StoreError::Unsupported("roles"))
    }

    /// Gives a user a role. Returns false if the user already has it.
    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let _ = (user, role);
        Err(StoreError::Unsupported("roles"))
    }

    /// Takes a role from a user. Returns false if the user does not have it.
    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let _ = (user, role);
        Err(StoreError::Unsupported("roles"))
    }

    /// Begins a refresh-token family, in generation 1.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the identifier is taken.
    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        let _ = new;
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// The refresh-token family with this identifier.
    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        let _ = family;
        Ok(None)
    }

    /// Advances a family to the next generation if its generation is `from` and it is not revoked.
    /// Returns whether this call did so: of several concurrent calls, exactly one gets true.
    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let _ = (family, from, now);
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// Revokes a family. Returns false if it does not exist or is already revoked.
    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let _ = (family, now);
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// Deletes the families of a user that expired before `expired_before`, and the revoked ones if
    /// `revoked` is set. Returns the number of deleted families.
    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let _ = (user, expired_before, revoked);
        Err(StoreError::Unsupported("refresh tokens"))
    }

    /// Checks that the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}
