//! The targets that a browser may be redirected to.
//!
//! A target is parsed as a browser parses it (the WHATWG URL standard, in the `url` crate).
//! Everything that browsers quietly repair is refused first: control characters, surrounding white
//! space, backslashes.

use std::fmt::Write as _;

use url::Url;

/// The hosts that a redirect may lead to, each with its port if it has one.
#[derive(Debug, Clone, Copy)]
pub struct AllowedHosts<'a> {
    /// The host that the request was sent to.
    pub own: &'a str,
    /// This domain and all of its subdomains.
    pub with_subdomains_of: Option<&'a str>,
    /// Exactly these hosts.
    pub listed: &'a [String],
}

/// Whether a target from an untrusted source stays on an allowed host.
#[must_use]
pub fn is_allowed(target: &str, hosts: &AllowedHosts<'_>) -> bool {
    let repaired_by_browsers = |c: char| c.is_control() || c == '\\';
    if target.is_empty()
        || target.trim() != target
        || target.contains(repaired_by_browsers)
        || target.starts_with("///")
        || has_scheme_without_slashes(target)
    {
        return false;
    }
    // The scheme of the base only matters for a target without a scheme.
    let Ok(base) = Url::parse(&format!("https://{}/", hosts.own)) else {
        return false;
    };
    let Ok(url) = base.join(target) else {
        return false;
    };
    if !matches!(url.scheme(), "http" | "https")
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return false;
    }
    let Some(host) = authority(&url) else {
        return false;
    };
    let same = |allowed: &str| {
        Url::parse(&format!("{}://{allowed}/", url.scheme()))
            .ok()
            .as_ref()
            .and_then(authority)
            .is_some_and(|allowed| allowed == host)
    };
    same(hosts.own)
        || hosts.listed.iter().any(|listed| same(listed))
        || hosts.with_subdomains_of.is_some_and(|domain| {
            same(domain) || host.ends_with(&format!(".{}", domain.to_ascii_lowercase()))
        })
}

/// `https:host` is a path on an HTTPS page and a host on any other.
fn has_scheme_without_slashes(target: &str) -> bool {
    let end = target.find(['/', '?', '#']).unwrap_or(target.len());
    target[..end].contains(':') && !target[end..].starts_with("//")
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}

/// Moves the URL of one of the app's views to the host where the app runs
/// (`SECURITY_REDIRECT_HOST`), which replaces the host in the URL, if any.
#[must_use]
pub fn view_url(view: &str, host: Option<&str>, scheme: &str) -> String {
    let Some(host) = host else {
        return view.to_owned();
    };
    let elsewhere = view
        .strip_prefix("//")
        .map(|rest| (scheme, rest))
        .or_else(|| view.split_once("://"));
    match elsewhere {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
            let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
            format!("{scheme}://{host}{path}")
        }
        _ if view.starts_with('/') => format!("{scheme}://{host}{view}"),
        _ => view.to_owned(),
    }
}

/// Encodes a target in ASCII, as the `Location` header requires: hosts in IDNA, everything else as
/// percent-encoded UTF-8 (RFC 3987, section 3.1). `None` if the host is invalid.
#[must_use]
pub fn in_ascii(target: &str) -> Option<String> {
    if target.is_ascii() {
        return Some(target.to_owned());
    }
    let parsed = |target: &str| Url::parse(target).ok().map(String::from);
    if target.starts_with("//") {
        let url = parsed(&format!("https:{target}"))?;
        return url.strip_prefix("https:").map(str::to_owned);
    }
    let scheme = target.split("://").next().unwrap_or_default();
    if ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return parsed(target);
    }
    let mut ascii = String::with_capacity(target.len() * 2);
    for byte in target.bytes() {
        if byte.is_ascii() {
            ascii.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(ascii, "%{byte:02X}");
        }
    }
    Some(ascii)
}

