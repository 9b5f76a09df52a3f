//! Patterns of paths, origins and headers, and those that do not mean what they seem to.
//!
//! Patterns are regular expressions, as in Flask-CORS. `https://*.example.com` looks like the glob
//! that other servers accept, but as a regular expression it admits `https://xexample.com`.

use regex_lite::Regex;

use super::hosts;

/// A compiled pattern for a path, an origin or the name of a header.
#[derive(Debug)]
pub(crate) enum Pattern {
    Plain(String),
    Regex(Regex),
}

/// Whether a text is a regular expression. Flask-CORS treats any text with special characters as
/// one; we do not if the brackets belong to an IPv6 address.
pub(crate) fn is_pattern(text: &str) -> bool {
    let ipv6 = |origin: &str| {
        ["http://", "https://"]
            .iter()
            .any(|scheme| origin.strip_prefix(scheme).is_some_and(hosts::is_ipv6))
    };
    text.contains(['*', '\\', ']', '?', '$', '^', '[', '(', ')']) && !ipv6(text)
}

impl Pattern {
    /// Compiles a pattern. `prefix` is for paths, which only have to match at the beginning.
    pub(crate) fn new(text: &str, prefix: bool) -> Result<Self, String> {
        if !is_pattern(text) {
            return Ok(Self::Plain(text.to_owned()));
        }
        let anchored = if prefix {
            format!("^(?:{text})")
        } else {
            format!("^(?:{text})$")
        };
        Regex::new(&anchored)
            .map(Self::Regex)
            .map_err(|error| format!("CORS: {text:?} is not a pattern: {error}"))
    }

    /// Compiles a pattern for header names, which are case-insensitive. A lone `*` matches every
    /// header.
    pub(crate) fn of_headers(text: &str) -> Result<Self, String> {
        match text {
            "*" => Self::new(".*", false),
            text if is_pattern(text) => Self::new(&format!("(?i){text}"), false),
            text => Ok(Self::Plain(text.to_owned())),
        }
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Plain(text) => text.eq_ignore_ascii_case(value),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

/// The regular expression for a pattern of an origin that was written as a glob, or `None` if it
/// does not look like a glob.
pub(super) fn origin_meant(pattern: &str) -> Option<String> {
    let (scheme, rest) = match pattern.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, pattern),
    };
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let glob = scheme == Some("*") || has_glob(host) || port.is_some_and(|port| port == "*");
    if !glob {
        return None;
    }
    let scheme = match scheme {
        Some("*") | None => "https?",
        Some(scheme) => scheme,
    };
    let plain = host.chars().all(is_plain);
    let host = if plain || host.starts_with('*') {
        host.trim_end_matches('$')
            .replace("\\.", ".")
            .replace('.', "\\.")
            .replace('*', "[a-z0-9-]+")
    } else {
        host.to_owned()
    };
    let port = match port {
        Some("*") => ":[0-9]+".to_owned(),
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    Some(format!("{scheme}://{host}{port}"))
}

/// Whether a star in a host is a glob's placeholder and not a repetition.
fn has_glob(host: &str) -> bool {
    // At the start, a star has nothing to repeat.
    if host.starts_with('*') {
        return true;
    }
    if !host.chars().all(is_plain) {
        return false;
    }
    // `.*` matches anything only if no label ends before it: as in `https://.*`, not in
    // `https://app.*.example`.
    let before = |at: usize| host[..at].strip_suffix('.');
    host.match_indices('*').any(|(at, _)| {
        before(at).is_none_or(|label| !label.is_empty() && !label.ends_with(['.', '*']))
    })
}

/// Whether a character can occur in a glob or in a host.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*')
}

/// The same for the name of a header: `X-*`.
pub(super) fn header_meant(pattern: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*');
    let glob = pattern != "*" && pattern.contains('*') && pattern.chars().all(plain);
    glob.then(|| pattern.replace('*', "[a-z0-9-]+"))
}

/// Whether the host of a pattern contains an unescaped dot that is not repeated, so that it matches
/// any one character.
pub(super) fn has_bare_dot(pattern: &str) -> bool {
    let host = pattern.split_once("://").map_or(pattern, |(_, host)| host);
    let mut in_class = false;
    let mut chars = host.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '.' if !in_class && !matches!(chars.peek(), Some('*' | '+' | '?' | '{')) => {
                return true;
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_translated_to_the_regular_expression_it_means() {
        for (glob, meant) in [
            ("https://*.example.com", r"https://[a-z0-9-]+\.example\.com"),
            (
                r"https://*\.example\.com",
                r"https://[a-z0-9-]+\.example\.com",
            ),
            (
                "https://app.*.example.com",
                r"https://app\.[a-z0-9-]+\.example\.com",
            ),
            (
                "https://app*.example.com",
                r"https://app[a-z0-9-]+\.example\.com",
            ),
            (
                "https://*-staging.example.com",
                r"https://[a-z0-9-]+-staging\.example\.com",
            ),
            ("https://app.*", r"https://app\.[a-z0-9-]+"),
            ("*.example.com", r"https?://[a-z0-9-]+\.example\.com"),
            ("*://app.example", r"https?://app\.example"),
            ("http://localhost:*", "http://localhost:[0-9]+"),
            (
                "https://*.example.com:8443",
                r"https://[a-z0-9-]+\.example\.com:8443",
            ),
        ] {
            assert_eq!(origin_meant(glob).as_deref(), Some(meant), "{glob}");
        }
        for pattern in [
            "https://app.example",
            r"https://[a-z0-9-]+\.example\.com",
            r"https://.*\.example\.com",
            "https://.*.example.com",
            r"https://app.*\.example\.com",
            r"http://localhost:\d+",
            "https?://.*",
            ".*",
            ".*://.*:8080",
            "http://[::1]:8080",
            r"https://(app|www)\.example",
        ] {
            assert_eq!(origin_meant(pattern), None, "{pattern}");
        }
        assert_eq!(header_meant("X-*").as_deref(), Some("X-[a-z0-9-]+"));
        for header in ["*", "X-Request-Id", "x-.*", "x-[a-z]+"] {
            assert_eq!(header_meant(header), None, "{header}");
        }
    }

    #[test]
    fn an_unescaped_dot_is_detected() {
        for pattern in [
            "https://.*.example.com",
            r"https://app\d.example\.com",
            "https?://app.example",
        ] {
            assert!(has_bare_dot(pattern), "{pattern}");
        }
        for pattern in [
            r"https://.*\.example\.com",
            r"https://[a-z.]+\.example",
            "https://.+",
            r"http://localhost:\d+",
        ] {
            assert!(!has_bare_dot(pattern), "{pattern}");
        }
    }
}
