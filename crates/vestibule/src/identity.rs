//! Finding a user by what identifies them.

use vestibule_formats::text::{email, phone, username};
use vestibule_store::{Identity, User, UserId, UserKey};

use crate::app::App;
use crate::http::fault::Fault;
use crate::messages::{Message, Said};
use crate::rng;

/// The user with this (normalised) value, by the case rule that the attribute has.
pub(crate) async fn find(
    app: &App,
    attribute: Identity,
    value: &str,
) -> Result<Option<User>, Fault> {
    let ignore_case = app.settings().identity.ignores_case(attribute.column());
    let key = UserKey::Identity {
        attribute,
        value,
        ignore_case,
    };
    Ok(app.store().user(key).await?)
}

/// The user whom a text names: by the first attribute of `USER_IDENTITY_ATTRIBUTES` whose
/// rules it fits and that somebody has.
pub(crate) async fn look_up(app: &App, text: &str) -> Result<Option<User>, Fault> {
    let settings = &app.settings().identity;
    for attribute in settings.attributes() {
        let value = match attribute {
            Identity::Email => email::normalise(text, &settings.email_options).ok(),
            Identity::Username => username::normalise(text, &settings.username_options).ok(),
            Identity::Phone => phone_number(app, text),
        };
        if let Some(value) = value
            && let Some(user) = find(app, attribute, &value).await?
        {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// A phone number as it is kept.
fn phone_number(app: &App, text: &str) -> Option<String> {
    match &app.own_rules().phone_numbers {
        Some(own) => own.normalise(text),
        None => phone::normalise(text, app.settings().identity.phone_region).ok(),
    }
}

/// What the database cannot keep from being somebody else's by itself: values that are the same
/// in another spelling.
pub(crate) fn claim(app: &App, attribute: Identity, value: &str) -> Vec<(Identity, String)> {
    if app.settings().identity.ignores_case(attribute.column()) {
        vec![(attribute, value.to_owned())]
    } else {
        Vec::new()
    }
}

/// How long names may be.
pub(crate) fn username_length(app: &App) -> Said {
    let options = &app.settings().identity.username_options;
    Message::UsernameInvalidLength
        .with("min", options.min_length)
        .with("max", options.max_length)
}

/// The first of the user's identities, in the order of `USER_IDENTITY_ATTRIBUTES`.
pub(crate) fn of<'a>(app: &App, user: &'a User) -> Option<&'a str> {
    app.settings()
        .identity
        .attributes()
        .find_map(|attribute| match attribute {
            Identity::Email => user.email.as_deref(),
            Identity::Username => user.username.as_deref(),
            Identity::Phone => user.us_phone_number.as_deref(),
        })
}

/// Somebody who is not there, to do as much for as for somebody who is.
pub(crate) fn nobody(app: &App, email: &str) -> User {
    let mut user = User::new(UserId(0), rng::hex::<16>(app.random()));
    user.email = Some(email.to_owned());
    // As long as a hash of a password.
    user.password = Some("x".repeat(97));
    user
}
