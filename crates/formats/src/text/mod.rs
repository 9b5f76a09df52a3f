//! Validation of texts, and the normal forms in which they are stored.

pub mod case;
pub mod email;
pub mod normalise;
pub mod phone;
mod registrable;
pub mod username;
