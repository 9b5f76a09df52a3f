//! `/recover-username` in words.

use http::StatusCode;

use crate::app::App;
use crate::features::api::{self, Answer, Body, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token};
use crate::mail::addressee::EMAIL;
use crate::messages::Message;

const TAG: Tag = Tag {
    name: "recover username",
    about: "Being told a forgotten name.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new(
        "getRecoverUsername",
        TAG,
        "A CSRF token for asking for the name",
    )
    .open()
    .answers(Answer::ok("The token.").must("csrf_token", csrf_token()))
    .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("recoverUsername", TAG, "Mail the name")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, api::email()),
        ))
        .answers(Answer::ok("The name is on its way.").must("csrf_token", csrf_token()))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired]);
    if app.settings().login.return_generic_responses {
        return operation.about("The answer does not say whether somebody has the address.");
    }
    let others = [
        Message::UserDoesNotExist,
        Message::DisabledAccount,
        Message::ConfirmationRequired,
    ];
    operation.refuses_field(EMAIL, &[EMAIL_ERRORS, &others].concat())
}
