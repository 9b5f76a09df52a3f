//! Passwords that leaked: asked of a list elsewhere, which never learns which password.
//!
//! The list (Have I Been Pwned's, or a copy of one's own) is asked for everything that begins
//! with the first five of the forty digits of the password's SHA-1, and the rest is looked for
//! here. Padding hides by its length how many there are.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::http::fault::Fault;
use crate::messages::Message;
use crate::settings::{BreachedOrigin, BreachedSettings};

/// How long everything may take together: somebody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer is read. They have about 40 KiB.
const ANSWER_BYTES: usize = 512 * 1024;

/// How many are asked for at a time; the others wait, and their patience runs.
const AT_A_TIME: usize = 16;

/// How much of the hash is told.
const TOLD: usize = 5;

/// Who asks: the list wants to know.
const AGENT: &str = concat!("vestibule/", env!("CARGO_PKG_VERSION"));

/// The list of leaked passwords.
pub(super) struct Breached {
    strict: bool,
    count: u64,
    origin: BreachedOrigin,
    tls: TlsConnector,
    at_a_time: Semaphore,
    patience: Duration,
}

/// Why the list could not be asked. None of it tells what was asked for.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it does not respond in time")]
    Patience,
    #[error("it cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    #[error("the connection broke off: {0}")]
    Http(#[from] hyper::Error),
    #[error("it responds with {0}")]
    Status(StatusCode),
    #[error("its response is too long or incomplete")]
    Body,
    #[error("its response is not a list")]
    NoList,
    #[error("the request cannot be built")]
    Request,
}

impl std::fmt::Debug for Breached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breached")
            .field("strict", &self.strict)
            .field("count", &self.count)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Breached {
    pub(super) fn new(settings: &BreachedSettings) -> Result<Self, Fault> {
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
            strict: settings.strict,
            count: settings.count,
            origin: settings.origin.clone(),
            tls: TlsConnector::from(Arc::new(config)),
            at_a_time: Semaphore::new(AT_A_TIME),
            patience: PATIENCE,
        })
    }

    /// What is to be said against a password, if anything.
    pub(super) async fn verdict(&self, password: &str) -> Option<Message> {
        let finds = tokio::time::timeout(self.patience, self.finds(password))
            .await
            .unwrap_or(Err(Failure::Patience));
        match finds {
            Ok(finds) => (finds >= self.count).then_some(Message::PasswordBreached),
            Err(error) => {
                tracing::warn!(
                    %error,
                    host = self.origin.host,
                    strict = self.strict,
                    "the list of leaked passwords cannot be queried"
                );
                self.strict.then_some(Message::PasswordBreachedSiteError)
            }
        }
    }

    /// How often it was found.
    async fn finds(&self, password: &str) -> Result<u64, Failure> {
        let hash = hex(&Sha1::digest(password.as_bytes()));
        let (told, kept) = hash.split_at(TOLD);
        let _permit = self.at_a_time.acquire().await;
        let stream = TcpStream::connect((self.origin.host.as_str(), self.origin.port)).await?;
        let list = if self.origin.tls {
            let name =
                ServerName::try_from(self.origin.host.clone()).map_err(|_| Failure::Request)?;
            let stream = self.tls.connect(name, stream).await?;
            self.list(stream, told).await?
        } else {
            self.list(stream, told).await?
        };
        find(&list, kept)
    }

    /// What the list has that begins so.
    async fn list<S>(&self, stream: S, told: &str) -> Result<Bytes, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with this function at the latest.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let host = if self.origin.host.contains(':') {
            format!("[{}]", self.origin.host)
        } else {
            self.origin.host.clone()
        };
        let usual = if self.origin.tls { 443 } else { 80 };
        let host = if self.origin.port == usual {
            host
        } else {
            format!("{host}:{}", self.origin.port)
        };
        let request = Request::get(format!("/range/{told}"))
            .header(header::HOST, host)
            .header(header::USER_AGENT, AGENT)
            .header(HeaderName::from_static("add-padding"), "true")
            .body(Empty::<Bytes>::new())
            .map_err(|_| Failure::Request)?;
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(Failure::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), ANSWER_BYTES);
        let body = body.collect().await.map_err(|_| Failure::Body)?;
        Ok(body.to_bytes())
    }
}

/// How often the rest of a hash was found. A page that is no list, as of somebody who wants to
/// see a ticket first, is not taken for one without finds.
fn find(list: &[u8], kept: &str) -> Result<u64, Failure> {
    let text = std::str::from_utf8(list).map_err(|_| Failure::NoList)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut finds = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (rest, count) = line.split_once(':').ok_or(Failure::NoList)?;
        let is_rest = rest.len() == kept.len() && rest.bytes().all(|b| b.is_ascii_hexdigit());
        let count: u64 = count.trim().parse().map_err(|_| Failure::NoList)?;
        if !is_rest {
            return Err(Failure::NoList);
        }
        if rest.eq_ignore_ascii_case(kept) {
            finds = count;
        }
    }
    Ok(finds)
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let text = digits.map(|digit| char::from(DIGITS[usize::from(digit)]));
    Zeroizing::new(text.collect())
}
