//! The redirects from a provider back to the app's views.

use vestibule_store::User;

use super::flow::Purpose;
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::redirect;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};
use crate::settings::OauthSettings;

impl Purpose {
    /// The view for a flow that failed.
    pub(crate) fn error_view(self, settings: &OauthSettings) -> &str {
        match self {
            Self::SignIn | Self::Link => &settings.login_error_view,
            Self::Verify => &settings.verify_error_view,
        }
    }

    /// The view for a flow that succeeded.
    pub(crate) fn post_view(self, settings: &OauthSettings) -> &str {
        match self {
            Self::SignIn => &settings.post_login_view,
            Self::Verify => &settings.post_verify_view,
            Self::Link => &settings.post_link_view,
        }
    }
}

/// The message about an exchange that failed. `reason` is a short name of ours, since no text of a
/// provider is shown.
pub(crate) fn handshake_error(reason: &'static str) -> LocalizedMessage {
    Message::OauthHandshakeError
        .with("exerror", reason)
        .with("exdesc", reason)
}

/// Redirects to the view for errors, with the text of the message and its code.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn failed(
    app: &App,
    info: &RequestInfo,
    purpose: Purpose,
    reason: &LocalizedMessage,
) -> Result<Reply, Fault> {
    let words = app.words(info);
    let category = words.category(reason.message).unwrap_or("error");
    let text = words.say(reason);
    let parameters = [
        (category, text.as_str()),
        ("error_code", reason.message.code()),
    ];
    let view = purpose.error_view(&app.settings().oauth);
    redirect::go_to(app, info, view, &parameters)
}

/// Redirects to the view for success, with the user and what the app asked for.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn succeeded(
    app: &App,
    info: &RequestInfo,
    purpose: Purpose,
    user: &User,
    others: &[(&str, &str)],
) -> Result<Reply, Fault> {
    let mut parameters = of_user(app, user);
    parameters.extend(others);
    let view = purpose.post_view(&app.settings().oauth);
    redirect::go_to(app, info, view, &parameters)
}

/// Redirects to a view that has to ask for the second factor.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn second_factor(app: &App, info: &RequestInfo, user: &User) -> Result<Reply, Fault> {
    let mut parameters = vec![("tf_required", "1")];
    parameters.extend(of_user(app, user));
    let view = Purpose::SignIn.error_view(&app.settings().oauth);
    redirect::go_to(app, info, view, &parameters)
}

/// What the reference says about a user in the query of a redirect.
fn of_user<'a>(app: &App, user: &'a User) -> Vec<(&'static str, &'a str)> {
    vec![
        ("email", user.email.as_deref().unwrap_or_default()),
        ("identity", identity::of(app, user).unwrap_or_default()),
    ]
}
