//! Whether the user asked for a state-changing `GET`.
//!
//! Links sign out (`SECURITY_LOGOUT_METHODS`) and, in mails, sign in. An image or a frame on a page
//! of another site requests the same addresses without the user's knowledge. Browsers distinguish
//! the two (`Sec-Fetch-*`).

use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::cross_site::printable;
use crate::app::App;
use crate::http::reject::Rejection;
use crate::http::request_info::RequestInfo;
use crate::messages::{Explanation, Message};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser says where the request comes from.
pub(crate) fn is_told(headers: &HeaderMap) -> bool {
    headers.contains_key(SITE)
}

/// Refuses a `GET` that a page of another site made the browser send, unless it is a top-level
/// navigation or CORS lists that origin. Other methods are checked earlier (`cross_site`), and
/// clients that do not send `Sec-Fetch-Site` pass.
///
/// # Errors
/// 403 with an explanation of what was seen.
pub(crate) fn check(
    app: &App,
    info: &RequestInfo,
    method: &Method,
    headers: &HeaderMap,
    path: &str,
) -> Result<(), Rejection> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(site) = text(SITE) else {
        return Ok(());
    };
    let listed = |origin: &str| app.cors().allows(path, origin);
    if matches!(site, "same-origin" | "none")
        || is_top_level(headers)
        || text(header::ORIGIN).is_some_and(listed)
    {
        return Ok(());
    }
    let explanation = Explanation::embedded(&printable(site), info.host());
    let rejection = Rejection::new(StatusCode::FORBIDDEN, Message::CrossSiteRequest);
    Err(rejection.explained(explanation))
}

/// Whether this is a navigation of the whole tab, and not a prefetch.
fn is_top_level(headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| headers.get(name).is_some_and(|value| value == wanted);
    is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !headers.contains_key("sec-purpose")
}
