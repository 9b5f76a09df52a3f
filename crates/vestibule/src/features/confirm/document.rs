//! `/confirm` in words.

use http::StatusCode;

use crate::app::App;
use crate::features::api::{
    self, Answer, Body, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token, link_token,
};
use crate::mail::addressee::EMAIL;
use crate::messages::Message;
use crate::settings::ConsumedBy;

const TAG: Tag = Tag {
    name: "confirm",
    about: "Confirming an address.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getConfirm", TAG, "A CSRF token for asking for a link")
        .open()
        .answers(Answer::ok("The token.").must("csrf_token", csrf_token()))
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("sendConfirmation", TAG, "Mail the link once more")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, api::email()),
        ))
        .answers(Answer::ok("The link is on its way.").must("csrf_token", csrf_token()));
    if app.settings().login.return_generic_responses {
        return operation.about("The answer does not say whether somebody has the address.");
    }
    let others = [Message::UserDoesNotExist, Message::AlreadyConfirmed];
    operation.refuses_field(EMAIL, &[EMAIL_ERRORS, &others].concat())
}

/// `GET` of the link.
pub(super) fn from_link(app: &App) -> Operation {
    let about = match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => {
            "Confirms the address, once, and goes on to the app's view with `success`, `email` and `identity` in its query; or to the one for errors with `error` or `info`."
        }
        ConsumedBy::Post => {
            "Changes nothing: goes on to the app's view with the `token` in its query, which the app posts; or to the one for errors with `error` or `info`."
        }
    };
    Operation::new("openConfirmation", TAG, "Open the link from the mail")
        .about(about)
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("To one of the app's views."))
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
}

/// `POST` of the link.
pub(super) fn confirm(app: &App) -> Operation {
    let operation = Operation::new("confirm", TAG, "Confirm the address")
        .open()
        .parameter(link_token());
    match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => operation
            .csrf(false)
            .about("As opening the link does.")
            .answers(Answer::redirect("To one of the app's views.")),
        ConsumedBy::Post => operation
            .answers(
                Answer::ok("The address is confirmed.")
                    .must("csrf_token", csrf_token())
                    .must("email", api::email())
                    .must(
                        "identity",
                        Schema::text()
                            .about("What the user is called by.")
                            .example("ana@example.com"),
                    ),
            )
            .refuses(
                StatusCode::BAD_REQUEST,
                &[
                    Message::ConfirmationExpired,
                    Message::InvalidConfirmationToken,
                    Message::AlreadyConfirmed,
                ],
            ),
    }
}
