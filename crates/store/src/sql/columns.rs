//! The names of the tables, and which columns of users an existing table has.

use std::collections::HashSet;

use super::statements::OUR_TABLES;
use crate::StoreError;

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// Users.
    pub user: String,
    /// Roles.
    pub role: String,
    /// Which users have which roles.
    pub roles_users: String,
    /// Passkeys.
    pub web_authn: String,
    /// Refresh tokens.
    pub refresh: String,
}

impl Default for TableNames {
    fn default() -> Self {
        Self {
            user: "user".to_owned(),
            role: "role".to_owned(),
            roles_users: "roles_users".to_owned(),
            web_authn: "web_authn".to_owned(),
            refresh: "fs_refresh_tracker".to_owned(),
        }
    }
}

impl TableNames {
    /// Replaces `{user}`, `{role}`, ... in a statement with the quoted names, in one pass, because
    /// a name may look like a placeholder itself.
    pub(super) fn fill_with(&self, statement: &str, quote: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        let mut rest = statement;
        while let Some((before, (mark, after))) = rest
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            filled.push_str(before);
            filled.push_str(&quote(&match mark {
                "user" => self.user.clone(),
                "role" => self.role.clone(),
                "roles_users" => self.roles_users.clone(),
                "web_authn" => self.web_authn.clone(),
                // As SQLAlchemy names the index of a column.
                "web_authn:ix_credential_id" => format!("ix_{}_credential_id", self.web_authn),
                "fs_refresh_tracker" => self.refresh.clone(),
                other => other.to_owned(),
            }));
            rest = after;
        }
        filled + rest
    }

    /// The name of the table with this placeholder, for example `fs_refresh_tracker`.
    pub(super) fn named(&self, mark: &str) -> String {
        self.fill_with(&format!("{{{mark}}}"), str::to_owned)
    }

    /// The reference's tables.
    pub(super) fn all(&self) -> [&str; 5] {
        [
            &self.user,
            &self.role,
            &self.roles_users,
            &self.web_authn,
            &self.refresh,
        ]
    }

    /// The reference's tables and our own.
    pub(super) fn with_ours(&self) -> impl Iterator<Item = &str> {
        self.all().into_iter().chain(OUR_TABLES)
    }
}

/// The columns of a user that are read, in the order in which they are read.
pub(super) const USER_COLUMNS: [&str; 22] = [
    "id",
    "email",
    "username",
    "password",
    "active",
    "fs_uniquifier",
    "confirmed_at",
    "last_login_at",
    "current_login_at",
    "last_login_ip",
    "current_login_ip",
    "login_count",
    "tf_primary_method",
    "tf_totp_secret",
    "tf_phone_number",
    "us_totp_secrets",
    "us_phone_number",
    "fs_webauthn_user_handle",
    "mf_recovery_codes",
    "create_datetime",
    "update_datetime",
    "fs_token_uniquifier",
];

/// The columns that the store requires.
const REQUIRED: [&str; 3] = ["id", "active", "fs_uniquifier"];

/// The columns that the user table has.
#[derive(Debug, Clone)]
pub(super) struct UserColumns(HashSet<String>);

impl UserColumns {
    /// Takes the names of the columns. Fails if a required one is missing.
    pub(super) fn new(present: HashSet<String>, table: &str) -> Result<Self, StoreError> {
        if present.is_empty() {
            return Err(StoreError::Schema(format!(
                "there is no table {table:?}: run `vestibule db init`"
            )));
        }
        match REQUIRED.iter().find(|name| !present.contains(**name)) {
            Some(missing) => Err(StoreError::Schema(format!(
                "the table {table:?} has no column {missing:?}: run `vestibule db check`"
            ))),
            None => Ok(Self(present)),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Refuses a value whose column the table lacks, unless it is NULL: a missing column reads as
    /// NULL.
    pub(super) fn require(&self, name: &str, is_null: bool, table: &str) -> Result<(), StoreError> {
        if self.has(name) || is_null {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "the table {table:?} has no column {name:?}: run `vestibule db upgrade`"
        )))
    }
}
