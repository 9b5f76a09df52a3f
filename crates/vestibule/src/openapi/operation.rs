//! What one method of an endpoint takes and answers. What follows from its door, its method
//! and its body is added here, so that a feature says only what is its own.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::refusals::Refusals;
use super::schema::{self, Schema};
use super::shared;
use crate::app::App;
use crate::messages::Message;
use crate::settings::Mechanism;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What operations are grouped by: the feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// An operation being described.
#[derive(Debug)]
pub(crate) struct Operation {
    id: &'static str,
    tag: Tag,
    summary: &'static str,
    about: String,
    caller: Caller,
    csrf: Option<bool>,
    checks_passwords: bool,
    asks_database: bool,
    parameters: Vec<Value>,
    body: Option<Body>,
    answers: Vec<Answer>,
    refusals: Refusals,
}

/// Who may come.
#[derive(Debug)]
enum Caller {
    /// Nobody looks who it is.
    Unasked,
    /// Strangers too; whoever has a session or a token is known.
    Stranger,
    /// Whoever shows who they are in one of these ways.
    Known(Vec<Mechanism>),
}

/// What a request brings along.
#[derive(Debug)]
pub(crate) struct Body {
    members: Schema,
    required: bool,
    form: bool,
}

impl Body {
    /// JSON, or the same as a form.
    pub(crate) fn json_or_form(members: Schema) -> Self {
        Self {
            members,
            required: true,
            form: true,
        }
    }

    /// JSON and nothing else.
    pub(crate) fn json(members: Schema) -> Self {
        Self {
            form: false,
            ..Self::json_or_form(members)
        }
    }

    /// It may be left out.
    pub(crate) fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// The body, and the schema of its members, which gets a name of its own.
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
    /// By its name, which generated clients call it by and which therefore stays.
    pub(crate) fn new(id: &'static str, tag: Tag, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            about: String::new(),
            caller: Caller::Unasked,
            csrf: None,
            checks_passwords: false,
            asks_database: false,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            refusals: Refusals::default(),
        }
    }

    /// Says more than the summary does.
    pub(crate) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// A door that is open to strangers.
    pub(crate) fn open(mut self) -> Self {
        self.caller = Caller::Stranger;
        self.asks_database()
    }

    /// A door for whoever shows who they are in one of these ways.
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

    /// Turns away whoever showed too long ago who they are, and says how to show it again.
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

    /// Whether a CSRF token is looked at, where the door does not say it already.
    pub(crate) fn csrf(mut self, looked_at: bool) -> Self {
        self.csrf = Some(looked_at);
        self
    }

    /// Checks a password, which takes its time and its turn.
    pub(crate) fn checks_passwords(mut self) -> Self {
        self.checks_passwords = true;
        self.asks_database()
    }

    /// Asks the database, which may not answer.
    pub(crate) fn asks_database(mut self) -> Self {
        self.asks_database = true;
        self
    }

    /// A parameter in the query or the headers.
    pub(crate) fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A body.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// An answer.
    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Refusals of the whole request.
    pub(crate) fn refuses(mut self, status: StatusCode, messages: &[Message]) -> Self {
        self.refusals.general(status, messages);
        self
    }

    /// Refusals of a field; the empty name is the form as a whole.
    pub(crate) fn refuses_field(mut self, field: &'static str, messages: &[Message]) -> Self {
        self.refusals.field(field, messages);
        self
    }

    /// A member that a refusal can have beside its errors.
    pub(crate) fn refusal_member(
        mut self,
        status: StatusCode,
        name: &'static str,
        schema: Schema,
    ) -> Self {
        self.refusals.member(status, name, schema);
        self
    }

    /// A CSRF token in a header, and the refusals of one that is missing or wrong.
    pub(crate) fn takes_csrf_token(mut self, app: &App, status: StatusCode) -> Self {
        self.parameters.extend(shared::csrf_header(app));
        self.refuses(status, &csrf_messages(app))
    }

    pub(super) fn tag(&self) -> Tag {
        self.tag
    }

    /// The operation, and the schemas that it adds to the components.
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
        self = self.with_common_refusals(method);
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

    /// Whether the token is looked at for this method: what only reads needs none unless the
    /// settings name it.
    fn checks_csrf(&self, app: &App, method: &Method) -> bool {
        let settings = &app.settings().csrf;
        let named = settings.methods.iter().any(|name| name == method.as_str());
        if !settings.enabled || (!named && !changes(method)) {
            return false;
        }
        self.csrf.unwrap_or_else(|| match &self.caller {
            Caller::Unasked => false,
            Caller::Stranger => true,
            Caller::Known(methods) => {
                settings.check_default
                    || methods
                        .iter()
                        .any(|mechanism| settings.protect_mechanisms.contains(mechanism))
            }
        })
    }

    /// The refusals that come with a method, a body, a database.
    fn with_common_refusals(mut self, method: &Method) -> Self {
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
        // Where the session is looked at, a body is taken in, asked for or not.
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
        if self.checks_passwords {
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

/// The ways of showing who one is, each enough by itself; the empty one is a stranger's.
fn security(caller: &Caller) -> Value {
    let (mut ways, mechanisms) = match caller {
        Caller::Unasked => return json!([]),
        Caller::Stranger => (vec![json!({})], &[Mechanism::Session, Mechanism::Token][..]),
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

/// The ways in which a CSRF token can be wrong under these settings.
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
