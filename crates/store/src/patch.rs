//! Which columns a rule changes.

use std::fmt;

use time::OffsetDateTime;

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

/// What changes in a user's row; nothing unless it is said.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// Whether the user may sign in.
    pub active: Option<bool>,
    /// The password's hash.
    pub password: Option<PasswordChange>,
    /// A fresh `fs_uniquifier`, which ends every session.
    pub fs_uniquifier: Option<String>,
    /// A sign-in.
    pub sign_in: Option<SignIn>,
    /// The second factor; `Some(None)` takes it away.
    pub tf_primary_method: Option<Option<String>>,
}

impl fmt::Debug for UserPatch {
    /// Which columns, and no value that could be used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserPatch")
            .field("active", &self.active)
            .field("password", &self.password)
            .field("fs_uniquifier", &self.fs_uniquifier.is_some())
            .field("sign_in", &self.sign_in)
            .field("tf_primary_method", &self.tf_primary_method)
            .finish()
    }
}

impl UserPatch {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
