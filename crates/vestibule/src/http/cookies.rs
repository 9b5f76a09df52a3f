//! Cookies in and out (RFC 6265bis).

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use time::OffsetDateTime;

use crate::settings::{CookieSettings, SameSite};

/// The value of the first cookie with this name.
///
/// A browser sends the cookie with the most specific path first, which is the one that
/// the reference takes too. Cookies of others may hold any bytes; ours are text.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            Some((pair[..equals].trim_ascii(), &pair[equals + 1..]))
        })
        .find(|(key, _)| *key == name.as_bytes())
        .and_then(|(_, value)| std::str::from_utf8(value.trim_ascii()).ok())
        .map(unquote)
}

fn unquote(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value)
}

/// Everything about a cookie but its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The Domain attribute; without it the cookie stays on the host that set it.
    pub domain: Option<String>,
    /// The Path attribute.
    pub path: String,
    /// Only over TLS (browsers count localhost as safe).
    pub secure: bool,
    /// Out of reach of scripts.
    pub http_only: bool,
    /// Which requests from other sites carry it.
    pub same_site: Option<SameSite>,
    /// Kept apart for each top-level site (CHIPS).
    pub partitioned: bool,
}

impl From<&CookieSettings> for Attributes {
    fn from(settings: &CookieSettings) -> Self {
        Self {
            domain: settings.domain.clone(),
            path: settings.path.clone(),
            secure: settings.secure,
            http_only: settings.http_only,
            same_site: settings.same_site,
            partitioned: settings.partitioned,
        }
    }
}

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it closes.
    Session,
    /// Until this moment, said as Expires.
    Until(OffsetDateTime),
    /// For so long from this moment, said as Expires and Max-Age.
    For(Duration, OffsetDateTime),
    /// Not at all: this removes the cookie.
    Gone,
}

/// A `Set-Cookie` header. The attributes come in the order in which Werkzeug writes
/// them. `None` when the value cannot stand in a header.
#[must_use]
pub fn set_cookie(
    name: &str,
    value: &str,
    attributes: &Attributes,
    lifetime: Lifetime,
) -> Option<HeaderValue> {
    let mut line = format!("{name}={value}");
    if let Some(domain) = &attributes.domain {
        // Writing to a string does not fail.
        let _ = write!(line, "; Domain={domain}");
    }
    match lifetime {
        Lifetime::Session => {}
        Lifetime::Until(moment) => {
            let _ = write!(line, "; Expires={}", http_date(moment));
        }
        Lifetime::For(duration, from) => {
            let expires = http_date(from + duration);
            let _ = write!(line, "; Expires={expires}; Max-Age={}", duration.as_secs());
        }
        Lifetime::Gone => line.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"),
    }
    if attributes.secure {
        line.push_str("; Secure");
    }
    if attributes.http_only {
        line.push_str("; HttpOnly");
    }
    let _ = write!(line, "; Path={}", attributes.path);
    if let Some(same_site) = attributes.same_site {
        let _ = write!(line, "; SameSite={}", same_site.as_str());
    }
    if attributes.partitioned {
        line.push_str("; Partitioned");
    }
    HeaderValue::try_from(line).ok()
}

/// A date as HTTP writes it (RFC 9110, section 5.6.7).
fn http_date(moment: OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    moment
        .to_offset(time::UtcOffset::UTC)
        .format(&format)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(lines: &[&'static str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_static(line)))
            .collect()
    }

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        let headers = incoming(&["a=1; session=\"x.y\"; session=second", "late=3"]);
        assert_eq!(cookie(&headers, "session"), Some("x.y"));
        assert_eq!(cookie(&headers, "late"), Some("3"));
        assert_eq!(cookie(&headers, "essio"), None);
        let crowded = HeaderValue::from_bytes(b"a=1;session=x;b=\xe9; =x; c").unwrap();
        let headers = std::iter::once((header::COOKIE, crowded)).collect();
        assert_eq!(cookie(&headers, "session"), Some("x"));
        assert_eq!(cookie(&headers, "b"), None);
    }

    #[test]
    fn attributes_stand_in_the_order_of_werkzeug() {
        let attributes = Attributes {
            domain: Some("app.example".to_owned()),
            path: "/".to_owned(),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: true,
        };
        let moment = time::macros::datetime!(2027-11-23 17:29:53 UTC);
        let header = set_cookie("n", "v", &attributes, Lifetime::Until(moment)).unwrap();
        assert_eq!(
            header,
            "n=v; Domain=app.example; Expires=Tue, 23 Nov 2027 17:29:53 GMT; Secure; HttpOnly; \
             Path=/; SameSite=Lax; Partitioned"
        );
    }

    #[test]
    fn a_removed_cookie_has_expired() {
        let attributes = Attributes {
            path: "/".to_owned(),
            ..Attributes::default()
        };
        assert_eq!(
            set_cookie("n", "", &attributes, Lifetime::Gone).unwrap(),
            "n=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"
        );
    }

    #[test]
    fn a_value_cannot_break_out_of_the_header() {
        let attributes = Attributes {
            path: "/".to_owned(),
            ..Attributes::default()
        };
        assert_eq!(
            set_cookie("n", "a\r\nX: y", &attributes, Lifetime::Session),
            None
        );
    }
}
