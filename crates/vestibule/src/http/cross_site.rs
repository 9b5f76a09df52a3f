//! The browser's own word on where a request comes from.
//!
//! Beside the token check: a state-changing request whose `Sec-Fetch-Site` or `Origin`
//! says that another site sent it is refused unless a CORS rule lets that origin in.
//! Programs that send neither header are not browsers, and cannot be tricked into
//! sending somebody's cookies.

use http::{HeaderMap, Method, StatusCode, header};

use super::reject::Rejection;
use crate::messages::{Explanation, Message};

/// Whether a request may change something, as far as the browser's headers tell.
///
/// `own_hosts` are the hosts (with port) that this server answers for; `allowed` asks
/// the CORS rules.
///
/// # Errors
/// 403 naming what was seen.
pub fn check(
    method: &Method,
    headers: &HeaderMap,
    own_host: &str,
    public_origin: Option<&str>,
    allowed: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    if matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    ) {
        return Ok(());
    }
    let text =
        |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    let origin = text(header::ORIGIN);
    if matches!(site, Some("same-origin" | "none")) {
        return Ok(());
    }
    match origin {
        Some(origin) if is_own(origin, own_host, public_origin) || allowed(origin) => Ok(()),
        Some(origin) => Err(refuse(Explanation::origin(&printable(origin), own_host))),
        None => match site {
            None => Ok(()),
            Some(site) => Err(refuse(Explanation::fetch_site(&printable(site), own_host))),
        },
    }
}

fn is_own(origin: &str, own_host: &str, public_origin: Option<&str>) -> bool {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    host.is_some_and(|host| host.eq_ignore_ascii_case(own_host))
        || public_origin.is_some_and(|public| public.eq_ignore_ascii_case(origin))
}

fn refuse(explanation: Explanation) -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, Message::CrossSiteRequest).explained(explanation)
}

/// A header's text as it may stand in a log or an answer.
fn printable(text: &str) -> String {
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
        check(
            method,
            &headers,
            "app.example:5000",
            Some("https://public.example"),
            allowed,
        )
        .is_ok()
    }

    #[test]
    fn attack_csrf_other_sites_cannot_change_anything() {
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
        ] {
            assert!(!verdict(&Method::POST, pairs), "{pairs:?}");
            assert!(verdict(&Method::GET, pairs), "{pairs:?}");
        }
    }

    #[test]
    fn our_own_pages_allowed_origins_and_programs_can() {
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
