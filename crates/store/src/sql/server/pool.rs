//! The connections to one server.
//!
//! A request may end before its answer arrives: the client hangs up, or the time is over. Its
//! connection may then hold half an answer, or an open transaction. Such a connection is closed.
//! The pool takes back only connections whose last work completed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx_core::connection::Connection as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::is_broken;
use super::target::{Connection, Target};
use super::wire::Link;

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long one piece of work may take, whatever the server does. The server's own limits are
/// shorter.
const LIMIT: Duration = Duration::from_secs(15);

/// How many connections are open at once.
const CONNECTIONS: usize = 10;

/// How many of them write: while writers wait for each other, others can read.
const WRITERS: usize = 7;

/// How often work is tried that the server rolls back because of other transactions.
pub(super) const ATTEMPTS: u32 = 8;

/// The connections to one database, each opened when it is needed.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    target: Target,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// One connection, taken from the pool.
pub(super) struct Held {
    /// `None` only while this is dropped.
    connection: Option<Connection>,
    /// Whether all work on it completed.
    whole: bool,
    pool: Arc<Inner>,
    _room: OwnedSemaphorePermit,
    _turn: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Pool {
    /// Not the address: it holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    pub(super) fn new(target: Target) -> Self {
        Self(Arc::new(Inner {
            target,
            idle: Mutex::default(),
            room: Arc::new(Semaphore::new(CONNECTIONS)),
            turns: Arc::new(Semaphore::new(WRITERS)),
        }))
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.0.target.is_postgres()
    }

    /// A connection for reads. It is not tested first: a read on a dead connection is repeated,
    /// which costs less than a ping each time.
    pub(super) async fn hold(&self) -> Result<Held, sqlx_core::Error> {
        self.patiently(self.take(None)).await
    }

    /// A connection for writes, which are never repeated. It has just answered a ping.
    pub(super) async fn hold_alive(&self) -> Result<Held, sqlx_core::Error> {
        self.patiently(async {
            let turns = Arc::clone(&self.0.turns);
            let mut turn = turns.acquire_owned().await.ok();
            loop {
                let mut held = self.take(turn).await?;
                if held.ping().await.is_ok() {
                    return Ok(held);
                }
                // If one is dead, the others probably are, too.
                lock(&self.0.idle).clear();
                turn = held._turn.take();
            }
        })
        .await
    }

    async fn patiently<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx_core::Error>>,
    ) -> Result<T, sqlx_core::Error> {
        tokio::time::timeout(PATIENCE, work)
            .await
            .unwrap_or_else(|_| Err(self.0.target.silent(PATIENCE)))
    }

    async fn take(&self, turn: Option<OwnedSemaphorePermit>) -> Result<Held, sqlx_core::Error> {
        let room = Arc::clone(&self.0.room).acquire_owned().await;
        let room = room.map_err(|_| sqlx_core::Error::PoolClosed)?;
        let idle = lock(&self.0.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.target.connect().await?,
        };
        Ok(Held {
            connection: Some(connection),
            whole: true,
            pool: Arc::clone(&self.0),
            _room: room,
            _turn: turn,
        })
    }
}

impl Held {
    /// Runs statements. The connection counts as unusable until [`settle`](Self::settle) learns
    /// the outcome.
    pub(super) fn link(&mut self) -> Result<Link<'_>, sqlx_core::Error> {
        self.whole = false;
        let connection = self.connection.as_mut();
        Ok(connection.ok_or(sqlx_core::Error::PoolClosed)?.link())
    }

    /// Records the outcome of the work. A statement that the server refused has completed, too.
    pub(super) fn settle<T>(&mut self, outcome: &Result<T, sqlx_core::Error>) {
        self.whole = match outcome {
            Ok(_) => true,
            Err(error @ sqlx_core::Error::Database(_)) => !is_broken(error),
            Err(_) => false,
        };
    }

    async fn ping(&mut self) -> Result<(), sqlx_core::Error> {
        let outcome = match self.link()? {
            Link::Postgres(connection, _) => connection.ping().await,
            Link::MySql(connection) => connection.ping().await,
        };
        self.settle(&outcome);
        outcome
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.whole) {
            lock(&self.pool.idle).push(connection);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A list of connections is sound even if a thread panicked while it held the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends work that takes too long, so that no request waits for ever for a silent server.
pub(super) async fn within_limit<T, E: From<sqlx_core::Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
        let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
        Err(sqlx_core::Error::from(error).into())
    })
}

/// Waits after an attempt, so that the same transactions do not collide again at once.
pub(super) async fn pause(attempts: u32) {
    tokio::time::sleep(Duration::from_millis(1 << attempts.min(6))).await;
}

/// Runs a block in a transaction on a connection that answered just now. When the server rolls
/// it back because of another transaction, all of it is repeated, a few times.
macro_rules! together {
    ($pool:expr, |$link:ident| $work:expr) => {{
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = async {
                let mut held = $pool.hold_alive().await?;
                let mut link = held.link()?;
                link.begin().await?;
                let worked = {
                    let $link = &mut link;
                    $work
                };
                match worked {
                    Ok(value) => {
                        let committed = link.commit().await;
                        held.settle(&committed);
                        committed.map(|()| value).map_err(Failure::Driver)
                    }
                    Err(failure) => {
                        let undone = link.roll_back().await;
                        if !matches!(&failure, Failure::Driver(error) if is_broken(error)) {
                            held.settle(&undone);
                        }
                        Err(failure)
                    }
                }
            };
            match within_limit(attempt).await {
                Err(Failure::Driver(error)) if is_rolled_back(&error) && attempts < ATTEMPTS => {
                    pause(attempts).await;
                }
                outcome => break outcome,
            }
        }
    }};
}
pub(super) use together;
