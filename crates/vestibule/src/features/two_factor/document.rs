//! The OpenAPI description of the second factor.

use http::StatusCode;

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token, link_token,
};

const TAG: Tag = Tag {
    name: "second factor",
    about: "A one-time code after the password or another first factor.",
};

/// The word for a method, or null.
fn method() -> Schema {
    Schema::text()
        .with("type", vec!["string", "null"])
        .about(
            "The method of the second factor: email, authenticator or sms. Null if none is set up.",
        )
        .example("authenticator")
}

fn words(app: &App, others: &[&'static str]) -> Schema {
    let methods = app.settings().two_factor.methods.iter();
    Schema::word(
        methods
            .map(|method| method.name())
            .chain(others.iter().copied()),
    )
}

/// The second factors that a user can choose from.
fn choices(app: &App) -> Schema {
    let settings = app.settings();
    let codes = settings.two_factor.enabled.then_some(&settings.two_factor);
    let codes = codes.into_iter().flat_map(|codes| &codes.methods);
    let passkey = settings.webauthn.enabled.then_some("webauthn");
    Schema::word(codes.map(|method| method.name()).chain(passkey))
}

fn code() -> Schema {
    Schema::text()
        .with("type", vec!["string", "integer"])
        .about("The one-time code.")
        .example("123456")
}

fn nullable(about: &str) -> Schema {
    Schema::text()
        .with("type", vec!["string", "null"])
        .about(about)
}

/// `GET /tf-setup`.
pub(super) fn setup_state(app: &App) -> Operation {
    let operation = Operation::new("getTwoFactorSetup", TAG, "Get the second factor")
        .about("For a signed-in user with a fresh proof of identity, and for a user who has to set up a second factor to complete a sign-in.")
        .open()
        .asks_database()
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The second factor, and the methods that can be set up.")
                .must("csrf_token", csrf_token())
                .must(
                    "tf_required",
                    Schema::flag().about("Whether every user needs a second factor."),
                )
                .must("tf_primary_method", method())
                .must("tf_method", method())
                .must(
                    "tf_phone_number",
                    nullable("The phone number that receives the codes."),
                )
                .must(
                    "tf_available_methods",
                    Schema::list(words(app, &["disable"])),
                ),
        );
    operation.refuses_field("", &[Message::TwoFactorPermissionDenied])
}

/// `POST /tf-setup`.
pub(super) fn setup(app: &App) -> Operation {
    let fields = Schema::object()
        .must(
            "setup",
            words(app, &["disable"]).about("The method to set up, or `disable`."),
        )
        .may(
            "phone",
            Schema::text()
                .about("The phone number that receives the codes, for the method `sms`.")
                .example("+14155550123"),
        );
    let answer = Answer::ok("The method is set up once its first code is posted. After `disable`, the second factor is removed.")
        .must("csrf_token", csrf_token())
        .may("user", openapi::user(app, Carries::Nothing))
        .may("tf_state", Schema::only("validating_profile"))
        .may("tf_primary_method", method())
        .may("tf_method", method())
        .may(
            "tf_state_token",
            nullable("The token for `/tf-setup/{token}`. Null during a sign-in, which continues at `/tf-validate`."),
        );
    let members = [
        ("tf_authr_key", "The key in base32, in groups."),
        ("tf_authr_b32key", "The key in base32."),
        (
            "tf_authr_username",
            "The name under which the app lists the key.",
        ),
        ("tf_authr_issuer", "The name of the service."),
        (
            "tf_authr_uri",
            "The `otpauth` URI for an authenticator app.",
        ),
        (
            "tf_authr_qrcode",
            "The URI as a QR code: the data URL of an SVG image.",
        ),
    ];
    let answer = members.into_iter().fold(answer, |answer, (name, about)| {
        answer.may(name, Schema::text().about(about))
    });
    Operation::new("setUpTwoFactor", TAG, "Set up or remove the second factor")
        .open()
        .asks_database()
        .hashes_passwords()
        .asks_for_fresh_proof()
        .body(Body::json_or_form(fields))
        .answers(answer)
        .refuses_field("", &[Message::TwoFactorPermissionDenied])
        .refuses_field("setup", &[Message::TwoFactorMethodNotAvailable])
        .refuses_field("phone", &[Message::PhoneInvalid, Message::ApiError])
}

/// `POST /tf-setup/{token}`.
pub(super) fn setup_confirm(app: &App) -> Operation {
    Operation::new(
        "confirmTwoFactorSetup",
        TAG,
        "Complete the set-up with the first code",
    )
    .auth_policy(&app.settings().token.api_enabled_methods)
    .checks_passwords()
    .parameter(link_token())
    .body(Body::json_or_form(Schema::object().must("code", code())))
    .answers(
        Answer::ok("The second factor is set up.")
            .must("csrf_token", csrf_token())
            .must("tf_method", method())
            .must("tf_primary_method", method())
            .must(
                "tf_phone",
                nullable("The phone number that receives the codes."),
            ),
    )
    .refuses_field("", &[Message::ApiError, Message::TwoFactorSetupExpired])
    .refuses_field(
        "code",
        &[
            Message::PasscodeNotProvided,
            Message::ApiError,
            Message::TwoFactorInvalidToken,
        ],
    )
}

