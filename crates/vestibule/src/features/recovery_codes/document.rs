//! The OpenAPI description of recovery codes.

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token};

const TAG: Tag = Tag {
    name: "recovery codes",
    about: "Codes that each replace the second factor once.",
};

fn list() -> Schema {
    Schema::list(Schema::text())
        .about("The codes that were not used yet.")
        .example(vec!["3f2a-91bc-04de", "77c1-0b9e-5a20"])
}

/// `GET` of the codes.
pub(super) fn codes(app: &App) -> Operation {
    Operation::new("getRecoveryCodes", TAG, "Get the recovery codes")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The caller's codes.")
                .must("csrf_token", csrf_token())
                .must("recovery_codes", list()),
        )
}

/// `POST` of the codes.
pub(super) fn renew(app: &App) -> Operation {
    Operation::new("renewRecoveryCodes", TAG, "Replace the recovery codes")
        .about("The codes that the caller had before are no longer valid.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(Schema::object()).optional())
        .answers(
            Answer::ok("The caller's new codes.")
                .must("csrf_token", csrf_token())
                .must("recovery_codes", list()),
        )
}

/// `GET` of the sign-in.
pub(super) fn recovery_state(_app: &App) -> Operation {
    Operation::new(
        "getRecovery",
        TAG,
        "Check that a sign-in waits for the second factor",
    )
    .open()
    .asks_database()
    .answers(Answer::ok("A sign-in waits.").must("csrf_token", csrf_token()))
    .refuses(
        http::StatusCode::BAD_REQUEST,
        &[Message::AnonymousUserRequired],
    )
    .refuses_field("", &[Message::TwoFactorPermissionDenied])
}

/// `POST` of the sign-in.
pub(super) fn recover(app: &App) -> Operation {
    let code = Schema::text()
        .about("A recovery code. Hyphens, spaces and case do not matter.")
        .example("3f2a-91bc-04de");
    Operation::new("recover", TAG, "Sign in with a recovery code")
        .about("Completes a sign-in whose first factor was shown.")
        .open()
        .asks_database()
        .checks_passwords()
        .body(Body::json_or_form(Schema::object().must("code", code)))
        .answers(
            Answer::ok("The user is signed in.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::Nothing)),
        )
        .refuses(
            http::StatusCode::BAD_REQUEST,
            &[Message::AnonymousUserRequired],
        )
        .refuses_field("", &[Message::TwoFactorPermissionDenied])
        .refuses_field(
            "code",
            &[
                Message::PasscodeNotProvided,
                Message::ApiError,
                Message::InvalidRecoveryCode,
                Message::DisabledAccount,
                Message::ConfirmationRequired,
            ],
        )
}
