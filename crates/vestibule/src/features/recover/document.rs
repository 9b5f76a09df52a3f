//! `/reset` in words.

use super::PASSWORD;
use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, EMAIL_ERRORS, NEW_PASSWORD_ERRORS, Operation, Schema, Tag,
    csrf_token, include_auth_token, link_token,
};
use crate::mail::addressee::EMAIL;
use crate::messages::Message;

const TAG: Tag = Tag {
    name: "recover",
    about: "Replacing a forgotten password.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getReset", TAG, "A CSRF token for asking for a link")
        .open()
        .answers(Answer::ok("The token.").must("csrf_token", csrf_token()))
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("sendReset", TAG, "Mail a link that replaces the password")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, api::email()),
        ))
        .answers(Answer::ok("The link is on its way.").must("csrf_token", csrf_token()));
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

/// `GET` of the link.
pub(super) fn from_link(_: &App) -> Operation {
    Operation::new("openReset", TAG, "Open the link from the mail")
        .about("Changes nothing: goes on to the app's view with the `token` in its query, or to the one for errors with `error`.")
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("To one of the app's views."))
}

/// `POST` of the link.
pub(super) fn reset(app: &App) -> Operation {
    let again = PASSWORD.again.unwrap_or_default();
    let fields = Schema::object()
        .must(PASSWORD.name, api::password().example("correct horse"))
        .must(
            again,
            api::password()
                .about("The same once more.")
                .example("correct horse"),
        );
    let answer = if app.settings().accounts.recover.auto_login {
        Answer::ok("The password is replaced; whoever posted it is signed in, if nothing else is asked of them.")
            .may("csrf_token", csrf_token())
            .may("tf_required", Schema::only(false).about("Whether a second factor is asked for."))
            .may("user", api::user(app, Carries::WhatWasAsked))
    } else {
        Answer::ok("The password is replaced.")
    };
    Operation::new("resetPassword", TAG, "Set the new password")
        .about("Every session and every token of the user ends.")
        .open()
        .checks_passwords()
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
