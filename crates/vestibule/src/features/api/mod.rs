//! The API in words: its OpenAPI document, as the settings in force make it.
//!
//! Routes    `GET /openapi.json`
//! Settings  every one that names, switches on or forbids something
//! Messages  all, quoted
//! Mails     none
//! Hooks     none
//! Never     describes what is not served, nor a secret
//!
//! The other features describe themselves in the words of this room: [`Endpoint`] for where
//! they are, [`Operation`] for what they do.

mod answer;
mod endpoint;
mod members;
mod openapi;
mod operation;
mod refusals;
mod schema;
mod shared;

use std::sync::{Arc, OnceLock};

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};

pub(crate) use self::answer::Answer;
pub(crate) use self::endpoint::{Endpoint, Table};
pub(crate) use self::members::{
    EMAIL_ERRORS, NEW_PASSWORD_ERRORS, USERNAME_ERRORS, email, password, username,
};
pub(crate) use self::operation::{Body, Operation, Tag};
pub(crate) use self::schema::Schema;
pub(crate) use self::shared::{
    Carries, csrf_token, include_auth_token, link_token, next, next_member, refresh_cookie, user,
    ways_to_verify,
};
use crate::app::App;

const TAG: Tag = Tag {
    name: "api",
    about: "This document.",
};

/// The document of the endpoints that `table` lists, written when it is first asked for.
pub(crate) fn endpoints(table: fn(&App) -> Table) -> Vec<Endpoint> {
    let written = Arc::new(OnceLock::<Bytes>::new());
    let get = async move |State(app): State<App>| {
        let text = written.get_or_init(|| {
            let document = openapi::document(&app, &table(&app));
            // Texts, numbers and maps with texts as keys always serialise.
            serde_json::to_vec(&document).unwrap_or_default().into()
        });
        answer(text.clone())
    };
    vec![Endpoint::at("/openapi.json").get(get, document)]
}

/// The document of the endpoints in a table, for people to read.
pub(crate) fn text(app: &App, table: &Table) -> String {
    serde_json::to_string_pretty(&openapi::document(app, table)).unwrap_or_default()
}

fn answer(text: Bytes) -> Response {
    let mut response = Response::new(HttpBody::from(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn document(_: &App) -> Operation {
    let schema = Schema::object()
        .about("An OpenAPI 3.1 document, without our envelope.")
        .open()
        .must("openapi", Schema::text())
        .must("info", Schema::object().open())
        .must("paths", Schema::object().open());
    Operation::new("getOpenApi", TAG, "This document")
        .answers(Answer::bare("The document.", schema))
}
