//! What callers ask the store to write: new rows, and changes to existing ones.

use std::fmt;

use time::OffsetDateTime;

use crate::{User, UserId};

/// A user to create. "Normalised" values are the output of vestibule's validation; the store keeps
/// them as they are.
#[derive(Clone)]
pub struct NewUser {
    /// The email address, normalised.
    pub email: String,
    /// The username, normalised.
    pub username: Option<String>,
    /// The hash of the password; `None` for a user without a password.
    pub password: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the user confirmed the address; `None` if they have not.
    pub confirmed_at: Option<OffsetDateTime>,
    /// A new `fs_uniquifier`, different from every other user's.
    pub fs_uniquifier: String,
    /// A new `fs_token_uniquifier`; ignored if the table lacks the column.
    pub fs_token_uniquifier: String,
    /// A new handle by which passkeys identify the user; ignored if the table lacks the column.
    pub fs_webauthn_user_handle: String,
    /// The phone number that identifies the user, normalised.
    pub us_phone_number: Option<String>,
    /// The secrets of the user's one-time codes, as `us_totp_secrets` holds them.
    pub us_totp_secrets: Option<String>,
    /// The current time.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A sign-in to record in the user's row.
///
/// The store itself moves the current sign-in to the last one and increments the count, so the
/// caller reads nothing first and no concurrent sign-in is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The IP address of the client.
    pub ip: Option<String>,
}

/// A change of the password's hash.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordChange {
    /// Replaces the hash.
    Set(String),
    /// Replaces the hash only if it is still `old`, so that upgrading a hash never undoes a
    /// password change. Otherwise the rest of the patch is applied without it.
    Upgrade {
        /// The hash that the caller verified the password against.
        old: String,
        /// The new hash of the same password.
        new: String,
    },
}

impl fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set(_) => "Set",
            Self::Upgrade { .. } => "Upgrade",
        })
    }
}

/// Conditions that the row must still meet when it is changed, so that a decision made on an
/// earlier read still holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OnlyIf {
    /// The address is exactly this, byte for byte.
    pub email: Option<String>,
    /// The `fs_uniquifier` is this one.
    pub fs_uniquifier: Option<String>,
    /// The address is not confirmed.
    pub unconfirmed: bool,
    /// These columns hold exactly these values, byte for byte; `None` stands for no value.
    pub factors: Vec<(FactorColumn, Option<String>)>,
}

/// A column that holds a second factor or one-time codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactorColumn {
    /// `tf_primary_method`.
    TwoFactorMethod,
    /// `tf_totp_secret`.
    TwoFactorSecret,
    /// `tf_phone_number`.
    TwoFactorPhone,
    /// `us_totp_secrets`.
    UnifiedSecrets,
    /// `mf_recovery_codes`.
    RecoveryCodes,
}

impl FactorColumn {
    /// The name of the column.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::TwoFactorMethod => "tf_primary_method",
            Self::TwoFactorSecret => "tf_totp_secret",
            Self::TwoFactorPhone => "tf_phone_number",
            Self::UnifiedSecrets => "us_totp_secrets",
            Self::RecoveryCodes => "mf_recovery_codes",
        }
    }

    /// The value of this column in a user's row.
    #[must_use]
    pub fn of(self, user: &User) -> Option<&str> {
        match self {
            Self::TwoFactorMethod => user.tf_primary_method.as_deref(),
            Self::TwoFactorSecret => user.tf_totp_secret.as_deref(),
            Self::TwoFactorPhone => user.tf_phone_number.as_deref(),
            Self::UnifiedSecrets => user.us_totp_secrets.as_deref(),
            Self::RecoveryCodes => user.mf_recovery_codes.as_deref(),
        }
    }
}

impl OnlyIf {
    /// The address and the `fs_uniquifier` are those of this user.
    #[must_use]
    pub fn same_as(user: &User) -> Self {
        Self {
            email: user.email.clone(),
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            ..Self::default()
        }
    }

    /// Adds the condition that a column holds the same value as in this user's row.
    #[must_use]
    pub fn with(mut self, column: FactorColumn, user: &User) -> Self {
        self.factors
            .push((column, column.of(user).map(str::to_owned)));
        self
    }
}

impl fmt::Debug for OnlyIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlyIf")
            .field("email", &self.email.is_some())
            .field("fs_uniquifier", &self.fs_uniquifier.is_some())
            .field("unconfirmed", &self.unconfirmed)
            .field("factors", &self.factors.len())
            .finish()
    }
}

