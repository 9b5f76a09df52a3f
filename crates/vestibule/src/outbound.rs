//! The one HTTPS client for requests to other servers.
//!
//! Every request has a time limit and a limit on the size of the response. Redirects are not
//! followed. Certificates are checked against the Mozilla roots.
//!
//! A client for servers that a third party names can be limited to public addresses. It resolves
//! the name itself and connects to an address that it has checked, so that a second look-up cannot
//! lead elsewhere (DNS rebinding).

#[cfg(feature = "oauth")]
mod public_address;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::http::fault::Fault;
use crate::settings::HttpOrigin;

/// The user agent of every request.
const AGENT: &str = concat!("vestibule/", env!("CARGO_PKG_VERSION"));

/// A client for one purpose, with limits of its own.
pub(crate) struct Outbound {
    tls: TlsConnector,
    at_a_time: Semaphore,
    limits: Limits,
    targets: Targets,
}

/// The addresses that a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Targets {
    /// Any.
    Any,
    /// Addresses on the internet: none of this machine or its networks.
    #[cfg(feature = "oauth")]
    Public,
}

/// What a request may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The time from the call to the last byte of the response, waiting for other requests included.
    pub(crate) patience: Duration,
    /// The size of the response's body, in bytes.
    pub(crate) answer_bytes: usize,
    /// How many requests run at the same time.
    pub(crate) at_a_time: usize,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The body; `None` if it is incomplete or too long.
    pub(crate) body: Option<Bytes>,
}

/// Why a request failed. Contains nothing of the request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("it does not respond in time")]
    Patience,
    #[error("it cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    #[error("the connection broke off: {0}")]
    Http(#[from] hyper::Error),
    #[cfg(feature = "breached")]
    #[error("it responds with {0}")]
    Status(StatusCode),
    #[cfg(feature = "breached")]
    #[error("its response is too long or incomplete")]
    Body,
    #[cfg(feature = "oauth")]
    #[error("its address is not a public one")]
    Target,
    #[error("the request cannot be built")]
    Request,
}

impl Outbound {
    /// A client that is ready to connect.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(limits: Limits) -> Result<Self, Fault> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::Internal(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            at_a_time: Semaphore::new(limits.at_a_time),
            limits,
            targets: Targets::Any,
        })
    }

    /// The same client, limited to these addresses.
    #[cfg(feature = "oauth")]
    pub(crate) fn limited_to(self, targets: Targets) -> Self {
        Self { targets, ..self }
    }

    /// Sends a `GET` and returns the response, whatever its status.
    ///
    /// # Errors
    /// When there is no response within the limits.
    #[cfg(feature = "oauth")]
    pub(crate) async fn fetch(
        &self,
        origin: &HttpOrigin,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Answer, OutboundError> {
        let request = request(Method::GET, origin, path, headers, Bytes::new())?;
        self.send(origin, request).await
    }

    /// Sends a `GET` and returns the body of a response with status 200.
    ///
    /// # Errors
    /// When there is no such response within the limits.
    #[cfg(feature = "breached")]
    pub(crate) async fn get(
        &self,
        origin: &HttpOrigin,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Bytes, OutboundError> {
        let request = request(Method::GET, origin, path, headers, Bytes::new())?;
        let answer = self.send(origin, request).await?;
        if answer.status != StatusCode::OK {
            return Err(OutboundError::Status(answer.status));
        }
        answer.body.ok_or(OutboundError::Body)
    }

    /// Sends a `POST` and returns the response, whatever its status.
    ///
    /// # Errors
    /// When there is no response within the limits. The server may have received the request even
    /// so.
    #[cfg(any(feature = "oauth", feature = "sms"))]
    pub(crate) async fn post(
        &self,
        origin: &HttpOrigin,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Answer, OutboundError> {
        let request = request(Method::POST, origin, path, headers, body)?;
        self.send(origin, request).await
    }

    async fn send(
        &self,
        origin: &HttpOrigin,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, OutboundError> {
        tokio::time::timeout(self.limits.patience, self.connect(origin, request))
            .await
            .unwrap_or(Err(OutboundError::Patience))
    }

    async fn connect(
        &self,
        origin: &HttpOrigin,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, OutboundError> {
        let _permit = self.at_a_time.acquire().await;
        let addresses = self.addresses(origin).await?;
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        if !origin.tls {
            return self.exchange(stream, request).await;
        }
        let name = ServerName::try_from(origin.host.clone()).map_err(|_| OutboundError::Request)?;
        let stream = self.tls.connect(name, stream).await?;
        self.exchange(stream, request).await
    }

    /// The addresses of a server. If one of them is not allowed, none is.
    async fn addresses(&self, origin: &HttpOrigin) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await?;
        let addresses: Vec<SocketAddr> = found.collect();
        match self.targets {
            Targets::Any => Ok(addresses),
            #[cfg(feature = "oauth")]
            Targets::Public => addresses
                .iter()
                .all(|address| public_address::is_public(address.ip()))
                .then_some(addresses)
                .ok_or(OutboundError::Target),
        }
    }

    async fn exchange<S>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, OutboundError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The connection task ends with this function at the latest.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), self.limits.answer_bytes);
        let body = body.collect().await.ok();
        Ok(Answer {
            status,
            body: body.map(Collected::to_bytes),
        })
    }

    #[cfg(all(test, feature = "breached"))]
    pub(crate) fn available(&self) -> usize {
        self.at_a_time.available_permits()
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Outbound").field(&self.limits).finish()
    }
}

fn request(
    method: Method,
    origin: &HttpOrigin,
    path: &str,
    headers: &[(HeaderName, &str)],
    body: Bytes,
) -> Result<Request<Full<Bytes>>, OutboundError> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host(origin))
        .header(header::USER_AGENT, AGENT);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request
        .body(Full::new(body))
        .map_err(|_| OutboundError::Request)
}

/// The `Host` header for an origin (RFC 9110, section 7.2).
fn host(origin: &HttpOrigin) -> String {
    let host = if origin.host.contains(':') {
        format!("[{}]", origin.host)
    } else {
        origin.host.clone()
    };
    let default = if origin.tls { 443 } else { 80 };
    if origin.port == default {
        host
    } else {
        format!("{host}:{}", origin.port)
    }
}
