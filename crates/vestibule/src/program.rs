//! What the `vestibule` program and the tests of this crate need beyond the public API.
//!
//! Nothing here is covered by semantic versioning.

/// The audit log.
pub mod audit {
    pub use crate::audit::{End, Verdict, verify};
}

/// Rehearsing mails before the start.
pub mod rehearsal {
    pub use crate::mail::rehearsal::{Rehearsed, all, problems};
}

/// Mail transports.
pub mod transport {
    pub use crate::mail::transport::{ProbedStep, probe};
}

/// The time.
pub mod clock {
    pub use crate::clock::SystemClock;
}

/// Randomness.
pub mod rng {
    pub use crate::rng::{Random, SystemRandom, bytes, hex};
}

pub use crate::http::cors::Cors;
pub use crate::http::trust::Peer;
pub use crate::settings::*;
