//! Cross-origin resource sharing, configured with Flask-CORS's names.
//!
//! Nothing is shared unless `CORS_ORIGINS` or `CORS_RESOURCES` is set. Flask-CORS matches a regular
//! expression against the beginning of an origin; we match the whole origin, so that
//! `https://app\.example` does not admit `https://app.example.evil.example`.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::fault::Fault;
use crate::settings::cors_pattern::Pattern;
use crate::settings::{CorsRule, CorsSettings};

/// The compiled CORS rules.
#[derive(Debug)]
pub struct Cors(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    path: Pattern,
    origins: Vec<Pattern>,
    allow_headers: Vec<Pattern>,
    any_origin: bool,
    settings: CorsRule,
}

impl Cors {
    /// Compiles the rules.
    ///
    /// # Errors
    /// If a pattern is not a valid regular expression.
    pub fn new(settings: &CorsSettings) -> Result<Self, Fault> {
        let rule = |settings: &CorsRule| {
            Ok::<_, String>(Rule {
                path: Pattern::new(&settings.path, true)?,
                any_origin: settings.origins.iter().any(|origin| origin == "*"),
                origins: settings
                    .origins
                    .iter()
                    .filter(|origin| *origin != "*")
                    .map(|origin| Pattern::new(origin, false))
                    .collect::<Result<_, String>>()?,
                allow_headers: settings
                    .allow_headers
                    .iter()
                    .map(|header| Pattern::of_headers(header))
                    .collect::<Result<_, String>>()?,
                settings: settings.clone(),
            })
        };
        settings
            .rules
            .iter()
            .map(rule)
            .collect::<Result<_, String>>()
            .map(Self)
            .map_err(Fault::Internal)
    }

    /// Whether an origin may send state-changing requests to this path. A wildcard lets every
    /// origin read, but none act with a user's cookies.
    #[must_use]
    pub fn allows(&self, path: &str, origin: &str) -> bool {
        self.rule(path).is_some_and(|rule| rule.lists(origin))
    }

    fn rule(&self, path: &str) -> Option<&Rule> {
        // The developer mailbox is never shared with another origin, whatever the settings say.
        if path == "/dev" || path.starts_with("/dev/") {
            return None;
        }
        self.0.iter().find(|rule| rule.path.matches(path))
    }

    /// Adds the CORS headers to a response. If the response depends on the origin, `Vary` is sent
    /// even when the request has no `Origin`, so that a cache does not mix the variants up.
    pub fn decorate(&self, path: &str, asked: Option<&Asked>, headers: &mut HeaderMap) {
        let Some(rule) = self.rule(path) else { return };
        if rule.settings.vary_header && !(rule.any_origin && rule.settings.send_wildcard) {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some(asked) = asked.filter(|asked| rule.admit(&asked.origin, headers)) else {
            return;
        };
        let settings = &rule.settings;
        if !settings.expose_headers.is_empty() {
            let names = settings.expose_headers.join(", ");
            insert(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &names);
        }
        let Some((method, wanted)) = &asked.preflight else {
            return;
        };
        if !settings
            .methods
            .iter()
            .any(|known| known.eq_ignore_ascii_case(method))
        {
            return;
        }
        insert(
            headers,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &settings.methods.join(", "),
        );
        let allowed = rule.allowed_headers(wanted);
        if !allowed.is_empty() {
            insert(
                headers,
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                &allowed.join(", "),
            );
        }
        if let Some(age) = settings.max_age {
            insert(
                headers,
                header::ACCESS_CONTROL_MAX_AGE,
                &age.as_secs().to_string(),
            );
        }
    }
}

/// The CORS part of a request: its origin, and what a preflight asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    origin: HeaderValue,
    /// For a preflight request, the method and the headers of the request that is to follow.
    preflight: Option<(String, String)>,
}

impl Asked {
    /// Reads the headers of a request; `None` without an `Origin`.
    #[must_use]
    pub fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let preflight = text(header::ACCESS_CONTROL_REQUEST_METHOD)
            .filter(|_| *method == Method::OPTIONS)
            .map(|wanted| {
                let names = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
                (wanted.to_owned(), names.to_owned())
            });
        Some(Self {
            origin: headers.get(header::ORIGIN)?.clone(),
            preflight,
        })
    }
}

impl Rule {
    fn lists(&self, origin: &str) -> bool {
        self.origins.iter().any(|pattern| pattern.matches(origin))
    }

