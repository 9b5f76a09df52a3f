//! Passkeys (WebAuthn credentials), as in the reference's `web_authn` table, and changes to them.

use std::fmt;

use time::OffsetDateTime;

use crate::UserId;

/// What a passkey may be used for. The user chooses it at registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasskeyUsage {
    /// As the first factor, in place of a password.
    First,
    /// As the second factor, after a password.
    Secondary,
}

impl PasskeyUsage {
    /// The value in the column `usage`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Secondary => "secondary",
        }
    }
}

/// A registered passkey. Times are in UTC.
#[derive(Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The primary key.
    pub id: i64,
    /// The user that it belongs to.
    pub user_id: UserId,
    /// The name that the user gave it, unique among the user's passkeys.
    pub name: String,
    /// The identifier that the authenticator gave it, unique among all passkeys.
    pub credential_id: Vec<u8>,
    /// The public key, encoded in COSE.
    pub public_key: Vec<u8>,
    /// The authenticator's signature counter. A column without a number, or with a negative one,
    /// reads as 0.
    pub sign_count: u32,
    /// The transports by which the authenticator can be reached; empty if none are known.
    pub transports: Vec<String>,
    /// The client's extension outputs, as JSON.
    pub extensions: Option<String>,
    /// Whether the passkey is backed up. False if the table lacks the column.
    pub backup_state: bool,
    /// `"single_device"` or `"multi_device"`; the former if the table lacks the column.
    pub device_type: String,
    /// `"first"` or `"secondary"`, as in [`PasskeyUsage`].
    pub usage: String,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_used_at: OffsetDateTime,
}

impl Passkey {
    /// Whether it may be used in this way.
    #[must_use]
    pub fn is_for(&self, usage: PasskeyUsage) -> bool {
        self.usage == usage.as_str()
    }
}

impl fmt::Debug for Passkey {
    /// Omits the credential and the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passkey")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

/// A passkey to register. The fields mean the same as those of [`Passkey`].
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are documented at `Passkey`")]
pub struct NewPasskey {
    pub name: String,
    pub credential_id: Vec<u8>,
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    pub transports: Vec<String>,
    pub extensions: Option<String>,
    pub backup_state: bool,
    pub device_type: String,
    pub usage: PasskeyUsage,
}

impl fmt::Debug for NewPasskey {
    /// Omits the credential and the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPasskey")
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

/// A change to a passkey.
#[derive(Debug, Clone)]
pub enum PasskeyChange {
    /// Registers a passkey. [`Applied::Stale`](crate::Applied::Stale) if the user does not exist.
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) of `credential_id` if any user has
    /// this credential, and of `name` if the user has another passkey of this name.
    Create(UserId, Box<NewPasskey>),
    /// Records a use. [`Applied::Stale`](crate::Applied::Stale) if the passkey does not exist, does
    /// not belong to the user or no longer has the old signature counter, so that of several
    /// requests with one assertion only one succeeds if the authenticator counts.
    Used {
        /// The passkey's primary key.
        id: i64,
        /// The user that it belongs to.
        user_id: UserId,
        /// The signature counter that the caller compared with the authenticator's.
        old_sign_count: u32,
        /// The authenticator's signature counter.
        sign_count: u32,
        /// Whether the passkey is backed up; ignored if the table lacks the column.
        backup_state: bool,
        /// The kind of device; ignored if the table lacks the column.
        device_type: String,
    },
    /// Deletes a passkey. [`Applied::Stale`](crate::Applied::Stale) if it does not exist or does
    /// not belong to the user.
    Delete {
        /// The user that it belongs to.
        user_id: UserId,
        /// The passkey's primary key.
        id: i64,
    },
}
