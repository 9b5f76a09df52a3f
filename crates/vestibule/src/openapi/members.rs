//! Members of bodies that several operations take, and their errors.

use super::schema::Schema;
use crate::app::App;
use crate::messages::Message;

/// The maximum length of an email address (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// The errors in an address by itself.
pub(crate) const EMAIL_ERRORS: &[Message] = &[
    Message::EmailNotProvided,
    Message::InvalidEmailAddress,
    Message::ApiError,
];

/// The errors in a username by itself.
pub(crate) const USERNAME_ERRORS: &[Message] = &[
    Message::UsernameDisallowedCharacters,
    Message::UsernameInvalidLength,
    Message::UsernameResemblesIdentity,
    Message::InvalidInput,
    Message::ApiError,
];

/// The errors in a new password.
pub(crate) const NEW_PASSWORD_ERRORS: &[Message] = &[
    Message::PasswordNotProvided,
    Message::PasswordInvalidLength,
    Message::PasswordTooSimple,
    Message::PasswordBreached,
    Message::PasswordBreachedSiteError,
    Message::ApiError,
];

/// The member `email`.
pub(crate) fn email() -> Schema {
    Schema::text()
        .with("format", "email")
        .with("maxLength", LONGEST_EMAIL)
        .example("ana@example.com")
}

/// The member `username`.
pub(crate) fn username(app: &App) -> Schema {
    let options = &app.settings().identity.username_options;
    Schema::text()
        .with("minLength", options.min_length)
        .with("maxLength", options.max_length)
        .example("analove")
}

/// A password.
pub(crate) fn password() -> Schema {
    Schema::text()
        .with("format", "password")
        .example("battery staple")
}
