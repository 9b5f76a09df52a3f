//! `/login` in words.

use http::StatusCode;

use super::wire::{EMAIL, PASSWORD, REMEMBER, USERNAME};
use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token,
};
use crate::messages::Message;

const TAG: Tag = Tag {
    name: "login",
    about: "Signing in with a password.",
};

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    let names: Vec<&str> = app.settings().identity.names().collect();
    let attributes = Schema::list(Schema::text())
        .about("What identifies a user, in the order in which it is looked at.")
        .example(names);
    Operation::new("getLogin", TAG, "Who is signed in, and a CSRF token")
        .about("What an app asks for when it starts: it learns whether the session still stands, and gets the CSRF token for whatever comes next.")
        .open()
        .answers(
            Answer::ok("`user` is there if somebody is signed in.")
                .must("csrf_token", csrf_token())
                .must("identity_attributes", attributes)
                .may("user", api::user(app, Carries::Nothing)),
        )
}

/// `POST`.
pub(super) fn sign_in(app: &App) -> Operation {
    let operation = Operation::new("login", TAG, "Sign in with a password")
        .about("Begins a session, in cookies; with `include_auth_token` the answer carries tokens for callers without cookies as well.")
        .open()
        .checks_passwords()
        .parameter(include_auth_token())
        .parameter(api::next())
        .body(Body::json_or_form(fields(app)))
        .answers(
            Answer::ok("Signed in.")
                .must("csrf_token", csrf_token())
                .must(
                    "tf_required",
                    Schema::only(false).about("Whether a second factor is asked for."),
                )
                .must("user", api::user(app, Carries::WhatWasAsked)),
        )
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired]);
    refusals(app, operation)
        .refuses_field(REMEMBER, &[Message::ApiError])
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

fn fields(app: &App) -> Schema {
    let identity = &app.settings().identity;
    let email = api::email();
    let password = api::password();
    let remember = Schema::flag()
        .about("Whether the browser is remembered when the session is over.")
        .with("default", app.settings().login.default_remember_me)
        .example(true);
    let fields = Schema::object()
        .must(PASSWORD, password)
        .may(REMEMBER, remember)
        .may("next", api::next_member());
    if !identity.username_enable {
        return fields.must(EMAIL, email);
    }
    let username = api::username(app).about("Instead of the email address.");
    fields.may(EMAIL, email).may(USERNAME, username)
}

/// What can be wrong with the credentials, as far as it is told.
fn refusals(app: &App, operation: Operation) -> Operation {
    let settings = app.settings();
    if settings.login.return_generic_responses {
        return operation.refuses_field("", &[Message::GenericAuthnFailed]);
    }
    let mut of_identity = vec![
        Message::UserDoesNotExist,
        Message::DisabledAccount,
        Message::ApiError,
    ];
    if settings.login.confirmable && !settings.login.login_without_confirmation {
        of_identity.push(Message::ConfirmationRequired);
    }
    if settings.two_factor.enabled || settings.webauthn.enabled {
        of_identity.push(Message::SecondFactorNotServed);
    }
    let of_email = [
        of_identity.as_slice(),
        &[Message::InvalidEmailAddress, Message::EmailNotProvided],
    ]
    .concat();
    let operation = operation.refuses_field(EMAIL, &of_email).refuses_field(
        PASSWORD,
        &[
            Message::PasswordNotProvided,
            Message::InvalidPassword,
            Message::ApiError,
        ],
    );
    if !settings.identity.username_enable {
        return operation;
    }
    let of_username = [
        of_identity.as_slice(),
        &[
            Message::UsernameDisallowedCharacters,
            Message::UsernameInvalidLength,
            Message::InvalidInput,
        ],
    ]
    .concat();
    operation
        .refuses_field(USERNAME, &of_username)
        .refuses_field("", &[Message::UserDoesNotExist])
}
