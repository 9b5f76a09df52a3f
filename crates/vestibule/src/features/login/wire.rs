//! The request and the answers of `/login`.

use serde_json::Value;
use vestibule_formats::text::username;

use crate::app::App;
use crate::http::body::{Field, Fields};
use crate::http::query::Query;
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::messages::Message;
use crate::session::context::SessionContext;
use crate::session::tokens::UserPayload;

pub(super) const EMAIL: &str = "email";
pub(super) const USERNAME: &str = "username";
pub(super) const PASSWORD: &str = "password";
pub(super) const REMEMBER: &str = "remember";

/// The identity that an attempt names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// An address, as typed.
    Email(String),
    /// A name, normalised.
    Username(String),
}

impl Named {
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Email(_) => EMAIL,
            Self::Username(_) => USERNAME,
        }
    }
}

/// An attempt to sign in, well formed.
pub(super) struct LoginRequest {
    /// Whose account; none if no identity was given where that is allowed.
    pub(super) named: Option<Named>,
    /// The field that is to blame when nobody is named.
    pub(super) blame: &'static str,
    /// As typed.
    pub(super) password: String,
    /// Whether to set a remember cookie; the setting decides when it is not said.
    pub(super) remember: Option<bool>,
}

impl LoginRequest {
    /// The field to which errors about the account belong.
    pub(super) fn field(&self) -> &'static str {
        self.named.as_ref().map_or(self.blame, Named::field)
    }
}

/// Reads and checks the fields, each for itself.
pub(super) fn read(
    app: &App,
    info: &RequestInfo,
    query: &Query,
    fields: &Fields,
) -> Result<LoginRequest, FieldErrors> {
    let settings = &app.settings().identity;
    let mut errors = FieldErrors::default();

    let password = match fields.text(PASSWORD) {
        Field::Text(text) => text.to_owned(),
        Field::Empty => {
            errors.push(PASSWORD, Message::PasswordNotProvided);
            String::new()
        }
        Field::WrongType => {
            errors.push(PASSWORD, Message::ApiError);
            String::new()
        }
    };
    errors.extend(redirect::check_next(app, info, query, fields));
    let remember = fields.flag(REMEMBER).unwrap_or_else(|message| {
        errors.push(REMEMBER, message);
        None
    });
    // The order in which the reference's form has its fields, and so its errors.
    let username = if settings.username_enable {
        read_username(app, fields, &mut errors)
    } else {
        None
    };
    let email = read_email(app, fields, &mut errors);

    if !errors.is_empty() || !settings.has("email") {
        // What else is wrong is said along with it.
        if let Some(email) = &email
            && !identity::is_address(app, email)
        {
            errors.push(EMAIL, Message::InvalidEmailAddress);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let named = email
        .filter(|_| settings.has("email"))
        .map(Named::Email)
        .or(username
            .filter(|_| settings.has("username"))
            .map(Named::Username));
    // Where it is not the address alone, nobody being named is an error of the form.
    let of_the_form = settings.username_enable || !settings.has("email");
    let blame = if of_the_form { "" } else { EMAIL };
    Ok(LoginRequest {
        named,
        blame,
        password,
        remember,
    })
}

/// The address as typed. Whether it is one by the rules for new addresses is for [`rules`] to say:
/// it may be stored from before.
///
/// [`rules`]: super::rules
fn read_email(app: &App, fields: &Fields, errors: &mut FieldErrors) -> Option<String> {
    match fields.text(EMAIL) {
        Field::Text(text) => return Some(text.to_owned()),
        Field::Empty if app.settings().identity.username_enable => {}
        Field::Empty => errors.push(EMAIL, Message::EmailNotProvided),
        Field::WrongType => errors.push(EMAIL, Message::ApiError),
    }
    None
}

fn read_username(app: &App, fields: &Fields, errors: &mut FieldErrors) -> Option<String> {
    // White space is a name, though none that anybody has.
    match fields.exact(USERNAME) {
        Field::Text(text) => {
            match username::normalise(text, &app.settings().identity.username_options) {
                Ok(normalised) => return Some(normalised),
                Err(username::Refusal::Disallowed) => {
                    errors.push(USERNAME, Message::UsernameDisallowedCharacters);
                }
                Err(username::Refusal::Length) => {
                    errors.push(USERNAME, identity::username_length(app));
                }
                Err(username::Refusal::Invalid) => errors.push(USERNAME, Message::InvalidInput),
            }
        }
        Field::Empty => {}
        Field::WrongType => errors.push(USERNAME, Message::ApiError),
    }
    None
}

/// Puts errors on the wire; with generic responses on, without telling which part of the
/// credentials was wrong.
pub(super) fn refuse(app: &App, errors: FieldErrors) -> Rejection {
    if !app.settings().login.return_generic_responses {
        return Rejection::fields(errors);
    }
    // One generic error whatever and however many of the credentials were wrong.
    let mut generic = FieldErrors::default();
    let mut credentials = false;
    for (field, message) in errors {
        if matches!(field, EMAIL | USERNAME | PASSWORD | "") {
            credentials = true;
        } else {
            generic.push(field, message);
        }
    }
    if credentials {
        generic.push("", Message::GenericAuthnFailed);
    }
    Rejection::fields(generic)
}

/// The answer to a sign-in.
pub(super) fn signed_in(app: &App, session: &mut SessionContext, tokens: UserPayload) -> Reply {
    let reply = Reply::ok()
        .member("csrf_token", session.csrf_token(app))
        .member("tf_required", false);
    tokens.add_to(reply)
}

/// The answer to `GET`.
pub(super) fn state(app: &App, session: &mut SessionContext) -> Reply {
    let attributes: Vec<Value> = app
        .settings()
        .identity
        .names()
        .map(|name| Value::from(name.to_owned()))
        .collect();
    let mut reply = Reply::ok()
        .member("csrf_token", session.csrf_token(app))
        .member("identity_attributes", attributes);
    if let Some(caller) = session.caller() {
        reply = UserPayload::none(app, &caller.user).add_to(reply);
    }
    reply
}
