//! A server that becomes unreachable and comes back.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vestibule_store::sql::TableNames;
use vestibule_store::sql::server::ServerStore;
use vestibule_store::{Store, StoreError, UserKey, UserPatch};

use crate::server::Schema;
use crate::support::{at, user};

/// A proxy between the store and its server, which can cut the connections.
pub(crate) struct Wire(Arc<State>);

struct State {
    listener: TcpListener,
    target: String,
    whole: AtomicBool,
    /// How long data takes in each direction.
    delay: Duration,
    over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Wire {
    fn to(target: &str, delay: Duration) -> Self {
        let state = Arc::new(State {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            target: target.to_owned(),
            whole: AtomicBool::new(true),
            delay,
            over: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || accepting.accept());
        Self(state)
    }

    fn port(&self) -> u16 {
        self.0.listener.local_addr().unwrap().port()
    }

    /// Ends every connection; with `stays`, it also refuses new ones.
    fn cut(&self, stays: bool) {
        self.0.whole.store(!stays, Ordering::SeqCst);
        for stream in self.0.open.lock().unwrap().drain(..) {
            // A connection may have ended on its own.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.0.whole.store(true, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        self.cut(true);
        // Wakes the accepting thread, so that it notices the end.
        let _ = TcpStream::connect(("127.0.0.1", self.port()));
    }
}

impl State {
    fn accept(&self) {
        while let Ok((client, _)) = self.listener.accept() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            if !self.whole.load(Ordering::SeqCst) {
                continue;
            }
            let server = TcpStream::connect(&self.target).unwrap();
            let mut open = self.open.lock().unwrap();
            open.push(client.try_clone().unwrap());
            open.push(server.try_clone().unwrap());
            let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            carry(forth, back, self.delay);
            carry(server, client, self.delay);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    std::thread::spawn(move || {
        let mut bytes = [0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            std::thread::sleep(delay);
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Starts a proxy, and returns it with the address `scheme://who@host:port/name` that goes through
/// it.
pub(crate) fn over(schema: &Schema, delay: Duration) -> (Wire, String) {
    let (scheme, rest) = schema.uri.split_once("://").unwrap();
    let (who, place) = rest.rsplit_once('@').unwrap();
    let (target, name) = place.split_once('/').unwrap();
    let wire = Wire::to(target, delay);
    let uri = format!("{scheme}://{who}@127.0.0.1:{}/{name}", wire.port());
    (wire, uri)
}

async fn goes_on(schema: Schema) {
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    let (wire, uri) = over(&schema, Duration::ZERO);
    let store = ServerStore::open(&uri, &tables).await.unwrap();
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let deactivated = || UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };

    // The server restarts between two requests: neither reads nor writes fail.
    wire.cut(false);
    assert!(store.user(UserKey::Id(ana.id)).await.unwrap().is_some());
    wire.cut(false);
    let changed = store.update_user(ana.id, deactivated(), at(1)).await;
    assert_eq!(changed, Ok(true));
    wire.cut(false);
    let ben = store.create_user(user("ben@example.com")).await.unwrap();
    wire.cut(false);
    assert_eq!(store.delete_user(ben.id).await, Ok(true));
    // The same with many connections in the pool, all of them dead.
    let many = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.user(UserKey::Id(ana.id)).await })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    wire.cut(false);
    assert!(store.user(UserKey::Id(ana.id)).await.unwrap().is_some());

    // The server is unreachable: requests fail with `Unavailable`, without a long wait.
    wire.cut(true);
    for _ in 0..3 {
        let refused = store.user(UserKey::Id(ana.id)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        let refused = store.update_user(ana.id, deactivated(), at(2)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        assert!(matches!(
            store.ping().await,
            Err(StoreError::Unavailable(_))
        ));
    }

    // The server is back: the first request succeeds.
    wire.mend();
    assert!(store.user(UserKey::Id(ana.id)).await.unwrap().is_some());
    assert_eq!(store.ping().await, Ok(()));
    let changed = store.update_user(ana.id, deactivated(), at(3)).await;
    assert_eq!(changed, Ok(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_survives_a_restart_of_postgres() {
    goes_on(Schema::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_survives_a_restart_of_mysql() {
    goes_on(Schema::mysql()).await;
}

/// The server is unreachable when the store is opened: this fails at once instead of hanging.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_unreachable_server_is_reported_at_once() {
    for uri in [
        "postgresql://postgres@127.0.0.1:1/none",
        "mysql://root@127.0.0.1:1/none",
    ] {
        let refused = ServerStore::open(uri, &TableNames::default()).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
}
