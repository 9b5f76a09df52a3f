//! The OpenAPI description of `/recover-username`.

use http::StatusCode;

use crate::app::App;
use crate::mail::addressee::EMAIL;
use crate::messages::Message;
use crate::openapi::{self, Answer, Body, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token};

const TAG: Tag = Tag {
    name: "recover username",
    about: "Recovering a forgotten username.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new(
        "getRecoverUsername",
        TAG,
        "Get a CSRF token for requesting the username",
    )
    .open()
    .answers(Answer::ok("The CSRF token.").must("csrf_token", csrf_token()))
    .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("recoverUsername", TAG, "Send the username by email")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, openapi::email()),
        ))
        .answers(Answer::ok("The request was accepted.").must("csrf_token", csrf_token()))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired]);
    if app.settings().login.return_generic_responses {
        return operation
            .about("The response does not reveal whether the address belongs to an account.");
    }
    let others = [
        Message::UserDoesNotExist,
        Message::DisabledAccount,
        Message::ConfirmationRequired,
    ];
    operation.refuses_field(EMAIL, &[EMAIL_ERRORS, &others].concat())
}
