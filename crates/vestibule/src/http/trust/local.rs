//! What only the developer may see: pages for the machine itself.

use http::{HeaderMap, header};

use crate::http::request_info::RequestInfo;

/// Whether the browser, if it says so, was sent here by a person or by the page itself, and not by a
/// page of another site.
pub(crate) fn is_asked_from_here(info: &RequestInfo, headers: &HeaderMap) -> bool {
    let scheme = if info.secure() { "https" } else { "http" };
    let own = format!("{scheme}://{}", info.host());
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let mut origins = headers.get_all(header::ORIGIN).iter();
    sites.all(|site| site == "none" || site == "same-origin")
        && origins.all(|origin| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
}

/// Whether the request was made on this machine, to this machine, and not through a proxy.
pub(crate) fn is_from_this_machine(info: &RequestInfo, headers: &HeaderMap) -> bool {
    let forwarded = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
    ];
    let host = info.host();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    info.address().is_none_or(|address| address.is_loopback())
        && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
        && !forwarded.iter().any(|name| headers.contains_key(*name))
}
