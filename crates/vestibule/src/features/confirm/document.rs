//! The OpenAPI description of `/confirm`.

use http::StatusCode;

use crate::app::App;
use crate::mail::addressee::EMAIL;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token, link_token,
};
use crate::settings::ConsumedBy;

const TAG: Tag = Tag {
    name: "confirm",
    about: "Confirming an email address.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getConfirm", TAG, "Get a CSRF token for requesting a link")
        .open()
        .answers(Answer::ok("The CSRF token.").must("csrf_token", csrf_token()))
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("sendConfirmation", TAG, "Send the confirmation link again")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, openapi::email()),
        ))
        .answers(Answer::ok("The request was accepted.").must("csrf_token", csrf_token()));
    if app.settings().login.return_generic_responses {
        return operation
            .about("The response does not reveal whether the address belongs to an account.");
    }
    let others = [Message::UserDoesNotExist, Message::AlreadyConfirmed];
    operation.refuses_field(EMAIL, &[EMAIL_ERRORS, &others].concat())
}

/// `GET` of the link.
pub(super) fn from_link(app: &App) -> Operation {
    let about = match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => {
            "Confirms the address, once, and redirects to the app's view with `success`, `email` and `identity` in the query, or to the error view with `error` or `info`."
        }
        ConsumedBy::Post => {
            "Changes nothing. Redirects to the app's view with the `token` in the query, which the app posts, or to the error view with `error` or `info`."
        }
    };
    Operation::new("openConfirmation", TAG, "Open the link from the email")
        .about(about)
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("Redirects to one of the app's views."))
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
}

/// The reply to a link that confirmed an address.
fn confirmed(app: &App) -> Answer {
    let answer = Answer::ok("The email address was confirmed.")
        .must("csrf_token", csrf_token())
        .must("email", openapi::email())
        .must(
            "identity",
            Schema::text()
                .about("The user's first identity attribute that is set.")
                .example("ana@example.com"),
        );
    let settings = app.settings();
    if settings.two_factor.enabled && settings.accounts.confirm.auto_login {
        openapi::signed_in(app, answer, false)
    } else {
        answer
    }
}

/// `POST` of the link.
pub(super) fn confirm(app: &App) -> Operation {
    let operation = Operation::new("confirm", TAG, "Confirm the email address")
        .open()
        .parameter(link_token());
    match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => operation
            .csrf(false)
            .about("Has the same effect as opening the link.")
            .answers(Answer::redirect("Redirects to one of the app's views.")),
        ConsumedBy::Post => operation.answers(confirmed(app)).refuses(
            StatusCode::BAD_REQUEST,
            &[
                Message::ConfirmationExpired,
                Message::InvalidConfirmationToken,
                Message::AlreadyConfirmed,
            ],
        ),
    }
}
