//! What is known about a request before anything reads its body: settled once by the
//! shell, read by everybody after it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::messages::catalogue::Locale;

/// The facts of one request.
#[derive(Debug, Clone)]
pub struct Facts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    address: Option<IpAddr>,
    secure: bool,
    host: String,
    locale: Locale,
}

impl Facts {
    pub(crate) fn new(
        id: String,
        address: Option<IpAddr>,
        secure: bool,
        host: String,
        locale: Locale,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            address,
            secure,
            host,
            locale,
        }))
    }

    /// The language that the client reads best, of those that we have.
    #[must_use]
    pub(crate) fn locale(&self) -> Locale {
        self.0.locale
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
