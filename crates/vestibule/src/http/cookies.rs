//! Reading and writing cookies (RFC 6265bis).

use std::fmt::Write as _;
use std::iter;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use memchr::memchr;
use time::OffsetDateTime;

use crate::settings::CookieSettings;

/// The value of the first cookie with this name.
///
/// A browser sends the cookie with the most specific path first, and the reference uses the first
/// one as well. Cookies of other applications may contain any bytes; ours are text.
#[must_use]
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| pairs(line.as_bytes()))
        .filter_map(|pair| {
            let equals = memchr(b'=', pair)?;
            Some((pair[..equals].trim_ascii(), &pair[equals + 1..]))
        })
        .find(|(key, _)| *key == name.as_bytes())
        .and_then(|(_, value)| std::str::from_utf8(value.trim_ascii()).ok())
        .map(unquote)
}

/// The pairs of a `Cookie` header.
fn pairs(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b';', rest).unwrap_or(rest.len());
        let pair = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(pair)
    })
}

fn unquote(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value)
}

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Until the browser closes.
    Session,
    /// Until this moment, sent as `Expires`.
    Until(OffsetDateTime),
    /// For this duration from this moment, sent as `Expires` and `Max-Age`.
    For(Duration, OffsetDateTime),
    /// Not at all: removes the cookie.
    Gone,
}

/// A `Set-Cookie` header with the attributes in Werkzeug's order, or `None` if the value is not
/// allowed in a header.
#[must_use]
pub(crate) fn set_cookie(
    cookie: &CookieSettings,
    value: &str,
    lifetime: Lifetime,
) -> Option<HeaderValue> {
    let mut line = format!("{}={value}", cookie.name);
    if let Some(domain) = &cookie.domain {
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
    if cookie.secure {
        line.push_str("; Secure");
    }
    if cookie.http_only {
        line.push_str("; HttpOnly");
    }
    let _ = write!(line, "; Path={}", cookie.path);
    if let Some(same_site) = cookie.same_site {
        let _ = write!(line, "; SameSite={}", same_site.as_str());
    }
    if cookie.partitioned {
        line.push_str("; Partitioned");
    }
    HeaderValue::try_from(line).ok()
}

/// A date in the HTTP format (RFC 9110, section 5.6.7).
fn http_date(moment: OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    moment
        .to_offset(time::UtcOffset::UTC)
        .format(&format)
        .unwrap_or_default()
}

/// The state of the session cookie of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieState {
    /// The request has no session cookie.
    Absent,
    /// The cookie holds a session.
    Opened,
    /// The signature is valid, but the cookie has expired.
    Expired,
    /// The signature is valid, but was made this many seconds ahead of this server's clock.
    Ahead(u64),
    /// The signature is invalid, or the cookie holds no session.
    Foreign,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SameSite;

    fn incoming(lines: &[&'static str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_static(line)))
            .collect()
    }

    #[test]
    fn the_first_cookie_with_a_name_is_used() {
        let headers = incoming(&["a=1; session=\"x.y\"; session=second", "late=3"]);
        assert_eq!(cookie(&headers, "session"), Some("x.y"));
        assert_eq!(cookie(&headers, "late"), Some("3"));
        assert_eq!(cookie(&headers, "essio"), None);
        let crowded = HeaderValue::from_bytes(b"a=1;session=x;b=\xe9; =x; c").unwrap();
        let headers = iter::once((header::COOKIE, crowded)).collect();
        assert_eq!(cookie(&headers, "session"), Some("x"));
        assert_eq!(cookie(&headers, "b"), None);
    }

    fn plain() -> CookieSettings {
        CookieSettings {
            name: "n".to_owned(),
            domain: None,
            path: "/".to_owned(),
            secure: false,
            http_only: false,
            same_site: None,
            partitioned: false,
            max_age: None,
        }
    }

    #[test]
    fn attributes_are_written_in_werkzeugs_order() {
        let dressed = CookieSettings {
            domain: Some("app.example".to_owned()),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: true,
            ..plain()
        };
        let moment = time::macros::datetime!(2027-11-23 17:29:53 UTC);
        let header = set_cookie(&dressed, "v", Lifetime::Until(moment)).unwrap();
        assert_eq!(
            header,
            "n=v; Domain=app.example; Expires=Tue, 23 Nov 2027 17:29:53 GMT; Secure; HttpOnly; \
             Path=/; SameSite=Lax; Partitioned"
        );
    }

    #[test]
    fn removing_a_cookie_sends_an_expiry_in_the_past() {
        assert_eq!(
            set_cookie(&plain(), "", Lifetime::Gone).unwrap(),
            "n=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"
        );
    }

    #[test]
    fn a_value_cannot_break_out_of_the_header() {
        assert_eq!(set_cookie(&plain(), "a\r\nX: y", Lifetime::Session), None);
    }
}
