//! The responses that an embedding application can replace.

use std::fmt;

use axum::response::Response;
use http::{HeaderName, header};
use serde_json::{Map, Value};
use vestibule_store::User;

use super::refused::{Reauthentication, Unauthenticated, Unauthorized};
use crate::http::reply::Reply;
use crate::http::request_info::{RequestHead, RequestInfo};
use crate::http::requirement::Requirement;

type OnUnauthenticated = Box<dyn Fn(&Reply, &Unauthenticated<'_>) -> Response + Send + Sync>;
type OnUnauthorized = Box<dyn Fn(&Reply, &Unauthorized<'_>) -> Response + Send + Sync>;
type OnReauthentication = Box<dyn Fn(&Reply, &Reauthentication<'_>) -> Response + Send + Sync>;
type Render = Box<dyn Fn(&Reply) -> Response + Send + Sync>;
type Describe = Box<dyn Fn(&User) -> Map<String, Value> + Send + Sync>;

/// The application's own responses. Without a hook, our envelope is sent.
#[derive(Default)]
pub(crate) struct ResponseHooks {
    pub(crate) unauthenticated: Option<OnUnauthenticated>,
    pub(crate) unauthorized: Option<OnUnauthorized>,
    pub(crate) not_fresh: Option<OnReauthentication>,
    pub(crate) json: Option<Render>,
    pub(crate) user: Option<Describe>,
}

impl ResponseHooks {
    /// Whether any hook needs the head of the request.
    pub(crate) fn want_the_request(&self) -> bool {
        self.unauthenticated.is_some() || self.unauthorized.is_some() || self.not_fresh.is_some()
    }

    pub(crate) fn refuse(
        &self,
        info: &RequestInfo,
        requirement: Option<&Requirement>,
        reply: Reply,
    ) -> Response {
        let own =
            requirement.and_then(|requirement| self.own(info.request()?, requirement, &reply));
        match own {
            Some(own) => with_headers(own, reply),
            None => self.render(reply),
        }
    }

    fn own(
        &self,
        request: &RequestHead,
        requirement: &Requirement,
        reply: &Reply,
    ) -> Option<Response> {
        match requirement {
            Requirement::Authentication(methods) => {
                let context = Unauthenticated { request, methods };
                self.unauthenticated
                    .as_ref()
                    .map(|own| own(reply, &context))
            }
            Requirement::Authorization(access) => {
                let context = Unauthorized { request, access };
                self.unauthorized.as_ref().map(|own| own(reply, &context))
            }
            Requirement::Freshness { within, grace } => {
                let (within, grace) = (*within, *grace);
                let context = Reauthentication {
                    request,
                    within,
                    grace,
                };
                self.not_fresh.as_ref().map(|own| own(reply, &context))
            }
        }
    }

    /// Renders a response. A redirect has no body to replace.
    pub(crate) fn render(&self, reply: Reply) -> Response {
        match &self.json {
            Some(render) if !reply.status().is_redirection() => with_headers(render(&reply), reply),
            _ => reply.into_response(),
        }
    }

    pub(crate) fn describe(&self, user: &User) -> Map<String, Value> {
        self.user.as_ref().map_or_else(Map::new, |say| say(user))
    }
}

/// Adds our headers (cookies, challenges, `Retry-After`) to the application's response. A header
/// that the application set itself is kept, except that our cookies are always added.
fn with_headers(mut response: Response, reply: Reply) -> Response {
    let headers = response.headers_mut();
    let own: Vec<HeaderName> = headers.keys().cloned().collect();
    for (name, value) in reply.into_headers() {
        let kept = name == header::CONTENT_TYPE || own.contains(&name);
        if !kept || name == header::SET_COOKIE {
            headers.append(name, value);
        }
    }
    response
}

impl fmt::Debug for ResponseHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseHooks")
    }
}
