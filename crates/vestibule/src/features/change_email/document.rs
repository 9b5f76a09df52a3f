//! `/change-email` in words.

use http::StatusCode;

use super::EMAIL;
use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token, link_token,
};
use crate::messages::Message;
use crate::settings::ConsumedBy;

const TAG: Tag = Tag {
    name: "change email",
    about: "Changing the address.",
};

fn current() -> Schema {
    api::email().about("The address in force.")
}

fn answer(app: &App, about: &str) -> Answer {
    Answer::ok(about)
        .must("current_email", current())
        .must("csrf_token", csrf_token())
        .must("user", api::user(app, Carries::Nothing))
}

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    Operation::new("getChangeEmail", TAG, "The address")
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
    Operation::new("changeEmail", TAG, "Mail a link to a new address")
        .about("The address in force stays until the link is used.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, api::email()),
        ))
        .answers(answer(app, "The link is on its way."))
        .refuses_field(EMAIL, &errors)
}

/// `GET` of the link.
pub(super) fn from_link(app: &App) -> Operation {
    let about = match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => {
            "Puts the new address in force, once, and goes on to the app's view with `success`, `email` and `identity` in its query; or to the one for errors with `error`."
        }
        ConsumedBy::Post => {
            "Changes nothing: goes on to the app's view with the `token` in its query, which the app posts; or to the one for errors with `error`."
        }
    };
    Operation::new("openChangeEmail", TAG, "Open the link from the mail")
        .about(about)
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("To one of the app's views."))
}

/// `POST` of the link.
pub(super) fn confirm(_: &App) -> Operation {
    let identity = Schema::text()
        .about("What the user is called by.")
        .example("ana@example.com");
    Operation::new("confirmChangeEmail", TAG, "Put the new address in force")
        .open()
        .parameter(link_token())
        .answers(
            Answer::ok("The new address is in force.")
                .must("csrf_token", csrf_token())
                .must("email", api::email())
                .must("identity", identity),
        )
        .refuses(
            StatusCode::BAD_REQUEST,
            &[Message::ChangeEmailExpired, Message::ApiError],
        )
}
