//! The refusals of an operation, by status: codes, fields, and the answer that carries them.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::schema::Schema;
use crate::app::App;
use crate::messages::Message;

/// Refusals that are the same for every operation: status, codes, name of the component,
/// description.
const SHARED: [(StatusCode, &[Message], &str, &str); 8] = [
    (
        StatusCode::FORBIDDEN,
        &[Message::CrossSiteRequest],
        "CrossSiteRequest",
        "The browser reports that a page of another site sent the request, and the CORS settings do not list that site.",
    ),
    (
        StatusCode::REQUEST_TIMEOUT,
        &[Message::RequestTimeout],
        "RequestTimeout",
        "The response was not ready in time.",
    ),
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        &[Message::BodyTooLarge],
        "BodyTooLarge",
        "The body is larger than `MAX_CONTENT_LENGTH`.",
    ),
    (
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        &[Message::UnsupportedMediaType],
        "UnsupportedMediaType",
        "The body is neither JSON nor a URL-encoded form.",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        &[Message::TooManyAttempts],
        "TooManyAttempts",
        "There were too many wrong guesses for this account or from this address. Nothing was compared; `Retry-After` says when the next attempt is possible.",
    ),
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        &[Message::HeadersTooLarge],
        "HeadersTooLarge",
        "The request has too many headers, or they are too long.",
    ),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        &[Message::Unavailable],
        "Unavailable",
        "The database does not respond. Nothing was changed; try again later.",
    ),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        &[Message::Busy, Message::Unavailable],
        "BusyOrUnavailable",
        "Too many passwords are being verified, or the database does not respond. Nothing was changed; try again later.",
    ),
];

/// The refusals of one operation.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<u16, Refused>);

/// The refusals of one status.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    general: Vec<Message>,
    fields: Vec<(&'static str, Vec<Message>)>,
    members: Vec<(&'static str, Schema)>,
    headers: Vec<&'static str>,
}

impl Refusals {
    fn at(&mut self, status: StatusCode) -> &mut Refused {
        self.0.entry(status.as_u16()).or_insert_with(|| Refused {
            status,
            general: Vec::new(),
            fields: Vec::new(),
            members: Vec::new(),
            headers: Vec::new(),
        })
    }

    /// Adds codes of the whole request.
    pub(super) fn general(&mut self, status: StatusCode, messages: &[Message]) {
        push_new(&mut self.at(status).general, messages);
    }

    /// Adds codes of a field.
    pub(super) fn field(&mut self, field: &'static str, messages: &[Message]) {
        let fields = &mut self.at(StatusCode::BAD_REQUEST).fields;
        match fields.iter_mut().find(|(name, _)| *name == field) {
            Some((_, known)) => push_new(known, messages),
            None => fields.push((field, messages.to_vec())),
        }
    }

    /// Adds a member that a refusal can have beside its errors.
    pub(super) fn member(&mut self, status: StatusCode, name: &'static str, schema: Schema) {
        self.at(status).members.push((name, schema));
    }

    /// Adds a header that a refusal can have, by the name of its component.
    pub(super) fn header(&mut self, status: StatusCode, name: &'static str) {
        self.at(status).headers.push(name);
    }

    /// The answers, by status.
    pub(super) fn responses(self, app: &App, session: bool) -> Vec<(u16, Value)> {
        self.0
            .into_iter()
            .map(|(status, refused)| match refused.shared() {
                Some(name) => {
                    let path = format!("#/components/responses/{name}");
                    (status, json!({"$ref": path}))
                }
                None => (status, refused.response(app, session)),
            })
            .collect()
    }
}

/// The answers that operations share, by name.
pub(super) fn shared(app: &App) -> Map<String, Value> {
    SHARED
        .iter()
        .map(|(status, messages, name, about)| {
            let refused = Refused {
                status: *status,
                general: messages.to_vec(),
                fields: Vec::new(),
                members: Vec::new(),
                headers: Vec::new(),
            };
            let answer = refused.answer(app).about(*about);
            let waits = [
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::TOO_MANY_REQUESTS,
            ];
            let answer = if waits.contains(status) {
                answer.header("RetryAfter")
            } else {
                answer
            };
            ((*name).to_owned(), answer.into_value(app))
        })
        .collect()
}

fn push_new(known: &mut Vec<Message>, messages: &[Message]) {
    for message in messages {
        if !known.contains(message) {
            known.push(*message);
        }
    }
}

impl Refused {
    fn shared(&self) -> Option<&'static str> {
        let plain = self.fields.is_empty() && self.members.is_empty() && self.headers.is_empty();
        let same = |messages: &[Message]| {
            messages.len() == self.general.len()
                && messages
                    .iter()
                    .all(|message| self.general.contains(message))
        };
        SHARED
            .iter()
            .find(|(status, messages, ..)| plain && *status == self.status && same(messages))
            .map(|(_, _, name, _)| *name)
    }

    fn response(self, app: &App, session: bool) -> Value {
        let lines = self.lines(app);
        let answer = self
            .answer(app)
            .about(format!("Errors by code:\n\n{lines}"));
        let answer = if session {
            answer.with_session(app)
        } else {
            answer
        };
        answer.into_value(app)
    }

    /// Every code with its text, and the field that it belongs to.
    fn lines(&self, app: &App) -> String {
        let fields = self.fields.iter().flat_map(|(field, messages)| {
            let place = match *field {
                "" => " (the form as a whole)".to_owned(),
                field => format!(" (`{field}`)"),
            };
            messages
                .iter()
                .map(move |message| (*message, place.clone()))
        });
        let general = self.general.iter().map(|message| (*message, String::new()));
        let lines: Vec<String> = fields
            .chain(general)
            .map(|(message, place)| {
                let text = app.messages().text(message);
                format!("- `{}`{place}: {text}", message.code())
            })
            .collect();
        lines.join("\n")
    }

    /// The envelope, with an example of the first of the refusals.
    fn answer(self, app: &App) -> Answer {
        let codes = |messages: &[Message]| {
            let words = messages.iter().map(|message| message.code());
            Schema::list(Schema::word(words)).with("minItems", 1)
        };
        let mut all = Vec::new();
        let mut field_codes = Schema::object();
        for (field, messages) in &self.fields {
            push_new(&mut all, messages);
            field_codes = field_codes.may(field, codes(messages));
        }
        push_new(&mut all, &self.general);

        let mut answer = Answer::new(self.status)
            .must("errors", Schema::shared("Texts"))
            .must("error_codes", codes(&all));
        if !self.fields.is_empty() {
            answer = answer
                .may("field_errors", Schema::shared("FieldTexts"))
                .may("field_error_codes", field_codes);
        }
        if app.settings().explains() {
            answer = answer.may("explanation", Schema::shared("Explanation"));
        }
        let example = self.example(app);
        for (name, schema) in self.members {
            answer = answer.may(name, schema);
        }
        for header in self.headers {
            answer = answer.header(header);
        }
        answer.example(example)
    }

    fn example(&self, app: &App) -> Value {
        let field = self
            .fields
            .first()
            .and_then(|(field, messages)| Some((*field, *messages.first()?)));
        let message = field
            .map(|(_, message)| message)
            .or_else(|| self.general.first().copied());
        let (Some(message), words) = (message, |message| app.messages().text(message)) else {
            return json!({});
        };
        let mut example = json!({"errors": [words(message)], "error_codes": [message.code()]});
        if let Some((field, message)) = field {
            example["field_errors"] = json!({ field: [words(message)] });
            example["field_error_codes"] = json!({ field: [message.code()] });
        }
        example
    }
}
