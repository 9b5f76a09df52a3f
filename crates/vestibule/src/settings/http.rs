//! Settings of the HTTP server: hosts, proxies, limits, headers.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use toml::Value;

use super::Listening;
use super::check::{is_host, is_path, not_a_path};
use super::hosts::BelievedHosts;
use super::reader::Reader;

/// The headers of every response unless `SECURITY_HEADERS` overrides them.
const SECURITY_HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
];

const HSTS: (&str, &str) = (
    "strict-transport-security",
    "max-age=31536000; includeSubDomains",
);

/// The HTTP settings that do not concern accounts.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The prefix of every endpoint's path: empty, or beginning with a slash.
    pub url_prefix: String,
    /// The hosts that this server answers for.
    pub hosts: BelievedHosts,
    /// `SECURITY_PUBLIC_URL` without a path: the origin at which browsers reach this server.
    pub public_origin: Option<String>,
    /// The proxies whose forwarding headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest request body, in bytes.
    pub max_content_length: usize,
    /// `Cache-Control` of the account endpoints.
    pub cache_control: Option<HeaderValue>,
    /// How long a request may take.
    pub request_timeout: Duration,
    headers: Vec<(HeaderName, HeaderValue)>,
    hsts: Option<HeaderValue>,
}

impl HttpSettings {
    pub(super) fn read(reader: &mut Reader<'_>, listening: Listening) -> Self {
        let (headers, hsts) = security_headers(reader);
        Self {
            url_prefix: url_prefix(reader),
            hosts: believed_hosts(reader, listening),
            public_origin: public_origin(reader),
            trusted_proxies: trusted_proxies(reader, listening),
            max_content_length: max_content_length(reader),
            cache_control: cache_control(reader),
            request_timeout: reader.duration("VESTIBULE_REQUEST_TIMEOUT"),
            headers,
            hsts,
        }
    }

    /// Adds the security headers, and HSTS only if the client used TLS.
    pub fn apply_security_headers(&self, secure: bool, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            // A page may already set one of them, such as its own content security policy.
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if let (true, Some(value)) = (secure, &self.hsts) {
            headers.insert(http::header::STRICT_TRANSPORT_SECURITY, value.clone());
        }
    }
}

/// The largest request body, which has to be large enough for a sign-in.
fn max_content_length(reader: &mut Reader<'_>) -> usize {
    const KEY: &str = "MAX_CONTENT_LENGTH";
    const LEAST: usize = 256;
    let length = reader.size(KEY, 1);
    if (2..LEAST).contains(&length) {
        reader.problem(
            KEY,
            format!("{length} bytes are too few for a sign-in"),
            "remove it for the default, 65536",
        );
    }
    length
}

fn url_prefix(reader: &mut Reader<'_>) -> String {
    const KEY: &str = "SECURITY_URL_PREFIX";
    let prefix = reader.text(KEY);
    let prefix = prefix.trim_end_matches('/');
    if !prefix.is_empty() && !is_path(prefix) {
        not_a_path(reader, KEY, prefix);
        return String::new();
    }
    prefix.to_owned()
}

fn believed_hosts(reader: &mut Reader<'_>, listening: Listening) -> BelievedHosts {
    let listed = reader.list("TRUSTED_HOSTS");
    let name = reader.optional_text("SERVER_NAME");
    let as_listed = |host: &str| is_host(host.strip_prefix('.').unwrap_or(host));
    if let Some(host) = listed.iter().find(|host| !as_listed(host)) {
        not_a_host(reader, "TRUSTED_HOSTS", host);
    }
    if let Some(host) = name.iter().find(|host| !is_host(host)) {
        not_a_host(reader, "SERVER_NAME", host);
    }
    let hosts: Vec<String> = listed.into_iter().chain(name).collect();
    if hosts.is_empty() {
        if listening == Listening::Public {
            reader.problem(
                "TRUSTED_HOSTS",
                "is not set, but this server is reachable from other machines",
                "list the hosts of this server, as in TRUSTED_HOSTS = [\"accounts.example.com\"], or set SERVER_NAME",
            );
        }
        return BelievedHosts::Loopback;
    }
    BelievedHosts::Listed(hosts)
}

