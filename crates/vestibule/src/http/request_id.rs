//! Request IDs, by which a client's report is found in the log.

use std::sync::{Mutex, PoisonError};

use vestibule_formats::hex;

use crate::rng::Random;

/// The length of a new ID, in bytes.
const LENGTH: usize = 8;

/// How many bytes are fetched at once. Asking the operating system for each ID would cost every
/// request a system call.
const BATCH: usize = 64 * LENGTH;

/// Creates request IDs. They are unpredictable, so that a client learns nothing from its own about
/// the requests of others.
#[derive(Debug)]
pub(crate) struct RequestIds(Mutex<Batch>);

#[derive(Debug)]
struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self(Mutex::new(Batch {
            bytes: [0; BATCH],
            used: BATCH,
        }))
    }
}

impl RequestIds {
    /// A new ID.
    pub(crate) fn next(&self, random: &dyn Random) -> String {
        let mut batch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.used == BATCH {
            random.fill(&mut batch.bytes);
            batch.used = 0;
        }
        let start = batch.used;
        batch.used += LENGTH;
        hex::encode(&batch.bytes[start..batch.used])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn ids_of_several_batches_differ() {
        let ids = RequestIds::default();
        let count = 3 * BATCH / LENGTH + 1;
        let drawn: HashSet<String> = (0..count).map(|_| ids.next(&SystemRandom)).collect();
        assert_eq!(drawn.len(), count);
        assert!(drawn.iter().all(|id| id.len() == 2 * LENGTH));
    }
}
