//! What may be an address, a name or a password of an account.

#[cfg(feature = "breached")]
mod breached;
#[cfg(feature = "deliverability")]
pub(crate) mod deliverability;
/// Without the feature nobody ever asks.
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

/// The address in a field that becomes somebody's, normalised: it has to be there, and able to get
/// mail, as far as the DNS knows, where that is asked for.
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
    if !can_keep(app, Identity::Email, &address).await {
        errors.push(name, Message::InvalidEmailAddress);
        return None;
    }
    if let Some(deliverability) = app.deliverability()
        && !deliverability.can_get_mail(&address).await
    {
        errors.push(name, Message::InvalidEmailAddress);
        return None;
    }
    Some(address)
}

/// Whether the database can keep a new identity. Where it cannot be asked now, it says so when the
/// identity is written.
async fn can_keep(app: &App, attribute: Identity, value: &str) -> bool {
    app.store().can_keep(attribute, value).await.unwrap_or(true)
}

/// The name in a field, normalised.
pub(crate) async fn username(
    app: &App,
    fields: &Fields,
    name: &'static str,
    required: bool,
    errors: &mut FieldErrors,
) -> Option<String> {
    // White space is a name that is too short, unless there has to be one: then there is none.
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
                    // The first that has something to say.
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
    /// The password.
    pub(crate) name: &'static str,
    /// The same once more, where it is asked for.
    pub(crate) again: Option<&'static str>,
    /// Whether there has to be one.
    pub(crate) required: bool,
}

impl NewPassword {
    /// The password as typed, if there is one: whoever has one has it judged, whatever else is
    /// wrong.
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

/// A password as it is hashed and compared.
pub(crate) fn normalised(app: &App, password: &str) -> String {
    normalise::normalise(password, app.settings().password.normalize_form).into_owned()
}

/// What is easy to guess about a user.
pub(crate) fn known_of(user: &User) -> Vec<&str> {
    let known = [&user.email, &user.username].into_iter().flatten();
    known.map(String::as_str).collect()
}

/// What is wrong with a (normalised) new password. `about` is what is known of its user: what
/// is easy to guess.
pub(crate) async fn judge(
    app: &App,
    password: &str,
    about: &[&str],
) -> Result<Vec<LocalizedMessage>, Fault> {
    app.password_rules()
        .judge(app.passwords(), password, about)
        .await
}
