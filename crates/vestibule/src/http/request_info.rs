//! What is known about a request before anything reads its body: settled once by the
//! shell, read by everybody after it.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method, Request, Uri};

use crate::messages::catalogue::Locale;

/// The facts of one request.
#[derive(Debug, Clone)]
pub struct RequestInfo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    address: Option<IpAddr>,
    secure: bool,
    host: String,
    locale: Locale,
    request: Option<RequestHead>,
}

/// What a request says before its body.
#[derive(Debug, Clone)]
pub struct RequestHead {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl RequestHead {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URI, as it was where [`Vestibule::layer`](crate::Vestibule::layer) stands.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl RequestInfo {
    pub(crate) fn new(
        id: String,
        address: Option<IpAddr>,
        secure: bool,
        host: String,
        locale: Locale,
        request: Option<RequestHead>,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            address,
            secure,
            host,
            locale,
            request,
        }))
    }

    /// The language that the client reads best, of those that we have.
    #[must_use]
    pub(crate) fn locale(&self) -> Locale {
        self.0.locale
    }

    /// The request, where an answer may depend on it.
    pub(crate) fn request(&self) -> Option<&RequestHead> {
        self.0.request.as_ref()
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
