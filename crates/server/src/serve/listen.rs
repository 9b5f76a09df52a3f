//! Accepts connections over TCP or a Unix socket, and shuts them down gracefully.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::fs::Mode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};
use tower::ServiceExt as _;
use vestibule::program::Listening;
use vestibule::program::Peer;

use super::connections::{Connection, Connections, Limits, Listed};
use super::stream::{RequestBody, Watched};

/// How many bytes of a request's head are read before the connection is rejected without an
/// explanation. The application itself accepts less, and explains its rejections.
const HEAD_LIMIT: usize = 128 * 1024;

/// How many header lines are read before the connection is rejected without an explanation.
const HEADER_LINES: usize = 1000;

/// How many connections to a Unix socket may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long running requests may take to finish at shutdown.
const DRAIN: Duration = Duration::from_secs(10);

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `127.0.0.1:5000`, `[::1]:5000`.
    Tcp(SocketAddr),
    /// `unix:/path/sock`.
    Unix(PathBuf),
}

impl Address {
    /// Whether other machines can reach the address.
    #[must_use]
    pub fn reach(&self) -> Listening {
        match self {
            Self::Tcp(address) if !address.ip().is_loopback() => Listening::Public,
            Self::Tcp(_) | Self::Unix(_) => Listening::Local,
        }
    }
}

/// The longest path of a Unix socket, in bytes (`sun_path` without its terminating zero byte).
const LONGEST_PATH: usize = 107;

impl Address {
    /// Why a Unix socket cannot be opened at this path, as far as this is visible without opening
    /// it.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        let Self::Unix(path) = self else { return None };
        let shown = path.display();
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if path.as_os_str().len() > LONGEST_PATH {
            Some(format!(
                "VESTIBULE_LISTEN: {shown} is longer than {LONGEST_PATH} bytes, the limit for the path of a socket; choose a shorter path"
            ))
        } else if folder.is_some_and(|folder| !folder.is_dir()) {
            Some(format!(
                "VESTIBULE_LISTEN: the folder of {shown} does not exist; create it (with systemd: RuntimeDirectory=)"
            ))
        } else if std::fs::symlink_metadata(path).is_ok_and(|file| !file.file_type().is_socket()) {
            Some(format!(
                "VESTIBULE_LISTEN: {shown} exists and is not a socket; choose another path, or move the file away"
            ))
        } else {
            None
        }
    }
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err("unix: needs a path, as in unix:/run/vestibule.sock".to_owned());
            }
            return Ok(Self::Unix(path.into()));
        }
        let text = text
            .strip_prefix("localhost:")
            .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        text.parse().map(Self::Tcp).map_err(|_| {
            format!("{text:?} is not an address like 127.0.0.1:5000, [::1]:5000 or unix:/path/sock")
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket and its path, which is removed at shutdown.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Opens the socket. An abandoned Unix socket is replaced. `socket_mode` is the mode of a Unix
    /// socket, whatever the umask is.
    ///
    /// # Errors
    /// When the address is in use, or this process may not open it.
    pub async fn bind(address: &Address, socket_mode: u32) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::Unix(path) => {
                remove_abandoned(path).await?;
                let socket = bind_closed(path, socket_mode)?;
                std::fs::set_permissions(path, Permissions::from_mode(socket_mode))?;
                // Clients can connect only from here on, when the mode is set.
                Ok(Self::Unix(socket.listen(BACKLOG)?, path.clone()))
            }
        }
    }

    /// The address that was opened. For port 0, it contains the port that the system chose.
    ///
    /// # Errors
    /// When the system does not return the address.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    /// Serves until `stop` completes, then lets running requests finish.
    pub async fn serve(self, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
        let running = GracefulShutdown::new();
        let connections = Connections::new(limits);
        let sweeping = tokio::spawn(Arc::clone(&connections).sweep());
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.accept(&connections) => match accepted {
                    Ok((stream, taken_in)) => match stream {
                        Stream::Tcp(stream, peer) => {
                            spawn(&running, stream, peer, taken_in, &router);
                        }
                        Stream::Unix(stream) => {
                            spawn(&running, stream, Peer::Local, taken_in, &router);
                        }
                    },
                    Err(error) => {
                        // Most likely the process is out of file descriptors: free one, and give
                        // other connections time to end.
                        tracing::warn!(%error, "cannot accept a connection");
                        connections.displace();
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        if let Self::Unix(socket, path) = self {
            drop(socket);
            let _ = std::fs::remove_file(path);
        }
        tracing::info!("stopping: running requests may finish");
        if tokio::time::timeout(DRAIN, running.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not finish in time");
        }
        sweeping.abort();
    }

    /// Accepts the next connection, and waits until there is room for it.
    async fn accept(
        &self,
        connections: &Arc<Connections>,
    ) -> io::Result<(Stream, (Arc<Connection>, Listed))> {
        let stream = match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // This fails only if the client has already disconnected, which is harmless.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream, Peer::Ip(address.ip()))
            }
            Self::Unix(listener, _) => Stream::Unix(listener.accept().await?.0),
        };
        let room = connections.room().await;
        let room = room.ok_or_else(|| io::Error::other("the listener is closed"))?;
        Ok((stream, connections.take_in(room)))
    }
}

