//! Identifying the caller of a request, and beginning and ending sessions.

pub(crate) mod access;
pub(crate) mod assurance;
pub(crate) mod auth_policy;
pub(crate) mod caller;
pub(crate) mod context;
mod cookies;
pub(crate) mod credentials;
pub(crate) mod csrf;
mod devices;
pub(crate) mod freshness;
pub(crate) mod grace;
pub(crate) mod keys;
pub(crate) mod passcode;
pub(crate) mod pending;
pub(crate) mod proof;
mod protection;
pub(crate) mod refresh;
pub(crate) mod request;
pub(crate) mod second_factor;
pub(crate) mod sign_in;
pub(crate) mod tokens;
