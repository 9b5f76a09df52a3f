//! What is kept secret, and how it is checked.

pub(crate) mod derived;
pub mod passwords;
pub(crate) mod sealed;
