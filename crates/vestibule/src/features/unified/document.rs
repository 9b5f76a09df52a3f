//! The OpenAPI description of unified sign-in.

use http::StatusCode;
use serde_json::{Value, json};

use super::wire::{CHOSEN_METHOD, IDENTITY, PASSCODE, REMEMBER};
use crate::app::App;
use crate::codes::enrolment::Member;
use crate::codes::methods as enabled;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token, link_token,
};
use crate::settings::{ConsumedBy, Method};

const TAG: Tag = Tag {
    name: "unified sign-in",
    about: "Signing in with any identity, and a password or a one-time code.",
};

/// Every method, enabled or not.
fn every_method() -> Schema {
    Schema::word(["password", "email", "authenticator", "sms"]).example("email")
}

fn sent_method(app: &App) -> Schema {
    Schema::word(enabled::sent(app).map(Method::name)).about("How the code is sent.")
}

fn passcode() -> Schema {
    Schema::text()
        .with("type", vec!["string", "integer"])
        .about("The password, or a one-time code.")
        .example("123456")
}

fn identity() -> Schema {
    Schema::text()
        .about("An email address, or another attribute that identifies the user.")
        .example("ana@example.com")
}

fn attributes(app: &App) -> Schema {
    let names: Vec<&str> = app.settings().identity.names().collect();
    Schema::list(Schema::text())
        .about("The attributes that identify a user, in the order in which they are tried.")
        .example(names)
}

fn available() -> Schema {
    Schema::list(every_method()).about("The methods that sign in.")
}

fn phone() -> Schema {
    Schema::text()
        .with("type", vec!["string", "null"])
        .about("The phone number that receives codes.")
        .example("+14155550123")
}

/// `GET /us-signin`.
pub(super) fn state(app: &App) -> Operation {
    state_at(app, "getUnifiedSignIn")
}

/// `GET /login`, if that is unified sign-in.
pub(super) fn login_state(app: &App) -> Operation {
    state_at(app, "getLogin")
}

fn state_at(app: &App, id: &'static str) -> Operation {
    Operation::new(id, TAG, "Get the methods and a CSRF token")
        .open()
        .answers(
            Answer::ok("`user` is present if a user is signed in.")
                .must("csrf_token", csrf_token())
                .must("available_methods", available())
                .must(
                    "code_methods",
                    Schema::list(every_method()).about("The methods whose codes are sent."),
                )
                .must("identity_attributes", attributes(app))
                .may("user", openapi::user(app, Carries::Nothing)),
        )
}

/// `POST /us-signin`.
pub(super) fn sign_in(app: &App) -> Operation {
    sign_in_at(app, "unifiedSignIn")
}

/// `POST /login`, if that is unified sign-in.
pub(super) fn login(app: &App) -> Operation {
    sign_in_at(app, "login")
}

fn sign_in_at(app: &App, id: &'static str) -> Operation {
    let remember = Schema::flag()
        .about("Whether the remember cookie is set, which restores the session after it ends.")
        .with("default", app.settings().login.default_remember_me)
        .example(true);
    let fields = Schema::object()
        .must(IDENTITY, identity())
        .must(PASSCODE, passcode())
        .may(REMEMBER, remember)
        .may("next", openapi::next_member());
    let operation = Operation::new(id, TAG, "Sign in with a password or a one-time code")
        .about("Starts a session, in cookies. With `include_auth_token`, the response also contains tokens for clients that do not keep cookies.")
        .open()
        .checks_passwords()
        .parameter(include_auth_token())
        .parameter(openapi::next())
        .body(Body::json_or_form(fields))
        .answers(signed_in(app))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired]);
    let operation = if app.settings().login.return_generic_responses {
        operation.refuses_field("", &[Message::GenericAuthnFailed])
    } else {
        operation
            .refuses_field(PASSCODE, &[Message::InvalidPasswordCode, Message::ApiError])
            .refuses_field(IDENTITY, IDENTITY_ERRORS)
            .refuses_field(IDENTITY, &openapi::second_factor_errors(app))
    };
    operation
        .refuses_field(REMEMBER, &[Message::ApiError])
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

/// The answer to a sign-in, complete or not.
fn signed_in(app: &App) -> Answer {
    let about = "The user is signed in, unless a second factor is required.";
    openapi::signed_in(
        app,
        Answer::ok(about).must("csrf_token", csrf_token()),
        true,
    )
}

