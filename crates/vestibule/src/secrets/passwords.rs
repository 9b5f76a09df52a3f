//! Hashing and checking of passwords on dedicated threads.
//!
//! A hash takes tens of milliseconds and 64 MiB. Hashes run on as many threads as there are cores,
//! each with a buffer that it reuses and frees after it has been idle for a while. The threads run
//! at a low priority, so that a burst of sign-ins does not slow down requests that need no hash.
//! The queue is bounded: if it is full, the client is asked to retry later.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, oneshot};
use vestibule_formats::hash::{self, Hasher, Memory, Scheme};
use vestibule_store::{Store, StoreError, User};
use zeroize::Zeroizing;

use crate::http::fault::Fault;
use crate::rng::{self, Random};

/// How many jobs may wait for each thread.
const QUEUE_PER_THREAD: usize = 128;

/// The niceness of the hashing threads, in the units of nice(1).
const NICENESS: i32 = 10;

/// How long an idle thread keeps its buffer.
const KEEP_MEMORY: Duration = Duration::from_secs(5);

/// The result of a check.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is wrong, or no hash exists to compare it with.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, and its hash is outdated: replace it with this one.
    RightButUpgrade(String),
}

/// Checks and creates password hashes on dedicated threads.
#[derive(Debug)]
pub struct Passwords {
    hasher: Arc<Hasher>,
    random: Arc<dyn Random>,
    queue: Arc<Queue>,
    /// Where the stored hashes are; `looked` says whether their kinds were read.
    store: Arc<dyn Store>,
    looked: OnceCell<()>,
    kinds: Arc<Mutex<Kinds>>,
    checked: AtomicU64,
}

/// The kinds of hashes that are in use.
#[derive(Debug, Default)]
struct Kinds {
    /// A hash that belongs to no user, for each kind by its parameters.
    decoys: BTreeMap<String, String>,
    /// How many hashes of each kind were checked.
    work: BTreeMap<String, u64>,
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
    /// If a thread cannot be started.
    pub fn new(
        hasher: Hasher,
        random: Arc<dyn Random>,
        store: Arc<dyn Store>,
        threads: usize,
    ) -> Result<Self, Fault> {
        let decoy = hasher.decoy();
        let mut kinds = Kinds::default();
        let own = hash::parameters(&decoy).to_owned();
        kinds.decoys.insert(own, decoy);
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            wake: Condvar::new(),
            room: threads.max(1) * QUEUE_PER_THREAD,
        });
        let pool = Self {
            hasher: Arc::new(hasher),
            random,
            queue,
            store,
            looked: OnceCell::new(),
            kinds: Arc::new(Mutex::new(kinds)),
            checked: AtomicU64::new(0),
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

    /// Compares a password with a user's hash.
    ///
    /// Every refusal does the same work, whether the user exists or not: it checks one hash of
    /// every kind that the table holds, and the user's own is one of them.
    ///
    /// # Errors
    /// [`Fault::Busy`] if the queue is full.
    pub async fn check(&self, user: Option<&User>, password: &str) -> Result<Verdict, Fault> {
        self.look_at_the_kinds().await;
        self.checked.fetch_add(1, Ordering::Relaxed);
        let known = user.and_then(|user| Some((user.id, user.password.clone()?)));
        let password = Zeroizing::new(password.to_owned());
        let salt = self.salt();
        let hasher = Arc::clone(&self.hasher);
        let kinds = Arc::clone(&self.kinds);
        self.run(move |memory| {
            let compare = |hash: &str, memory: &mut Memory| {
                lock(&kinds).count(hash);
                hasher.verify(&password, hash, memory)
            };
            let Some((id, stored)) = known else {
                // The lock is not held while hashes are checked.
                let decoys = lock(&kinds).besides("");
                for decoy in decoys {
                    let _ = compare(&decoy, memory);
                }
                return Verdict::Wrong;
            };
            let done = match compare(&stored, memory) {
                Ok(true) if hasher.needs_upgrade(&stored) => {
                    return match hasher.hash(&password, &salt, memory) {
                        Ok(hash) => Verdict::RightButUpgrade(hash),
                        // The new scheme accepts fewer passwords than the old one, so the hash is
                        // kept.
                        Err(error) => {
                            tracing::warn!(user = %id, %error, "a password hash cannot be upgraded");
                            Verdict::Right
                        }
                    };
                }
                Ok(true) => return Verdict::Right,
                Ok(false) => {
                    lock(&kinds).add(&stored);
                    hash::parameters(&stored)
                }
                Err(error) => {
                    // The stored hash is invalid. The client must not learn this, not even from the
                    // response time.
                    let kind = Scheme::identify(&stored).name();
                    tracing::warn!(user = %id, kind, %error, "a stored password hash cannot be verified");
                    ""
                }
            };
            let decoys = lock(&kinds).besides(done);
            for decoy in decoys {
                let _ = compare(&decoy, memory);
            }
            Verdict::Wrong
        })
        .await
    }

    /// Reads the kinds of stored hashes, once. If the read fails, only the kinds that checks meet
    /// are known.
    pub(crate) async fn look_at_the_kinds(&self) {
        let look = || async {
            let stored = self.store.password_kinds().await?;
            let mut kinds = lock(&self.kinds);
            for kind in stored
                .into_iter()
                .filter(|kind| !kind.parameters.is_empty())
            {
                kinds.decoys.entry(kind.parameters).or_insert(kind.decoy);
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = self.looked.get_or_try_init(look).await {
            tracing::warn!(%error, "the kinds of stored password hashes cannot be read");
        }
    }

    /// How many hashes of each kind were checked, including decoys. The key is the beginning that
    /// all hashes of a kind share.
    #[must_use]
    pub fn work(&self) -> BTreeMap<String, u64> {
        lock(&self.kinds).work.clone()
    }

    /// How many comparisons were made.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Fault::Busy`] if the queue is full.
    pub async fn hash(&self, password: &str) -> Result<String, Fault> {
        let password = Zeroizing::new(password.to_owned());
        let salt = self.salt();
        let hasher = Arc::clone(&self.hasher);
        self.run(move |memory| hasher.hash(&password, &salt, memory))
            .await?
            .map_err(|error| Fault::Internal(format!("cannot hash: {error}")))
    }

    /// Runs other slow work on passwords on the hashing threads.
    ///
    /// # Errors
    /// [`Fault::Busy`] if the queue is full.
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
            // The client has gone, so the work can be skipped.
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

impl Kinds {
    fn count(&mut self, hash: &str) {
        *self
            .work
            .entry(hash::parameters(hash).to_owned())
            .or_default() += 1;
    }

    fn add(&mut self, hash: &str) {
        let kind = hash::parameters(hash);
        if !self.decoys.contains_key(kind) {
            self.decoys.insert(kind.to_owned(), hash::decoy_like(hash));
        }
    }

    /// One decoy of each kind except this one.
    fn besides(&self, kind: &str) -> Vec<String> {
        let others = self.decoys.iter().filter(|(other, _)| *other != kind);
        others.map(|(_, decoy)| decoy.clone()).collect()
    }
}

fn lock(kinds: &Mutex<Kinds>) -> MutexGuard<'_, Kinds> {
    // Every change is atomic, so the data behind a poisoned lock is valid.
    kinds.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.wake.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so the queue behind a poisoned lock is valid.
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
            // A panic in a job must not end the thread.
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                job(&mut memory);
            }));
            if outcome.is_err() {
                memory = Memory::default();
                tracing::error!("a password job panicked");
            }
        }
    }

    /// The next job, or `None` if the pool is closed and empty. Frees the buffer while the thread
    /// is idle.
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

