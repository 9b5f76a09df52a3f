//! Cross-origin resource sharing, configured with Flask-CORS's names.

use std::time::Duration;

use toml::Value;

use super::check::is_host;
use super::cors_pattern::{self, Pattern};
use super::reader::Reader;
use super::value;

const RESOURCES: &str = "CORS_RESOURCES";

/// The CORS rules.
#[derive(Debug, Clone, Default)]
pub struct CorsSettings {
    /// The rules. The first rule whose path matches is used.
    pub rules: Vec<CorsRule>,
}

/// The CORS rule for a path.
#[derive(Debug, Clone)]
pub struct CorsRule {
    /// A path, or a regular expression that has to match at the beginning of the path.
    pub path: String,
    /// Origins, or regular expressions for them; `*` stands for every origin.
    pub origins: Vec<String>,
    /// Whether requests may carry cookies.
    pub supports_credentials: bool,
    /// The request headers that may be sent; `*` stands for all.
    pub allow_headers: Vec<String>,
    /// The response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// The methods that may be used.
    pub methods: Vec<String>,
    /// How long a browser may cache the response to a preflight.
    pub max_age: Option<Duration>,
    /// Whether a wildcard is sent as `*` instead of the request's origin.
    pub send_wildcard: bool,
    /// Whether responses carry `Vary: Origin`.
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
        let mut rules: Vec<CorsRule> = match reader.any(RESOURCES) {
            None => Vec::new(),
            Some(Value::Table(paths)) => paths
                .iter()
                .map(|(path, details)| overridden(reader, &base, path, details))
                .collect(),
            Some(other) => {
                let paths = value::texts(&other).unwrap_or_default();
                if paths.is_empty() {
                    reader.problem(
                        RESOURCES,
                        "contains no path",
                        "write { \"/api/*\" = { origins = [\"https://app.example\"] } }, or remove it",
                    );
                }
                let rule = |path: &String| CorsRule {
                    path: path.clone(),
                    ..base.clone()
                };
                paths.iter().map(rule).collect()
            }
        };
        if rules.is_empty() && !base.origins.is_empty() {
            rules.push(base);
        }
        // The longest pattern comes first, as in Flask-CORS.
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.path.len()));
        for rule in &rules {
            check(reader, rule);
        }
        Self { rules }
    }
}

impl CorsRule {
    /// The patterns whose host contains an unescaped dot, which matches any character.
    pub(super) fn with_bare_dots(&self) -> impl Iterator<Item = &String> {
        let pattern = |origin: &&String| *origin != "*" && cors_pattern::is_pattern(origin);
        self.origins
            .iter()
            .filter(pattern)
            .filter(|origin| cors_pattern::has_bare_dot(origin))
    }

    /// Whether a pattern admits an arbitrary origin.
    pub(super) fn lets_everybody_in(&self) -> bool {
        let lets_in = |pattern: &String| {
            Pattern::new(pattern, false).is_ok_and(|pattern| {
                ["https://unlisted.invalid", "http://unlisted.invalid:8080"]
                    .iter()
                    .any(|origin| pattern.matches(origin))
            })
        };
        let mut listed = self.origins.iter().filter(|origin| *origin != "*");
        listed.any(lets_in)
    }
}

