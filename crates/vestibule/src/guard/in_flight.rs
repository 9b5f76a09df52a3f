//! Attempts of this process that are being compared.
//!
//! An attempt is counted before it is compared, so that right ones, too, fill a counter for a
//! moment: a program that sends its password with many parallel requests would be refused. An
//! attempt that finds a counter full therefore waits while others of the same counter are in
//! flight. A right one gives its place to one that waits. Once none is in flight, all that wait are
//! refused.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use vestibule_store::GuessKey;

/// How long an attempt waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// The attempts that are being compared, by counter.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<GuessKey, Counter>>);

#[derive(Debug, Default)]
struct Counter {
    flying: usize,
    /// Each is told whether there may be room now.
    waiting: VecDeque<oneshot::Sender<bool>>,
}

/// An attempt that is being compared. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Flight {
    all: Arc<InFlight>,
    keys: Vec<GuessKey>,
    /// Whether it was given back, so that there is room for another.
    room: bool,
}

impl InFlight {
    /// Begins to compare an attempt that these counters have counted.
    pub(super) fn begin(self: &Arc<Self>, keys: Vec<GuessKey>) -> Flight {
        let mut counters = self.counters();
        for key in &keys {
            counters.entry(key.clone()).or_default().flying += 1;
        }
        drop(counters);
        Flight {
            all: Arc::clone(self),
            keys,
            room: false,
        }
    }

    /// Waits until there may be room. Returns false if none of these counters will have room soon.
    pub(super) async fn wait(&self, keys: &[GuessKey]) -> bool {
        for key in keys {
            let told = match self.counters().get_mut(key) {
                Some(counter) => {
                    let (tell, told) = oneshot::channel();
                    counter.waiting.push_back(tell);
                    told
                }
                None => continue,
            };
            let told = tokio::time::timeout(PATIENCE, told).await;
            if matches!(told, Ok(Ok(true))) {
                return true;
            }
        }
        false
    }

    fn end(&self, key: &GuessKey, room: bool) {
        let mut counters = self.counters();
        let Some(counter) = counters.get_mut(key) else {
            return;
        };
        counter.flying = counter.flying.saturating_sub(1);
        if counter.flying == 0 {
            let waiting = counters.remove(key).unwrap_or_default().waiting;
            for tell in waiting {
                // One that no longer waits needs no answer.
                let _ = tell.send(room);
            }
        } else if room {
            while let Some(tell) = counter.waiting.pop_front() {
                if tell.send(true).is_ok() {
                    break;
                }
            }
        }
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<GuessKey, Counter>> {
        // Each change is complete, so the counters behind a poisoned lock are sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Ends it, and lets one that waits have its place.
    pub(super) fn make_room(mut self) {
        self.room = true;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        for key in &self.keys {
            self.all.end(key, self.room);
        }
    }
}