/// `POST /us-signin/send-code`.
pub(super) fn send_code(app: &App) -> Operation {
    let fields = Schema::object()
        .must(IDENTITY, identity())
        .must(CHOSEN_METHOD, sent_method(app))
        .may("next", openapi::next_member());
    let operation = Operation::new("sendSignInCode", TAG, "Send a code to sign in with")
        .open()
        .hashes_passwords()
        .parameter(openapi::next())
        .body(Body::json_or_form(fields))
        .answers(Answer::ok("The request was accepted.").must("csrf_token", csrf_token()))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError]);
    if app.settings().login.return_generic_responses {
        return operation
            .about("The response does not reveal whether the identity belongs to an account.");
    }
    operation
        .refuses_field(IDENTITY, IDENTITY_ERRORS)
        .refuses_field(CHOSEN_METHOD, SEND_ERRORS)
}

/// The errors in the identity.
const IDENTITY_ERRORS: &[Message] = &[
    Message::UsSpecifyIdentity,
    Message::ApiError,
    Message::DisabledAccount,
    Message::ConfirmationRequired,
];

/// The errors in the method that a code is to be sent by.
const SEND_ERRORS: &[Message] = &[
    Message::UsMethodNotAvailable,
    Message::InvalidInput,
    Message::ApiError,
    Message::PhoneInvalid,
];

fn query_parameter(name: &str, about: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "required": true,
        "description": about,
        "schema": { "type": "string" },
    })
}

/// `GET /us-verify-link`.
pub(super) fn from_link(app: &App) -> Operation {
    let about = match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => {
            "Signs the user in, once, and redirects to the app's view with `email` and `identity` in the query, or to the error view with `error`, or with `tf_required` if a second factor is due."
        }
        ConsumedBy::Post => {
            "Changes nothing. Redirects to the app's view with `id` and `code` in the query, which the app posts, or to the error view with `error`."
        }
    };
    Operation::new("openSignInLink", TAG, "Open the link from the email")
        .about(about)
        .open()
        .checks_passwords()
        .parameter(query_parameter("id", "The user, from the link."))
        .parameter(query_parameter("code", "The code, from the link."))
        .answers(Answer::redirect("Redirects to one of the app's views."))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
}

/// `POST /us-verify-link`.
pub(super) fn redeem(app: &App) -> Operation {
    let code = Schema::text()
        .with("type", vec!["string", "integer"])
        .about("The code, from the link.")
        .example("123456");
    let fields = Schema::object()
        .must(
            "id",
            Schema::text()
                .about("The user, from the link.")
                .example("3f2a91bc04de77c10b9e5a20c4d1e6f8"),
        )
        .must("code", code);
    let reasons = if app.settings().login.return_generic_responses {
        vec![Message::GenericAuthnFailed]
    } else {
        let of_account = [
            Message::InvalidCode,
            Message::UserDoesNotExist,
            Message::DisabledAccount,
            Message::ConfirmationRequired,
        ];
        [&of_account[..], &openapi::second_factor_errors(app)].concat()
    };
    Operation::new("useSignInLink", TAG, "Sign in with the code from a link")
        .open()
        .checks_passwords()
        .parameter(include_auth_token())
        .body(Body::json_or_form(fields))
        .answers(signed_in(app))
        .refuses(
            StatusCode::BAD_REQUEST,
            &[Message::AnonymousUserRequired, Message::ApiError],
        )
        .refuses(StatusCode::BAD_REQUEST, &reasons)
}

/// `GET /us-verify`.
pub(super) fn verify_state(app: &App) -> Operation {
    let answer = Answer::ok("The methods of the caller.")
        .must("csrf_token", csrf_token())
        .must("available_methods", available())
        .must(
            "code_methods",
            Schema::list(every_method())
                .about("The methods whose codes can be sent to the caller."),
        );
    Operation::new("getUnifiedVerify", TAG, "Get the available methods")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .answers(
            openapi::ways_to_verify()
                .into_iter()
                .fold(answer, |answer, (name, schema)| answer.must(name, schema)),
        )
}

