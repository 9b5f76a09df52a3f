//! The fields and replies that the endpoints of unified sign-in share.

use crate::app::App;
use crate::codes::methods;
use crate::http::body::{Field, Fields};
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::messages::Message;
use crate::session::context::SessionContext;
use crate::session::tokens::UserPayload;
use crate::settings::Method;

pub(super) const IDENTITY: &str = "identity";
pub(super) const PASSCODE: &str = "passcode";
pub(super) const CHOSEN_METHOD: &str = "chosen_method";
pub(super) const REMEMBER: &str = "remember";

/// A well-formed request to sign in.
pub(super) struct SignInRequest {
    /// The identity, as typed.
    pub(super) identity: String,
    /// The password or code, as typed; `None` if there is none.
    pub(super) passcode: Option<String>,
    /// Whether to set a remember cookie. Without a value, `SECURITY_DEFAULT_REMEMBER_ME` decides.
    pub(super) remember: Option<bool>,
}

/// Reads and checks each field on its own. The order of the errors is that of the reference's form.
pub(super) fn read_sign_in(
    app: &App,
    info: &RequestInfo,
    fields: &Fields,
) -> Result<SignInRequest, FieldErrors> {
    let mut errors = FieldErrors::default();
    errors.extend(redirect::check_posted_next(app, info, fields));
    let passcode = fields.code(PASSCODE).unwrap_or_else(|message| {
        errors.push(PASSCODE, message);
        None
    });
    let identity = read_identity(fields, &mut errors);
    let remember = fields.flag(REMEMBER).unwrap_or_else(|message| {
        errors.push(REMEMBER, message);
        None
    });
    match identity {
        Some(identity) if errors.is_empty() => Ok(SignInRequest {
            identity: identity.to_owned(),
            passcode,
            remember,
        }),
        _ => Err(errors),
    }
}

/// Reads the identity.
pub(super) fn read_identity<'a>(fields: &'a Fields, errors: &mut FieldErrors) -> Option<&'a str> {
    match fields.text(IDENTITY) {
        // No identity is longer than an address.
        Field::Text(text) if text.len() <= identity::LONGEST_ADDRESS => return Some(text),
        Field::Text(_) | Field::Empty => errors.push(IDENTITY, Message::UsSpecifyIdentity),
        Field::WrongType => errors.push(IDENTITY, Message::ApiError),
    }
    None
}

/// The method that codes are to be sent by. The error belongs to [`CHOSEN_METHOD`].
pub(super) fn read_sent_method(app: &App, fields: &Fields) -> Result<Method, Message> {
    match fields.exact(CHOSEN_METHOD) {
        Field::Empty => Err(Message::UsMethodNotAvailable),
        Field::WrongType => Err(Message::InvalidInput),
        Field::Text(name) => match Method::from_name(name).filter(|method| method.is_sent()) {
            Some(method) if app.settings().unified.has(method) => Ok(method),
            Some(_) => Err(Message::UsMethodNotAvailable),
            None => Err(Message::InvalidInput),
        },
    }
}

/// Reads the code that completes a set-up.
///
/// # Errors
/// 400 if it is missing or of another type.
pub(super) fn read_code(fields: &Fields) -> Result<String, Rejection> {
    let message = match fields.code(PASSCODE) {
        Ok(Some(code)) => return Ok(code),
        Ok(None) => Message::PasscodeNotProvided,
        Err(message) => message,
    };
    Err(Rejection::fields(FieldErrors::one(PASSCODE, message)))
}

/// The rejection of a wrong password or code.
pub(super) fn wrong_passcode() -> Rejection {
    Rejection::fields(FieldErrors::one(PASSCODE, Message::InvalidPasswordCode))
}

/// The rejection of a sign-in with these errors. Generic responses do not reveal which part of the
/// credentials was wrong.
pub(super) fn refuse(app: &App, errors: FieldErrors) -> Rejection {
    if !app.settings().login.return_generic_responses {
        return Rejection::fields(errors);
    }
    let mut generic = FieldErrors::default();
    let mut credentials = false;
    for (field, message) in errors {
        if matches!(field, IDENTITY | PASSCODE) {
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

/// The names of methods.
pub(super) fn names(methods: impl IntoIterator<Item = Method>) -> Vec<&'static str> {
    methods.into_iter().map(Method::name).collect()
}

/// The names of the attributes that identify users.
pub(super) fn identity_attributes(app: &App) -> Vec<String> {
    let names = app.settings().identity.names();
    names.map(str::to_owned).collect()
}

/// The reply to `GET /us-signin`.
pub(super) fn state(app: &App, session: &mut SessionContext) -> Reply {
    let enabled = app.settings().unified.methods.iter().copied();
    let reply = Reply::ok()
        .member("csrf_token", session.csrf_token(app))
        .member("available_methods", names(enabled))
        .member("code_methods", names(methods::sent(app)))
        .member("identity_attributes", identity_attributes(app));
    match session.caller() {
        Some(caller) => UserPayload::without_tokens(app, &caller.user).add_to(reply),
        None => reply,
    }
}

/// The reply to a sign-in.
pub(super) fn signed_in(app: &App, session: &mut SessionContext, payload: UserPayload) -> Reply {
    let reply = Reply::ok()
        .member("csrf_token", session.csrf_token(app))
        .member("tf_required", false);
    payload.add_to(reply)
}
