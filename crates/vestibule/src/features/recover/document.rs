//! The OpenAPI description of `/reset`.

use super::PASSWORD;
use crate::app::App;
use crate::mail::addressee::EMAIL;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, EMAIL_ERRORS, NEW_PASSWORD_ERRORS, Operation, Schema, Tag, csrf_token,
    include_auth_token, link_token,
};

const TAG: Tag = Tag {
    name: "recover",
    about: "Resetting a forgotten password.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getReset", TAG, "Get a CSRF token for requesting a link")
        .open()
        .answers(Answer::ok("The CSRF token.").must("csrf_token", csrf_token()))
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("sendReset", TAG, "Send a password reset link")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, openapi::email()),
        ))
        .answers(Answer::ok("The request was accepted.").must("csrf_token", csrf_token()));
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

/// `GET` of the link.
pub(super) fn from_link(_: &App) -> Operation {
    Operation::new("openReset", TAG, "Open the link from the email")
        .about("Changes nothing. Redirects to the app's view with the `token` in the query, or to the error view with `error`.")
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("Redirects to one of the app's views."))
}

/// `POST` of the link.
pub(super) fn reset(app: &App) -> Operation {
    let again = PASSWORD.again.unwrap_or_default();
    let fields = Schema::object()
        .must(PASSWORD.name, openapi::password().example("correct horse"))
        .must(
            again,
            openapi::password()
                .about("The new password again.")
                .example("correct horse"),
        );
    let answer = if app.settings().accounts.recover.auto_login {
        let answer = Answer::ok(
            "The password was reset, and the user is signed in unless something else is required.",
        )
        .may("csrf_token", csrf_token());
        openapi::signed_in(app, answer, false)
    } else {
        Answer::ok("The password was reset.")
    };
    Operation::new("resetPassword", TAG, "Set a new password")
        .about("Ends every session and every token of the user.")
        .open()
        .hashes_passwords()
        .parameter(link_token())
        .parameter(include_auth_token())
        .body(Body::json_or_form(fields))
        .answers(answer)
        .refuses_field(
            "",
            &[
                Message::PasswordResetExpired,
                Message::InvalidResetPasswordToken,
            ],
        )
        .refuses_field(PASSWORD.name, NEW_PASSWORD_ERRORS)
        .refuses_field(
            again,
            &[
                Message::PasswordNotProvided,
                Message::RetypePasswordMismatch,
                Message::ApiError,
            ],
        )
}
