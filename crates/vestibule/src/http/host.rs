//! Which Host is believed.
//!
//! A request for a host that is not ours is refused before anything else happens, so
//! that nothing behind this point can be led to build a link or a redirect from a
//! header.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The hosts that are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BelievedHosts {
    /// The names of the loopback, on any port: what a server that listens on loopback
    /// believes when nothing is configured.
    Loopback,
    /// These, as in Flask's `TRUSTED_HOSTS`: `example.com` matches on any port,
    /// `example.com:8080` on that port, `.example.com` also every subdomain.
    Listed(Vec<String>),
}

impl BelievedHosts {
    /// Whether a Host header names one of our hosts.
    #[must_use]
    pub fn believe(&self, host: &str) -> bool {
        let Some((name, port)) = split(host) else {
            return false;
        };
        match self {
            Self::Loopback => is_loopback(name),
            Self::Listed(list) => list.iter().any(|entry| matches(entry, name, port)),
        }
    }
}

/// Whether a text is an address of IPv6 as it stands in URLs, with or without a port.
pub(super) fn is_ipv6(text: &str) -> bool {
    text.starts_with('[') && split(text).is_some()
}

/// Splits `name[:port]`; `None` for anything that is not a plain host.
fn split(host: &str) -> Option<(&str, Option<&str>)> {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        inside.parse::<Ipv6Addr>().ok()?;
        (&host[..inside.len() + 2], after)
    } else {
        host.find(':')
            .map_or((host, ""), |colon| host.split_at(colon))
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !(name.starts_with('[') || name.chars().all(plain)) {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((name, None)),
        Some(digits)
            if (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Some((name, Some(digits)))
        }
        _ => None,
    }
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

fn matches(entry: &str, name: &str, port: Option<&str>) -> bool {
    let (entry, subdomains) = entry
        .strip_prefix('.')
        .map_or((entry, false), |rest| (rest, true));
    let Some((wanted, wanted_port)) = split(entry) else {
        return false;
    };
    if wanted_port.is_some() && wanted_port != port {
        return false;
    }
    name.eq_ignore_ascii_case(wanted)
        || (subdomains && is_subdomain(&name.to_ascii_lowercase(), &wanted.to_ascii_lowercase()))
}

fn is_subdomain(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .is_some_and(|front| front.len() > 1 && front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_on_any_port() {
        for host in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:5000",
            "LOCALHOST",
        ] {
            assert!(BelievedHosts::Loopback.believe(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]",
            "localhost:",
        ] {
            assert!(!BelievedHosts::Loopback.believe(host), "{host}");
        }
    }

    #[test]
    fn attack_link_from_header_odd_hosts_are_not_believed() {
        let hosts = BelievedHosts::Listed(vec!["app.example".into(), ".sub.example:8080".into()]);
        for host in [
            "app.example",
            "APP.example:99",
            "sub.example:8080",
            "a.b.sub.example:8080",
        ] {
            assert!(hosts.believe(host), "{host}");
        }
        for host in [
            "evil.example",
            "app.example.evil.example",
            "xapp.example",
            "app.example@evil.example",
            "app.example/evil",
            "app.example:80:90",
            "app.example:8x",
            "app.example ",
            "xsub.example:8080",
            ".sub.example:8080",
            "a.sub.example",
            "app.example,evil.example",
        ] {
            assert!(!hosts.believe(host), "{host}");
        }
    }
}
