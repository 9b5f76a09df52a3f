//! The client addresses that are counted, in one form for all addresses of one client.

use std::net::{IpAddr, Ipv6Addr};

/// The address as it is counted: IPv4, also if it is mapped to IPv6, or the /64 network of an IPv6
/// address, since one client can use all addresses of that.
///
/// `None` for loopback addresses: they are those of a developer, or of a proxy that is not
/// trusted, whose clients are all others together.
pub(super) fn counted(address: IpAddr) -> Option<String> {
    let address = address.to_canonical();
    if address.is_loopback() {
        return None;
    }
    Some(match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_client_are_counted_as_one() {
        for (address, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("2001:db8:1:2:3::4", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2::", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:3::", Some("2001:db8:1:3::/64")),
            ("127.0.0.1", None),
            ("127.8.9.1", None),
            ("::1", None),
            ("::ffff:127.0.0.1", None),
        ] {
            let counted = counted(address.parse().unwrap());
            assert_eq!(counted.as_deref(), expected, "{address}");
        }
    }
}
