//! What a request brings to show who is asking, besides cookies: an auth token, or a name
//! and a password (RFC 7617).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use crate::app::App;
use crate::http::body::{Field, RawBody};
use crate::http::query::Query;

/// What came, unchecked.
#[derive(Default)]
pub(crate) struct Credentials {
    /// An auth token.
    pub(crate) token: Option<String>,
    /// A name and a password.
    pub(crate) basic: Option<(String, String)>,
}

impl fmt::Debug for Credentials {
    /// What there is, and not what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("token", &self.token.is_some())
            .field("basic", &self.basic.is_some())
            .finish()
    }
}

impl Credentials {
    /// Reads the header and the query string. Of a token in both, the one in the query
    /// counts, as in the reference.
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

    /// Reads a JSON body, too: a token in it comes before the others.
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

/// `Basic base64(name:password)`; the name has no colon, the password may.
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
    fn a_name_and_a_password_are_read_as_rfc_7617_has_them() {
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
    fn attack_crash_by_odd_input_a_malformed_authorization_names_nobody() {
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
