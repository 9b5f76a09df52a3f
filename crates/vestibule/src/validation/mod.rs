//! Validation of the addresses, usernames and passwords of accounts.

#[cfg(feature = "breached")]
mod breached;
#[cfg(feature = "deliverability")]
pub(crate) mod deliverability;
/// Without the feature, the DNS is never queried.
#[cfg(not(feature = "deliverability"))]
pub(crate) mod deliverability {
    use std::time::Duration;

    #[derive(Debug)]
    pub(crate) enum Deliverability {}

    impl Deliverability {
        pub(crate) fn new(_: Duration) -> Option<Self> {
            None
        }

        #[expect(clippy::unused_async, reason = "as where it is built in")]
        pub(crate) async fn can_get_mail(&self, _: &str) -> bool {
            match *self {}
        }
    }
}
pub(crate) mod own;
pub(crate) mod password;

use vestibule_formats::text::{email, normalise, username};

use vestibule_store::{Identity, User};

use crate::app::App;
use crate::http::body::{Field, Fields};
use crate::http::fault::Fault;
use crate::http::reject::FieldErrors;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};

/// Reads a new address from a field and normalises it. The address is required, and its domain has
/// to accept mail if the settings ask for that check.
pub(crate) async fn new_email(
    app: &App,
    fields: &Fields,
    name: &'static str,
    errors: &mut FieldErrors,
) -> Option<String> {
    let address = match fields.text(name) {
        Field::Text(text) => email::normalise(text, &app.settings().identity.email_options)
            .map_err(|_| Message::InvalidEmailAddress),
        Field::Empty => Err(Message::EmailNotProvided),
        Field::WrongType => Err(Message::ApiError),
    };
    let address = match address {
        Ok(address) => address,
        Err(message) => {
            errors.push(name, message);
            return None;
        }
    };
    if !accepts_email(app, &address).await {
        errors.push(name, Message::InvalidEmailAddress);
        return None;
    }
    Some(address)
}

/// Whether an account can have a (normalised) address: the database can store it, and its domain
/// accepts mail if the settings ask for that check.
pub(crate) async fn accepts_email(app: &App, address: &str) -> bool {
    if !can_keep(app, Identity::Email, address).await {
        return false;
    }
    match app.deliverability() {
        Some(deliverability) => deliverability.can_get_mail(address).await,
        None => true,
    }
}

/// Whether the database can store a new identity. If it cannot be queried now, it reports the error
/// when the identity is written.
async fn can_keep(app: &App, attribute: Identity, value: &str) -> bool {
    app.store().can_keep(attribute, value).await.unwrap_or(true)
}

/// Reads a username from a field and normalises it.
pub(crate) async fn username(
    app: &App,
    fields: &Fields,
    name: &'static str,
    required: bool,
    errors: &mut FieldErrors,
) -> Option<String> {
    // White space is a username that is too short; if a username is required, it counts as missing.
    let field = if required {
        fields.text(name)
    } else {
        fields.exact(name)
    };
    match field {
        Field::Text(text) => {
            match username::normalise(text, &app.settings().identity.username_options) {
                Ok(normalised) if identity::reads_as_another(app, &normalised) => {
                    errors.push(name, Message::UsernameResemblesIdentity);
                }
                Ok(normalised) if !can_keep(app, Identity::Username, &normalised).await => {
                    errors.push(name, Message::UsernameDisallowedCharacters);
                }
                Ok(normalised) => {
                    let checks = app.own_rules().usernames.iter();
                    let said = checks.map(|check| check.check(&normalised));
                    // Only the first failing check reports.
                    let Some(problems) = said.into_iter().find(|said| !said.is_empty()) else {
                        return Some(normalised);
                    };
                    errors.extend(problems.into_iter().map(|said| (name, said)));
                }
                Err(username::Refusal::Disallowed) => {
                    errors.push(name, Message::UsernameDisallowedCharacters);
                }
                Err(username::Refusal::Length) => {
                    errors.push(name, identity::username_length(app));
                }
                Err(username::Refusal::Invalid) => errors.push(name, Message::InvalidInput),
            }
        }
        Field::Empty if required => errors.push(name, Message::UsernameNotProvided),
        Field::Empty => {}
        Field::WrongType => errors.push(name, Message::ApiError),
    }
    None
}

/// The fields of a new password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewPassword {
    /// The password field.
    pub(crate) name: &'static str,
    /// The field that repeats the password, if required.
    pub(crate) again: Option<&'static str>,
    /// Whether a password is required.
    pub(crate) required: bool,
}

impl NewPassword {
    /// The password as sent, if present. It is returned even if other fields have errors, so that
    /// it is always validated.
    pub(crate) fn read<'a>(&self, fields: &'a Fields, errors: &mut FieldErrors) -> Option<&'a str> {
        match fields.text(self.name) {
            Field::WrongType => errors.push(self.name, Message::ApiError),
            Field::Empty if self.required => errors.push(self.name, Message::PasswordNotProvided),
            Field::Empty | Field::Text(_) => {}
        }
        if let Some(again) = self.again {
            match fields.text(again) {
                Field::WrongType => errors.push(again, Message::ApiError),
                Field::Empty if self.required => errors.push(again, Message::PasswordNotProvided),
                Field::Empty | Field::Text(_) => {
                    if fields.exact(again) != fields.exact(self.name) {
                        errors.push(again, Message::RetypePasswordMismatch);
                    }
                }
            }
        }
        match fields.exact(self.name) {
            Field::Text(password) => Some(password),
            Field::Empty | Field::WrongType => None,
        }
    }
}

/// The Unicode form in which a password is hashed and compared.
pub(crate) fn normalised(app: &App, password: &str) -> String {
    normalise::normalise(password, app.settings().password.normalize_form).into_owned()
}

/// The values of a user that are easy to guess.
pub(crate) fn known_of(user: &User) -> Vec<&str> {
    let known = [&user.email, &user.username].into_iter().flatten();
    known.map(String::as_str).collect()
}

/// The errors in a (normalised) new password. `about` holds what is known of its user and therefore
/// easy to guess.
pub(crate) async fn judge(
    app: &App,
    password: &str,
    about: &[&str],
) -> Result<Vec<LocalizedMessage>, Fault> {
    app.password_rules()
        .judge(app.passwords(), password, about)
        .await
}
