//! Passwords are checked on threads of their own.
//!
//! A hash takes tens of milliseconds and 64 MiB: it runs on as many threads as there
//! are cores, each with a buffer that it uses again and gives back when it has been
//! idle for a while. The threads stand back for everybody else on the machine, so that
//! a storm of sign-ins does not slow the requests that need no hash. The queue has an
//! end: when it is full the caller is asked to come back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use vestibule_formats::hash::{Hasher, Memory};
use zeroize::Zeroizing;

use crate::http::fault::Fault;
use crate::rng::{self, Random};

/// How many jobs may wait for each thread.
const QUEUE_PER_THREAD: usize = 128;

/// How far the hashing threads stand back, in the units of nice(1).
const NICENESS: i32 = 10;

/// How long a thread keeps its buffer when nothing comes.
const KEEP_MEMORY: Duration = Duration::from_secs(5);

/// What a check found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not the password, or nobody to compare with.
    Wrong,
    /// The password.
    Right,
    /// The password, and the hash is of an old kind: store this one in its place.
    RightButUpgrade(String),
}

/// Checks and makes password hashes off the async threads.
#[derive(Debug)]
pub struct Passwords {
    hasher: Arc<Hasher>,
    random: Arc<dyn Random>,
    queue: Arc<Queue>,
    /// Compared with when there is no user, at the cost of a real comparison.
    nobody: String,
    checked: AtomicU64,
    /// How many of them needed a decoy beside the stored hash.
    decoys: Arc<AtomicU64>,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    room: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Passwords {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(hasher: Hasher, random: Arc<dyn Random>, threads: usize) -> Result<Self, Fault> {
        let nobody = hasher.decoy();
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            wake: Condvar::new(),
            room: threads.max(1) * QUEUE_PER_THREAD,
        });
        let pool = Self {
            hasher: Arc::new(hasher),
            random,
            queue,
            nobody,
            checked: AtomicU64::new(0),
            decoys: Arc::default(),
        };
        for index in 0..threads.max(1) {
            let queue = Arc::clone(&pool.queue);
            std::thread::Builder::new()
                .name(format!("hash-{index}"))
                .spawn(move || queue.work())
                .map_err(|error| Fault::Internal(format!("cannot start a thread: {error}")))?;
        }
        Ok(pool)
    }

    /// Compares a password with a stored hash, or with a decoy when there is none: both
    /// cost the same.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the queue is full.
    pub async fn check(&self, stored: Option<&str>, password: &str) -> Result<Verdict, Fault> {
        self.checked.fetch_add(1, Ordering::Relaxed);
        let known = stored.is_some();
        let nobody = self.nobody.clone();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let password = Zeroizing::new(password.to_owned());
        let salt = self.salt();
        let hasher = Arc::clone(&self.hasher);
        let decoys = Arc::clone(&self.decoys);
        self.run(move |memory| {
            let decoy = |memory: &mut Memory| {
                decoys.fetch_add(1, Ordering::Relaxed);
                let _ = hasher.verify(&password, &nobody, memory);
            };
            match hasher.verify(&password, &stored, memory) {
                Ok(true) if !known => Ok(Verdict::Wrong),
                Ok(true) if hasher.needs_upgrade(&stored) => hasher
                    .hash(&password, &salt, memory)
                    .map(Verdict::RightButUpgrade)
                    .map_err(|error| Fault::Internal(format!("cannot hash: {error}"))),
                Ok(true) => Ok(Verdict::Right),
                Ok(false) => {
                    // One of another kind may be checked in a moment: not so that somebody sees
                    // by it that there is an account.
                    if !hasher.costs_as_its_own(&stored) {
                        decoy(memory);
                    }
                    Ok(Verdict::Wrong)
                }
                Err(error) => {
                    // The row is not one that we can judge. The caller learns nothing from it, not
                    // even by the time it takes.
                    tracing::warn!(%error, "a stored password hash cannot be checked");
                    decoy(memory);
                    Ok(Verdict::Wrong)
                }
            }
        })
        .await?
    }

    /// How many comparisons there have been.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the queue is full.
    pub async fn hash(&self, password: &str) -> Result<String, Fault> {
        let password = Zeroizing::new(password.to_owned());
        let salt = self.salt();
        let hasher = Arc::clone(&self.hasher);
        self.run(move |memory| hasher.hash(&password, &salt, memory))
            .await?
            .map_err(|error| Fault::Internal(format!("cannot hash: {error}")))
    }

    /// Does other work on passwords that takes its time, where it takes nobody else's.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the queue is full.
    pub(crate) async fn consider<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        self.run(move |_| work()).await
    }

    fn salt(&self) -> [u8; Hasher::SALT_BYTES] {
        rng::bytes(&*self.random)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Nobody waits any longer: the client has gone. Save the work.
            if !done.is_closed() {
                let _ = done.send(work(memory));
            }
        });
        self.queue.push(job)?;
        result
            .await
            .map_err(|_| Fault::Internal("a password job did not finish".to_owned()))
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.wake.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so a poisoned one still guards a sound queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), Fault> {
        let mut state = self.lock();
        if state.closed || state.jobs.len() >= self.room {
            return Err(Fault::Busy);
        }
        state.jobs.push_back(job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn work(&self) {
        stand_back();
        let mut memory = Memory::default();
        while let Some(job) = self.next(&mut memory) {
            // A panic in a hash must not cost the thread.
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                job(&mut memory);
            }));
            if outcome.is_err() {
                memory = Memory::default();
                tracing::error!("a password job panicked");
            }
        }
    }

    /// The next job; `None` when the pool is closed and empty. Gives the buffer back
    /// while nothing comes.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            if memory.is_empty() {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (guard, waited) = self
                .wake
                .wait_timeout(state, KEEP_MEMORY)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if waited.timed_out() && state.jobs.is_empty() {
                memory.release();
            }
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("jobs", &self.jobs.len())
            .finish_non_exhaustive()
    }
}

