//! `/verify` in words.

use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token,
};
use crate::messages::Message;

const TAG: Tag = Tag {
    name: "verify",
    about: "Showing once more who one is.",
};

/// `GET`.
pub(super) fn ways(app: &App) -> Operation {
    let answer = Answer::ok("The ways besides a password.")
        .must("csrf_token", csrf_token())
        .must("user", api::user(app, Carries::Nothing));
    Operation::new("getVerify", TAG, "The ways to show it")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .answers(
            api::ways_to_verify()
                .into_iter()
                .fold(answer, |answer, (name, schema)| answer.must(name, schema)),
        )
}

/// `POST`.
pub(super) fn verify(app: &App) -> Operation {
    let fields = Schema::object()
        .must("password", api::password())
        .may("next", api::next_member());
    Operation::new("verify", TAG, "Show it by the password")
        .about("Makes the session of the caller fresh, so that what was answered with `reauth_required` goes on.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .checks_passwords()
        .parameter(include_auth_token())
        .parameter(api::next())
        .body(Body::json_or_form(fields))
        .answers(
            Answer::ok("The password was right.")
                .must("csrf_token", csrf_token())
                .must("user", api::user(app, Carries::WhatWasAsked)),
        )
        .refuses_field(
            "password",
            &[
                Message::PasswordNotProvided,
                Message::InvalidPassword,
                Message::ApiError,
            ],
        )
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}
