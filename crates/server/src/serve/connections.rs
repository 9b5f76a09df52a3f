//! The connections of clients: how many there may be, and for how long one may wait for its client.
//!
//! A connection either keeps the server busy or waits for its client: for a request, for the rest
//! of one, or for the client to read. One task looks at all of them twice a second and ends those
//! that have waited too long. When there are too many, the one that has waited longest is ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::open_files;

/// How long a client may take to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer a slow client has to read within the time for writing.
const LEAST_PROGRESS: usize = 16 * 1024;

/// How often connections are looked at, at most.
const SWEEP: Duration = Duration::from_millis(500);

/// How long to wait for a connection to end before another one is displaced, too.
const DISPLACED: Duration = Duration::from_millis(50);

/// How often the log tells of displaced connections, at most.
const COMPLAINT: Duration = Duration::from_secs(60);

/// How many connections there may be, and for how long each may wait for its client.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// The time without a request.
    pub idle: Duration,
    /// The time for which an answer may stay unread.
    pub write: Duration,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The next request.
    Request,
    /// The rest of a request's head.
    Head,
    /// The rest of a request's body, for which the request's own time limit holds.
    Body,
    /// That the client reads.
    Reader,
}

/// All connections of a listener.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    room: Arc<Semaphore>,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    complained: Mutex<Option<Instant>>,
}

/// One connection, and what it is doing.
#[derive(Debug)]
pub(super) struct Connection {
    state: Mutex<State>,
    ending: AtomicBool,
    end: Notify,
}

#[derive(Debug)]
struct State {
    /// Since when it has been in this state.
    since: Instant,
    /// Whether the first byte of a request is here, and the request is not.
    head: bool,
    /// Whether a request is being handled.
    handling: bool,
    /// Whether its handler waits for the body.
    body: bool,
    /// Set while the client does not read: since when, and how much it has read since then.
    unread: Option<(Instant, usize)>,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            room: Arc::new(Semaphore::new(limits.connections)),
            open: Mutex::default(),
            next: AtomicU64::new(0),
            complained: Mutex::default(),
        })
    }

    /// Waits for room for one more connection, and makes it by ending one that waits for its client.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
                return Some(permit);
            }
            self.displace();
            let freed = Arc::clone(&self.room).acquire_owned();
            if let Ok(permit) = tokio::time::timeout(DISPLACED, freed).await {
                return permit.ok();
            }
        }
    }

    /// Takes in a connection. It counts until what is returned beside it is dropped.
    pub(super) fn take_in(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
    ) -> (Arc<Connection>, Listed) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(Instant::now()));
        lock(&self.open).insert(number, Arc::clone(&connection));
        let listed = Listed {
            number,
            connections: Arc::clone(self),
            _permit: permit,
        };
        (connection, listed)
    }

    /// Ends the connection that has waited longest for its client, of those without a request if
    /// there are any.
    pub(super) fn displace(&self) {
        let longest = {
            let open = lock(&self.open);
            open.values()
                .filter(|connection| !connection.ending.load(Ordering::Relaxed))
                .filter_map(|connection| {
                    let (wait, since) = connection.wait()?;
                    let order = match wait {
                        Wait::Request => 0,
                        Wait::Head | Wait::Body | Wait::Reader => 1,
                    };
                    Some(((order, since), Arc::clone(connection)))
                })
                .min_by_key(|(order, _)| *order)
        };
        if let Some((_, connection)) = longest {
            self.complain();
            connection.end();
        }
    }

    /// Ends the connections that have waited too long, again and again.
    pub(super) async fn sweep(self: Arc<Self>) {
        let shortest = self.limits.idle.min(self.limits.write);
        let pause = SWEEP.min(shortest / 4).max(Duration::from_millis(1));
        loop {
            tokio::time::sleep(pause).await;
            let now = Instant::now();
            for connection in lock(&self.open).values() {
                if self.has_waited_too_long(connection, now) {
                    connection.end();
                }
            }
        }
    }

    fn has_waited_too_long(&self, connection: &Connection, now: Instant) -> bool {
        let Some((wait, since)) = connection.wait() else {
            return false;
        };
        let limit = match wait {
            Wait::Request => self.limits.idle,
            Wait::Head => HEADER_TIMEOUT,
            Wait::Reader => self.limits.write,
            Wait::Body => return false,
        };
        now.saturating_duration_since(since) >= limit
    }

    fn complain(&self) {
        let now = Instant::now();
        let mut last = lock(&self.complained);
        if last.is_none_or(|last| now.saturating_duration_since(last) >= COMPLAINT) {
            *last = Some(now);
            tracing::warn!(
                connections = self.limits.connections,
                "all connections are taken: a new one displaces the one that has waited longest for its client"
            );
        }
    }
}

/// A connection's place among all. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Listed {
    number: u64,
    connections: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.connections.open).remove(&self.number);
    }
}

