//! The description of one answer: its status, its `response` and its headers.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::schema::{self, Schema};
use crate::app::App;

/// Builds the description of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    about: String,
    response: Schema,
    example: Option<Value>,
    headers: Vec<&'static str>,
    envelope: bool,
    media_type: &'static str,
}

impl Answer {
    /// An answer with this status. Every answer carries a request ID.
    pub(crate) fn new(status: StatusCode) -> Self {
        Self {
            status,
            about: String::new(),
            response: Schema::object(),
            example: None,
            headers: vec!["RequestId"],
            envelope: true,
            media_type: "application/json",
        }
    }

    /// Status 200 with this body, without the envelope.
    pub(crate) fn bare(about: &str, schema: Schema) -> Self {
        Self {
            response: schema,
            envelope: false,
            ..Self::ok(about)
        }
    }

    /// Status 200 with an HTML page.
    pub(crate) fn page(about: &str) -> Self {
        Self {
            media_type: "text/html",
            ..Self::bare(about, Schema::text())
        }
    }

    /// Status 200.
    pub(crate) fn ok(about: &str) -> Self {
        Self::new(StatusCode::OK).about(about)
    }

    /// A redirect.
    pub(crate) fn redirect(about: &str) -> Self {
        Self::new(StatusCode::FOUND).about(about).header("Location")
    }

    /// A redirect of a `POST` to an address that is requested with `GET`.
    #[cfg(feature = "oauth")]
    pub(crate) fn see_other(about: &str) -> Self {
        Self::new(StatusCode::SEE_OTHER)
            .about(about)
            .header("Location")
    }

    /// Sets the description.
    pub(super) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Adds a required member of `response`.
    pub(crate) fn must(mut self, name: &str, schema: Schema) -> Self {
        self.response = self.response.must(name, schema);
        self
    }

    /// Adds an optional member of `response`.
    pub(crate) fn may(mut self, name: &str, schema: Schema) -> Self {
        self.response = self.response.may(name, schema);
        self
    }

    /// Adds a header, by the name of its component.
    pub(crate) fn header(mut self, name: &'static str) -> Self {
        self.headers.push(name);
        self
    }

    /// Sets an example of `response`. The default is made from the examples of its members.
    pub(super) fn example(mut self, response: Value) -> Self {
        self.example = Some(response);
        self
    }

    /// Adds the headers of an answer for which the session was read.
    pub(super) fn with_session(mut self, app: &App) -> Self {
        self.headers.push("SetCookie");
        if app.settings().http.cache_control.is_some() {
            self.headers.push("CacheControl");
        }
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(super) fn into_value(self, app: &App) -> Value {
        let status = self.status();
        let response = self.response.into_value();
        let example = self.example.or_else(|| schema::example_of(&response));
        let content = if self.envelope {
            enveloped(status, &response, example)
        } else {
            json!({ "schema": response })
        };
        json!({
            "description": self.about,
            "headers": headers(app, &self.headers),
            "content": { self.media_type: content },
        })
    }
}

fn enveloped(status: u16, response: &Value, example: Option<Value>) -> Value {
    let meta = json!({
        "type": "object",
        "required": ["code"],
        "properties": { "code": { "const": status } },
    });
    let mut content = json!({
        "schema": {
            "type": "object",
            "required": ["meta", "response"],
            "properties": { "meta": meta, "response": response },
        },
    });
    if let Some(example) = example {
        content["example"] = json!({ "meta": { "code": status }, "response": example });
    }
    content
}

/// Header names with the components that describe them.
fn headers(app: &App, components: &[&str]) -> Map<String, Value> {
    super::shared::headers(app)
        .into_iter()
        .filter(|header| components.contains(&header.component))
        .map(|header| {
            let path = format!("#/components/headers/{}", header.component);
            (header.name.to_owned(), json!({ "$ref": path }))
        })
        .collect()
}
