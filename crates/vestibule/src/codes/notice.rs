//! Notices to users about their factors, recovery codes and devices.

use serde_json::Value;
use vestibule_store::{NewMail, User};

use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::mail::{self, Email};
use crate::settings::MailTemplate;

/// The notice that a method was added; `None` if the settings send none, or the user has no
/// address.
///
/// # Errors
/// When the template cannot be rendered.
pub(crate) fn factor_added(
    app: &App,
    info: &RequestInfo,
    user: &User,
    method: &str,
) -> Result<Option<NewMail>, Fault> {
    let template = &app.settings().notices.factor_added;
    write(app, info, user, template, Some(("method", method.into())))
}

/// The notice that a method was removed.
///
/// # Errors
/// When the template cannot be rendered.
pub(crate) fn factor_removed(
    app: &App,
    info: &RequestInfo,
    user: &User,
    method: &str,
) -> Result<Option<NewMail>, Fault> {
    let template = &app.settings().notices.factor_removed;
    write(app, info, user, template, Some(("method", method.into())))
}

/// The notice that the user has new recovery codes.
///
/// # Errors
/// When the template cannot be rendered.
pub(crate) fn recovery_codes_renewed(
    app: &App,
    info: &RequestInfo,
    user: &User,
) -> Result<Option<NewMail>, Fault> {
    let template = &app.settings().notices.recovery_codes_renewed;
    write(app, info, user, template, None)
}

/// The notice that a recovery code was used.
///
/// # Errors
/// When the template cannot be rendered.
pub(crate) fn recovery_code_used(
    app: &App,
    info: &RequestInfo,
    user: &User,
    left: usize,
) -> Result<Option<NewMail>, Fault> {
    let template = &app.settings().notices.recovery_code_used;
    write(app, info, user, template, Some(("remaining", left.into())))
}

/// The notice of a sign-in from a device that was not used before; `None` if the settings send
/// none.
///
/// # Errors
/// When the template cannot be rendered.
pub(crate) fn new_device(
    app: &App,
    info: &RequestInfo,
    user: &User,
) -> Result<Option<NewMail>, Fault> {
    let settings = &app.settings().notices;
    if !settings.new_device {
        return Ok(None);
    }
    let address = info.address().map(|address| address.to_string());
    let variable = ("address", address.into());
    render(
        app,
        info,
        user,
        &settings.new_device_template,
        Some(variable),
    )
}

/// The notice about a factor, unless the settings send none.
fn write(
    app: &App,
    info: &RequestInfo,
    user: &User,
    template: &MailTemplate,
    variable: Option<(&'static str, Value)>,
) -> Result<Option<NewMail>, Fault> {
    if !app.settings().notices.factors {
        return Ok(None);
    }
    render(app, info, user, template, variable)
}

/// The notice; `None` if the user has no address.
fn render(
    app: &App,
    info: &RequestInfo,
    user: &User,
    template: &MailTemplate,
    variable: Option<(&'static str, Value)>,
) -> Result<Option<NewMail>, Fault> {
    let Some(to) = user.email.as_deref() else {
        return Ok(None);
    };
    let context = std::iter::once(("user", mail::about(user))).chain(variable);
    let email = Email::new(template, to, context);
    app.write(info, &email).map(Some)
}