/// A change to a user's row. Fields that are `None` leave their column unchanged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// The row changes only if it meets these conditions.
    pub only_if: OnlyIf,
    /// Whether the user may sign in.
    pub active: Option<bool>,
    /// The email address, normalised.
    pub email: Option<String>,
    /// The username, normalised; `Some(None)` removes it.
    pub username: Option<Option<String>>,
    /// The phone number that identifies the user, normalised; `Some(None)` removes it.
    pub us_phone_number: Option<Option<String>>,
    /// When the user confirmed the address; `Some(None)` makes it unconfirmed.
    pub confirmed_at: Option<Option<OffsetDateTime>>,
    /// The hash of the password.
    pub password: Option<PasswordChange>,
    /// A new `fs_uniquifier`, which ends every session of the user.
    pub fs_uniquifier: Option<String>,
    /// A new `fs_token_uniquifier`, which invalidates every auth token of the user; ignored if the
    /// table lacks the column.
    pub fs_token_uniquifier: Option<String>,
    /// An `fs_token_uniquifier` for a user who has none yet; ignored if the table lacks the column.
    /// Of several concurrent patches, the first one's value stays.
    pub first_token_uniquifier: Option<String>,
    /// A handle by which passkeys identify a user who has none yet; ignored if the table lacks the
    /// column. Of several concurrent patches, the first one's value stays.
    pub fs_webauthn_user_handle: Option<String>,
    /// A sign-in to record.
    pub sign_in: Option<SignIn>,
    /// The primary method of the second factor; `Some(None)` removes it.
    pub tf_primary_method: Option<Option<String>>,
    /// The secret of the second factor's codes; `Some(None)` removes it.
    pub tf_totp_secret: Option<Option<String>>,
    /// The phone number that receives the second factor's codes; `Some(None)` removes it.
    pub tf_phone_number: Option<Option<String>>,
    /// The secrets of the codes that sign in; `Some(None)` removes them.
    pub us_totp_secrets: Option<Option<String>>,
    /// The recovery codes; `Some(None)` removes them.
    pub mf_recovery_codes: Option<Option<String>>,
}

impl fmt::Debug for UserPatch {
    /// Shows which columns change, but no identities, hashes or uniquifiers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserPatch")
            .field("only_if", &self.only_if)
            .field("active", &self.active)
            .field("email", &self.email.is_some())
            .field("username", &self.username.is_some())
            .field("us_phone_number", &self.us_phone_number.is_some())
            .field("confirmed_at", &self.confirmed_at)
            .field("password", &self.password)
            .field("fs_uniquifier", &self.fs_uniquifier.is_some())
            .field("fs_token_uniquifier", &self.fs_token_uniquifier.is_some())
            .field(
                "first_token_uniquifier",
                &self.first_token_uniquifier.is_some(),
            )
            .field(
                "fs_webauthn_user_handle",
                &self.fs_webauthn_user_handle.is_some(),
            )
            .field("sign_in", &self.sign_in)
            .field("tf_primary_method", &self.tf_primary_method)
            .field("tf_totp_secret", &self.tf_totp_secret.is_some())
            .field("tf_phone_number", &self.tf_phone_number.is_some())
            .field("us_totp_secrets", &self.us_totp_secrets.is_some())
            .field("mf_recovery_codes", &self.mf_recovery_codes.is_some())
            .finish()
    }
}

impl UserPatch {
    /// Whether the patch changes no column. Its conditions do not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let only_if = self.only_if.clone();
        *self
            == Self {
                only_if,
                ..Self::default()
            }
    }
}

/// New values for what a user's sessions and auth tokens carry. Setting them invalidates the old
/// ones.
#[derive(Clone)]
pub struct Uniquifiers {
    /// The new `fs_uniquifier`.
    pub session: String,
    /// The new `fs_token_uniquifier`; ignored if the table lacks the column.
    pub token: String,
}

impl fmt::Debug for Uniquifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uniquifiers")
    }
}

/// A role to create.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// The name, which must be unique.
    pub name: String,
    /// A description of its purpose.
    pub description: Option<String>,
    /// The permissions that it grants.
    pub permissions: Vec<String>,
    /// The current time.
    pub created_at: OffsetDateTime,
}

/// A change to a role's permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionChange {
    /// Adds these.
    Add(Vec<String>),
    /// Removes these.
    Remove(Vec<String>),
}

impl PermissionChange {
    /// Applies the change. Existing permissions keep their order, and none is added twice.
    pub fn apply(self, permissions: &mut Vec<String>) {
        match self {
            Self::Add(new) => {
                for permission in new {
                    if !permissions.contains(&permission) {
                        permissions.push(permission);
                    }
                }
            }
            Self::Remove(gone) => permissions.retain(|permission| !gone.contains(permission)),
        }
    }
}

/// A refresh-token family to begin.
#[derive(Clone)]
pub struct NewTracker {
    /// The user that it belongs to.
    pub user_id: UserId,
    /// The family's identifier, which its tokens carry: new and unique.
    pub family: String,
    /// The name that the application gave it.
    pub name: String,
    /// When the family ends. No rotation extends it.
    pub expires_at: OffsetDateTime,
    /// The current time.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for NewTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTracker")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
