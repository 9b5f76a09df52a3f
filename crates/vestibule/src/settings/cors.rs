//! Cross-origin resource sharing, by Flask-CORS's names.

use std::time::Duration;

use toml::{Table, Value};

use super::reader::Reader;
use super::value;

/// The rules.
#[derive(Debug, Clone, Default)]
pub struct CorsSettings {
    /// The first rule whose path matches counts.
    pub rules: Vec<CorsRule>,
}

/// What is shared under a path.
#[derive(Debug, Clone)]
pub struct CorsRule {
    /// A path, or a regular expression of which the beginning has to match.
    pub path: String,
    /// Origins, or regular expressions; `*` is everybody.
    pub origins: Vec<String>,
    /// Whether cookies may come along.
    pub supports_credentials: bool,
    /// The request headers that may be sent; `*` is all.
    pub allow_headers: Vec<String>,
    /// The response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// The methods that may be used.
    pub methods: Vec<String>,
    /// How long a browser may keep the answer to a preflight.
    pub max_age: Option<Duration>,
    /// Whether a wildcard is said as one.
    pub send_wildcard: bool,
    /// Whether answers say that they vary by origin.
    pub vary_header: bool,
}

impl Default for CorsRule {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self {
            path: "/*".to_owned(),
            origins: Vec::new(),
            supports_credentials: false,
            allow_headers: words(&["*"]),
            expose_headers: Vec::new(),
            methods: words(&["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"]),
            max_age: None,
            send_wildcard: false,
            vary_header: true,
        }
    }
}

impl CorsSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let base = CorsRule {
            path: "/*".to_owned(),
            origins: reader.list("CORS_ORIGINS"),
            supports_credentials: reader.flag("CORS_SUPPORTS_CREDENTIALS"),
            allow_headers: reader.list("CORS_ALLOW_HEADERS"),
            expose_headers: reader.list("CORS_EXPOSE_HEADERS"),
            methods: reader.list("CORS_METHODS"),
            max_age: reader.optional_duration("CORS_MAX_AGE"),
            send_wildcard: reader.flag("CORS_SEND_WILDCARD"),
            vary_header: reader.flag("CORS_VARY_HEADER"),
        };
        let mut rules: Vec<CorsRule> = match reader.any("CORS_RESOURCES") {
            None => Vec::new(),
            Some(Value::Table(paths)) => paths
                .iter()
                .map(|(path, details)| overridden(&base, path, details.as_table()))
                .collect(),
            Some(other) => value::texts(&other)
                .unwrap_or_default()
                .iter()
                .map(|path| overridden(&base, path, None))
                .collect(),
        };
        if rules.is_empty() && !base.origins.is_empty() {
            rules.push(base);
        }
        // The longest pattern speaks first, as in Flask-CORS.
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.path.len()));
        for rule in &rules {
            if rule.supports_credentials && rule.origins.iter().any(|origin| origin == "*") {
                reader.problem(
                    "CORS_ORIGINS",
                    "is a wildcard together with CORS_SUPPORTS_CREDENTIALS: every site could act as your users",
                    "list the origins of your apps",
                );
            }
        }
        Self { rules }
    }
}

fn overridden(base: &CorsRule, path: &str, details: Option<&Table>) -> CorsRule {
    let mut rule = CorsRule {
        path: path.to_owned(),
        ..base.clone()
    };
    for (name, value) in details.into_iter().flatten() {
        let list = || value::texts(value).unwrap_or_default();
        let flag = || value.as_bool().unwrap_or(false);
        match name.as_str() {
            "origins" => rule.origins = list(),
            "methods" => rule.methods = list(),
            "allow_headers" => rule.allow_headers = list(),
            "expose_headers" => rule.expose_headers = list(),
            "supports_credentials" => rule.supports_credentials = flag(),
            "send_wildcard" => rule.send_wildcard = flag(),
            "vary_header" => rule.vary_header = flag(),
            "max_age" => rule.max_age = value::duration(value),
            _ => {}
        }
    }
    rule
}
