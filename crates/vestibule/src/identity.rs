//! Looking up users by their identity.

use vestibule_formats::text::normalise::Form;
use vestibule_formats::text::{email, normalise, phone, username};
use vestibule_store::{Identity, User, UserId, UserKey};

use crate::app::App;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::rng;

/// The longest text, in bytes, that is looked up as an address: longer than any column allows.
pub(crate) const LONGEST_ADDRESS: usize = 1024;

/// The user with this (normalised) value, compared by the attribute's case rule.
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

/// The user that a text identifies: the first match among the attributes of
/// `USER_IDENTITY_ATTRIBUTES` whose rules the text satisfies. If the text reads as an address or a
/// number, those attributes come before the username.
pub(crate) async fn look_up(app: &App, text: &str) -> Result<Option<User>, Fault> {
    let mut first = None;
    for attribute in attributes_for(app, text) {
        // Looked up even if a user was found, so that both cases cost the same.
        let found = by_attribute(app, attribute, text).await?;
        first = first.or(found);
    }
    Ok(first)
}

/// All users that a text identifies, without duplicates.
pub(crate) async fn look_up_all(app: &App, text: &str) -> Result<Vec<User>, Fault> {
    let mut users: Vec<User> = Vec::new();
    for attribute in attributes_for(app, text) {
        let found = by_attribute(app, attribute, text).await?;
        users.extend(found.filter(|user| users.iter().all(|other| other.id != user.id)));
    }
    Ok(users)
}

/// The attributes by which a text is looked up, in order.
fn attributes_for(app: &App, text: &str) -> Vec<Identity> {
    let mut attributes: Vec<Identity> = app.settings().identity.attributes().collect();
    if reads_as_another(app, text) {
        attributes.sort_by_key(|attribute| *attribute == Identity::Username);
    }
    attributes
}

/// The user with this value of an attribute, normalised by the attribute's rules.
pub(crate) async fn by_attribute(
    app: &App,
    attribute: Identity,
    text: &str,
) -> Result<Option<User>, Fault> {
    let value = match attribute {
        Identity::Email if text.contains('@') => return by_address(app, text).await,
        Identity::Email => None,
        Identity::Username => {
            username::normalise(text, &app.settings().identity.username_options).ok()
        }
        Identity::Phone => phone_number(app, text),
    };
    match value {
        Some(value) => find(app, attribute, &value).await,
        None => Ok(None),
    }
}

/// The user with this address.
///
/// The rules for addresses may have changed since it was stored, and other programs have other
/// rules. The text is therefore also compared unchanged with stored addresses that would be invalid
/// or normalised differently today.
pub(crate) async fn by_address(app: &App, text: &str) -> Result<Option<User>, Fault> {
    let settings = &app.settings().identity;
    let typed = text.trim();
    let normalised = email::normalise(text, &settings.email_options).ok();
    let found = match &normalised {
        Some(value) => find(app, Identity::Email, value).await?,
        None => None,
    };
    let same = |value: &String| {
        value == typed
            || (settings.ignores_case(Identity::Email.column())
                && value.eq_ignore_ascii_case(typed))
    };
    if typed.len() > LONGEST_ADDRESS || normalised.as_ref().is_some_and(same) {
        return Ok(found);
    }
    // Looked up even if a user was found, so that both cases cost the same.
    let stored = find(app, Identity::Email, typed).await?;
    let as_stored = |user: &User| {
        let address = user.email.as_deref().unwrap_or_default();
        email::normalise(address, &settings.email_options).as_deref() != Ok(address)
    };
    Ok(found.or(stored.filter(as_stored)))
}

/// Whether a text is a valid new address.
pub(crate) fn is_address(app: &App, text: &str) -> bool {
    email::normalise(text, &app.settings().identity.email_options).is_ok()
}

/// Whether a username reads as an address or, if phone numbers identify users, as a number, which
/// may be another user's.
pub(crate) fn reads_as_another(app: &App, name: &str) -> bool {
    let plain = normalise::normalise(name, Some(Form::Nfkc));
    let is_number = || {
        let digits = plain.chars().any(char::is_numeric)
            && plain
                .chars()
                .all(|c| c.is_numeric() || c.is_whitespace() || "+-.()/".contains(c));
        digits || phone_number(app, name).is_some()
    };
    plain.contains('@') || (app.settings().identity.has(Identity::Phone.column()) && is_number())
}

/// A phone number in its stored form (E.164), by the application's own rules or by those of the settings.
/// `None` if it is invalid.
pub(crate) fn phone_number(app: &App, text: &str) -> Option<String> {
    match &app.own_rules().phone_numbers {
        Some(own) => own.normalise(text),
        None => phone::normalise(text, app.settings().identity.phone_region).ok(),
    }
}

/// The value to reserve if the database alone cannot keep it unique, because spellings that differ
/// in case count as the same.
pub(crate) fn claim(app: &App, attribute: Identity, value: &str) -> Vec<(Identity, String)> {
    if app.settings().identity.ignores_case(attribute.column()) {
        vec![(attribute, value.to_owned())]
    } else {
        Vec::new()
    }
}

/// The message about the allowed length of usernames.
pub(crate) fn username_length(app: &App) -> LocalizedMessage {
    let options = &app.settings().identity.username_options;
    Message::UsernameInvalidLength
        .with("min", options.min_length)
        .with("max", options.max_length)
}

/// The first of the user's identities, in the order of `USER_IDENTITY_ATTRIBUTES`. A username that
/// reads as an address or a number is skipped, because a reader would take it for another user's.
pub(crate) fn of<'a>(app: &App, user: &'a User) -> Option<&'a str> {
    app.settings()
        .identity
        .attributes()
        .find_map(|attribute| match attribute {
            Identity::Email => user.email.as_deref(),
            Identity::Username => user
                .username
                .as_deref()
                .filter(|name| !reads_as_another(app, name)),
            Identity::Phone => user.us_phone_number.as_deref(),
        })
}

/// A placeholder for a user that does not exist, so that the same work can be done as for one that
/// does.
pub(crate) fn placeholder(app: &App, email: &str) -> User {
    let mut user = User::new(UserId(0), rng::hex::<16>(app.random()));
    user.email = Some(email.to_owned());
    // As long as the hash of a password.
    user.password = Some("x".repeat(97));
    user
}
