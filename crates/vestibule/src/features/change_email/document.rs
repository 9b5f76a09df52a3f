//! The OpenAPI description of `/change-email`.

use http::StatusCode;

use super::EMAIL;
use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token, link_token,
};
use crate::settings::ConsumedBy;

const TAG: Tag = Tag {
    name: "change email",
    about: "Changing the email address.",
};

fn current() -> Schema {
    openapi::email().about("The current email address.")
}

fn answer(app: &App, about: &str) -> Answer {
    Answer::ok(about)
        .must("current_email", current())
        .must("csrf_token", csrf_token())
        .must("user", openapi::user(app, Carries::Nothing))
}

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    Operation::new("getChangeEmail", TAG, "Get the current email address")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(answer(app, "The caller may change it."))
}

/// `POST`.
pub(super) fn change(app: &App) -> Operation {
    let mut errors = EMAIL_ERRORS.to_vec();
    if !app.settings().login.return_generic_responses {
        errors.push(Message::EmailAlreadyAssociated);
    }
    Operation::new("changeEmail", TAG, "Send a link to a new email address")
        .about("The current address stays in use until the link is used.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, openapi::email()),
        ))
        .answers(answer(app, "The request was accepted."))
        .refuses_field(EMAIL, &errors)
}

/// `GET` of the link.
pub(super) fn from_link(app: &App) -> Operation {
    let about = match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => {
            "Changes the address, once, and redirects to the app's view with `success`, `email` and `identity` in the query, or to the error view with `error`."
        }
        ConsumedBy::Post => {
            "Changes nothing. Redirects to the app's view with the `token` in the query, which the app posts, or to the error view with `error`."
        }
    };
    Operation::new("openChangeEmail", TAG, "Open the link from the email")
        .about(about)
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("Redirects to one of the app's views."))
}

/// `POST` of the link.
pub(super) fn confirm(_: &App) -> Operation {
    let identity = Schema::text()
        .about("The user's first identity attribute that is set.")
        .example("ana@example.com");
    Operation::new("confirmChangeEmail", TAG, "Change to the new email address")
        .open()
        .parameter(link_token())
        .answers(
            Answer::ok("The email address was changed.")
                .must("csrf_token", csrf_token())
                .must("email", openapi::email())
                .must("identity", identity),
        )
        .refuses(
            StatusCode::BAD_REQUEST,
            &[Message::ChangeEmailExpired, Message::ApiError],
        )
}
