//! A cookie jar that works like a browser's.

use std::collections::BTreeMap;

use super::http::{Request, Response};

/// One `Set-Cookie` header, with lower-case attribute names and their values as sent.
#[derive(Clone, Debug)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl SetCookie {
    pub(crate) fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .unwrap_or_default();
        let attributes = parts
            .map(|part| {
                let (key, value) = part.split_once('=').unwrap_or((part, ""));
                (key.to_lowercase(), value.to_owned())
            })
            .collect();
        Self {
            name: name.into(),
            value: value.into(),
            attributes,
        }
    }

    /// Whether the header deletes the cookie.
    pub(crate) fn clears(&self) -> bool {
        self.attributes.get("max-age").is_some_and(|age| age == "0")
            || self
                .attributes
                .get("expires")
                .is_some_and(|date| date.contains("1970"))
    }
}

/// The cookies of one browser for one server. Paths and domains are not enforced: each test decides
/// which cookies it sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(BTreeMap<String, String>);

impl Jar {
    pub(crate) fn take(&mut self, cookies: &[SetCookie]) {
        for cookie in cookies {
            if cookie.clears() {
                self.0.remove(&cookie.name);
            } else {
                self.0.insert(cookie.name.clone(), cookie.value.clone());
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), value.into());
    }

    pub(crate) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The `Cookie` header; `None` if the jar is empty.
    pub(crate) fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Sends a request with these cookies, and stores those of the response.
    pub(crate) fn send(&mut self, request: Request, port: u16) -> Response {
        let request = match self.header() {
            Some(cookies) => request.header("Cookie", cookies),
            None => request,
        };
        let answer = request
            .header("User-Agent", "tests/1.0")
            .send(port)
            .expect("a response");
        self.take(&set_cookies(&answer));
        answer
    }
}

pub(crate) fn set_cookies(answer: &Response) -> Vec<SetCookie> {
    answer
        .all("set-cookie")
        .iter()
        .map(|header| SetCookie::parse(header))
        .collect()
}

/// Adds the CSRF cookie's value as the header that the reference names.
pub(crate) fn with_token(request: Request, jar: &Jar) -> Request {
    match jar.get("XSRF-TOKEN") {
        Some(token) => request.header("X-XSRF-Token", token),
        None => request,
    }
}
