//! Identities at providers (OAuth 2, OpenID Connect) that are linked to users, and changes to them.

use std::fmt;

use time::OffsetDateTime;

use crate::{StoreError, UserId};

/// An identity at a provider that is linked to a user. Times are in UTC.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The primary key.
    pub id: i64,
    /// The user that it belongs to.
    pub user_id: UserId,
    /// The provider's name in the configuration.
    pub provider: String,
    /// The issuer that vouches for the subject. With the subject, it is the key of the identity.
    pub issuer: String,
    /// The issuer's identifier of the user, compared byte for byte.
    pub subject: String,
    /// What the user recognises the identity by: the address or name at the provider.
    pub label: Option<String>,
    /// When it was linked.
    pub linked_at: OffsetDateTime,
    /// When the user last signed in with it, if they did.
    pub last_used_at: Option<OffsetDateTime>,
}

impl fmt::Debug for LinkedIdentity {
    /// Omits the issuer, the subject and the label.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedIdentity")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// An identity to link. The fields mean the same as those of [`LinkedIdentity`].
#[derive(Clone, PartialEq, Eq)]
pub struct NewIdentity {
    /// The provider's name in the configuration, at most 64 bytes.
    pub provider: String,
    /// The issuer, at most 255 bytes.
    pub issuer: String,
    /// The subject, at most 255 bytes.
    pub subject: String,
    /// What the user recognises it by. The store keeps the first 255 characters.
    pub label: Option<String>,
}

/// The longest issuer and subject, in bytes.
const LONGEST_KEY: usize = 255;

/// How many characters of a label are kept.
const LONGEST_LABEL: usize = 255;

impl NewIdentity {
    /// Refuses an issuer or a subject that is too long for a database.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.issuer.len() > LONGEST_KEY || self.subject.len() > LONGEST_KEY {
            let what = "identities whose issuer or subject is longer than 255 bytes";
            return Err(StoreError::Unsupported(what));
        }
        Ok(())
    }

    /// The label as it is kept.
    pub(crate) fn kept_label(&self) -> Option<&str> {
        let label = self.label.as_deref()?;
        let end = label.char_indices().nth(LONGEST_LABEL);
        Some(end.map_or(label, |(end, _)| &label[..end]))
    }
}

impl fmt::Debug for NewIdentity {
    /// Omits the issuer, the subject and the label.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewIdentity")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// A change to a linked identity.
#[derive(Debug, Clone)]
pub enum IdentityChange {
    /// Links an identity to a user; `None` stands for the user that the same change creates or
    /// updates. [`Applied::Stale`](crate::Applied::Stale) if the user does not exist,
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) of `subject` if the identity is
    /// already linked to any user.
    Link(Option<UserId>, NewIdentity),
    /// Records a sign-in. [`Applied::Stale`](crate::Applied::Stale) if the identity is no longer
    /// linked to the user.
    Used {
        /// The user that it belongs to.
        user_id: UserId,
        /// The identity's primary key.
        id: i64,
    },
    /// Unlinks an identity. [`Applied::Stale`](crate::Applied::Stale) if it does not exist, does
    /// not belong to the user, or is the user's last one and `unless_last` is set. Of several
    /// concurrent changes with `unless_last`, one identity always remains.
    Unlink {
        /// The user that it belongs to.
        user_id: UserId,
        /// The identity's primary key.
        id: i64,
        /// Whether the user must keep at least one identity.
        unless_last: bool,
    },
}
