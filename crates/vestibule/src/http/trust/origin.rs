//! Whether an `Origin` or a `Referer` is this server's own.

use crate::http::request_info::RequestInfo;
use crate::settings::HttpSettings;
use crate::settings::hosts;

/// The origin of this server, as the client of one request sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnOrigin<'a> {
    secure: bool,
    host: &'a str,
    public: Option<&'a str>,
}

/// How an origin differs from this server's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The host differs.
    Host,
    /// Only the port differs: a proxy may have dropped it.
    Port,
    /// The host is the same, but the origin is plain HTTP and this server is reached over TLS.
    Scheme,
}

impl<'a> OwnOrigin<'a> {
    /// The origin of a request's trusted scheme and host, and of `SECURITY_PUBLIC_URL`.
    pub(crate) fn of(info: &'a RequestInfo, settings: &'a HttpSettings) -> Self {
        Self::new(
            info.secure(),
            info.host(),
            settings.public_origin.as_deref(),
        )
    }

    pub(super) fn new(secure: bool, host: &'a str, public: Option<&'a str>) -> Self {
        Self {
            secure,
            host,
            public,
        }
    }

    /// Compares an `Origin` with this server's: scheme, host and port.
    ///
    /// If TLS ends at a proxy that does not forward the scheme, the request looks like plain HTTP.
    /// An HTTPS page of the same host is therefore accepted, but never the other way round: anyone
    /// on the network can write a plain HTTP page.
    pub(crate) fn check(&self, origin: &str) -> Result<(), Mismatch> {
        let theirs = WebOrigin::parse(origin).ok_or(Mismatch::Host)?;
        let public = self.public.and_then(WebOrigin::parse);
        if public.as_ref() == Some(&theirs) {
            return Ok(());
        }
        let (name, port) = hosts::split(self.host).ok_or(Mismatch::Host)?;
        if !name.eq_ignore_ascii_case(&theirs.host) {
            return Err(Mismatch::Host);
        }
        let public_is_secure =
            public.is_some_and(|public| public.secure && public.host == theirs.host);
        if !theirs.secure && (self.secure || public_is_secure) {
            return Err(Mismatch::Scheme);
        }
        let port = match port {
            Some(port) => port.parse().map_err(|_| Mismatch::Port)?,
            None => default_port(theirs.secure),
        };
        if port == theirs.port {
            Ok(())
        } else {
            Err(Mismatch::Port)
        }
    }

    /// Compares the origin of a `Referer` with this server's.
    pub(crate) fn check_referrer(&self, referrer: &str) -> Result<(), Mismatch> {
        let end = referrer
            .find("://")
            .and_then(|scheme| {
                let rest = &referrer[scheme + 3..];
                rest.find(['/', '?', '#']).map(|end| scheme + 3 + end)
            })
            .unwrap_or(referrer.len());
        self.check(&referrer[..end])
    }
}

impl std::fmt::Display for OwnOrigin<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)
    }
}

/// An origin as browsers serialise it (RFC 6454, section 6.2).
#[derive(Debug, PartialEq, Eq)]
struct WebOrigin {
    secure: bool,
    host: String,
    port: u16,
}

impl WebOrigin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let secure = if scheme.eq_ignore_ascii_case("https") {
            true
        } else if scheme.eq_ignore_ascii_case("http") {
            false
        } else {
            return None;
        };
        let (name, port) = hosts::split(authority)?;
        let port = match port {
            Some(port) => port.parse().ok()?,
            None => default_port(secure),
        };
        Some(Self {
            secure,
            host: name.to_ascii_lowercase(),
            port,
        })
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_port_are_compared() {
        let own = OwnOrigin::new(true, "app.example", Some("https://public.example"));
        for origin in [
            "https://app.example",
            "https://APP.example",
            "https://app.example:443",
            "https://public.example",
        ] {
            assert_eq!(own.check(origin), Ok(()), "{origin}");
        }
        for (origin, mismatch) in [
            ("http://app.example", Mismatch::Scheme),
            ("https://app.example:8443", Mismatch::Port),
            ("https://xapp.example", Mismatch::Host),
            ("https://app.example.evil.example", Mismatch::Host),
            ("https://app.example@evil.example", Mismatch::Host),
            ("https://app.example/", Mismatch::Host),
            ("ftp://app.example", Mismatch::Host),
            ("http://public.example", Mismatch::Host),
            ("null", Mismatch::Host),
            ("", Mismatch::Host),
        ] {
            assert_eq!(own.check(origin), Err(mismatch), "{origin}");
        }
    }

    #[test]
    fn an_https_origin_is_accepted_behind_a_proxy_that_hides_tls() {
        let own = OwnOrigin::new(false, "app.example", None);
        assert_eq!(own.check("https://app.example"), Ok(()));
        assert_eq!(own.check("http://app.example"), Ok(()));
        let own = OwnOrigin::new(false, "app.example:8443", None);
        assert_eq!(own.check("https://app.example:8443"), Ok(()));
    }

    #[test]
    fn attack_csrf_a_plain_http_page_of_the_same_host_is_refused() {
        let plain = "http://app.example";
        let behind_tls = OwnOrigin::new(true, "app.example", None);
        assert_eq!(behind_tls.check(plain), Err(Mismatch::Scheme));
        let public = Some("https://app.example");
        let by_configuration = OwnOrigin::new(false, "app.example", public);
        assert_eq!(by_configuration.check(plain), Err(Mismatch::Scheme));
    }

    #[test]
    fn only_the_origin_of_a_referrer_is_compared() {
        let own = OwnOrigin::new(true, "app.example:8443", None);
        for referrer in [
            "https://app.example:8443",
            "https://app.example:8443/a?b=https://x/",
            "https://app.example:8443?a",
        ] {
            assert_eq!(own.check_referrer(referrer), Ok(()), "{referrer}");
        }
        for referrer in [
            "https://app.example/",
            "http://app.example:8443/",
            "https://app.example:8443@evil.example/",
            "app.example:8443",
        ] {
            assert!(own.check_referrer(referrer).is_err(), "{referrer}");
        }
    }
}
