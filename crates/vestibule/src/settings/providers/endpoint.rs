//! The addresses of a provider.

use crate::settings::HttpOrigin;

/// An endpoint of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEndpoint {
    /// The URL, as written.
    pub url: String,
    /// The server.
    pub origin: HttpOrigin,
    /// The path with the query.
    pub path: String,
}

/// The longest URL of an endpoint, in bytes.
const LONGEST: usize = 2000;

impl ProviderEndpoint {
    /// Parses a URL. Plain HTTP is accepted only with `allow_private`. A URL with a user, a
    /// fragment, or characters other than visible ASCII is refused.
    pub(crate) fn parse(url: &str, allow_private: bool) -> Option<Self> {
        let sane = url.len() <= LONGEST
            && url
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<'));
        if !sane {
            return None;
        }
        let (origin, path) = HttpOrigin::parse_url(url)?;
        (origin.tls || allow_private).then(|| Self {
            url: url.to_owned(),
            origin,
            path,
        })
    }
}