/// Encodes a host, with or without a port, in ASCII. `None` if the host is invalid.
#[must_use]
pub fn host_in_ascii(host: &str) -> Option<String> {
    if host.is_ascii() {
        return Some(host.to_owned());
    }
    // Each scheme drops its default port, so at least one of the two keeps it.
    let parsed = |scheme: &str| Url::parse(&format!("{scheme}://{host}/")).ok();
    let (http, https) = (parsed("http")?, parsed("https")?);
    authority(if http.port().is_some() { &http } else { &https })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &[String] = &[];

    fn allowed(target: &str) -> bool {
        is_allowed(
            target,
            &AllowedHosts {
                own: "app.example:5000",
                with_subdomains_of: None,
                listed: LISTED,
            },
        )
    }

    #[test]
    fn targets_on_our_own_host_are_allowed() {
        for target in [
            "/",
            "/next?x=1#y",
            "next",
            "?q=1",
            "//app.example:5000/x",
            "http://app.example:5000/x",
            "https://APP.example:5000",
        ] {
            assert!(allowed(target), "{target}");
        }
    }

    #[test]
    fn attack_open_redirect_targets_on_other_hosts_are_refused() {
        for target in [
            "",
            " ",
            " /x",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "\u{1}//evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "http://app.example:5000@evil.example",
            "http://user@app.example:5000/",
            "http://app.example:5000.evil.example",
            "http://app.example/",
            "http://app.example:5001/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example:5000/",
            "http://[::1]/",
            "http://evil。example/",
            "//evil%2eexample",
            "//%65vil.example",
            "http:\n//evil.example",
            "https:?evil.example",
        ] {
            assert!(!allowed(target), "{target:?}");
        }
    }

    #[test]
    fn subdomains_and_listed_hosts_are_allowed_when_configured() {
        let listed = ["side.example".to_owned()];
        let hosts = AllowedHosts {
            own: "app.example",
            with_subdomains_of: Some("app.example"),
            listed: &listed,
        };
        for target in [
            "https://a.b.app.example/x",
            "https://side.example/",
            "https://app.example",
        ] {
            assert!(is_allowed(target, &hosts), "{target}");
        }
        for target in [
            "https://xapp.example/",
            "https://x.side.example/",
            "https://side.example:1/",
        ] {
            assert!(!is_allowed(target, &hosts), "{target}");
        }
    }

    #[test]
    fn targets_are_written_in_ascii() {
        for (target, ascii) in [
            ("/plain?a=%C3%A4", "/plain?a=%C3%A4"),
            ("/best\u{e4}tigt", "/best%C3%A4tigt"),
            ("next?q=\u{e4}#\u{1f44b}", "next?q=%C3%A4#%F0%9F%91%8B"),
            (
                "https://b\u{fc}cher.example:8443/\u{e4}?\u{e4}#\u{e4}",
                "https://xn--bcher-kva.example:8443/%C3%A4?%C3%A4#%C3%A4",
            ),
            ("//b\u{fc}cher.example/a", "//xn--bcher-kva.example/a"),
            ("app:/\u{e4}", "app:/%C3%A4"),
        ] {
            assert_eq!(in_ascii(target).as_deref(), Some(ascii), "{target}");
        }
        assert_eq!(in_ascii("https://\u{fc} /"), None);
        for (host, ascii) in [
            ("localhost:8080", Some("localhost:8080")),
            ("b\u{fc}cher.example:80", Some("xn--bcher-kva.example:80")),
            ("b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("b\u{fc}cher.example:81", Some("xn--bcher-kva.example:81")),
            ("b\u{fc}cher example", None),
        ] {
            assert_eq!(host_in_ascii(host).as_deref(), ascii, "{host}");
        }
    }

    #[test]
    fn a_view_moves_to_the_host_of_the_app() {
        assert_eq!(
            view_url("/in", Some("localhost:8080"), "http"),
            "http://localhost:8080/in"
        );
        assert_eq!(view_url("/in", None, "http"), "/in");
        for (view, moved) in [
            ("https://x.example/in?a=1#b", "https://h/in?a=1#b"),
            ("https://x.example", "https://h"),
            ("//x.example:80/in", "http://h/in"),
            (
                "/in?next=https://x.example/",
                "http://h/in?next=https://x.example/",
            ),
            ("in", "in"),
        ] {
            assert_eq!(view_url(view, Some("h"), "http"), moved);
        }
    }
}