/// `POST /us-verify`.
pub(super) fn verify(app: &App) -> Operation {
    let fields = Schema::object()
        .must(PASSCODE, passcode())
        .may("next", openapi::next_member());
    Operation::new(
        "unifiedVerify",
        TAG,
        "Confirm the identity with a password or a one-time code",
    )
    .about("Makes the caller's session fresh, so that requests that were refused with `reauth_required` succeed.")
    .auth_policy(&app.settings().token.api_enabled_methods)
    .checks_passwords()
    .parameter(include_auth_token())
    .parameter(openapi::next())
    .body(Body::json_or_form(fields))
    .answers(
        Answer::ok("The password or code is correct.")
            .must("csrf_token", csrf_token())
            .must("user", openapi::user(app, Carries::WhatWasAsked)),
    )
    .refuses_field(
        PASSCODE,
        &[Message::InvalidPasswordCode, Message::ApiError],
    )
    .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

/// `POST /us-verify/send-code`.
pub(super) fn verify_send_code(app: &App) -> Operation {
    let fields = Schema::object()
        .must(CHOSEN_METHOD, sent_method(app))
        .may("next", openapi::next_member());
    Operation::new(
        "sendVerifyCode",
        TAG,
        "Send a code to confirm the identity with",
    )
    .auth_policy(&app.settings().token.api_enabled_methods)
    .hashes_passwords()
    .parameter(openapi::next())
    .body(Body::json_or_form(fields))
    .answers(Answer::ok("The code is queued.").must("csrf_token", csrf_token()))
    .refuses_field(CHOSEN_METHOD, SEND_ERRORS)
    .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

/// `GET /us-setup`.
pub(super) fn setup_state(app: &App) -> Operation {
    Operation::new("getUnifiedSetup", TAG, "Get the caller's methods")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .answers(
            Answer::ok("The methods.")
                .must("csrf_token", csrf_token())
                .must("identity_attributes", attributes(app))
                .must("available_methods", available())
                .must(
                    "active_methods",
                    Schema::list(every_method()).about("The methods that the caller can use."),
                )
                .must(
                    "setup_methods",
                    Schema::list(every_method()).about("The methods that can be set up."),
                )
                .must("phone", phone()),
        )
}

/// `POST /us-setup`.
pub(super) fn setup(app: &App) -> Operation {
    let settings = &app.settings().unified;
    let methods = || {
        let methods = settings.methods.iter().map(|method| method.name());
        Schema::word(methods.filter(|name| *name != Method::Password.name()))
    };
    let fields = Schema::object()
        .may(CHOSEN_METHOD, methods().about("The method to set up."))
        .may(
            "delete_method",
            Schema::list(methods()).about("The methods to remove; also a single one as a text."),
        )
        .may(
            "phone",
            Schema::text()
                .about("The phone number that receives the codes, for the method `sms`.")
                .example("+14155550123"),
        );
    let answer = Answer::ok("Methods are removed at once. A new one is set up once its first code is posted with `state`.")
        .must("csrf_token", csrf_token())
        .may(CHOSEN_METHOD, every_method())
        .may("phone", phone())
        .may(
            "state",
            Schema::text().about("The token for `/us-setup/{token}`."),
        );
    let members = [
        (Member::Key, "The key in base32, in groups."),
        (Member::Base32Key, "The key in base32."),
        (
            Member::Username,
            "The name under which the app lists the key.",
        ),
        (Member::Issuer, "The name of the service."),
        (Member::Uri, "The `otpauth` URI for an authenticator app."),
        (
            Member::QrCode,
            "The URI as a QR code: the data URL of an SVG image.",
        ),
    ];
    let answer = members.into_iter().fold(answer, |answer, (member, about)| {
        answer.may(member.unified(), Schema::text().about(about))
    });
    Operation::new("setUpUnified", TAG, "Set up or remove methods")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .asks_for_fresh_proof()
        .hashes_passwords()
        .body(Body::json_or_form(fields))
        .answers(answer)
        .refuses_field("", &[Message::ApiError])
        .refuses_field(
            CHOSEN_METHOD,
            &[Message::UsMethodNotAvailable, Message::ApiError],
        )
        .refuses_field(
            "delete_method",
            &[Message::UsMethodNotAvailable, Message::ApiError],
        )
        .refuses_field(
            "phone",
            &[
                Message::PhoneInvalid,
                Message::IdentityAlreadyAssociated,
                Message::ApiError,
            ],
        )
}

/// `POST /us-setup/{token}`.
pub(super) fn setup_confirm(app: &App) -> Operation {
    Operation::new(
        "confirmUnifiedSetup",
        TAG,
        "Complete the set-up with the first code",
    )
    .auth_policy(&app.settings().token.api_enabled_methods)
    .checks_passwords()
    .parameter(link_token())
    .body(Body::json_or_form(
        Schema::object().must(PASSCODE, passcode()),
    ))
    .answers(
        Answer::ok("The method is set up.")
            .must("csrf_token", csrf_token())
            .must(CHOSEN_METHOD, every_method())
            .must("phone", phone()),
    )
    .refuses_field("", &[Message::ApiError, Message::UsSetupExpired])
    .refuses_field(
        PASSCODE,
        &[
            Message::PasscodeNotProvided,
            Message::ApiError,
            Message::InvalidPasswordCode,
        ],
    )
    .refuses_field("phone", &[Message::IdentityAlreadyAssociated])
}
