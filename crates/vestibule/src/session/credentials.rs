//! The credentials of a request other than cookies: an auth token, or a username and a password
//! (basic authentication, RFC 7617).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use crate::app::App;
use crate::http::body::{Field, RawBody};
use crate::http::query::Query;

/// The credentials that a request carries, unchecked.
#[derive(Default)]
pub(crate) struct Credentials {
    /// An auth token.
    pub(crate) token: Option<String>,
    /// The username and the password of basic authentication.
    pub(crate) basic: Option<(String, String)>,
}

impl fmt::Debug for Credentials {
    /// Shows which credentials are present, never their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("token", &self.token.is_some())
            .field("basic", &self.basic.is_some())
            .finish()
    }
}

impl Credentials {
    /// Reads the headers and the query string. If both carry a token, the one in the query takes
    /// precedence, as in the reference.
    #[must_use]
    pub(crate) fn of(app: &App, headers: &HeaderMap, query: &Query) -> Self {
        let settings = &app.settings().token;
        let header = || {
            let value = headers.get(&settings.header)?;
            value.to_str().ok().map(str::to_owned)
        };
        let token = query.get(&settings.parameter).map(str::to_owned);
        Self {
            token: token.or_else(header),
            basic: headers.get(header::AUTHORIZATION).and_then(basic),
        }
    }

    /// Also reads a JSON body. A token in it takes precedence over the others.
    #[must_use]
    pub(crate) fn with_body(mut self, app: &App, body: &RawBody) -> Self {
        if body.is_json()
            && let Ok(fields) = body.fields()
            && let Field::Text(token) = fields.exact(&app.settings().token.parameter)
        {
            self.token = Some(token.to_owned());
        }
        self
    }
}

/// Parses `Basic base64(name:password)`. The password may contain colons, the name may not.
fn basic(value: &http::HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned())).filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<(String, String)> {
        basic(&value.parse().unwrap())
    }

    #[test]
    fn basic_authorization_is_parsed_per_rfc_7617() {
        let both = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        // "Aladdin:open sesame", the RFC's own example.
        assert_eq!(
            parsed("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            both("Aladdin", "open sesame")
        );
        let encoded = STANDARD.encode("ana:p:w\u{e9}");
        assert_eq!(
            parsed(&format!("bAsIc {encoded}")),
            both("ana", "p:w\u{e9}")
        );
    }

    #[test]
    fn attack_crash_by_odd_input_malformed_authorization_header_is_ignored() {
        let not_utf8 = format!("Basic {}", STANDARD.encode(b"\xff:\xff"));
        let nameless = format!("Basic {}", STANDARD.encode(":password"));
        for value in [
            "Basic",
            "Basic ",
            "Basic QWxhZGRpbg==",
            "Basic %%%",
            "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            &not_utf8,
            &nameless,
        ] {
            assert_eq!(parsed(value), None, "{value}");
        }
    }
}
