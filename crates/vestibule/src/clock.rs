//! The only source of time.
//!
//! All code that needs the time asks the [`Clock`] of the [`App`](crate::App), so that a test can
//! stop it or move it forward.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

/// A clock in UTC.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The current time.
    fn now(&self) -> OffsetDateTime;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> OffsetDateTime {
        (**self).now()
    }
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the lint sends all other code here"
    )]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A moment in the format of sessions and tokens: seconds since 1970, with microseconds.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds since 1970 fit the 53 bits of a double until the year 2255"
)]
pub(crate) fn seconds(moment: OffsetDateTime) -> f64 {
    (moment.unix_timestamp_nanos() / 1000) as f64 / 1e6
}
