//! Who is asking, and how a session begins and ends.

pub(crate) mod access;
pub(crate) mod assurance;
pub(crate) mod auth_policy;
pub mod context;
pub(crate) mod credentials;
pub(crate) mod freshness;
mod grace;
pub(crate) mod landing;
pub(crate) mod proof;
pub(crate) mod refresh;
pub(crate) mod request;
pub(crate) mod requirement;
pub(crate) mod sign_in;
pub(crate) mod tokens;
