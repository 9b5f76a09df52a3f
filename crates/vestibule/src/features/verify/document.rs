//! The OpenAPI description of `/verify`.

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token,
};

const TAG: Tag = Tag {
    name: "verify",
    about: "Confirming the caller's identity again.",
};

/// `GET`.
pub(super) fn ways(app: &App) -> Operation {
    let answer = Answer::ok("The methods besides a password.")
        .must("csrf_token", csrf_token())
        .must("user", openapi::user(app, Carries::Nothing));
    Operation::new("getVerify", TAG, "Get the available methods")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .answers(
            openapi::ways_to_verify()
                .into_iter()
                .fold(answer, |answer, (name, schema)| answer.must(name, schema)),
        )
}

/// `POST`.
pub(super) fn verify(app: &App) -> Operation {
    let fields = Schema::object()
        .must("password", openapi::password())
        .may("next", openapi::next_member());
    Operation::new("verify", TAG, "Confirm the identity with the password")
        .about("Makes the caller's session fresh, so that requests that were refused with `reauth_required` succeed.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .checks_passwords()
        .parameter(include_auth_token())
        .parameter(openapi::next())
        .body(Body::json_or_form(fields))
        .answers(
            Answer::ok("The password is correct.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::WhatWasAsked)),
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
