//! The features, each a room of its own. None knows another.

pub(crate) mod login;
pub(crate) mod logout;
