//! The features. No feature imports another. Each describes its endpoints by means of [`api`].

pub(crate) mod api;
pub(crate) mod authz;
pub(crate) mod change_email;
pub(crate) mod change_password;
pub(crate) mod change_username;
pub(crate) mod confirm;
pub(crate) mod dev_mailbox;
pub(crate) mod health;
#[cfg(feature = "oauth")]
pub(crate) mod identities;
pub(crate) mod login;
pub(crate) mod logout;
#[cfg(feature = "oauth")]
pub(crate) mod oauth;
pub(crate) mod passwordless;
pub(crate) mod recover;
pub(crate) mod recover_username;
pub(crate) mod recovery_codes;
pub(crate) mod register;
pub(crate) mod tokens;
pub(crate) mod two_factor;
pub(crate) mod unified;
pub(crate) mod verify;
pub(crate) mod webauthn;
