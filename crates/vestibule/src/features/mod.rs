//! The features, each a room of its own. None knows another.

pub(crate) mod authz;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod tokens;
pub(crate) mod verify;
