//! Error responses: messages for single fields or for the whole request.
//!
//! The response has the texts (`errors`, `field_errors`) as the reference sends them and, in the
//! same order, the stable codes (`error_codes`, `field_error_codes`).

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::reply::Reply;
use crate::http::requirement::Requirement;
use crate::messages::{Explanation, LocalizedMessage, Words};

/// An error response before it is translated.
#[derive(Debug)]
pub(crate) struct Rejection(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    general: Vec<LocalizedMessage>,
    fields: Vec<(&'static str, LocalizedMessage)>,
    explanation: Option<Explanation>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    requirement: Option<Requirement>,
}

/// The errors in the fields of a request, in form order. The empty field name stands for the whole
/// form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldErrors(Vec<(&'static str, LocalizedMessage)>);

impl FieldErrors {
    /// A list with one error.
    #[must_use]
    pub(crate) fn one(field: &'static str, message: impl Into<LocalizedMessage>) -> Self {
        let mut errors = Self::default();
        errors.push(field, message);
        errors
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, field: &'static str, message: impl Into<LocalizedMessage>) {
        self.0.push((field, message.into()));
    }

    /// Sorts the errors by the position of their fields in the form.
    #[must_use]
    pub(crate) fn in_order(mut self, fields: &[&str]) -> Self {
        let place = |name: &str| fields.iter().position(|field| *field == name);
        self.0
            .sort_by_key(|(name, _)| place(name).unwrap_or(fields.len()));
        self
    }

    /// Whether there are no errors.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<M: Into<LocalizedMessage>> Extend<(&'static str, M)> for FieldErrors {
    fn extend<I: IntoIterator<Item = (&'static str, M)>>(&mut self, errors: I) {
        for (field, message) in errors {
            self.push(field, message);
        }
    }
}

impl IntoIterator for FieldErrors {
    type Item = (&'static str, LocalizedMessage);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Rejection {
    /// Refuses the whole request.
    #[must_use]
    pub(crate) fn new(status: StatusCode, message: impl Into<LocalizedMessage>) -> Self {
        Self::of(status, vec![message.into()], Vec::new())
    }

    /// 400 with errors by field, in form order. The empty field name stands for the whole form.
    #[must_use]
    pub(crate) fn fields(errors: FieldErrors) -> Self {
        Self::of(StatusCode::BAD_REQUEST, Vec::new(), errors.0)
    }

    fn of(
        status: StatusCode,
        general: Vec<LocalizedMessage>,
        fields: Vec<(&'static str, LocalizedMessage)>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            general,
            fields,
            explanation: None,
            members: Vec::new(),
            headers: Vec::new(),
            requirement: None,
        }))
    }

    /// Replaces the status.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// Adds which check failed and what to change.
    #[must_use]
    pub(crate) fn explained(mut self, explanation: Explanation) -> Self {
        self.0.explanation = Some(explanation);
        self
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds a member beside the errors.
    #[must_use]
    pub(crate) fn member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.push((name, value.into()));
        self
    }

    /// Records the unmet requirement, so that an application can answer it with a response of its
    /// own.
    pub(crate) fn unmet(mut self, requirement: Requirement) -> Self {
        self.0.requirement = Some(requirement);
        self
    }

    pub(crate) fn take_unmet(&mut self) -> Option<Requirement> {
        self.0.requirement.take()
    }

    /// Translates the messages. `show_explanation` is for development.
    #[must_use]
    pub(crate) fn into_reply(self, words: Words<'_>, show_explanation: bool) -> Reply {
        let Parts {
            status,
            general,
            fields,
            explanation,
            members,
            headers,
            requirement: _,
        } = *self.0;
        let all = general
            .iter()
            .chain(fields.iter().map(|(_, message)| message));
        let (texts, codes): (Vec<Value>, Vec<Value>) = all
            .map(|said| (words.say(said).into(), said.message.code().into()))
            .unzip();
        let mut reply = Reply::new(status)
            .member("errors", texts)
            .member("error_codes", codes);
        if !fields.is_empty() {
            reply = reply
                .member("field_errors", by_field(&fields, |said| words.say(said)))
                .member(
                    "field_error_codes",
                    by_field(&fields, |said| said.message.code().to_owned()),
                );
        }
        if let Some(why) = &explanation {
            tracing::info!(
                check = why.check,
                saw = why.saw.as_str(),
                fix = why.fix.as_str(),
                "check failed"
            );
            if show_explanation {
                let mut members = Map::new();
                members.insert("check".to_owned(), why.check.into());
                members.insert("saw".to_owned(), why.saw.as_str().into());
                members.insert("fix".to_owned(), why.fix.as_str().into());
                reply = reply.member("explanation", members);
            }
        }
        for (name, value) in members {
            reply = reply.member(name, value);
        }
        for (name, value) in headers {
            reply = reply.header(name, value);
        }
        reply
    }
}

fn by_field(
    fields: &[(&'static str, LocalizedMessage)],
    words: impl Fn(&LocalizedMessage) -> String,
) -> Map<String, Value> {
    let mut map = Map::new();
    for (field, said) in fields {
        let entry = map
            .entry(*field)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = entry {
            list.push(words(said).into());
        }
    }
    map
}
