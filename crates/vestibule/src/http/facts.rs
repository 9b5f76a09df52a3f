//! What is known about a request before anything reads its body: settled once by the
//! shell, read by everybody after it.

use std::net::IpAddr;
use std::sync::Arc;

/// The facts of one request.
#[derive(Debug, Clone)]
pub struct Facts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    address: Option<IpAddr>,
    secure: bool,
    host: String,
}

impl Facts {
    pub(crate) fn new(id: String, address: Option<IpAddr>, secure: bool, host: String) -> Self {
        Self(Arc::new(Inner {
            id,
            address,
            secure,
            host,
        }))
    }

    /// The request id: in the answer, in the log.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The client's address; absent on a bare Unix socket.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Whether the client spoke TLS, to us or to a trusted proxy.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.0.secure
    }

    /// The believed host, with its port if it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }
}
