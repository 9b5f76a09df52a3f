//! The client's address, scheme and host, as reported by trusted proxies.
//!
//! `X-Forwarded-For`, `-Proto` and `-Host` count only if the connection comes from a trusted proxy.
//! Each proxy appends to them, so the last element is from the nearest proxy. The client's address
//! is the last one that is not itself a trusted proxy; the client may have written everything to
//! the left of it. Scheme and host are read at the same position of the chain as the address.
//! `Forwarded` (RFC 7239) is not read.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection from this address.
    Ip(IpAddr),
    /// A Unix socket: any process that may open it.
    Local,
    /// The peer is not known, so it is not a trusted proxy.
    Unknown,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The client's address; absent on a Unix socket without a proxy.
    pub(crate) address: Option<IpAddr>,
    /// Whether the client used TLS.
    pub(crate) secure: bool,
    /// The host that the client asked for, as reported by a trusted proxy.
    pub(crate) forwarded_host: Option<String>,
}

/// Reads the forwarding headers as far as they are trusted. `tls` says whether the connection
/// itself uses TLS.
#[must_use]
pub(crate) fn locate(peer: Peer, headers: &HeaderMap, trusted: &[IpNet], tls: bool) -> Arrival {
    let direct = match peer {
        Peer::Ip(address) => Some(address.to_canonical()),
        Peer::Local | Peer::Unknown => None,
    };
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    // A Unix socket counts as a trusted proxy if any proxy is trusted.
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
    // The position of the client's address, counted from the right.
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

/// The hops of all `X-Forwarded-For` lines, left to right; `None` for a hop that is not an address.
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

/// The element at a position counted from the right. A proxy that replaces the header leaves fewer
/// elements than addresses: then this is the leftmost one, which a trusted proxy wrote as well.
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
    fn headers_from_an_untrusted_peer_are_ignored() {
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
    fn attack_limiter_key_prepended_hops_are_ignored() {
        let sent = headers(&[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.1")]);
        let trusted = nets(&["127.0.0.0/8", "10.0.0.0/8"]);
        let origin = locate(at("127.0.0.1"), &sent, &trusted, false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn attack_limiter_key_ipv4_mapped_addresses_equal_their_ipv4_form() {
        let origin = locate(at("::ffff:1.2.3.4"), &HeaderMap::new(), &[], false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
        let sent = headers(&[("x-forwarded-for", "[::ffff:1.2.3.4]:443")]);
        let behind = locate(at("127.0.0.1"), &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(behind.address, Some("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn an_invalid_hop_ends_the_chain_at_the_proxy() {
        let sent = headers(&[("x-forwarded-for", "1.2.3.4, unknown")]);
        let origin = locate(at("127.0.0.1"), &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(origin.address, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn scheme_and_host_come_from_the_nearest_proxy() {
        let sent = headers(&[
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "evil.example, app.example"),
        ]);
        let origin = locate(at("127.0.0.1"), &sent, &nets(&["127.0.0.0/8"]), false);
        assert!(origin.secure);
        assert_eq!(origin.forwarded_host.as_deref(), Some("app.example"));
    }

    #[test]
    fn scheme_and_host_are_read_at_the_position_of_the_address() {
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
    fn a_unix_socket_is_a_trusted_proxy_only_if_any_proxy_is_trusted() {
        let sent = headers(&[("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(locate(Peer::Local, &sent, &[], false).address, None);
        let origin = locate(Peer::Local, &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
    }
}
