//! The trusted hosts: `TRUSTED_HOSTS` and `SERVER_NAME`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The hosts that this server answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BelievedHosts {
    /// The loopback names, on any port: what a server that listens on loopback trusts by default.
    Loopback,
    /// The listed hosts, as in Flask's `TRUSTED_HOSTS`: `example.com` matches on any port,
    /// `example.com:8080` on that port, `.example.com` also matches every subdomain.
    Listed(Vec<String>),
}

impl BelievedHosts {
    /// Whether a `Host` header names one of our hosts.
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

    /// The host that links use, given a trusted `Host`.
    ///
    /// If the list has the host without a port, links have none either: the client does not choose
    /// the port of a link. Loopback names keep theirs, because a development server seldom uses the
    /// default port.
    #[must_use]
    pub fn in_links(&self, host: &str) -> String {
        let host = host.to_ascii_lowercase();
        let Some((name, port)) = split(&host) else {
            return host;
        };
        let with_port = |entry: &String| {
            let listed = split(entry.trim_start_matches('.'));
            listed.is_some_and(|(_, port)| port.is_some()) && matches(entry, name, port)
        };
        let keeps_port = match self {
            _ if is_loopback(name) => true,
            Self::Loopback => false,
            Self::Listed(list) => list.iter().any(with_port),
        };
        if keeps_port { host } else { name.to_owned() }
    }
}

/// Whether a text is an IPv6 address as written in URLs, with or without a port.
pub(crate) fn is_ipv6(text: &str) -> bool {
    text.starts_with('[') && split(text).is_some()
}

/// Splits `name[:port]`; `None` for anything but a plain host.
pub(crate) fn split(host: &str) -> Option<(&str, Option<&str>)> {
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
    fn loopback_names_are_trusted_on_any_port() {
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
    fn attack_link_from_header_the_client_cannot_choose_the_port_of_a_link() {
        let hosts = BelievedHosts::Listed(vec![
            "app.example".into(),
            "app.example:8443".into(),
            ".sub.example".into(),
            ".port.example:444".into(),
            "localhost".into(),
        ]);
        for (sent, linked) in [
            ("app.example", "app.example"),
            ("APP.Example:1337", "app.example"),
            ("app.example:8443", "app.example:8443"),
            ("a.sub.example:1337", "a.sub.example"),
            ("a.port.example:444", "a.port.example:444"),
            ("localhost:5000", "localhost:5000"),
        ] {
            assert!(hosts.believe(sent), "{sent}");
            assert_eq!(hosts.in_links(sent), linked);
        }
        assert_eq!(BelievedHosts::Loopback.in_links("[::1]:5000"), "[::1]:5000");
    }

    #[test]
    fn attack_link_from_header_malformed_and_unlisted_hosts_are_refused() {
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
