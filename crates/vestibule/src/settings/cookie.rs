//! Cookies and their attributes.

use std::time::Duration;

use toml::{Table, Value};

use super::check::is_host;
use super::reader::Reader;

/// The `SameSite` attribute of a cookie (RFC 6265bis).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Only requests from our own site carry the cookie.
    Strict,
    /// Links from other sites carry it as well.
    Lax,
    /// All requests carry it.
    None,
}

const WORDS: [(&str, SameSite); 3] = [
    ("Strict", SameSite::Strict),
    ("Lax", SameSite::Lax),
    ("None", SameSite::None),
];

impl SameSite {
    /// The value in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// The name and attributes of a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSettings {
    /// The name.
    pub name: String,
    /// `Domain`; without it, the cookie is sent only to the host that set it.
    pub domain: Option<String>,
    /// `Path`.
    pub path: String,
    /// `Secure`.
    pub secure: bool,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `SameSite`.
    pub same_site: Option<SameSite>,
    /// `Partitioned`.
    pub partitioned: bool,
    /// `Max-Age`, if the setting gives one.
    pub max_age: Option<Duration>,
}

impl CookieSettings {
    /// Reads `SESSION_COOKIE_*` or `REMEMBER_COOKIE_*`.
    pub(super) fn prefixed(reader: &mut Reader<'_>, prefix: &str, default_path: &str) -> Self {
        let name = |suffix: &str| format!("{prefix}_{suffix}");
        Self {
            name: reader.text(&name("NAME")),
            domain: reader.optional_text(&name("DOMAIN")),
            path: reader
                .optional_text(&name("PATH"))
                .unwrap_or_else(|| default_path.to_owned()),
            secure: reader.flag(&name("SECURE")),
            http_only: reader.flag(&name("HTTPONLY")),
            same_site: reader.word(&name("SAMESITE"), &WORDS),
            partitioned: prefix == "SESSION_COOKIE" && reader.flag(&name("PARTITIONED")),
            max_age: None,
        }
    }

    /// Reads a table of Werkzeug's `set_cookie` arguments, such as `SECURITY_CSRF_COOKIE`.
    pub(super) fn from_table(reader: &mut Reader<'_>, key: &str, cookie_name: &str) -> Self {
        let table = reader.table(key);
        for name in table.keys() {
            const KNOWN: [&str; 8] = [
                "key",
                "domain",
                "path",
                "secure",
                "httponly",
                "samesite",
                "max_age",
                "partitioned",
            ];
            if name == "expires" {
                reader.problem(
                    key,
                    "contains expires: a fixed date, after which every cookie expires immediately",
                    "use max_age instead",
                );
            } else if !KNOWN.contains(&name.as_str()) {
                reader.problem(
                    key,
                    format!("{name:?} is not a cookie attribute"),
                    format!("use {}", KNOWN.join(", ")),
                );
            }
        }
        for (name, value) in &table {
            let (fits, wanted) = match name.as_str() {
                "secure" | "httponly" | "partitioned" => (value.is_bool(), "true or false"),
                "max_age" => (
                    super::value::duration(value).is_some(),
                    "a duration such as \"15 minutes\", or a number of seconds",
                ),
                _ => (value.is_str(), "a string in quotes"),
            };
            if !fits && !super::value::is_none(value) {
                reader.problem(
                    key,
                    format!("{name} = {value} has the wrong type"),
                    format!("write {wanted}"),
                );
            }
        }
        let same_site = text(&table, "samesite").and_then(|word| {
            let found = WORDS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(&word));
            if found.is_none() {
                reader.problem(
                    key,
                    format!("samesite = {word:?} is not a known value"),
                    "write Strict, Lax or None",
                );
            }
            found.map(|(_, value)| *value)
        });
        Self {
            name: cookie_name.to_owned(),
            domain: text(&table, "domain"),
            path: text(&table, "path").unwrap_or_else(|| "/".to_owned()),
            secure: flag(&table, "secure"),
            http_only: flag(&table, "httponly"),
            same_site,
            partitioned: flag(&table, "partitioned"),
            max_age: table.get("max_age").and_then(super::value::duration),
        }
    }

    /// Reports attributes with which browsers discard the cookie, or other sites could set it.
    pub(super) fn check(&self, reader: &mut Reader<'_>, key: &str) {
        // Browsers recognise these prefixes in any case.
        let prefixed = |prefix: &str| {
            self.name
                .get(..prefix.len())
                .is_some_and(|front| front.eq_ignore_ascii_case(prefix))
        };
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if self.name.is_empty() || !self.name.chars().all(token) {
            reader.problem(
                key,
                "the cookie name is not valid",
                "use letters, digits, - and _",
            );
        }
        if self.same_site == Some(SameSite::None) && !self.secure {
            reader.problem(
                key,
                "SameSite=None without Secure: browsers discard such a cookie",
                "switch Secure on, or set SameSite to Lax",
            );
        }
        if self.partitioned && !self.secure {
            reader.problem(
                key,
                "Partitioned without Secure: browsers discard such a cookie",
                "switch Secure on",
            );
        }
        if prefixed("__Secure-") && !self.secure {
            reader.problem(
                key,
                "the cookie name begins with __Secure-, but Secure is off",
                "switch Secure on",
            );
        }
        if prefixed("__Host-") && (!self.secure || self.domain.is_some() || self.path != "/") {
            reader.problem(
                key,
                "the cookie name begins with __Host-, which requires Secure, the path / and no domain",
                "set these attributes accordingly, or choose another name",
            );
        }
        let path = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',');
        if !self.path.starts_with('/') || !self.path.chars().all(path) {
            reader.problem(
                key,
                format!("the path {:?} is not valid in a cookie", self.path),
                "write a path such as \"/\"",
            );
        }
        if let Some(domain) = &self.domain {
            let host = domain.strip_prefix('.').unwrap_or(domain);
            if host.contains([':', '[']) || !is_host(host) {
                reader.problem(
                    key,
                    format!("the domain {domain:?} is not valid in a cookie"),
                    "write a name without a scheme and a port, such as \"example.com\"",
                );
            }
        }
    }
}

fn text(table: &Table, name: &str) -> Option<String> {
    table
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn flag(table: &Table, name: &str) -> bool {
    table.get(name).and_then(Value::as_bool).unwrap_or(false)
}
