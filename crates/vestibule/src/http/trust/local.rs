//! Access checks for pages that only the developer on this machine may see.

use http::{HeaderMap, header};

use crate::http::request_info::RequestInfo;

/// Whether the request was not sent by a page of another site. A request without these headers
/// passes.
pub(crate) fn is_asked_from_here(info: &RequestInfo, headers: &HeaderMap) -> bool {
    let scheme = if info.secure() { "https" } else { "http" };
    let own = format!("{scheme}://{}", info.host());
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let mut origins = headers.get_all(header::ORIGIN).iter();
    sites.all(|site| site == "none" || site == "same-origin")
        && origins.all(|origin| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
}

/// Whether the client is on this machine, addressed it as localhost, and used no proxy.
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