/// Lowers the priority of the calling thread. If that is not permitted, the thread keeps its
/// priority.
fn stand_back() {
    // On Linux, a priority belongs to a thread, and `None` stands for the calling one.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

#[cfg(test)]
mod tests {
    use vestibule_formats::hash::{Argon2Options, HasherOptions, SingleHash};

    use time::OffsetDateTime;
    use vestibule_store::{MemoryStore, NewUser, UserId};

    use super::*;
    use crate::rng::SystemRandom;

    /// The work that one refusal does.
    async fn work_of(passwords: &Passwords, stored: Option<&str>, password: &str) -> Vec<String> {
        let before = passwords.work();
        let user = stored.map(|hash| User {
            password: Some(hash.to_owned()),
            ..User::new(UserId(1), "u".to_owned())
        });
        let verdict = passwords.check(user.as_ref(), password).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong, "{stored:?}");
        let after = passwords.work().into_iter();
        let more = after.filter(|(kind, times)| before.get(kind) != Some(times));
        more.filter(|(kind, _)| !kind.is_empty())
            .map(|(kind, times)| format!("{kind} {}", times - before.get(&kind).unwrap_or(&0)))
            .collect()
    }

    #[tokio::test]
    async fn attack_enumeration_by_time_a_refusal_does_the_same_work_for_every_kind_of_hash() {
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
        let own = hasher
            .hash("right", &[7; Hasher::SALT_BYTES], &mut Memory::default())
            .unwrap();
        let bcrypt = "$2b$04$abcdefghijklmnopqrstuuJGlLpSfdVsdTbZQbGuS4Oa1oXjwFcnS";
        let pbkdf2 = "$pbkdf2-sha256$1$YWJjZGVmZ2g$m0a7dVYQdKcBJyTsVYQDTKXHHvkwnuVOZlRRhBMWoIE";
        let store = MemoryStore::default();
        for (number, hash) in [own.as_str(), bcrypt].into_iter().enumerate() {
            let new = NewUser {
                email: format!("{number}@example.com"),
                username: None,
                password: Some(hash.to_owned()),
                active: true,
                confirmed_at: None,
                fs_uniquifier: format!("u{number}"),
                fs_token_uniquifier: format!("t{number}"),
                fs_webauthn_user_handle: format!("h{number}"),
                us_phone_number: None,
                us_totp_secrets: None,
                created_at: OffsetDateTime::UNIX_EPOCH,
            };
            store.create_user(new).await.unwrap();
        }
        let random = Arc::new(SystemRandom);
        let passwords = Passwords::new(hasher, random, Arc::new(store), 1).unwrap();
        let of_two = ["$2b$04 1", "$argon2id$v=19$m=64,t=1,p=4 1"];
        // bcrypt refuses a password with a zero byte at once, which must not be observable either.
        for password in ["wrong", "wr\0ng"] {
            for stored in [
                None,
                Some(own.as_str()),
                Some(bcrypt),
                Some("no hash at all"),
            ] {
                let work = work_of(&passwords, stored, password).await;
                assert_eq!(work, of_two, "{stored:?}");
            }
        }
        // A kind that is added later counts for all users once a check has met it.
        for stored in [Some(pbkdf2), None, Some(own.as_str()), Some(bcrypt)] {
            let work = work_of(&passwords, stored, "wrong").await;
            let of_three = [of_two[0], of_two[1], "$pbkdf2-sha256$1 1"];
            assert_eq!(work, of_three, "{stored:?}");
        }
    }
}
