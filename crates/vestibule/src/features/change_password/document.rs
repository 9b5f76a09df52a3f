//! `/change` in words.

use super::{NEW_PASSWORD, PASSWORD};
use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, NEW_PASSWORD_ERRORS, Operation, Schema, Tag, csrf_token,
    include_auth_token,
};
use crate::messages::Message;

const TAG: Tag = Tag {
    name: "change password",
    about: "Changing the password.",
};

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    let active = Schema::flag().about("Whether there is a password, which has to be shown.");
    Operation::new("getChange", TAG, "Whether the old password has to be shown")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The caller may change the password.")
                .must("active_password", active.example(true))
                .must("csrf_token", csrf_token())
                .must("user", api::user(app, Carries::Nothing)),
        )
}

/// `POST`.
pub(super) fn change(app: &App) -> Operation {
    let again = NEW_PASSWORD.again.unwrap_or_default();
    let new = || api::password().example("correct horse");
    let old = api::password().about("The old one, if there is one.");
    let old = old.example("battery horse");
    let fields = Schema::object()
        .may(PASSWORD, old)
        .must(NEW_PASSWORD.name, new())
        .must(again, new().about("The same once more."));
    Operation::new("changePassword", TAG, "Change the password")
        .about("Every other session and every token of the user ends. Whoever has no password yet shows lately who they are.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .checks_passwords()
        .parameter(include_auth_token())
        .body(Body::json_or_form(fields))
        .answers(
            Answer::ok("The new password is in force.")
                .must("csrf_token", csrf_token())
                .must("user", api::user(app, Carries::WhatWasAsked)),
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
