//! The client's address, scheme and host, as far as proxies may tell them.
//!
//! `X-Forwarded-For`, `-Proto` and `-Host` count only when the connection comes from a trusted
//! proxy. Each proxy appends to them, so the last element is from the nearest proxy. Of the
//! addresses, the last one that is not itself a trusted proxy is the client's; everything to the
//! left of it was written by the client. Scheme and host are read at the same place of the chain
//! as the address. `Forwarded` (RFC 7239) is not read.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection from this address.
    Ip(IpAddr),
    /// A Unix socket: whoever may open it.
    Local,
    /// Nobody said. It is no proxy of ours then.
    Unknown,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The client's address, as text; absent on a bare Unix socket.
    pub(crate) address: Option<IpAddr>,
    /// Whether the client spoke TLS.
    pub(crate) secure: bool,
    /// The host that a trusted proxy says the client asked for.
    pub(crate) forwarded_host: Option<String>,
}

/// Reads the forwarding headers, as far as they may be believed.
#[must_use]
pub(crate) fn locate(peer: Peer, headers: &HeaderMap, trusted: &[IpNet], tls: bool) -> Arrival {
    let direct = match peer {
        Peer::Ip(address) => Some(address.to_canonical()),
        Peer::Local | Peer::Unknown => None,
    };
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    // A Unix socket is a proxy of ours by construction when any proxy is trusted.
    let behind_proxy = match direct {
        Some(address) => is_trusted(address),
        None => peer == Peer::Local && !trusted.is_empty(),
    };
    if !behind_proxy {
        return Arrival {
            address: direct,
            secure: tls,
            forwarded_host: None,
        };
    }
    let mut address = direct;
    // How many elements from the right the client's address stands.
    let mut place = 0;
    for (index, hop) in forwarded_chain(headers).into_iter().rev().enumerate() {
        let Some(hop) = hop else { break };
        address = Some(hop);
        place = index;
        if !is_trusted(hop) {
            break;
        }
    }
    let secure = value_at(headers, "x-forwarded-proto", place)
        .map_or(tls, |scheme| scheme.eq_ignore_ascii_case("https"));
    let forwarded_host = value_at(headers, "x-forwarded-host", place).map(str::to_owned);
    Arrival {
        address,
        secure,
        forwarded_host,
    }
}

/// The hops of every `X-Forwarded-For` line, left to right; `None` is a hop that is
/// not an address.
fn forwarded_chain(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .map(|hop| parse_hop(hop.trim()))
        .collect()
}

fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next())
        .unwrap_or(hop);
    bare.parse::<IpAddr>()
        .ok()
        .or_else(|| {
            hop.parse::<std::net::SocketAddr>()
                .ok()
                .map(|socket| socket.ip())
        })
        .map(|address| address.to_canonical())
}

/// The element at a place counted from the right. A proxy that replaces the header leaves fewer
/// elements than addresses: then it is the leftmost one, which a trusted proxy wrote as well.
fn value_at<'a>(headers: &'a HeaderMap, name: &str, place: usize) -> Option<&'a str> {
    let mut chosen = None;
    let lines: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    let elements = lines
        .into_iter()
        .rev()
        .flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for value in elements.map(str::trim).take(place + 1) {
        chosen = Some(value);
    }
    chosen.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn at(address: &str) -> Peer {
        Peer::Ip(address.parse().unwrap())
    }

    fn nets(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|net| net.parse().unwrap()).collect()
    }

    #[test]
    fn a_stranger_s_headers_do_not_count() {
        let sent = headers(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
        ]);
        let origin = locate(at("9.9.9.9"), &sent, &nets(&["127.0.0.0/8"]), false);
        let nothing_believed = Arrival {
            address: Some("9.9.9.9".parse().unwrap()),
            secure: false,
            forwarded_host: None,
        };
        assert_eq!(origin, nothing_believed);
    }

    #[test]
    fn attack_limiter_key_the_client_cannot_prepend_hops() {
        let sent = headers(&[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.1")]);
        let trusted = nets(&["127.0.0.0/8", "10.0.0.0/8"]);
        let origin = locate(at("127.0.0.1"), &sent, &trusted, false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn attack_limiter_key_mapped_addresses_are_one_with_their_ipv4_form() {
        let origin = locate(at("::ffff:1.2.3.4"), &HeaderMap::new(), &[], false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
        let sent = headers(&[("x-forwarded-for", "[::ffff:1.2.3.4]:443")]);
        let behind = locate(at("127.0.0.1"), &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(behind.address, Some("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_chain_at_the_proxy() {
        let sent = headers(&[("x-forwarded-for", "1.2.3.4, unknown")]);
        let origin = locate(at("127.0.0.1"), &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(origin.address, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_nearest_proxy_says_scheme_and_host() {
        let sent = headers(&[
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "evil.example, app.example"),
        ]);
        let origin = locate(at("127.0.0.1"), &sent, &nets(&["127.0.0.0/8"]), false);
        assert!(origin.secure);
        assert_eq!(origin.forwarded_host.as_deref(), Some("app.example"));
    }

    #[test]
    fn scheme_and_host_are_read_where_the_address_is() {
        let trusted = nets(&["127.0.0.0/8", "10.0.0.0/8"]);
        for (chain, schemes, hosts, secure, host) in [
            (
                "1.2.3.4, 10.0.0.1",
                "https,http",
                "app.example, inner",
                true,
                "app.example",
            ),
            (
                "1.2.3.4, 10.0.0.1",
                "https",
                "app.example",
                true,
                "app.example",
            ),
            // The client wrote the leftmost elements itself.
            (
                "6.6.6.6, 1.2.3.4",
                "https, http",
                "evil.example, app.example",
                false,
                "app.example",
            ),
            (
                "6.6.6.6, 1.2.3.4, 10.0.0.1",
                "https, http, http",
                "evil, app, inner",
                false,
                "app",
            ),
        ] {
            let sent = headers(&[
                ("x-forwarded-for", chain),
                ("x-forwarded-proto", schemes),
                ("x-forwarded-host", hosts),
            ]);
            let arrival = locate(at("127.0.0.1"), &sent, &trusted, false);
            assert_eq!(arrival.address, Some("1.2.3.4".parse().unwrap()), "{chain}");
            assert_eq!(arrival.secure, secure, "{chain} {schemes}");
            assert_eq!(arrival.forwarded_host.as_deref(), Some(host), "{chain}");
        }
    }

    #[test]
    fn a_unix_socket_believes_its_proxy_only_when_one_is_trusted() {
        let sent = headers(&[("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(locate(Peer::Local, &sent, &[], false).address, None);
        let origin = locate(Peer::Local, &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
    }
}
