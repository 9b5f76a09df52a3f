//! `/change-username` in words.

use super::USERNAME;
use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, Operation, Schema, Tag, USERNAME_ERRORS, csrf_token,
};
use crate::messages::Message;

const TAG: Tag = Tag {
    name: "change username",
    about: "Changing the name.",
};

fn current() -> Schema {
    Schema::text()
        .with("type", vec!["string", "null"])
        .about("The name in force.")
        .example("analove")
}

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    Operation::new("getChangeUsername", TAG, "The name")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The caller may change it.")
                .must("current_username", current())
                .must("csrf_token", csrf_token())
                .must("user", api::user(app, Carries::Nothing)),
        )
}

/// `POST`.
pub(super) fn change(app: &App) -> Operation {
    let others = [
        Message::UsernameNotProvided,
        Message::UsernameAlreadyAssociated,
    ];
    Operation::new("changeUsername", TAG, "Change the name")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(
            Schema::object().must(USERNAME, api::username(app)),
        ))
        .answers(
            Answer::ok("The new name is in force.")
                .must("csrf_token", csrf_token())
                .must("user", api::user(app, Carries::Nothing)),
        )
        .refuses_field(USERNAME, &[USERNAME_ERRORS, &others].concat())
}
