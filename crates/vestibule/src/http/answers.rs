//! The answers that an embedding application may give instead of ours.

use std::fmt;

use axum::response::Response;
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
            Some(render) => render(&reply),
            None => self.render(reply),
        }
    }

    pub(crate) fn render(&self, reply: Reply) -> Response {
        match &self.json {
            Some(render) => render(&reply),
            None => reply.into_response(),
        }
    }

    pub(crate) fn describe(&self, user: &User) -> Map<String, Value> {
        self.user.as_ref().map_or_else(Map::new, |say| say(user))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}
