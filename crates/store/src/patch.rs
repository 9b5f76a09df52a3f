//! Which columns a rule changes.

use std::fmt;

use time::OffsetDateTime;

use crate::UserId;

/// A user to be made.
#[derive(Clone)]
pub struct NewUser {
    /// The address, normalised.
    pub email: String,
    /// The name, normalised.
    pub username: Option<String>,
    /// The password's hash.
    pub password: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the address was confirmed.
    pub confirmed_at: Option<OffsetDateTime>,
    /// A fresh `fs_uniquifier`.
    pub fs_uniquifier: String,
    /// A fresh `fs_token_uniquifier`, kept where the table has that column.
    pub fs_token_uniquifier: String,
    /// What passkeys will know the user by: fresh, kept where the table has that column.
    pub fs_webauthn_user_handle: String,
    /// The phone number that identifies the user, normalised.
    pub us_phone_number: Option<String>,
    /// Now.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A sign-in to be noted in the user's row. The store moves what was current to last, and
/// counts: nothing is read before, so nothing is lost when two sign in at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// From where.
    pub ip: Option<String>,
}

/// What happens to the password's hash.
#[derive(Clone, PartialEq, Eq)]
pub enum PasswordChange {
    /// It becomes this one.
    Set(String),
    /// It becomes the new one if it is still the old one: an upgrade never undoes a change.
    Upgrade {
        /// What was compared with.
        old: String,
        /// The same password's new hash.
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

/// What a row has to be like still when it is changed: what was judged before is what holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OnlyIf {
    /// It has this address, to the byte.
    pub email: Option<String>,
    /// It has this `fs_uniquifier`.
    pub fs_uniquifier: Option<String>,
    /// Its address is not confirmed.
    pub unconfirmed: bool,
}

impl fmt::Debug for OnlyIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlyIf")
            .field("email", &self.email.is_some())
            .field("fs_uniquifier", &self.fs_uniquifier.is_some())
            .field("unconfirmed", &self.unconfirmed)
            .finish()
    }
}

/// What changes in a user's row; nothing unless it is said.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// Nothing changes unless the row is still like this.
    pub only_if: OnlyIf,
    /// Whether the user may sign in.
    pub active: Option<bool>,
    /// The address, normalised.
    pub email: Option<String>,
    /// The name, normalised; `Some(None)` takes it away.
    pub username: Option<Option<String>>,
    /// The phone number that identifies the user, normalised; `Some(None)` takes it away.
    pub us_phone_number: Option<Option<String>>,
    /// When the address was confirmed; `Some(None)` says that it is not.
    pub confirmed_at: Option<Option<OffsetDateTime>>,
    /// The password's hash.
    pub password: Option<PasswordChange>,
    /// A fresh `fs_uniquifier`, which ends every session.
    pub fs_uniquifier: Option<String>,
    /// A fresh `fs_token_uniquifier`, which ends every token; kept where the table has that
    /// column.
    pub fs_token_uniquifier: Option<String>,
    /// An `fs_token_uniquifier` for a user who has none yet; kept where the table has that
    /// column. Of many who bring one at once, all find the first.
    pub first_token_uniquifier: Option<String>,
    /// A sign-in.
    pub sign_in: Option<SignIn>,
    /// The second factor; `Some(None)` takes it away.
    pub tf_primary_method: Option<Option<String>>,
}

impl fmt::Debug for UserPatch {
    /// Which columns, and no value that could be used.
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
            .field("sign_in", &self.sign_in)
            .field("tf_primary_method", &self.tf_primary_method)
            .finish()
    }
}

impl UserPatch {
    /// Whether nothing changes.
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

/// What sessions and tokens carry, made anew.
#[derive(Clone)]
pub struct Uniquifiers {
    /// `fs_uniquifier`.
    pub session: String,
    /// `fs_token_uniquifier`, kept where the table has that column.
    pub token: String,
}

impl fmt::Debug for Uniquifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uniquifiers")
    }
}

/// A role to be made.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it allows.
    pub permissions: Vec<String>,
    /// Now.
    pub created_at: OffsetDateTime,
}

/// What happens to a role's permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionChange {
    /// These are added to what there is.
    Add(Vec<String>),
    /// These go away.
    Remove(Vec<String>),
}

impl PermissionChange {
    /// Carries it out: what is there stays in its order, nothing is there twice.
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

/// A family of refresh tokens to be begun.
#[derive(Clone)]
pub struct NewTracker {
    /// Whose it is.
    pub user_id: UserId,
    /// What its tokens carry: fresh.
    pub family: String,
    /// What the application calls it.
    pub name: String,
    /// When it ends, whatever happens.
    pub expires_at: OffsetDateTime,
    /// Now.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for NewTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTracker")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
