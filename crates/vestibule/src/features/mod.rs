//! The features, each a room of its own. None knows another; all describe themselves in the
//! words of [`api`].

pub(crate) mod api;
pub(crate) mod authz;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod tokens;
pub(crate) mod verify;
