//! The records, as the reference's newest models (`fsqla_v4`) have them.

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

/// A user. Moments are in UTC; a column that the table lacks reads as nothing.
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

impl fmt::Debug for User {
    /// Who, and nothing that could be used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The primary key.
    pub id: i64,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it allows.
    pub permissions: Vec<String>,
}
