//! The answers that an embedding application may give instead of ours.

use std::fmt;

use axum::response::Response;
use http::{HeaderName, header};
use serde_json::{Map, Value};
use vestibule_store::User;

use super::reject::Kind;
use super::reply::Reply;

type Render = Box<dyn Fn(&Reply) -> Response + Send + Sync>;
type Describe = Box<dyn Fn(&User) -> Map<String, Value> + Send + Sync>;

/// What the application says itself. Without a word of it our envelope is sent.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) unauthenticated: Option<Render>,
    pub(crate) unauthorized: Option<Render>,
    pub(crate) not_fresh: Option<Render>,
    pub(crate) json: Option<Render>,
    pub(crate) user: Option<Describe>,
}

impl Answers {
    pub(crate) fn refuse(&self, kind: Kind, reply: Reply) -> Response {
        let own = match kind {
            Kind::Unauthenticated => &self.unauthenticated,
            Kind::Unauthorized => &self.unauthorized,
            Kind::NotFresh => &self.not_fresh,
            Kind::Other => &None,
        };
        match own {
            Some(render) => with_headers(render(&reply), reply),
            None => self.render(reply),
        }
    }

    /// A redirect says nothing that could be worded otherwise.
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

/// The application words the answer, but what we say in headers is said all the same: cookies,
/// challenges, when to come back. A header that it wrote itself stays as it wrote it.
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

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}
