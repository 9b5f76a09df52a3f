//! The records of users, roles and refresh-token families, as in the reference's newest models
//! (`fsqla_v4`).

use std::fmt;

use time::OffsetDateTime;

/// A user's primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user. Times are in UTC. A column that the table lacks reads as `None`.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the reference's columns, under the same names"
)]
pub struct User {
    pub id: UserId,
    pub email: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub active: bool,
    pub fs_uniquifier: String,
    pub fs_token_uniquifier: Option<String>,
    pub confirmed_at: Option<OffsetDateTime>,
    pub last_login_at: Option<OffsetDateTime>,
    pub current_login_at: Option<OffsetDateTime>,
    pub last_login_ip: Option<String>,
    pub current_login_ip: Option<String>,
    pub login_count: Option<i64>,
    pub tf_primary_method: Option<String>,
    pub tf_totp_secret: Option<String>,
    pub tf_phone_number: Option<String>,
    pub us_totp_secrets: Option<String>,
    pub us_phone_number: Option<String>,
    pub fs_webauthn_user_handle: Option<String>,
    pub mf_recovery_codes: Option<String>,
    pub create_datetime: Option<OffsetDateTime>,
    pub update_datetime: Option<OffsetDateTime>,
}

impl User {
    /// An active user with nothing but a primary key and a uniquifier.
    #[must_use]
    pub fn new(id: UserId, fs_uniquifier: String) -> Self {
        Self {
            id,
            email: None,
            username: None,
            password: None,
            active: true,
            fs_uniquifier,
            fs_token_uniquifier: None,
            confirmed_at: None,
            last_login_at: None,
            current_login_at: None,
            last_login_ip: None,
            current_login_ip: None,
            login_count: None,
            tf_primary_method: None,
            tf_totp_secret: None,
            tf_phone_number: None,
            us_totp_secrets: None,
            us_phone_number: None,
            fs_webauthn_user_handle: None,
            mf_recovery_codes: None,
            create_datetime: None,
            update_datetime: None,
        }
    }
}

impl fmt::Debug for User {
    /// Omits everything that identifies the user or grants access.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A role's primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleId(pub i64);

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The primary key.
    pub id: RoleId,
    /// The name, which is unique.
    pub name: String,
    /// A description of its purpose.
    pub description: Option<String>,
    /// The permissions that it grants.
    pub permissions: Vec<String>,
}

/// A refresh-token family: a chain of tokens, each issued in exchange for the one before it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshTracker {
    /// The user that it belongs to.
    pub user_id: UserId,
    /// The family's identifier, which its tokens carry.
    pub family: String,
    /// The generation of the only token that is valid. The first is 1.
    pub generation: i64,
    /// The name that the application gave it.
    pub name: String,
    /// When it began, which was with a proof of identity.
    pub created_at: OffsetDateTime,
    /// When the family ends. No rotation extends it.
    pub expires_at: OffsetDateTime,
    /// When it was revoked, if it was.
    pub revoked_at: Option<OffsetDateTime>,
    /// When its newest token was issued.
    pub last_used_at: OffsetDateTime,
}

impl fmt::Debug for RefreshTracker {
    /// Omits the family's identifier, which its tokens carry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTracker")
            .field("user_id", &self.user_id)
            .field("generation", &self.generation)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}
