//! What is kept secret, and how it is checked.

pub mod passwords;
