//! The OpenAPI description of `/change`.

use super::{NEW_PASSWORD, PASSWORD};
use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, NEW_PASSWORD_ERRORS, Operation, Schema, Tag, csrf_token,
    include_auth_token,
};

const TAG: Tag = Tag {
    name: "change password",
    about: "Changing the password.",
};

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    let active =
        Schema::flag().about("Whether the user has a password, which the change then requires.");
    Operation::new(
        "getChange",
        TAG,
        "Check whether the current password is required",
    )
    .auth_policy(&app.settings().token.api_enabled_methods)
    .asks_for_fresh_proof()
    .answers(
        Answer::ok("The caller may change the password.")
            .must("active_password", active.example(true))
            .must("csrf_token", csrf_token())
            .must("user", openapi::user(app, Carries::Nothing)),
    )
}

/// `POST`.
pub(super) fn change(app: &App) -> Operation {
    let again = NEW_PASSWORD.again.unwrap_or_default();
    let new = || openapi::password().example("correct horse");
    let old = openapi::password().about("The current password, if the user has one.");
    let old = old.example("battery horse");
    let fields = Schema::object()
        .may(PASSWORD, old)
        .must(NEW_PASSWORD.name, new())
        .must(again, new().about("The new password again."));
    Operation::new("changePassword", TAG, "Change the password")
        .about("Ends every other session and every token of the user. A user without a password needs a recent proof of identity instead.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .checks_passwords()
        .parameter(include_auth_token())
        .body(Body::json_or_form(fields))
        .answers(
            Answer::ok("The password was changed.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::WhatWasAsked)),
        )
        .refuses_field(
            PASSWORD,
            &[
                Message::PasswordNotProvided,
                Message::InvalidPassword,
                Message::PasswordIsTheSame,
                Message::ApiError,
            ],
        )
        .refuses_field(NEW_PASSWORD.name, NEW_PASSWORD_ERRORS)
        .refuses_field(
            again,
            &[
                Message::PasswordNotProvided,
                Message::RetypePasswordMismatch,
                Message::ApiError,
            ],
        )
}
