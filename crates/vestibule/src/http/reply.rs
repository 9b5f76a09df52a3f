//! The JSON envelope of every response.
//!
//! `{"meta": {"code": N}, "response": {...}}`, where N is the HTTP status.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

/// How many headers a response usually gets besides those of its reply: cookies, security headers,
/// and what the server adds.
const HEADERS_OF_A_RESPONSE: usize = 20;

/// The room for the JSON of a usual response, in bytes.
const BODY: usize = 512;

/// A response to be sent: a status and the members of `response`, or a redirect.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    members: Map<String, Value>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    meta: Meta,
    response: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct Meta {
    code: u16,
}

impl Reply {
    /// An empty response with this status.
    #[must_use]
    pub(crate) fn new(status: StatusCode) -> Self {
        Self {
            status,
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// An empty response with status 200.
    #[must_use]
    pub(crate) fn ok() -> Self {
        Self::new(StatusCode::OK)
    }

    /// A redirect to a target that has already been checked.
    #[must_use]
    pub(crate) fn redirect(location: HeaderValue) -> Self {
        Self::new(StatusCode::FOUND).header(header::LOCATION, location)
    }

    /// Adds a member to `response`.
    #[must_use]
    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The members of `response`.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The response headers, except `Content-Type`.
    pub fn headers(&self) -> impl Iterator<Item = (&header::HeaderName, &HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }

    pub(crate) fn into_headers(self) -> Vec<(header::HeaderName, HeaderValue)> {
        self.headers
    }

    /// Serializes the envelope into an HTTP response.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let envelope = Envelope {
            meta: Meta {
                code: self.status.as_u16(),
            },
            response: &self.members,
        };
        // A map of JSON values always serialises.
        let mut body = Vec::with_capacity(BODY);
        if serde_json::to_writer(&mut body, &envelope).is_err() {
            body.clear();
        }
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        // Room for what the middleware adds, so that the map never grows.
        headers.reserve(self.headers.len() + HEADERS_OF_A_RESPONSE);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_envelope_repeats_the_status() {
        let response = Reply::new(StatusCode::IM_A_TEAPOT)
            .member("tea", true)
            .into_response();
        assert_eq!(response.status(), 418);
        let body = axum::body::to_bytes(response.into_body(), 1024)
            .await
            .unwrap();
        assert_eq!(
            &body[..],
            br#"{"meta":{"code":418},"response":{"tea":true}}"#
        );
    }
}
