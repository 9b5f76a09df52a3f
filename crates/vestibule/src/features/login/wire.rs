//! The request and the replies of `/login`.

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

/// The identity that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// An address, as typed.
    Email(String),
    /// A username, normalised.
    Username(String),
}

impl Named {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Email(text) | Self::Username(text) => text,
        }
    }

    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Email(_) => EMAIL,
            Self::Username(_) => USERNAME,
        }
    }
}

/// A well-formed request to sign in.
pub(super) struct LoginRequest {
    /// The identity. `None` if the request names none that the settings accept.
    pub(super) named: Option<Named>,
    /// The field of the error if the request names no identity.
    pub(super) blame: &'static str,
    /// The password, as typed.
    pub(super) password: String,
    /// Whether to set a remember cookie. Without a value, `SECURITY_DEFAULT_REMEMBER_ME` decides.
    pub(super) remember: Option<bool>,
}

impl LoginRequest {
    /// The field of errors about the account.
    pub(super) fn field(&self) -> &'static str {
        self.named.as_ref().map_or(self.blame, Named::field)
    }
}

/// Reads and checks each field on its own.
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
    // The order of the fields, and so of the errors, is that of the reference's form.
    let username = if settings.username_enable {
        read_username(app, fields, &mut errors)
    } else {
        None
    };
    let email = read_email(app, fields, &mut errors);

    if !errors.is_empty() || !settings.has("email") {
        // A malformed address is reported along with the other errors.
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
    // If more than the address identifies users, a missing identity is an error of the whole form.
    let of_the_form = settings.username_enable || !settings.has("email");
    let blame = if of_the_form { "" } else { EMAIL };
    Ok(LoginRequest {
        named,
        blame,
        password,
        remember,
    })
}

/// Reads the address as typed. [`rules`] checks it only if no user has it, since a stored address
/// may be older than the rules for new ones.
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
    // White space counts as a username, though no user has it.
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

/// The rejection with these errors. Generic responses do not reveal which part of the credentials
/// was wrong.
pub(super) fn refuse(app: &App, errors: FieldErrors) -> Rejection {
    if !app.settings().login.return_generic_responses {
        return Rejection::fields(errors);
    }
    // A single generic error, whichever and however many of the credentials were wrong.
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

/// The reply to a sign-in.
pub(super) fn signed_in(app: &App, session: &mut SessionContext, payload: UserPayload) -> Reply {
    let reply = Reply::ok()
        .member("csrf_token", session.csrf_token(app))
        .member("tf_required", false);
    payload.add_to(reply)
}

/// The reply to `GET`.
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
        reply = UserPayload::without_tokens(app, &caller.user).add_to(reply);
    }
    reply
}
