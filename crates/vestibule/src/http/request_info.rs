//! What is known about a request before its body is read. The middleware determines it once; all
//! later code reads it.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method, Request, Uri};

use crate::messages::catalogue::Locale;

/// The request info: ID, client address, scheme, host and language.
#[derive(Debug, Clone)]
pub(crate) struct RequestInfo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    address: Option<IpAddr>,
    secure: bool,
    host: String,
    locale: Locale,
    request: Option<RequestHead>,
}

/// The method, URI and headers of a request.
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

    /// The URI as seen by [`Vestibule::layer`](crate::Vestibule::layer).
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

    /// The available language that the client prefers.
    #[must_use]
    pub(crate) fn locale(&self) -> Locale {
        self.0.locale
    }

    /// The head of the request, kept only if a response hook may need it.
    pub(crate) fn request(&self) -> Option<&RequestHead> {
        self.0.request.as_ref()
    }

    /// The request ID, which is also sent in the response and logged.
    #[must_use]
    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    /// The client's address; absent on a Unix socket without a proxy.
    #[must_use]
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Whether the client used TLS, to us or to a trusted proxy.
    #[must_use]
    pub(crate) fn secure(&self) -> bool {
        self.0.secure
    }

    /// The host that the request is addressed to, with its port if it has one. A forwarded host
    /// counts only from a trusted proxy.
    #[must_use]
    pub(crate) fn host(&self) -> &str {
        &self.0.host
    }
}