enum Stream {
    Tcp(tokio::net::TcpStream, Peer),
    Unix(UnixStream),
}

fn spawn(
    running: &GracefulShutdown,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    (connection, listed): (Arc<Connection>, Listed),
    router: &Router,
) {
    let router = router.clone();
    let watched = Arc::clone(&connection);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let connection = Arc::clone(&watched);
        connection.handling();
        let mut request = request.map(|body| RequestBody::new(body, Arc::clone(&connection)));
        request.extensions_mut().insert(peer);
        let answer = router.clone().oneshot(request.map(axum::body::Body::new));
        async move {
            let answer = answer.await;
            connection.handled();
            answer
        }
    });
    let stream = Watched::new(stream, Arc::clone(&connection));
    let served = http1::Builder::new()
        // Connections are timed together (`connections`), not by a timer for each request.
        .header_read_timeout(None::<Duration>)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(HEADER_LINES)
        .serve_connection(TokioIo::new(stream), service);
    let served = running.watch(served);
    tokio::spawn(async move {
        let _listed = listed;
        tokio::pin!(served);
        loop {
            tokio::select! {
                biased;
                outcome = &mut served => {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, "a connection failed");
                    }
                    return;
                }
                // A request that has arrived in the meantime is still served.
                () = connection.asked_to_end() => if connection.may_end() {
                    tracing::debug!("a connection that waited for its client was closed");
                    return;
                },
            }
        }
    });
}

/// Creates the file of a Unix socket that does not listen yet. Its mode is never more permissive
/// than `mode`: Linux gives the file the mode of the socket, minus the umask.
fn bind_closed(path: &Path, mode: u32) -> io::Result<UnixSocket> {
    let socket = UnixSocket::new_stream()?;
    if cfg!(target_os = "linux") {
        rustix::fs::fchmod(&socket, Mode::from_raw_mode(mode))?;
    }
    socket.bind(path)?;
    Ok(socket)
}

async fn remove_abandoned(path: &Path) -> io::Result<()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    if metadata.file_type().is_socket() && UnixStream::connect(path).await.is_err() {
        return std::fs::remove_file(path);
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        format!("{} is in use", path.display()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn attack_prepared_folder_a_unix_socket_is_never_more_permissive_than_configured() {
        let path = std::env::temp_dir().join(format!("vestibule-sock-{}", std::process::id()));
        for mode in [0o600, 0o640, 0o000] {
            let socket = bind_closed(&path, mode).unwrap();
            let found = std::fs::symlink_metadata(&path).unwrap().permissions();
            assert_eq!(found.mode() & 0o777 & !mode, 0, "{:o}", found.mode());
            let refused = UnixStream::connect(&path)
                .await
                .map_err(|error| error.kind());
            assert!(refused.is_err(), "the socket does not listen yet");
            drop(socket);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn addresses_are_tcp_or_unix() {
        for text in [
            "127.0.0.1:5000",
            "[::1]:5000",
            "unix:/run/v.sock",
            "localhost:0",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.reach(), Listening::Local, "{text}");
        }
        let address: Address = "0.0.0.0:80".parse().unwrap();
        assert_eq!(address.reach(), Listening::Public);
        for text in ["", "5000", "unix:", "example.com:80"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
