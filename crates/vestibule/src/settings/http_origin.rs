//! The servers that vestibule sends requests to.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// A server that vestibule sends requests to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOrigin {
    /// Whether requests go over HTTPS.
    pub tls: bool,
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
}

impl HttpOrigin {
    /// Parses `https://host:port` without a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (origin, path) = Self::parse_url(text)?;
        (path == "/").then_some(origin)
    }

    /// Parses a URL into its origin, and its path with the query.
    pub(crate) fn parse_url(text: &str) -> Option<(Self, String)> {
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        // An invalid port would be ignored silently.
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str().len() > authority.host().len() => return None,
            None if tls => 443,
            None => 80,
        };
        let origin = Self {
            tls,
            host: Some(host.to_owned()).filter(|host| !host.is_empty())?,
            port,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some((origin, path.to_owned()))
    }

    /// Whether an attacker on the network cannot read the requests: they are encrypted, or do not
    /// leave this machine.
    pub(super) fn is_protected(&self) -> bool {
        let is_loopback = || {
            self.host.eq_ignore_ascii_case("localhost")
                || self
                    .host
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        };
        self.tls || is_loopback()
    }
}

/// The scheme, host and port; without the port if it is the scheme's default.
impl fmt::Display for HttpOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.tls {
            ("https", 443)
        } else {
            ("http", 80)
        };
        let host = self.host.to_ascii_lowercase();
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]")?;
        } else {
            write!(f, "{scheme}://{host}")?;
        }
        if self.port == default {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_a_scheme_and_a_host_but_no_path() {
        for (text, tls, host, port) in [
            (
                "https://api.pwnedpasswords.com",
                true,
                "api.pwnedpasswords.com",
                443,
            ),
            ("https://leaked.example:8443/", true, "leaked.example", 8443),
            ("http://127.0.0.1:9000", false, "127.0.0.1", 9000),
            ("http://[::1]", false, "::1", 80),
        ] {
            let host = host.to_owned();
            assert_eq!(
                HttpOrigin::parse(text),
                Some(HttpOrigin { tls, host, port }),
                "{text}"
            );
        }
        for text in [
            "",
            "api.pwnedpasswords.com",
            "ftp://leaked.example",
            "https://leaked.example/range",
            "https://leaked.example?a=b",
            "https://user@leaked.example",
            "https://leaked.example:99999",
            "https://",
        ] {
            assert_eq!(HttpOrigin::parse(text), None, "{text}");
        }
    }
}
