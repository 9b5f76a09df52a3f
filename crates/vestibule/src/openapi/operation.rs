//! The description of one method of an endpoint. This module adds everything that follows from its
//! authentication policy, its method and its body, so that a feature describes only its own part.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::refusals::Refusals;
use super::schema::{self, Schema};
use super::shared;
use crate::app::App;
use crate::messages::Message;
use crate::settings::{LimitMode, Mechanism};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The group of an operation: its feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// Builds the description of an operation.
#[derive(Debug)]
pub(crate) struct Operation {
    id: &'static str,
    tag: Tag,
    summary: &'static str,
    about: String,
    caller: Caller,
    csrf: Option<bool>,
    hashes_passwords: bool,
    checks_passwords: bool,
    asks_database: bool,
    parameters: Vec<Value>,
    body: Option<Body>,
    answers: Vec<Answer>,
    refusals: Refusals,
}

/// The callers that an operation accepts.
#[derive(Debug)]
enum Caller {
    /// Every caller. The endpoint does not identify them.
    Unasked,
    /// Every caller. The endpoint identifies them by a session or token if they send one.
    Anyone,
    /// Callers that authenticate with one of these mechanisms.
    Known(Vec<Mechanism>),
}

/// The body of a request.
#[derive(Debug)]
pub(crate) struct Body {
    members: Schema,
    required: bool,
    form: bool,
}

impl Body {
    /// A body in JSON or as a form, with the same members.
    pub(crate) fn json_or_form(members: Schema) -> Self {
        Self {
            members,
            required: true,
            form: true,
        }
    }

    /// A body in JSON only.
    pub(crate) fn json(members: Schema) -> Self {
        Self {
            form: false,
            ..Self::json_or_form(members)
        }
    }

    /// Makes the body optional.
    pub(crate) fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// Returns the body, and the schema of its members with its name.
    fn into_value(self, id: &str, csrf_field: Option<&str>) -> (Value, (String, Value)) {
        let members = self.members.into_value();
        let name = format!("{}Fields", capitalised(id));
        let shared = Schema::shared(&name).into_value();
        let form = match csrf_field {
            Some(field) => {
                let about = "The CSRF token, as an alternative to the header.";
                let token = Schema::object().may(field, Schema::text().about(about));
                json!({ "allOf": [shared, token.into_value()] })
            }
            None => shared.clone(),
        };
        let kinds = [(JSON, shared), (FORM, form)];
        let example = schema::example_of(&members);
        let mut content = Map::new();
        for (kind, schema) in kinds
            .into_iter()
            .filter(|(kind, _)| self.form || *kind == JSON)
        {
            let mut media = json!({ "schema": schema });
            if let Some(example) = &example {
                media["example"] = example.clone();
            }
            content.insert(kind.to_owned(), media);
        }
        let body = json!({ "required": self.required, "content": content });
        (body, (name, members))
    }
}

fn capitalised(id: &str) -> String {
    let (first, rest) = id.split_at(id.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}", first.to_uppercase())
}

