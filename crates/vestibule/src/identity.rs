//! Finding a user by what identifies them.

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