fn not_a_host(reader: &mut Reader<'_>, key: &str, host: &str) {
    reader.problem(
        key,
        format!("{host:?} is not a host: no request could match it"),
        "write a name without a scheme and a path, such as accounts.example.com or accounts.example.com:8443",
    );
}

fn public_origin(reader: &mut Reader<'_>) -> Option<String> {
    const KEY: &str = "SECURITY_PUBLIC_URL";
    let url = reader.optional_text(KEY)?;
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let host = rest
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .unwrap_or_default();
    if !is_host(host) {
        reader.problem(
            KEY,
            format!("{url:?} is not a URL of a host"),
            "write a URL such as \"https://accounts.example.com\"",
        );
        return None;
    }
    let scheme = url.split("://").next().unwrap_or_default();
    Some(format!("{scheme}://{host}"))
}

fn trusted_proxies(reader: &mut Reader<'_>, listening: Listening) -> Vec<IpNet> {
    const KEY: &str = "TRUSTED_PROXIES";
    if !reader.is_set(KEY) {
        return match listening {
            Listening::Local => ["127.0.0.0/8", "::1/128"]
                .iter()
                .filter_map(|net| net.parse().ok())
                .collect(),
            Listening::Public => Vec::new(),
        };
    }
    let mut nets = Vec::new();
    for text in reader.list(KEY).into_iter().filter(|text| !text.is_empty()) {
        let net = text
            .parse()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        match net {
            Some(net) => nets.push(net),
            None => reader.problem(
                KEY,
                format!("{text:?} is not an IP address or network"),
                "write IP addresses or networks such as \"10.0.0.0/8\"",
            ),
        }
    }
    nets
}

/// Writes `{ private = true, max-age = 5 }` as `private, max-age=5`.
fn cache_control(reader: &mut Reader<'_>) -> Option<HeaderValue> {
    const KEY: &str = "SECURITY_CACHE_CONTROL";
    let mut directives: Vec<String> = Vec::new();
    for (name, value) in reader.table(KEY) {
        // Python writes the names with underscores.
        let name = name.replace('_', "-");
        let directive = match &value {
            Value::Boolean(false) => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::Boolean(true) => Some(name.clone()),
            Value::String(text) => Some(format!("{name}={text}")),
            Value::Integer(number) => Some(format!("{name}={number}")),
            _ => None,
        };
        // A directive's name has the syntax of a header's name (RFC 9111, section 5.2).
        let directive = directive.filter(|text| {
            HeaderName::try_from(&name).is_ok() && HeaderValue::try_from(text).is_ok()
        });
        match directive {
            Some(directive) => directives.push(directive),
            None => reader.problem(
                KEY,
                format!("{name:?} = {value} is not a valid directive"),
                "write directives such as { private = true, max-age = 60 }",
            ),
        }
    }
    if directives.is_empty() {
        return None;
    }
    HeaderValue::try_from(directives.join(", ")).ok()
}

fn security_headers(
    reader: &mut Reader<'_>,
) -> (Vec<(HeaderName, HeaderValue)>, Option<HeaderValue>) {
    const KEY: &str = "SECURITY_HEADERS";
    let mut wanted: Vec<(String, String)> = SECURITY_HEADERS
        .iter()
        .chain([&HSTS])
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    for (name, value) in reader.table(KEY) {
        let text = match &value {
            Value::String(text) => text.as_str(),
            Value::Boolean(false) => "",
            _ => {
                reader.problem(
                    KEY,
                    format!("the value of {name:?} is not a string"),
                    "write a string; an empty string or false switches the header off",
                );
                continue;
            }
        };
        let name = name.to_ascii_lowercase();
        wanted.retain(|(known, _)| *known != name);
        wanted.push((name, text.to_owned()));
    }
    let mut headers = Vec::new();
    let mut hsts = None;
    for (name, text) in wanted.into_iter().filter(|(_, text)| !text.is_empty()) {
        match (HeaderName::try_from(&name), HeaderValue::try_from(text)) {
            (Ok(_), Ok(value)) if name == HSTS.0 => hsts = Some(value),
            (Ok(header), Ok(value)) => headers.push((header, value)),
            _ => reader.problem(
                KEY,
                format!("{name:?} is not a valid header"),
                "write a header name and its value",
            ),
        }
    }
    (headers, hsts)
}
