//! Who is at the other end, and how they reached us.
//!
//! `X-Forwarded-For`, `-Proto` and `-Host` count only when the connection comes
//! from a trusted proxy. Of a chain of forwarded addresses the last one that is not
//! itself a trusted proxy is the client: what stands further left was written by the
//! client.

use std::net::IpAddr;

use http::HeaderMap;
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

/// What is known about where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, as text; absent on a bare Unix socket.
    pub address: Option<IpAddr>,
    /// Whether the client spoke TLS.
    pub secure: bool,
    /// The host that a trusted proxy says the client asked for.
    pub forwarded_host: Option<String>,
}

/// Reads the forwarding headers, as far as they may be believed.
#[must_use]
pub fn locate(peer: Peer, headers: &HeaderMap, trusted: &[IpNet], tls: bool) -> Origin {
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
        return Origin {
            address: direct,
            secure: tls,
            forwarded_host: None,
        };
    }
    let mut address = direct;
    for hop in forwarded_chain(headers).into_iter().rev() {
        let Some(hop) = hop else { break };
        address = Some(hop);
        if !is_trusted(hop) {
            break;
        }
    }
    let secure = last_value(headers, "x-forwarded-proto")
        .map_or(tls, |scheme| scheme.eq_ignore_ascii_case("https"));
    let forwarded_host = last_value(headers, "x-forwarded-host").map(str::to_owned);
    Origin {
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

/// The last element of the last line: the one that the nearest proxy wrote.
fn last_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',')
        .next()
        .map(str::trim)
        .filter(|value| !value.is_empty())
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
                    http::HeaderValue::from_static(value),
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
        let nothing_believed = Origin {
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
    fn a_unix_socket_believes_its_proxy_only_when_one_is_trusted() {
        let sent = headers(&[("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(locate(Peer::Local, &sent, &[], false).address, None);
        let origin = locate(Peer::Local, &sent, &nets(&["127.0.0.0/8"]), false);
        assert_eq!(origin.address, Some("1.2.3.4".parse().unwrap()));
    }
}
