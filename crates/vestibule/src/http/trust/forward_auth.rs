//! The request that a proxy asks about at `/authz`.
//!
//! The headers that describe it decide only whether a further check is made, so a client that
//! forges them cannot get past one.

use http::{HeaderMap, Method};

/// The headers in which proxies name the method of the request that they ask about.
pub(crate) const METHOD: [&str; 2] = ["x-original-method", "x-forwarded-method"];

/// The method of the request under `/authz`, if it is unsafe. If two headers differ, the unsafe one
/// counts; a value that is not a method counts as `POST`.
pub(crate) fn unsafe_method(headers: &HeaderMap) -> Option<Method> {
    METHOD
        .iter()
        .flat_map(|name| headers.get_all(*name))
        .map(|value| Method::from_bytes(value.as_bytes()).unwrap_or(Method::POST))
        .find(|method| {
            !matches!(
                *method,
                Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
            )
        })
}