impl Operation {
    /// Starts a description. Generated clients name a function after `id`, so it must not change.
    pub(crate) fn new(id: &'static str, tag: Tag, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            about: String::new(),
            caller: Caller::Unasked,
            csrf: None,
            hashes_passwords: false,
            checks_passwords: false,
            asks_database: false,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            refusals: Refusals::default(),
        }
    }

    /// Sets the description, which says more than the summary.
    pub(crate) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Accepts anonymous callers.
    pub(crate) fn open(mut self) -> Self {
        self.caller = Caller::Anyone;
        self.asks_database()
    }

    /// Accepts callers that authenticate with one of these mechanisms.
    pub(crate) fn auth_policy(mut self, methods: &[Mechanism]) -> Self {
        let basic = methods.contains(&Mechanism::Basic);
        self.caller = Caller::Known(methods.to_vec());
        let mut operation = self
            .asks_database()
            .refuses(StatusCode::UNAUTHORIZED, &[Message::Unauthenticated]);
        if basic {
            operation
                .refusals
                .header(StatusCode::UNAUTHORIZED, "WwwAuthenticate");
            operation = operation.checks_passwords();
        }
        operation
    }

    /// Adds the refusal of a caller whose proof of identity is too old. It says how to confirm the
    /// identity again.
    pub(crate) fn asks_for_fresh_proof(self) -> Self {
        let status = StatusCode::UNAUTHORIZED;
        let members = [
            ("reauth_required", Schema::only(true)),
            ("unified_signin_enabled", Schema::flag()),
        ];
        let operation = self.refuses(status, &[Message::ReauthenticationRequired]);
        let members = members.into_iter().chain(shared::ways_to_verify());
        members.fold(operation, |operation, (name, schema)| {
            operation.refusal_member(status, name, schema)
        })
    }

    /// Sets whether the CSRF token is checked, if that does not follow from the callers.
    pub(crate) fn csrf(mut self, looked_at: bool) -> Self {
        self.csrf = Some(looked_at);
        self
    }

    /// Adds the refusal for a full queue of the threads that hash passwords.
    pub(crate) fn hashes_passwords(mut self) -> Self {
        self.hashes_passwords = true;
        self.asks_database()
    }

    /// Adds that refusal, and the one for too many wrong passwords.
    pub(crate) fn checks_passwords(mut self) -> Self {
        self.checks_passwords = true;
        self.hashes_passwords()
    }

    /// Adds the refusal for a database that does not answer.
    pub(crate) fn asks_database(mut self) -> Self {
        self.asks_database = true;
        self
    }

    /// Adds a parameter in the query or the headers.
    pub(crate) fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds an answer.
    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Adds refusals of the whole request.
    pub(crate) fn refuses(mut self, status: StatusCode, messages: &[Message]) -> Self {
        self.refusals.general(status, messages);
        self
    }

    /// Adds refusals of a field. The empty name stands for the form as a whole.
    pub(crate) fn refuses_field(mut self, field: &'static str, messages: &[Message]) -> Self {
        self.refusals.field(field, messages);
        self
    }

    /// Adds a member that a refusal can have beside its errors.
    pub(crate) fn refusal_member(
        mut self,
        status: StatusCode,
        name: &'static str,
        schema: Schema,
    ) -> Self {
        self.refusals.member(status, name, schema);
        self
    }

    /// Adds the header for a CSRF token, and the refusals of a missing or wrong token.
    pub(crate) fn takes_csrf_token(mut self, app: &App, status: StatusCode) -> Self {
        self.parameters.extend(shared::csrf_header(app));
        self.refuses(status, &csrf_messages(app))
    }

    pub(super) fn tag(&self) -> Tag {
        self.tag
    }

    /// Returns the operation, and adds its schemas to `schemas`.
    pub(super) fn into_value(
        mut self,
        app: &App,
        method: &Method,
        schemas: &mut Map<String, Value>,
    ) -> Value {
        let session = !matches!(self.caller, Caller::Unasked);
        let csrf = self.checks_csrf(app, method);
        if csrf {
            self = self.takes_csrf_token(app, StatusCode::BAD_REQUEST);
        }
        self = self.with_common_refusals(method, app.settings().limits.mode == LimitMode::On);
        let csrf_field = csrf.then_some(app.settings().csrf.field_name.as_str());

        let mut responses: Map<String, Value> = self
            .refusals
            .responses(app, session)
            .into_iter()
            .map(|(status, response)| (status.to_string(), response))
            .collect();
        for answer in self.answers {
            let answer = if session {
                answer.with_session(app)
            } else {
                answer
            };
            responses.insert(answer.status().to_string(), answer.into_value(app));
        }
        let mut value = json!({
            "operationId": self.id,
            "tags": [self.tag.name],
            "summary": self.summary,
            "security": security(&self.caller),
            "responses": responses,
        });
        if !self.about.is_empty() {
            value["description"] = self.about.into();
        }
        if !self.parameters.is_empty() {
            value["parameters"] = self.parameters.into();
        }
        if let Some(body) = self.body {
            let (body, (name, members)) = body.into_value(self.id, csrf_field);
            value["requestBody"] = body;
            schemas.insert(name, members);
        }
        value
    }

    /// Whether the CSRF token is checked for this method. A method that only reads needs none,
    /// unless the settings list the method.
    fn checks_csrf(&self, app: &App, method: &Method) -> bool {
        let settings = &app.settings().csrf;
        let named = settings.methods.iter().any(|name| name == method.as_str());
        if !settings.enabled || (!named && !changes(method)) {
            return false;
        }
        self.csrf.unwrap_or_else(|| match &self.caller {
            Caller::Unasked => false,
            Caller::Anyone => true,
            Caller::Known(methods) => {
                settings.check_default
                    || methods
                        .iter()
                        .any(|mechanism| settings.protect_mechanisms.contains(mechanism))
            }
        })
    }

    /// Adds the refusals that follow from the method, the body and the use of the database.
    fn with_common_refusals(mut self, method: &Method, limits: bool) -> Self {
        let refusals = &mut self.refusals;
        refusals.general(StatusCode::BAD_REQUEST, &[Message::UntrustedHost]);
        refusals.general(StatusCode::REQUEST_TIMEOUT, &[Message::RequestTimeout]);
        refusals.general(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            &[Message::HeadersTooLarge],
        );
        if changes(method) {
            refusals.general(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest]);
        }
        // If the session is read, the body is read as well, even if the operation needs none.
        if !matches!(self.caller, Caller::Unasked) {
            refusals.general(StatusCode::PAYLOAD_TOO_LARGE, &[Message::BodyTooLarge]);
        }
        if let Some(body) = &self.body {
            refusals.general(StatusCode::BAD_REQUEST, &[Message::MalformedBody]);
            let status = if body.form {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            } else {
                StatusCode::BAD_REQUEST
            };
            refusals.general(status, &[Message::UnsupportedMediaType]);
        }
        if self.checks_passwords && limits {
            let status = StatusCode::TOO_MANY_REQUESTS;
            refusals.general(status, &[Message::TooManyAttempts]);
        }
        if self.hashes_passwords {
            refusals.general(StatusCode::SERVICE_UNAVAILABLE, &[Message::Busy]);
        }
        if self.asks_database {
            refusals.general(StatusCode::SERVICE_UNAVAILABLE, &[Message::Unavailable]);
        }
        self
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The security requirements, of which one is enough. The empty one stands for anonymous callers.
fn security(caller: &Caller) -> Value {
    let (mut ways, mechanisms) = match caller {
        Caller::Unasked => return json!([]),
        Caller::Anyone => (vec![json!({})], &[Mechanism::Session, Mechanism::Token][..]),
        Caller::Known(mechanisms) => (Vec::new(), mechanisms.as_slice()),
    };
    ways.extend(
        mechanisms
            .iter()
            .flat_map(|mechanism| shared::schemes_of(*mechanism))
            .map(|scheme| json!({ *scheme: [] })),
    );
    ways.into()
}

/// The errors that a CSRF token can have under these settings.
fn csrf_messages(app: &App) -> Vec<Message> {
    let settings = &app.settings().csrf;
    let mut messages = vec![
        Message::CsrfTokenMissing,
        Message::CsrfSessionTokenMissing,
        Message::CsrfTokenInvalid,
        Message::CsrfTokenMismatch,
    ];
    if settings.time_limit.is_some() {
        messages.push(Message::CsrfTokenExpired);
    }
    if settings.ssl_strict {
        messages.extend([Message::CsrfReferrerMissing, Message::CsrfReferrerMismatch]);
    }
    messages
}