/// Reports values that browsers do not understand, and rules that share too much.
fn check(reader: &mut Reader<'_>, rule: &CorsRule) {
    for (key, text) in std::iter::once((RESOURCES, &rule.path))
        .chain(rule.origins.iter().map(|origin| ("CORS_ORIGINS", origin)))
        .filter(|(_, text)| *text != "*")
    {
        if key != RESOURCES && is_glob(reader, text) {
            continue;
        }
        if let Err(why) = Pattern::new(text, true) {
            reader.problem(key, why, "write an origin or a regular expression");
        }
    }
    for origin in rule
        .origins
        .iter()
        .filter(|origin| !cors_pattern::is_pattern(origin))
    {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        if origin == "null" {
            reader.problem(
                "CORS_ORIGINS",
                "contains \"null\": any site can create a page with that origin",
                "list the origins of your apps",
            );
        } else if !is_host(host) {
            reader.problem(
                "CORS_ORIGINS",
                format!("{origin:?} is not an origin: no browser sends it"),
                "write the scheme and the host without a path or a trailing slash, such as \"https://app.example\"",
            );
        }
    }
    let header = |text: &String| Pattern::of_headers(text).err();
    if let Some(why) = rule.allow_headers.iter().find_map(header) {
        reader.problem(
            "CORS_ALLOW_HEADERS",
            why,
            "write names such as \"X-Request-Id\", or regular expressions",
        );
    }
    let wildcard = rule.origins.iter().any(|origin| origin == "*");
    if rule.supports_credentials && (wildcard || rule.lets_everybody_in()) {
        reader.problem(
            "CORS_ORIGINS",
            "is a wildcard while CORS_SUPPORTS_CREDENTIALS is on: any site could act as your users",
            "list the origins of your apps",
        );
    }
    for method in &rule.methods {
        if http::Method::try_from(method.as_str()).is_err() {
            reader.problem(
                "CORS_METHODS",
                format!("{method:?} is not a valid method"),
                "write names such as \"POST\"",
            );
        }
    }
    for (key, headers) in [
        ("CORS_ALLOW_HEADERS", &rule.allow_headers),
        ("CORS_EXPOSE_HEADERS", &rule.expose_headers),
    ] {
        let patterns = key == "CORS_ALLOW_HEADERS";
        for header in headers {
            if patterns && let Some(meant) = cors_pattern::header_meant(header) {
                reader.problem(
                    key,
                    format!("{header:?} looks like a glob, but patterns are regular expressions"),
                    format!("write '{meant}'"),
                );
            }
            let pattern = patterns && cors_pattern::is_pattern(header);
            if !pattern && http::HeaderName::try_from(header).is_err() {
                reader.problem(
                    key,
                    format!("{header:?} is not a valid header name"),
                    "write names such as \"X-Request-Id\"",
                );
            }
        }
    }
}

/// Whether an origin is written as a glob; reports it if so.
fn is_glob(reader: &mut Reader<'_>, origin: &String) -> bool {
    let Some(meant) = cors_pattern::origin_meant(origin) else {
        return false;
    };
    let general = reader.list("CORS_ORIGINS").contains(origin);
    reader.problem(
        if general { "CORS_ORIGINS" } else { RESOURCES },
        format!("{origin:?} looks like a glob, but origins are regular expressions: it would match origins that you do not intend"),
        format!("write '{meant}', in single quotes"),
    );
    true
}

fn overridden(reader: &mut Reader<'_>, base: &CorsRule, path: &str, details: &Value) -> CorsRule {
    let mut rule = CorsRule {
        path: path.to_owned(),
        ..base.clone()
    };
    let Some(details) = details.as_table() else {
        reader.problem(
            RESOURCES,
            format!("the value of {path:?} is not a table"),
            "write { \"/api/*\" = { origins = [\"https://app.example\"] } }",
        );
        return rule;
    };
    for (name, value) in details {
        if !set(&mut rule, name, value) {
            reader.problem(
                RESOURCES,
                format!("{name} = {value} is not a valid option"),
                "use origins, methods, allow_headers, expose_headers (lists), supports_credentials, send_wildcard, vary_header (true or false) or max_age",
            );
        }
    }
    rule
}

/// Sets one member; false if no member has this name and type.
fn set(rule: &mut CorsRule, name: &str, value: &Value) -> bool {
    let list = match name {
        "origins" => Some(&mut rule.origins),
        "methods" => Some(&mut rule.methods),
        "allow_headers" => Some(&mut rule.allow_headers),
        "expose_headers" => Some(&mut rule.expose_headers),
        _ => None,
    };
    if let Some(list) = list {
        return value::texts(value).is_some_and(|texts| {
            *list = texts;
            true
        });
    }
    let flag = match name {
        "supports_credentials" => &mut rule.supports_credentials,
        "send_wildcard" => &mut rule.send_wildcard,
        "vary_header" => &mut rule.vary_header,
        "max_age" => {
            rule.max_age = value::duration(value);
            return rule.max_age.is_some() || value::is_none(value);
        }
        _ => return false,
    };
    value.as_bool().is_some_and(|on| {
        *flag = on;
        true
    })
}
