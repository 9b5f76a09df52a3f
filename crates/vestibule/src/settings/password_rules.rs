//! Settings of the rules for new passwords.

use std::net::IpAddr;

use http::Uri;
use toml::Value;

use super::reader::Reader;

/// Settings of the breached-password check: `SECURITY_PASSWORD_CHECK_BREACHED` and related settings.
#[derive(Debug, Clone)]
pub struct BreachedSettings {
    /// Whether a password is refused if the lookup fails.
    pub strict: bool,
    /// The number of finds from which a password is refused.
    pub count: u64,
    /// The server that is queried.
    pub origin: HttpOrigin,
}

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

/// The minimum zxcvbn score; `None` if the score is not checked.
pub(super) fn complexity(reader: &mut Reader<'_>) -> Option<u8> {
    // Other values of this setting are reported by the check of allowed words.
    reader.optional_text("SECURITY_PASSWORD_COMPLEXITY_CHECKER")?;
    let score = reader.whole("SECURITY_ZXCVBN_MINIMUM_SCORE");
    Some(
        score
            .and_then(|score| u8::try_from(score).ok())
            .unwrap_or(3),
    )
}

pub(super) fn breached(reader: &mut Reader<'_>) -> Option<BreachedSettings> {
    const KEY: &str = "SECURITY_PASSWORD_CHECK_BREACHED";
    let origin = origin(reader);
    let strict = match reader.any(KEY)? {
        Value::Boolean(false) => return None,
        Value::String(word) => word.eq_ignore_ascii_case("strict"),
        other => {
            reader.problem(
                KEY,
                format!("{other} is not a known value"),
                "write \"strict\", \"best-effort\" or false",
            );
            return None;
        }
    };
    if cfg!(not(feature = "breached")) {
        reader.problem(
            KEY,
            "is set, but this program was built without this check",
            "build the program with the feature breached, or remove the setting",
        );
    }
    let count = reader.whole("SECURITY_PASSWORD_BREACHED_COUNT");
    Some(BreachedSettings {
        strict,
        count: count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(1),
        origin: origin?,
    })
}

fn origin(reader: &mut Reader<'_>) -> Option<HttpOrigin> {
    const KEY: &str = "SECURITY_PASSWORD_BREACHED_ORIGIN";
    let text = reader.text(KEY);
    let origin = parse(&text);
    match &origin {
        None => reader.problem(
            KEY,
            format!("{text:?} is not an origin"),
            "write an origin such as \"https://api.pwnedpasswords.com\", without a path",
        ),
        Some(origin) if !origin.tls && !is_loopback(&origin.host) => reader.problem(
            KEY,
            "is plain HTTP: an attacker on the network can read part of each password's hash",
            "use https://",
        ),
        Some(_) => {}
    }
    origin
}

fn parse(text: &str) -> Option<HttpOrigin> {
    let uri: Uri = text.parse().ok()?;
    let tls = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let authority = uri.authority()?;
    if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
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
    Some(HttpOrigin {
        tls,
        host: Some(host.to_owned()).filter(|host| !host.is_empty())?,
        port,
    })
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
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
            assert_eq!(parse(text), Some(HttpOrigin { tls, host, port }), "{text}");
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
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
