//! The host that a request is addressed to.

use http::{HeaderMap, Uri, header};

/// The host that the client names, if it names exactly one.
///
/// An absolute-form target overrides the header (RFC 9112, section 3.2.2). A request with several
/// `Host` lines names none.
pub(crate) fn sent_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    if let Some(authority) = uri.authority() {
        return Some(authority.as_str().to_owned());
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().map(str::to_owned),
        _ => None,
    }
}
