//! Counters of guesses and of mails, by which the limits of the library are kept.
//!
//! A guess is reserved before anything is compared, so that parallel requests cannot make more
//! guesses than the limit. A guess that turns out to be right is given back.
//!
//! Windows are fixed: one begins with the first guess and lasts for its period, and the next guess
//! after its end begins another. In the worst case an attacker gets twice the limit within one
//! period, and never more than the limit within one window. A sliding window would need a row for
//! each guess.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

/// What a counter counts, and for whom.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuessKey {
    /// Whose guesses are counted: a keyed digest of an account, a client address or a recipient, at
    /// most 64 ASCII characters, so that the table reveals none of them.
    pub principal: String,
    /// What is guessed, at most 32 ASCII characters.
    pub purpose: &'static str,
    /// A keyed digest of the device that has a counter of its own, at most 64 ASCII characters;
    /// empty for the counter of all other devices.
    pub device: String,
}

impl fmt::Debug for GuessKey {
    /// Omits the digests: with the key, an attacker can tell whose account they name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GuessKey").field(&self.purpose).finish()
    }
}

/// A counter and its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessSlot {
    /// The counter.
    pub key: GuessKey,
    /// How long a window lasts. Counters of different periods are independent.
    pub period: Duration,
    /// How many guesses one window allows.
    pub allowed: u32,
}

/// A guess that was reserved in one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedGuess {
    /// The counter.
    pub slot: GuessSlot,
    /// How many guesses the window counts, including this one.
    pub count: u32,
    /// When the window ends.
    pub ends_at: OffsetDateTime,
}

/// The outcome of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// Every counter counts the guess. In the order of the slots.
    Granted(Vec<ReservedGuess>),
    /// A counter is full, and none counts the guess.
    Refused {
        /// When the last of the full windows ends.
        until: OffsetDateTime,
    },
}

impl GuessSlot {
    /// The period in the unit of our own tables.
    pub(crate) fn period_micros(&self) -> i64 {
        i64::try_from(self.period.as_micros()).unwrap_or(i64::MAX)
    }

    /// When a window ends that begins at `now`.
    pub(crate) fn end(&self, now: OffsetDateTime) -> OffsetDateTime {
        let period = time::Duration::microseconds(self.period_micros());
        now.saturating_add(period)
    }
}
