//! The methods of unified sign-in that a user has set up.

use vestibule_formats::totp::UsSecrets;
use vestibule_store::User;

use crate::app::App;
use crate::http::fault::Fault;
use crate::settings::Method;

use super::secret;

/// The secrets of a user's methods. A column that cannot be read is logged, and counts as empty.
pub(crate) fn secrets_of(user: &User) -> UsSecrets {
    UsSecrets::parse(user.us_totp_secrets.as_deref()).unwrap_or_else(|error| {
        tracing::error!(user = %user.id, %error, "the methods of a user cannot be read");
        UsSecrets::default()
    })
}

/// The methods that sign a user in: those of the settings that the user has set up, and the
/// password if there is one, whatever the settings.
pub(crate) fn active(app: &App, user: &User) -> Vec<Method> {
    let secrets = secrets_of(user);
    let is_set_up = |method: &Method| secrets.methods().any(|name| name == method.name());
    let enabled = &app.settings().unified.methods;
    let has_password = user.password.as_ref().is_some_and(|hash| !hash.is_empty());
    let password = has_password.then_some(Method::Password);
    let others = enabled.iter().copied();
    let others = others.filter(|method| *method != Method::Password && is_set_up(method));
    password.into_iter().chain(others).collect()
}

/// The methods of the settings whose codes are sent.
pub(crate) fn sent(app: &App) -> impl Iterator<Item = Method> {
    let enabled = app.settings().unified.methods.iter().copied();
    enabled.filter(|method| method.is_sent())
}

/// The column of a new user, whose mailbox receives codes if the settings allow it; `None` if they
/// do not.
///
/// # Errors
/// When the hashing threads are overloaded.
pub(crate) async fn of_new_user(app: &App) -> Result<Option<String>, Fault> {
    if !app.settings().unified.has(Method::Email) {
        return Ok(None);
    }
    let mut secrets = UsSecrets::default();
    let new = secret::create(app).await?;
    secrets.set(Method::Email.name(), &new.stored);
    Ok(secrets.to_column())
}
