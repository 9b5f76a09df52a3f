//! Accepting connections, over TCP or a Unix socket, and letting them end well.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tower::ServiceExt as _;
use vestibule::http::client_ip::Peer;
use vestibule::settings::Listening;

/// How long a client may take to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a request's head is read before the connection is refused outright. What
/// the application itself accepts is less, and refused with an explanation.
const HEAD_LIMIT: usize = 128 * 1024;

/// The same for the number of header lines.
const HEADER_LINES: usize = 1000;

/// How long running requests get to finish at shutdown.
const DRAIN: Duration = Duration::from_secs(10);

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `127.0.0.1:5000`, `[::1]:5000`.
    Tcp(SocketAddr),
    /// `unix:/path/sock`.
    Unix(PathBuf),
}

impl Address {
    /// Who can reach it.
    #[must_use]
    pub fn reach(&self) -> Listening {
        match self {
            Self::Tcp(address) if !address.ip().is_loopback() => Listening::Public,
            Self::Tcp(_) | Self::Unix(_) => Listening::Local,
        }
    }
}

/// The longest path of a Unix socket, in bytes (`sun_path` without its end).
const LONGEST_PATH: usize = 107;

impl Address {
    /// What stands in the way of a Unix socket, as far as it can be seen without opening it.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        let Self::Unix(path) = self else { return None };
        let shown = path.display();
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if path.as_os_str().len() > LONGEST_PATH {
            Some(format!(
                "VESTIBULE_LISTEN: {shown} is longer than {LONGEST_PATH} bytes, which no socket's path is; choose a shorter one"
            ))
        } else if folder.is_some_and(|folder| !folder.is_dir()) {
            Some(format!(
                "VESTIBULE_LISTEN: the folder of {shown} is not there; make it (with systemd: RuntimeDirectory=)"
            ))
        } else if std::fs::symlink_metadata(path).is_ok_and(|file| !file.file_type().is_socket()) {
            Some(format!(
                "VESTIBULE_LISTEN: {shown} is there and is no socket; name another path, or move it away"
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

/// A socket that is open for connections.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, and its path, which is removed at the end.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Opens the socket. A Unix socket that nobody serves any more is replaced; it gets this
    /// mode, whatever the umask says.
    ///
    /// # Errors
    /// When the address is taken or not ours to open.
    pub async fn bind(address: &Address, socket_mode: u32) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::Unix(path) => {
                remove_abandoned(path).await?;
                let socket = Self::Unix(UnixListener::bind(path)?, path.clone());
                std::fs::set_permissions(path, Permissions::from_mode(socket_mode))?;
                Ok(socket)
            }
        }
    }

    /// The address that was opened: with port 0, the one that was given.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    /// Serves until `stop` is done, then lets running requests finish.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.accept() => match accepted {
                    Ok(Connection::Tcp(stream, peer)) => spawn(&connections, stream, peer, &router),
                    Ok(Connection::Unix(stream)) => {
                        spawn(&connections, stream, Peer::Local, &router);
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely: give the others time to end.
                        tracing::warn!(%error, "cannot accept a connection");
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
        if tokio::time::timeout(DRAIN, connections.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not finish in time");
        }
    }

    async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Connection::Tcp(stream, Peer::Ip(address.ip())))
            }
            Self::Unix(listener, _) => listener
                .accept()
                .await
                .map(|(stream, _)| Connection::Unix(stream)),
        }
    }
}

enum Connection {
    Tcp(tokio::net::TcpStream, Peer),
    Unix(UnixStream),
}

fn spawn(
    connections: &GracefulShutdown,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    router: &Router,
) {
    let service =
        router
            .clone()
            .map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(peer);
                request.map(axum::body::Body::new)
            });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(HEADER_LINES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended badly");
        }
    });
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
