//! Writes the whole document, from the table of endpoints.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Table};
use super::operation::Tag;
use super::{refusals, shared};
use crate::app::App;

/// The version of OpenAPI that the document is written in.
const VERSION: &str = "3.1.0";

const ABOUT: &str = "The accounts API of a single-page application: sign-in, sign-out, tokens and account management. \
This document describes one running server: its paths, its enabled features, and the names of its headers and cookies.

**Envelope.** Every response is JSON: `{\"meta\": {\"code\": N}, \"response\": {...}}`, where N is the HTTP status. \
An error response lists texts in `errors` and `field_errors`, and the stable codes that belong to them, in the same order, in \
`error_codes` and `field_error_codes`. Rely on the codes; the texts may change. The empty field name stands for the form as a \
whole.

**Unknown paths and methods.** A path that is not described here returns 404 and `NOT_FOUND`. A method that a path does not \
support returns 405, `METHOD_NOT_ALLOWED` and an `Allow` header. `HEAD` is supported wherever `GET` is, and returns no body. \
`OPTIONS` is supported everywhere, and returns an `Allow` header and, to browsers, the CORS headers.

**Input.** Request bodies are JSON objects, or forms where the operation lists them. Unknown members are ignored. Repeated \
members, invalid UTF-8 and values of the wrong type are refused.

**Headers.** Every response carries a request ID and security headers.";

#[derive(Serialize)]
pub(crate) struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Vec<Value>,
    paths: BTreeMap<String, Value>,
    components: Map<String, Value>,
}

/// The document of these endpoints.
pub(crate) fn document(app: &App, table: &Table) -> Document {
    let http = &app.settings().http;
    let origin = http.public_origin.as_deref().unwrap_or_default();
    let mut written = Written::default();
    for endpoint in &table.under_prefix {
        let item = written.path_item(app, endpoint);
        written.paths.insert(endpoint.path().to_owned(), item);
    }
    for endpoint in &table.beside {
        let mut item = written.path_item(app, endpoint);
        if !http.url_prefix.is_empty() {
            item["servers"] = servers(origin);
        }
        written.paths.insert(endpoint.path().to_owned(), item);
    }
    let components = components(app, &written);
    Document {
        openapi: VERSION,
        info: json!({
            "title": "vestibule",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
        }),
        servers: servers(&format!("{origin}{}", http.url_prefix)),
        tags: written.tags(),
        paths: written.paths,
        components,
    }
}

fn servers(url: &str) -> Value {
    json!([{ "url": if url.is_empty() { "/" } else { url } }])
}

/// The parts of the document that were collected from the endpoints.
#[derive(Default)]
struct Written {
    paths: BTreeMap<String, Value>,
    /// The tags, in the order of the features.
    tags: Vec<Tag>,
    /// The schemas of the operations.
    schemas: Map<String, Value>,
}

impl Written {
    fn path_item(&mut self, app: &App, endpoint: &Endpoint) -> Value {
        let mut item = Map::new();
        for (method, describe) in endpoint.operations() {
            let operation = describe(app);
            let tag = operation.tag();
            if !self.tags.iter().any(|known| known.name == tag.name) {
                self.tags.push(tag);
            }
            let name = method.as_str().to_ascii_lowercase();
            let operation = operation.into_value(app, method, &mut self.schemas);
            item.insert(name, operation);
        }
        item.into()
    }

    fn tags(&self) -> Vec<Value> {
        self.tags
            .iter()
            .map(|tag| json!({ "name": tag.name, "description": tag.about }))
            .collect()
    }
}

/// The components to which an operation or another component refers.
fn components(app: &App, written: &Written) -> Map<String, Value> {
    let headers: Map<String, Value> = shared::headers(app)
        .into_iter()
        .map(|header| (header.component.to_owned(), header.into_value()))
        .collect();
    let mut schemas = shared::schemas();
    schemas.extend(written.schemas.clone());
    let all = json!({
        "headers": headers,
        "responses": refusals::shared(app),
        "schemas": schemas,
    });
    let mut used = BTreeSet::new();
    for item in written.paths.values() {
        follow(item, &all, &mut used);
    }
    let mut components = Map::new();
    for pointer in &used {
        let mut parts = pointer.split('/').skip(1);
        if let (Some(kind), Some(name), Some(value)) =
            (parts.next(), parts.next(), all.pointer(pointer))
        {
            let of_kind = components.entry(kind).or_insert_with(|| json!({}));
            of_kind[name] = value.clone();
        }
    }
    components.insert("securitySchemes".to_owned(), shared::security_schemes(app));
    components
}

/// Collects the components to which a value refers, directly or through others.
fn follow(value: &Value, all: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let pointer = members
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|path| path.strip_prefix("#/components"));
            if let Some(pointer) = pointer
                && used.insert(pointer.to_owned())
                && let Some(component) = all.pointer(pointer)
            {
                follow(component, all, used);
            }
            for member in members.values() {
                follow(member, all, used);
            }
        }
        Value::Array(items) => {
            for item in items {
                follow(item, all, used);
            }
        }
        _ => {}
    }
}
