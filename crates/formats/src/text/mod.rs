//! What texts may be, and the one form in which they are kept.

pub mod case;
pub mod email;
pub mod normalise;
pub mod phone;
mod registrable;
pub mod username;
