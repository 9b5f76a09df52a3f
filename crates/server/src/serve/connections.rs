//! Limits on client connections: their number, and how long each may wait for its client.
//!
//! A connection is either being served or waits for its client: for a request, for the rest of one,
//! or for the client to read. One task checks all connections twice a second and closes those that
//! have waited too long. When there are too many, the one that has waited longest is closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::open_files;

/// How long a client may take to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How many bytes of a response a slow client must read within the write timeout.
const LEAST_PROGRESS: usize = 16 * 1024;

/// The longest pause between two checks of all connections.
const SWEEP: Duration = Duration::from_millis(500);

/// How long to wait for a displaced connection to end before another one is displaced as well.
const DISPLACED: Duration = Duration::from_millis(50);

/// The shortest time between two log lines about displaced connections.
const COMPLAINT: Duration = Duration::from_secs(60);

/// The maximum number of connections, and how long each may wait for its client.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The maximum number of simultaneous connections.
    pub connections: usize,
    /// How long a connection may be open without a request.
    pub idle: Duration,
    /// How long a response may stay unread.
    pub write: Duration,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The next request.
    Request,
    /// The rest of a request's head.
    Head,
    /// The rest of a request's body, which the request timeout limits.
    Body,
    /// The client to read its response.
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

/// One connection and its state.
#[derive(Debug)]
pub(super) struct Connection {
    state: Mutex<State>,
    ending: AtomicBool,
    end: Notify,
}

#[derive(Debug)]
struct State {
    /// When the connection entered this state.
    since: Instant,
    /// Whether the head of a request is incomplete. A new connection starts with this, before its
    /// first byte.
    head: bool,
    /// Whether a request is being handled.
    handling: bool,
    /// Whether its handler waits for the body.
    body: bool,
    /// Set while the client does not read: the start of the wait, and the bytes read since then.
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

    /// Waits for room for one more connection, and makes room by closing one that waits for its
    /// client.
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

    /// Registers a connection. It counts until the returned [`Listed`] is dropped.
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

    /// Closes the connection that has waited longest for its client. Connections without a request
    /// go first.
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

    /// Closes the connections that have waited too long, periodically and for ever.
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
                "all connections are in use: a new one displaces the one that has waited longest for its client"
            );
        }
    }
}

/// A connection's slot. Dropping it makes room for another connection.
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
                // A client that connects must send a request within the time for the head.
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

    /// Whether the connection still waits for its client. If it is being served by now, the request
    /// to end it is cancelled.
    pub(super) fn may_end(&self) -> bool {
        let may_end = self.wait().is_some();
        self.ending.store(may_end, Ordering::Relaxed);
        may_end
    }

    fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.end.notify_one();
    }

    /// Records that bytes arrived from the client.
    pub(super) fn received(&self) {
        let mut state = lock(&self.state);
        if !state.handling && !state.head {
            state.head = true;
            state.since = Instant::now();
        }
    }

    /// Records that the head of a request is complete.
    pub(super) fn handling(&self) {
        let mut state = lock(&self.state);
        state.handling = true;
        state.body = false;
    }

    /// Records whether the handler waits for the client to send the body.
    pub(super) fn waits_for_body(&self, waits: bool) {
        let mut state = lock(&self.state);
        if waits && !state.body {
            state.since = Instant::now();
        }
        state.body = waits;
    }

    /// Records that the handler returned its response.
    pub(super) fn handled(&self) {
        let mut state = lock(&self.state);
        state.handling = false;
        state.head = false;
        state.since = Instant::now();
    }

    /// Records that the client read this many bytes.
    pub(super) fn sent(&self, bytes: usize) {
        let mut state = lock(&self.state);
        if let Some((since, progress)) = &mut state.unread {
            *progress += bytes;
            if *progress >= LEAST_PROGRESS {
                (*since, *progress) = (Instant::now(), 0);
            }
        }
    }

    /// Records that the client does not read what the server has to send.
    pub(super) fn unread(&self) {
        let mut state = lock(&self.state);
        if state.unread.is_none() {
            state.unread = Some((Instant::now(), 0));
        }
    }

    /// Records that there is nothing left to send.
    pub(super) fn flushed(&self) {
        let mut state = lock(&self.state);
        if state.unread.take().is_some() {
            state.since = Instant::now();
        }
    }

    /// What the connection waits for, and since when. `None` while it is being served.
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
    /// The limits from the settings, reduced to what the limit on open files allows.
    #[must_use]
    pub fn new(settings: &vestibule::program::ConnectionSettings) -> Self {
        let allowed = open_files::for_clients(open_files::raise());
        if let Some(asked) = settings.max.filter(|asked| *asked > allowed) {
            tracing::warn!(
                "VESTIBULE_MAX_CONNECTIONS = {asked} is more than the limit on open files allows, so {allowed} is used; raise the limit (ulimit -n, LimitNOFILE= in systemd)"
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
    fn each_kind_of_wait_has_its_own_limit() {
        let connection = Connection::new(Instant::now());
        assert!(!after(&connection, 9) && after(&connection, 11), "head");
        connection.handling();
        assert!(!after(&connection, 1000), "being served");
        connection.waits_for_body(true);
        assert!(!after(&connection, 1000), "the request timeout applies");
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
            "unread response"
        );
    }

    #[test]
    fn attack_denial_reading_byte_by_byte_does_not_extend_the_write_timeout() {
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
    async fn attack_denial_a_new_connection_displaces_an_idle_one_and_never_one_being_served() {
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
        assert!(!open[2].0.may_end(), "a request arrived");
        drop(open.pop());
        assert!(connections.room().await.is_some());
    }
}