/// Lets every other thread go first. Without the right to ask for it the thread runs as
/// it is.
fn stand_back() {
    // On Linux a priority belongs to the thread, and "no process" is the calling one.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

#[cfg(test)]
mod tests {
    use vestibule_formats::hash::{Argon2Options, HasherOptions, SingleHash};

    use super::*;
    use crate::rng::SystemRandom;

    #[tokio::test]
    async fn attack_enumeration_by_time_a_hash_that_is_checked_in_a_moment_is_no_tell() {
        let options = HasherOptions {
            salt: None,
            single_hash: SingleHash::Always,
            argon2: Argon2Options {
                memory_cost: 64,
                time_cost: 1,
                ..Argon2Options::default()
            },
        };
        let hasher = Hasher::new(&options).unwrap();
        let passwords = Passwords::new(hasher, Arc::new(SystemRandom), 1).unwrap();
        let own = passwords.hash("right").await.unwrap();
        // Whatever is stored, and if nothing is, what a hash of our own costs is spent once.
        for (stored, decoys) in [
            (None, 0),
            (Some(own.as_str()), 0),
            (
                Some("$2b$04$abcdefghijklmnopqrstuuJGlLpSfdVsdTbZQbGuS4Oa1oXjwFcnS"),
                1,
            ),
            (
                Some("$pbkdf2-sha256$1$YWJjZGVmZ2g$m0a7dVYQdKcBJyTsVYQDTKXHHvkwnuVOZlRRhBMWoIE"),
                1,
            ),
            (Some("no hash at all"), 1),
        ] {
            let before = passwords.decoys.load(Ordering::Relaxed);
            let verdict = passwords.check(stored, "wrong").await.unwrap();
            assert_eq!(verdict, Verdict::Wrong);
            let spent = passwords.decoys.load(Ordering::Relaxed) - before;
            assert_eq!(spent, decoys, "{stored:?}");
        }
    }
}
