//! What the browser says about where a request comes from.
//!
//! This check runs beside the token check. A state-changing request whose `Sec-Fetch-Site` or
//! `Origin` names another site is refused unless a CORS rule admits that origin. A WebSocket
//! handshake is a `GET` that opens a channel with the user's cookies, and no CORS check protects
//! it, so the same rule applies. Clients that send neither header are not browsers, and no page can
//! make them send a user's cookies.

use http::{HeaderMap, Method, StatusCode, header};

use super::origin::OwnOrigin;
use crate::http::reject::Rejection;
use crate::messages::{Explanation, Message};

/// Refuses a state-changing request if the browser says that another site sent it. `allowed` asks
/// the CORS rules about an origin.
///
/// # Errors
/// 403 with an explanation of what was seen.
pub(crate) fn check(
    method: &Method,
    headers: &HeaderMap,
    own: &OwnOrigin<'_>,
    allowed: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    if matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    ) {
        return Ok(());
    }
    check_sender(headers, own, allowed)
}

/// The same for a WebSocket handshake; other requests pass.
///
/// # Errors
/// 403 with an explanation of what was seen.
pub(crate) fn check_handshake(
    headers: &HeaderMap,
    own: &OwnOrigin<'_>,
    allowed: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    if opens_websocket(headers) {
        check_sender(headers, own, allowed)
    } else {
        Ok(())
    }
}

/// Whether a request is a WebSocket handshake (RFC 6455, section 4.1). When a proxy asks at
/// `/authz`, it drops `Upgrade`, which is a hop-by-hop header, but passes the key on.
fn opens_websocket(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE) || headers.contains_key(header::SEC_WEBSOCKET_KEY)
}

fn check_sender(
    headers: &HeaderMap,
    own: &OwnOrigin<'_>,
    allowed: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    // A browser sends each header once. If a proxy or an attacker repeats one, every value has to
    // pass.
    let texts = |name: header::HeaderName| {
        let values = headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap_or("?"))
    };
    let mut sites = texts(header::HeaderName::from_static("sec-fetch-site")).peekable();
    let told = sites.peek().is_some();
    let elsewhere = sites.find(|site| !matches!(*site, "same-origin" | "none"));
    let mut origins = texts(header::ORIGIN).peekable();
    match elsewhere {
        None if told => return Ok(()),
        Some(site) if origins.peek().is_none() => {
            return Err(refuse(Explanation::fetch_site(&printable(site), own)));
        }
        _ => {}
    }
    for origin in origins {
        if !allowed(origin) {
            own.check(origin).map_err(|mismatch| {
                refuse(Explanation::origin(&printable(origin), own, mismatch))
            })?;
        }
    }
    Ok(())
}

fn refuse(explanation: Explanation) -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, Message::CrossSiteRequest).explained(explanation)
}

/// A header value, made safe for a log or a response: no control characters, at most 120
/// characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    header::HeaderValue::from_static(value),
                )
            })
            .collect();
        let allowed = |origin: &str| origin == "https://spa.example";
        let own = OwnOrigin::new(false, "app.example:5000", Some("https://public.example"));
        check(method, &headers, &own, allowed).is_ok()
    }

    #[test]
    fn attack_csrf_state_changes_from_other_sites_are_refused() {
        for pairs in [
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://evil.example"),
            ][..],
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "http://other.app.example:5000"),
            ],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://app.example:5000.evil.example")],
            &[("origin", "http://app.example")],
            &[
                ("origin", "http://app.example:5000"),
                ("origin", "https://evil.example"),
            ],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
        ] {
            assert!(!verdict(&Method::POST, pairs), "{pairs:?}");
            assert!(verdict(&Method::GET, pairs), "{pairs:?}");
        }
    }

    #[test]
    fn own_pages_allowed_origins_and_programs_can_change_state() {
        for pairs in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "http://localhost:8080"),
            ],
            &[("origin", "http://app.example:5000")],
            &[("origin", "https://public.example")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://spa.example"),
            ],
        ] {
            assert!(verdict(&Method::POST, pairs), "{pairs:?}");
        }
    }
}