impl Connection {
    fn new(now: Instant) -> Self {
        Self {
            state: Mutex::new(State {
                since: now,
                // A client that connects has something to ask.
                head: true,
                handling: false,
                body: false,
                unread: None,
            }),
            ending: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// Waits until this connection is asked to end.
    pub(super) async fn asked_to_end(&self) {
        self.end.notified().await;
    }

    /// Whether it still waits for its client. If the server works for it, the request to end is
    /// over.
    pub(super) fn may_end(&self) -> bool {
        let may_end = self.wait().is_some();
        self.ending.store(may_end, Ordering::Relaxed);
        may_end
    }

    fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.end.notify_one();
    }

    /// Bytes came from the client.
    pub(super) fn received(&self) {
        let mut state = lock(&self.state);
        if !state.handling && !state.head {
            state.head = true;
            state.since = Instant::now();
        }
    }

    /// The head of a request is here.
    pub(super) fn handling(&self) {
        let mut state = lock(&self.state);
        state.handling = true;
        state.body = false;
    }

    /// The handler waits for the client to send the body, or goes on with it.
    pub(super) fn waits_for_body(&self, waits: bool) {
        let mut state = lock(&self.state);
        if waits && !state.body {
            state.since = Instant::now();
        }
        state.body = waits;
    }

    /// The handler has its answer ready.
    pub(super) fn handled(&self) {
        let mut state = lock(&self.state);
        state.handling = false;
        state.head = false;
        state.since = Instant::now();
    }

    /// The client took these bytes.
    pub(super) fn sent(&self, bytes: usize) {
        let mut state = lock(&self.state);
        if let Some((since, progress)) = &mut state.unread {
            *progress += bytes;
            if *progress >= LEAST_PROGRESS {
                (*since, *progress) = (Instant::now(), 0);
            }
        }
    }

    /// There is more to send than the client takes.
    pub(super) fn unread(&self) {
        let mut state = lock(&self.state);
        if state.unread.is_none() {
            state.unread = Some((Instant::now(), 0));
        }
    }

    /// There is nothing left to send.
    pub(super) fn flushed(&self) {
        let mut state = lock(&self.state);
        if state.unread.take().is_some() {
            state.since = Instant::now();
        }
    }

    /// What it waits for, and since when; nothing while the server works for it.
    fn wait(&self) -> Option<(Wait, Instant)> {
        let state = lock(&self.state);
        if let Some((since, _)) = state.unread {
            return Some((Wait::Reader, since));
        }
        let wait = match (state.handling, state.body, state.head) {
            (true, true, _) => Wait::Body,
            (true, false, _) => return None,
            (false, _, true) => Wait::Head,
            (false, _, false) => Wait::Request,
        };
        Some((wait, state.since))
    }
}

impl Limits {
    /// The limits that the settings ask for, as far as the limit on open files allows.
    #[must_use]
    pub fn new(settings: &vestibule::settings::ConnectionSettings) -> Self {
        let allowed = open_files::for_clients(open_files::raise());
        if let Some(asked) = settings.max.filter(|asked| *asked > allowed) {
            tracing::warn!(
                "VESTIBULE_MAX_CONNECTIONS = {asked} is more than the limit on open files allows: {allowed} it is; raise the limit (ulimit -n, LimitNOFILE= in systemd)"
            );
        }
        Self {
            connections: settings.max.map_or(allowed, |asked| asked.min(allowed)),
            idle: settings.idle,
            write: settings.write,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections: 3,
        idle: Duration::from_secs(75),
        write: Duration::from_secs(30),
    };

    fn after(connection: &Connection, seconds: u64) -> bool {
        let later = Instant::now() + Duration::from_secs(seconds);
        Connections::new(LIMITS).has_waited_too_long(connection, later)
    }

    #[test]
    fn each_wait_for_a_client_has_its_limit() {
        let connection = Connection::new(Instant::now());
        assert!(!after(&connection, 9) && after(&connection, 11), "head");
        connection.handling();
        assert!(!after(&connection, 1000), "the server works");
        connection.waits_for_body(true);
        assert!(!after(&connection, 1000), "the request has its own limit");
        connection.handled();
        assert!(!after(&connection, 74) && after(&connection, 76), "idle");
        connection.received();
        assert!(
            !after(&connection, 9) && after(&connection, 11),
            "next head"
        );
        connection.unread();
        assert!(
            !after(&connection, 29) && after(&connection, 31),
            "unread answer"
        );
    }

    #[test]
    fn attack_denial_a_client_that_reads_byte_by_byte_makes_no_progress() {
        let connection = Connection::new(Instant::now());
        connection.unread();
        let begun = lock(&connection.state).unread.unwrap().0;
        connection.unread();
        for _ in 1..LEAST_PROGRESS {
            connection.sent(1);
        }
        let since = |connection: &Connection| lock(&connection.state).unread.unwrap().0;
        assert_eq!(since(&connection), begun);
        connection.sent(1);
        assert!(since(&connection) > begun);
        connection.flushed();
        assert!(lock(&connection.state).unread.is_none());
    }

    #[tokio::test]
    async fn attack_denial_a_new_connection_displaces_an_idle_one_and_none_that_is_served() {
        let connections = Connections::new(LIMITS);
        let mut open = Vec::new();
        for _ in 0..3 {
            let permit = connections.room().await.unwrap();
            open.push(connections.take_in(permit));
        }
        // The first is being served, the second does not read, the third is idle.
        open[0].0.handling();
        open[1].0.unread();
        open[2].0.handled();
        let is_ending = |open: &[(Arc<Connection>, Listed)]| -> Vec<bool> {
            open.iter()
                .map(|(connection, _)| connection.ending.load(Ordering::Relaxed))
                .collect()
        };
        connections.displace();
        assert_eq!(is_ending(&open), [false, false, true]);
        connections.displace();
        assert_eq!(is_ending(&open), [false, true, true]);
        connections.displace();
        assert_eq!(is_ending(&open), [false, true, true]);
        open[2].0.asked_to_end().await;
        assert!(open[2].0.may_end());
        open[2].0.handling();
        assert!(!open[2].0.may_end(), "a request came");
        drop(open.pop());
        assert!(connections.room().await.is_some());
    }
}
