//! What is kept secret, and how it is checked.

pub(crate) mod derived;
pub(crate) mod passwords;
pub(crate) mod sealed;
