//! The OpenAPI description of `/change-username`.

use super::USERNAME;
use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, Operation, Schema, Tag, USERNAME_ERRORS, csrf_token,
};

const TAG: Tag = Tag {
    name: "change username",
    about: "Changing the username.",
};

fn current() -> Schema {
    Schema::text()
        .with("type", vec!["string", "null"])
        .about("The current username.")
        .example("analove")
}

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    Operation::new("getChangeUsername", TAG, "Get the current username")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The caller may change it.")
                .must("current_username", current())
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::Nothing)),
        )
}

/// `POST`.
pub(super) fn change(app: &App) -> Operation {
    let others = [
        Message::UsernameNotProvided,
        Message::UsernameAlreadyAssociated,
    ];
    Operation::new("changeUsername", TAG, "Change the username")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(
            Schema::object().must(USERNAME, openapi::username(app)),
        ))
        .answers(
            Answer::ok("The username was changed.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::Nothing)),
        )
        .refuses_field(USERNAME, &[USERNAME_ERRORS, &others].concat())
}
