//! The only door to time.
//!
//! Everything that needs to know what time it is asks the [`Clock`] of the
//! [`App`](crate::App), so that a test can stand still or jump ahead.

use std::fmt;

use time::OffsetDateTime;

/// Tells the time, in UTC.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Now.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door that the lint points to"
    )]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
