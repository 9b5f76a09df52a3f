//! The OpenAPI description of passkeys.

use http::StatusCode;
use vestibule_store::PasskeyUsage;

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token,
};
use crate::settings::USAGES;

const TAG: Tag = Tag {
    name: "passkeys",
    about: "Passkeys (Web Authentication Level 3): as the first factor, as the second, and as another proof of identity. A ceremony has two steps: a request for its options, and the authenticator's response, posted to the path with the returned `wan_state`.",
};

fn usage() -> Schema {
    Schema::word(USAGES.map(PasskeyUsage::as_str))
        .about("What the passkey is for: `first` begins a sign-in, `secondary` is a second factor.")
}

fn name() -> Schema {
    Schema::text()
        .about("The name that the user gives the passkey.")
        .example("My phone")
}

fn options(about: &str) -> Schema {
    Schema::object().open().about(about)
}

fn creation_options() -> Schema {
    options(
        "The options for `navigator.credentials.create`, for `PublicKeyCredential.parseCreationOptionsFromJSON`.",
    )
}

fn request_options() -> Schema {
    options(
        "The options for `navigator.credentials.get`, for `PublicKeyCredential.parseRequestOptionsFromJSON`.",
    )
}

fn wan_state() -> Schema {
    Schema::text()
        .about("The token for the second step.")
        .example("eyJjaGFsbGVuZ2UiOi.aSN5vA.st4t3")
}

fn state_parameter() -> serde_json::Value {
    serde_json::json!({
        "name": "token",
        "in": "path",
        "required": true,
        "description": "The `wan_state` of the first step.",
        "schema": { "type": "string" },
    })
}

fn credential() -> Schema {
    Schema::text()
        .about("The authenticator's response: the JSON text of `PublicKeyCredential.toJSON()`.")
        .example(
            "{\"id\": \"...\", \"rawId\": \"...\", \"type\": \"public-key\", \"response\": {}}",
        )
}

/// `GET /wan-register`.
pub(super) fn registered(app: &App) -> Operation {
    let passkey = Schema::object()
        .must("name", name())
        .must("credential_id", Schema::text().about("The credential ID in base64url."))
        .must("transports", Schema::list(Schema::text()))
        .must("lastuse", Schema::text().about("When the passkey was last used, in UTC."))
        .must("usage", usage())
        .must("backup_state", Schema::flag().about("Whether the passkey is backed up."))
        .must("device_type", Schema::text().about("`single_device`, or `multi_device` for a passkey that can be synchronised."))
        .must(
            "discoverable",
            Schema::text()
                .with("type", vec!["boolean", "string"])
                .about("Whether the authenticator finds the passkey without its ID: true, false or `Unknown`."),
        );
    Operation::new("getPasskeys", TAG, "Get the caller's passkeys")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The passkeys.")
                .must("csrf_token", csrf_token())
                .must("registered_credentials", Schema::list(passkey)),
        )
}

/// `POST /wan-register`.
pub(super) fn register(app: &App) -> Operation {
    Operation::new("registerPasskey", TAG, "Begin to register a passkey")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(
            Schema::object().must("name", name()).may("usage", usage()),
        ))
        .answers(
            Answer::ok("The options of the registration.")
                .must("csrf_token", csrf_token())
                .must("credential_options", creation_options())
                .must("wan_state", wan_state()),
        )
        .refuses_field(
            "name",
            &[
                Message::WebauthnNameRequired,
                Message::WebauthnNameDisallowedCharacters,
                Message::InvalidInput,
                Message::InvalidInputLength,
                Message::WebauthnNameInuse,
                Message::ApiError,
            ],
        )
        .refuses_field("usage", &[Message::InvalidInput])
}

/// `POST /wan-register/{token}`.
pub(super) fn register_response(app: &App) -> Operation {
    Operation::new(
        "storePasskey",
        TAG,
        "Register the passkey that the authenticator created",
    )
    .auth_policy(&app.settings().token.api_enabled_methods)
    .parameter(state_parameter())
    .body(Body::json_or_form(
        Schema::object().must("credential", credential()),
    ))
    .answers(Answer::ok("The passkey is registered.").must("csrf_token", csrf_token()))
    .refuses_field("", &[Message::ApiError, Message::WebauthnExpired])
    .refuses_field(
        "credential",
        &[
            Message::ApiError,
            Message::WebauthnNoVerify,
            Message::WebauthnNameInuse,
            Message::WebauthnCredentialIdInuse,
        ],
    )
}

/// `GET /wan-signin`.
pub(super) fn sign_in_state(_app: &App) -> Operation {
    Operation::new("getPasskeySignIn", TAG, "Get what a passkey is for")
        .open()
        .asks_database()
        .answers(
            Answer::ok("Whether a sign-in waits for a passkey as its second factor.")
                .must("csrf_token", csrf_token())
                .must("is_secondary", is_secondary()),
        )
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}

fn is_secondary() -> Schema {
    Schema::flag().about("Whether the passkey is the second factor.")
}