fn recovery_options() -> Schema {
    Schema::object()
        .open()
        .about("What the user can do who cannot show the second factor: `help`, `email` and `recovery_code`, each with the path of its endpoint.")
}

/// `GET /tf-validate`.
pub(super) fn validate_state(app: &App) -> Operation {
    Operation::new(
        "getTwoFactorValidation",
        TAG,
        "Check that a code is expected",
    )
    .open()
    .asks_database()
    .answers(
        Answer::ok("A sign-in or a set-up waits for a code.")
            .must("csrf_token", csrf_token())
            .must("user", openapi::user(app, Carries::Nothing))
            .may("recovery_options", recovery_options()),
    )
    .refuses_field("", &[Message::TwoFactorPermissionDenied])
}

/// `POST /tf-validate`.
pub(super) fn validate(app: &App) -> Operation {
    Operation::new("validateTwoFactor", TAG, "Complete a sign-in with a code")
        .about("Also completes the set-up that a signed-in user began at `/tf-setup`.")
        .open()
        .asks_database()
        .checks_passwords()
        .parameter(include_auth_token())
        .body(Body::json_or_form(Schema::object().must("code", code())))
        .answers(
            Answer::ok("The user is signed in, or the second factor is set up.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::WhatWasAsked)),
        )
        .refuses_field("", &[Message::TwoFactorPermissionDenied])
        .refuses_field(
            "code",
            &[
                Message::PasscodeNotProvided,
                Message::ApiError,
                Message::TwoFactorInvalidToken,
                Message::DisabledAccount,
                Message::ConfirmationRequired,
            ],
        )
}

/// `GET /tf-rescue`.
pub(super) fn rescue_state(_app: &App) -> Operation {
    Operation::new(
        "getTwoFactorRescue",
        TAG,
        "Get the ways to sign in without the second factor",
    )
    .open()
    .asks_database()
    .answers(
        Answer::ok("The ways.")
            .must("csrf_token", csrf_token())
            .must("recovery_options", recovery_options()),
    )
    .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
    .refuses_field("", &[Message::TwoFactorPermissionDenied])
}

/// `POST /tf-rescue`.
pub(super) fn rescue(_app: &App) -> Operation {
    let choice = Schema::word(["help", "email", "recovery_code"]).about(
        "`email` sends a code by mail, `help` sends a mail to the operator, `recovery_code` redirects to `/mf-recovery`.",
    );
    Operation::new("rescueTwoFactor", TAG, "Get help without the second factor")
        .open()
        .asks_database()
        .hashes_passwords()
        .body(Body::json_or_form(
            Schema::object().must("help_setup", choice),
        ))
        .answers(
            Answer::ok("The mail is queued.")
                .must("csrf_token", csrf_token())
                .must("recovery_options", recovery_options()),
        )
        .answers(Answer::redirect(
            "For `recovery_code`: the endpoint for recovery codes.",
        ))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses_field("", &[Message::TwoFactorPermissionDenied])
        .refuses_field("help_setup", &[Message::InvalidInput])
}

/// `GET /tf-select`.
pub(super) fn select_state(app: &App) -> Operation {
    Operation::new(
        "getTwoFactorSelection",
        TAG,
        "Get the second factors to choose from",
    )
    .open()
    .asks_database()
    .answers(
        Answer::ok("The second factors that the user has set up.")
            .must("csrf_token", csrf_token())
            .must("tf_select", Schema::only(true))
            .must("tf_setup_methods", Schema::list(choices(app))),
    )
    .refuses_field("", &[Message::TwoFactorPermissionDenied])
}

/// `POST /tf-select`.
pub(super) fn select(app: &App) -> Operation {
    Operation::new("selectTwoFactor", TAG, "Choose the second factor to show")
        .open()
        .asks_database()
        .hashes_passwords()
        .body(Body::json_or_form(
            Schema::object().must("which", choices(app)),
        ))
        .answers(
            Answer::ok("The sign-in waits for this second factor.")
                .must("csrf_token", csrf_token())
                .must("tf_required", Schema::only(true))
                .must("tf_state", Schema::only("ready"))
                .may("tf_primary_method", method())
                .must("tf_method", choices(app))
                .may(
                    "tf_signin_url",
                    Schema::text().about("The path of the endpoint for a passkey."),
                ),
        )
        .refuses_field("", &[Message::TwoFactorPermissionDenied])
        .refuses_field("which", &[Message::InvalidInput])
}
