//! Counters of guesses in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::{GuessKey, GuessSlot, Reservation, ReservedGuess};

/// How many counters there are at least before those of ended windows are removed.
const ROOM: usize = 10_000;

/// Counters of guesses in memory, for stores that have none of their own. They are lost when the
/// process ends, and every process has its own.
#[derive(Debug, Default)]
pub struct MemoryGuesses(Mutex<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// By counter, and period in microseconds.
    windows: HashMap<(GuessKey, i64), Window>,
    /// The number of counters at which those of ended windows are removed next.
    full_at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    count: u32,
    ends_at: OffsetDateTime,
}

impl MemoryGuesses {
    /// Reserves a guess, as [`Store::reserve_guess`](crate::Store::reserve_guess) does.
    pub fn reserve(&self, slots: &[GuessSlot], now: OffsetDateTime) -> Reservation {
        let mut counters = self.counters();
        counters.make_room(now);
        let windows = &mut counters.windows;
        let mut reserved = Vec::new();
        let mut full = None;
        for slot in slots {
            let running = windows
                .get(&key_of(slot))
                .filter(|window| window.ends_at > now);
            let window = Window {
                count: running.map_or(0, |window| window.count) + 1,
                ends_at: running.map_or_else(|| slot.end(now), |window| window.ends_at),
            };
            if window.count > slot.allowed {
                full = full.max(Some(window.ends_at));
            }
            reserved.push(ReservedGuess {
                slot: slot.clone(),
                count: window.count,
                ends_at: window.ends_at,
            });
        }
        if let Some(until) = full {
            return Reservation::Refused { until };
        }
        for ReservedGuess {
            slot,
            count,
            ends_at,
        } in &reserved
        {
            let (count, ends_at) = (*count, *ends_at);
            windows.insert(key_of(slot), Window { count, ends_at });
        }
        Reservation::Granted(reserved)
    }

    /// Gives guesses back and clears counters, as
    /// [`Store::release_guesses`](crate::Store::release_guesses) does.
    pub fn release(&self, returned: &[ReservedGuess], cleared: &[GuessKey]) {
        let windows = &mut self.counters().windows;
        for guess in returned {
            if let Some(window) = windows.get_mut(&key_of(&guess.slot))
                && window.ends_at == guess.ends_at
            {
                window.count = window.count.saturating_sub(1);
            }
        }
        windows.retain(|(key, _), _| !cleared.contains(key));
    }

    /// Deletes counters, as [`Store::forget_guesses`](crate::Store::forget_guesses) does.
    pub fn forget(&self, principal: &str) -> u64 {
        self.remove(|key, _| key.principal == principal)
    }

    /// Deletes the counters of windows that ended before a moment. Returns how many.
    pub fn purge(&self, before: OffsetDateTime) -> u64 {
        self.remove(|_, window| window.ends_at < before)
    }

    fn remove(&self, is_over: impl Fn(&GuessKey, &Window) -> bool) -> u64 {
        let windows = &mut self.counters().windows;
        let all = windows.len();
        windows.retain(|(key, _), window| !is_over(key, window));
        u64::try_from(all - windows.len()).unwrap_or(u64::MAX)
    }

    fn counters(&self) -> std::sync::MutexGuard<'_, Counters> {
        // No change leaves the counters half-written, so those behind a poisoned lock are sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    /// Removes the counters of ended windows, seldom enough that it costs little for each guess.
    fn make_room(&mut self, now: OffsetDateTime) {
        if self.windows.len() >= self.full_at.max(ROOM) {
            self.windows.retain(|_, window| window.ends_at > now);
            self.full_at = self.windows.len() * 2;
        }
    }
}

fn key_of(slot: &GuessSlot) -> (GuessKey, i64) {
    (slot.key.clone(), slot.period_micros())
}
