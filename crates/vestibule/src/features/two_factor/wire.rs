//! The fields and replies that the endpoints of the second factor share.

use serde_json::{Map, Value, json};
use vestibule_store::User;

use crate::app::App;
use crate::codes::recovery;
use crate::http::body::{Field, Fields};
use crate::http::reject::{FieldErrors, Rejection};
use crate::identity;
use crate::messages::Message;
use crate::session::assurance;
use crate::session::pending::PendingSignIn;
use crate::session::proof::Proof;
use crate::settings::Method;
use crate::settings::endpoints::under_prefix;

const SETUP: &str = "setup";
const PHONE: &str = "phone";
/// The choice that removes the second factor.
pub(super) const DISABLE: &str = "disable";
const OLD_NAME_OF_EMAIL: &str = "mail";

/// The field with a one-time code.
pub(super) const CODE: &str = "code";

/// Reads a one-time code, which may be a text or a number.
///
/// # Errors
/// 400 if it is missing or of another type.
pub(super) fn read_code(fields: &Fields) -> Result<String, Rejection> {
    let message = match fields.code(CODE) {
        Ok(Some(code)) => return Ok(code),
        Ok(None) => Message::PasscodeNotProvided,
        Err(message) => message,
    };
    Err(Rejection::fields(FieldErrors::one(CODE, message)))
}

/// The rejection of a wrong code.
pub(super) fn wrong_code() -> Rejection {
    Rejection::fields(FieldErrors::one(CODE, Message::TwoFactorInvalidToken))
}

/// What a user can do who cannot show the second factor: each way, and the path of its endpoint.
pub(super) fn recovery_options(app: &App, user: &User, proof: &Proof) -> Map<String, Value> {
    let settings = app.settings();
    let path = |path: &str| json!(under_prefix(&settings.http.url_prefix, path));
    let mut options = Map::new();
    options.insert("help".to_owned(), path(&settings.two_factor.rescue_url));
    if offers_mailed_code(app, proof) {
        options.insert("email".to_owned(), path(&settings.two_factor.rescue_url));
    }
    if recovery::has_any(app, user) {
        let url = &settings.recovery_codes.recovery_url;
        options.insert("recovery_code".to_owned(), path(url));
    }
    options
}

/// What a user can do who cannot show the second factor that they have set up: a passkey sends no
/// codes.
pub(super) fn rescue_options(app: &App, pending: &PendingSignIn) -> Map<String, Value> {
    let mut options = recovery_options(app, &pending.user, &pending.proof);
    if assurance::second_factor(&pending.user).is_none() {
        options.remove("email");
    }
    options
}

/// Whether a user who cannot show the second factor gets a code by mail.
pub(super) fn offers_mailed_code(app: &App, proof: &Proof) -> bool {
    app.settings().two_factor.rescue_email && assurance::accepts_mailed_code(app, proof)
}

/// Reads a choice between words.
///
/// # Errors
/// 400 if it is none of them.
pub(super) fn read_choice<'a>(
    fields: &'a Fields,
    name: &'static str,
    choices: &[&str],
) -> Result<&'a str, Rejection> {
    match fields.exact(name) {
        Field::Text(text) if choices.contains(&text) => Ok(text),
        _ => Err(Rejection::fields(FieldErrors::one(
            name,
            Message::InvalidInput,
        ))),
    }
}

/// What a set-up asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To begin to set up a method, with the number that an SMS goes to.
    SetUp(Method, Option<String>),
    /// To remove the second factor.
    Disable,
}

/// Reads what a set-up asks for.
///
/// # Errors
/// The field that is wrong.
pub(super) fn read_wish(
    app: &App,
    fields: &Fields,
    may_disable: bool,
) -> Result<Wish, FieldErrors> {
    let settings = &app.settings().two_factor;
    let unavailable = FieldErrors::one(SETUP, Message::TwoFactorMethodNotAvailable);
    let phone = match fields.text(PHONE) {
        Field::Text(text) => Some(text),
        Field::Empty => None,
        Field::WrongType => return Err(FieldErrors::one(PHONE, Message::ApiError)),
    };
    let Field::Text(name) = fields.exact(SETUP) else {
        return Err(unavailable);
    };
    if name == DISABLE && may_disable && !settings.required {
        return Ok(Wish::Disable);
    }
    // The reference accepts the older name of one method only.
    let is_named = |method: &Method| {
        name == method.name() || *method == Method::Email && name == OLD_NAME_OF_EMAIL
    };
    match settings.methods.iter().copied().find(is_named) {
        None => Err(unavailable),
        Some(Method::Sms) => match phone.and_then(|text| identity::phone_number(app, text)) {
            Some(phone) => Ok(Wish::SetUp(Method::Sms, Some(phone))),
            None => Err(FieldErrors::one(PHONE, Message::PhoneInvalid)),
        },
        Some(method) => Ok(Wish::SetUp(method, None)),
    }
}
