//! The API in words: its OpenAPI document, as the settings in force make it.
//!
//! Routes    `GET /openapi.json`
//! Settings  every one that names, switches on or forbids something
//! Messages  all, quoted
//! Mails     none
//! Hooks     none
//! Never     describes what is not served, nor a secret
//!
use std::sync::{Arc, OnceLock};

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};

use crate::app::App;
use crate::openapi::{self, Answer, Endpoint, Operation, Schema, Table, Tag};

const TAG: Tag = Tag {
    name: "api",
    about: "This OpenAPI document.",
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
        .about("An OpenAPI 3.1 document, without the envelope.")
        .open()
        .must("openapi", Schema::text())
        .must("info", Schema::object().open())
        .must("paths", Schema::object().open());
    Operation::new("getOpenApi", TAG, "Get this document")
        .answers(Answer::bare("The document.", schema))
}
