//! Administration of accounts and roles without HTTP: the rules behind the command line.
//!
//! ```
//! use vestibule::admin::{self, NewAccount};
//! use vestibule::{Settings, Vestibule};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let lines = "SECRET_KEY = 'from the environment, as all secrets are'
//! # SECURITY_PASSWORD_SALT = 'from the environment, too'";
//! # let settings = Settings::from_toml(lines)?;
//! let vestibule = Vestibule::builder(settings).build()?;
//! let app = vestibule.app();
//! let account = NewAccount {
//!     email: "ana@example.com".to_owned(),
//!     username: None,
//!     password: "battery staple".to_owned(),
//!     active: true,
//!     confirmed: true,
//! };
//! let ana = admin::create(app, account).await?;
//! let permissions = vec!["report-read".to_owned()];
//! let editor = admin::roles::create(app, "editor".to_owned(), None, permissions).await?;
//! assert!(admin::roles::give(app, &ana, &editor).await?);
//! assert!(admin::set_active(app, &ana, false).await?);
//! # Ok(())
//! # }
//! ```

pub mod roles;
mod users;

use vestibule_store::{StoreError, UserId};

use crate::http::fault::Fault;

use roles::NameFault;
pub use users::{
    NewAccount, change_password, confirm, create, delete, find, label, list, reset_access,
    set_active, unlock,
};

/// Why an operator's command failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is invalid.
    #[error("{0:?} is not a valid email address")]
    Email(String),
    /// The username breaks the configured rules.
    #[error("{0:?} is not allowed as a username by the configured rules")]
    Username(String),
    /// The username reads as another user's address or phone number.
    #[error("{0:?} is not allowed as a username: it looks like an email address or a phone number")]
    UsernameResemblesIdentity(String),
    /// The password breaks a rule.
    #[error("the password is not accepted: {0}")]
    Password(String),
    /// Usernames are switched off.
    #[error("usernames are switched off: set SECURITY_USERNAME_ENABLE = true first")]
    UsernamesOff,
    /// Another account has this identity.
    #[error("another account already has this {0}")]
    Taken(String),
    /// The user does not exist.
    #[error("no user has the identity {0:?}")]
    NotFound(String),
    /// More than one user has the identity.
    #[error("{text:?} matches more than one user: use {}", choices(users))]
    Ambiguous {
        /// The identity.
        text: String,
        /// The users who have it, each with a label.
        users: Vec<(UserId, String)>,
    },
    /// The name of a role is invalid.
    #[error("{0:?} is not a valid role name: it {1}")]
    RoleName(String, NameFault),
    /// The name of a permission is invalid.
    #[error("{0:?} is not a valid permission name: it {1}")]
    PermissionName(String, NameFault),
    /// The description does not fit its column.
    #[error("the description has more than {0} characters")]
    Description(usize),
    /// The role exists already.
    #[error("the role {0:?} already exists")]
    RoleTaken(String),
    /// The role does not exist.
    #[error("there is no role {0:?}")]
    RoleNotFound(String),
    /// An internal failure.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Lists the users: `id:1 (ana@example.com) or id:7 (bo@example.com)`.
fn choices(users: &[(UserId, String)]) -> String {
    let choices = users
        .iter()
        .map(|(id, label)| format!("id:{id} ({label:?})"));
    choices.collect::<Vec<_>>().join(" or ")
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { column } => Self::Taken(column),
            other => Self::Fault(other.into()),
        }
    }
}