/// `POST /wan-signin`.
pub(super) fn sign_in(_app: &App) -> Operation {
    let fields = Schema::object()
        .may(
            "identity",
            Schema::text()
                .about("An identity, whose passkeys are then listed. Without one, the authenticator offers the passkeys that it discovers, also for autofill.")
                .example("ana@example.com"),
        )
        .may("remember", Schema::flag().about("Whether the app asks to set a remember cookie."))
        .may("next", openapi::next_member());
    Operation::new("beginPasskeySignIn", TAG, "Begin to sign in with a passkey")
        .open()
        .asks_database()
        .parameter(openapi::next())
        .body(Body::json_or_form(fields).optional())
        .answers(
            Answer::ok("The options of the sign-in.")
                .must("csrf_token", csrf_token())
                .must("credential_options", request_options())
                .must("wan_state", wan_state())
                .must(
                    "remember",
                    Schema::flag().about("The value to post with the response."),
                )
                .must("is_secondary", is_secondary()),
        )
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
        .refuses_field("identity", &[Message::ApiError])
        .refuses_field("remember", &[Message::ApiError])
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

fn refused_assertion(app: &App) -> Vec<Message> {
    let ours = [
        Message::ApiError,
        Message::WebauthnNoVerify,
        Message::WebauthnUnknownCredentialId,
        Message::WebauthnMismatchUserHandle,
        Message::WebauthnCredentialWrongUsage,
        Message::WebauthnUsed,
        Message::DisabledAccount,
        Message::ConfirmationRequired,
    ];
    [&ours[..], &openapi::second_factor_errors(app)].concat()
}

/// `POST /wan-signin/{token}`.
pub(super) fn sign_in_response(app: &App) -> Operation {
    let fields = Schema::object()
        .must("credential", credential())
        .may(
            "remember",
            Schema::flag().about("Whether to set a remember cookie."),
        )
        .may("next", openapi::next_member());
    let answer = Answer::ok("The user is signed in, or a second factor is required.")
        .must("csrf_token", csrf_token())
        .may(
            "post_login_url",
            Schema::text().about("Where the app can continue."),
        );
    Operation::new(
        "signInWithPasskey",
        TAG,
        "Sign in with the authenticator's response",
    )
    .open()
    .asks_database()
    .parameter(state_parameter())
    .parameter(include_auth_token())
    .parameter(openapi::next())
    .body(Body::json_or_form(fields))
    .answers(openapi::signed_in(app, answer, true))
    .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
    .refuses_field("", &[Message::ApiError, Message::WebauthnExpired])
    .refuses_field("credential", &refused_assertion(app))
    .refuses_field("remember", &[Message::ApiError])
    .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

/// `GET /wan-delete`.
pub(super) fn delete_state(app: &App) -> Operation {
    Operation::new("getPasskeyDeletion", TAG, "Get a CSRF token")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(Answer::ok("The caller may remove passkeys.").must("csrf_token", csrf_token()))
}

/// `GET /wan-verify`.
pub(super) fn verify_state(app: &App) -> Operation {
    Operation::new("getPasskeyVerify", TAG, "Get a CSRF token")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .answers(Answer::ok("The caller is signed in.").must("csrf_token", csrf_token()))
}

/// `POST /wan-verify`.
pub(super) fn verify(app: &App) -> Operation {
    Operation::new(
        "beginPasskeyVerify",
        TAG,
        "Begin to confirm the identity with a passkey",
    )
    .auth_policy(&app.settings().token.api_enabled_methods)
    .body(Body::json_or_form(Schema::object()).optional())
    .answers(
        Answer::ok("The options.")
            .must("csrf_token", csrf_token())
            .must("credential_options", request_options())
            .must("wan_state", wan_state()),
    )
}

/// `POST /wan-verify/{token}`.
pub(super) fn verify_response(app: &App) -> Operation {
    let fields = Schema::object()
        .must("credential", credential())
        .may("next", openapi::next_member());
    Operation::new("verifyWithPasskey", TAG, "Confirm the identity with the authenticator's response")
        .about("Makes the caller's session fresh, so that requests that were refused with `reauth_required` succeed.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .parameter(state_parameter())
        .parameter(include_auth_token())
        .parameter(openapi::next())
        .body(Body::json_or_form(fields))
        .answers(
            Answer::ok("The caller's identity is confirmed.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::WhatWasAsked)),
        )
        .refuses_field(
        "",
        &[
            Message::ApiError,
            Message::WebauthnExpired,
            Message::WebauthnMismatchUserHandle,
        ],
    )
        .refuses_field("credential", &refused_assertion(app))
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

/// `POST /wan-delete`.
pub(super) fn delete(app: &App) -> Operation {
    Operation::new("deletePasskey", TAG, "Remove a passkey")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .body(Body::json_or_form(Schema::object().must("name", name())))
        .answers(Answer::ok("The passkey is removed.").must("csrf_token", csrf_token()))
        .refuses_field(
            "name",
            &[
                Message::WebauthnNameRequired,
                Message::WebauthnNameDisallowedCharacters,
                Message::InvalidInput,
                Message::InvalidInputLength,
                Message::WebauthnNameNotFound,
                Message::ApiError,
            ],
        )
}
