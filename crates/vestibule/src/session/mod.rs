//! Who is asking, and how a session begins and ends.

pub(crate) mod assurance;
pub(crate) mod sign_in;
pub mod visit;