    /// Adds the origin to the response headers if the rule admits it.
    fn admit(&self, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
        let listed = origin.to_str().is_ok_and(|origin| self.lists(origin));
        if !listed && !self.any_origin {
            return false;
        }
        if !listed && self.settings.send_wildcard {
            insert(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        if self.settings.supports_credentials && listed {
            insert(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        true
    }

    /// The requested headers that the rule allows.
    fn allowed_headers<'a>(&self, wanted: &'a str) -> Vec<&'a str> {
        wanted
            .split(',')
            .map(str::trim)
            .filter(|name| HeaderName::try_from(*name).is_ok())
            .filter(|name| self.allow_headers.iter().any(|header| header.matches(name)))
            .collect()
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str]) -> CorsRule {
        CorsRule {
            path: "/api/*".to_owned(),
            origins: origins.iter().map(ToString::to_string).collect(),
            supports_credentials: true,
            ..CorsRule::default()
        }
    }

    fn cors(origins: &[&str]) -> Cors {
        Cors::new(&CorsSettings {
            rules: vec![rule(origins)],
        })
        .unwrap()
    }

    fn answer(cors: &Cors, sent: &[(HeaderName, &'static str)], method: &Method) -> HeaderMap {
        let request = sent
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        let mut headers = HeaderMap::new();
        cors.decorate(
            "/api/login",
            Asked::of(method, &request).as_ref(),
            &mut headers,
        );
        headers
    }

    fn from(cors: &Cors, origin: &'static str) -> HeaderMap {
        answer(cors, &[(header::ORIGIN, origin)], &Method::GET)
    }

    #[test]
    fn a_listed_origin_is_echoed_with_credentials() {
        let headers = from(&cors(&["https://spa.example"]), "https://spa.example");
        assert_eq!(
            headers["access-control-allow-origin"],
            "https://spa.example"
        );
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "Origin");
    }

    #[test]
    fn attack_cors_look_alike_origins_are_refused() {
        let cors = cors(&["https://spa.example", r"https://.*\.app\.example"]);
        for origin in [
            "https://evil.example",
            "https://spa.example.evil.example",
            "http://spa.example",
            "https://x.app.example.evil.example",
            "null",
        ] {
            assert!(!cors.allows("/api/login", origin), "{origin}");
        }
        assert!(!from(&cors, "https://evil.example").contains_key("access-control-allow-origin"));
        assert!(cors.allows("/api/login", "https://x.app.example"));
        assert!(!cors.allows("/other", "https://spa.example"));
    }

    #[test]
    fn attack_cors_the_developer_pages_are_never_shared() {
        let everywhere = CorsRule {
            path: "/*".to_owned(),
            ..rule(&["*", "https://spa.example"])
        };
        let cors = Cors::new(&CorsSettings {
            rules: vec![everywhere],
        })
        .unwrap();
        let request = std::iter::once((
            header::ORIGIN,
            HeaderValue::from_static("https://spa.example"),
        ));
        let asked = Asked::of(&Method::GET, &request.collect());
        for path in ["/dev", "/dev/mailbox", "/dev/mailbox.json"] {
            let mut headers = HeaderMap::new();
            cors.decorate(path, asked.as_ref(), &mut headers);
            assert_eq!(headers, HeaderMap::new(), "{path}");
            assert!(!cors.allows(path, "https://spa.example"), "{path}");
        }
        assert!(cors.allows("/device", "https://spa.example"));
    }

    #[test]
    fn an_ipv6_address_is_not_a_pattern() {
        let origins = ["http://[::1]:8080", "https://[2001:db8::1]"];
        let cors = cors(&origins);
        for origin in origins {
            assert!(cors.allows("/api/login", origin), "{origin}");
        }
        for origin in [
            "http://[::1]",
            "http://[::1]:80",
            "https://[::1]:8080",
            "http://[::2]:8080",
            // What the brackets would match in a regular expression.
            "http://1:8080",
            "http://::8080",
        ] {
            assert!(!cors.allows("/api/login", origin), "{origin}");
        }
        assert!(crate::settings::cors_pattern::is_pattern(
            r"http://[::1]:\d+"
        ));
        assert!(crate::settings::cors_pattern::is_pattern(
            "http://[ab].example"
        ));
    }

    #[test]
    fn attack_cors_a_wildcard_never_allows_credentials_or_state_changes() {
        let cors = cors(&["*"]);
        let headers = from(&cors, "https://evil.example");
        assert!(headers.contains_key("access-control-allow-origin"));
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert!(!cors.allows("/api/login", "https://evil.example"));
    }

    #[test]
    fn a_preflight_gets_methods_and_the_headers_it_asked_for() {
        let sent = [
            (header::ORIGIN, "https://spa.example"),
            (header::ACCESS_CONTROL_REQUEST_METHOD, "POST"),
            (
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "content-type, x-xsrf-token",
            ),
        ];
        let headers = answer(&cors(&["https://spa.example"]), &sent, &Method::OPTIONS);
        assert!(
            headers["access-control-allow-methods"]
                .to_str()
                .unwrap()
                .contains("POST")
        );
        assert_eq!(
            headers["access-control-allow-headers"],
            "content-type, x-xsrf-token"
        );
    }

    #[test]
    fn a_response_without_an_origin_still_varies_by_origin() {
        let headers = answer(&cors(&["https://spa.example"]), &[], &Method::GET);
        assert_eq!(headers["vary"], "Origin");
        assert_eq!(headers.len(), 1);
    }
}
