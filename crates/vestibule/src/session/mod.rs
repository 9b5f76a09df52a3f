//! Who is asking, and how a session begins and ends.

pub(crate) mod access;
pub(crate) mod assurance;
pub(crate) mod call;
pub(crate) mod credentials;
pub(crate) mod demand;
pub(crate) mod door;
mod grace;
pub(crate) mod landing;
pub(crate) mod refresh;
pub(crate) mod sign_in;
pub(crate) mod tokens;
pub mod visit;
