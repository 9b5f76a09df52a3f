//! Finding a user by what identifies them.

use vestibule_formats::text::{email, phone, username};
use vestibule_store::{Identity, User, UserKey};

use crate::app::App;
use crate::http::fault::Fault;

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
            Identity::Phone => phone::normalise(text, settings.phone_region).ok(),
        };
        if let Some(value) = value
            && let Some(user) = find(app, attribute, &value).await?
        {
            return Ok(Some(user));
        }
    }
    Ok(None)
}
