//! A request as a handler sees it: the session, the credentials and the body.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use http::{HeaderMap, Method};

use super::context::SessionContext;
use super::credentials::Credentials;
use crate::app::App;
use crate::http::body::RawBody;
use crate::http::fault::HandlerError;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::session::csrf::Evidence;

/// A request. A handler applies an [`AuthPolicy`](super::auth_policy::AuthPolicy) to it before
/// anything else.
#[derive(Debug)]
pub(crate) struct RequestContext {
    /// The session and, once the authentication policy was applied, the caller.
    pub(crate) session: SessionContext,
    /// The method.
    pub(crate) method: Method,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The query string.
    pub(crate) query: Query,
    /// The body.
    pub(crate) body: RawBody,
    pub(crate) credentials: Credentials,
    pub(crate) evidence: Evidence,
}

impl RequestContext {
    /// Whether the method is safe: `GET` or `HEAD`.
    #[must_use]
    pub(crate) fn only_reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Turns the outcome into the response, with the cookies that it needs.
    pub(crate) fn finish(self, app: &App, outcome: Result<Reply, HandlerError>) -> Response {
        self.session.finish(app, outcome)
    }
}

impl FromRequest<App> for RequestContext {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let session = SessionContext::from_request_parts(&mut parts, app).await?;
        let body = RawBody::take_in(app, session.info(), &parts.headers, body).await?;
        let query = Query::of(&parts.uri);
        Ok(Self {
            credentials: Credentials::of(app, &parts.headers, &query).with_body(app, &body),
            evidence: Evidence::of(app, &parts.method, &parts.headers, &body),
            session,
            method: parts.method,
            headers: parts.headers,
            query,
            body,
        })
    }
}
