//! The OpenAPI description of `/login`.

use http::StatusCode;

use super::wire::{EMAIL, PASSWORD, REMEMBER, USERNAME};
use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, Operation, Schema, Tag, csrf_token, include_auth_token,
};

const TAG: Tag = Tag {
    name: "login",
    about: "Signing in with a password.",
};

/// `GET`.
pub(super) fn state(app: &App) -> Operation {
    let names: Vec<&str> = app.settings().identity.names().collect();
    let attributes = Schema::list(Schema::text())
        .about("The attributes that identify a user, in the order in which they are tried.")
        .example(names);
    Operation::new("getLogin", TAG, "Get the signed-in user and a CSRF token")
        .about("An app sends this request when it starts, to find out whether the session is still valid and to get the CSRF token for its next requests.")
        .open()
        .answers(
            Answer::ok("`user` is present if a user is signed in.")
                .must("csrf_token", csrf_token())
                .must("identity_attributes", attributes)
                .may("user", openapi::user(app, Carries::Nothing)),
        )
}

/// `POST`.
pub(super) fn sign_in(app: &App) -> Operation {
    let operation = Operation::new("login", TAG, "Sign in with a password")
        .about("Starts a session, in cookies. With `include_auth_token`, the response also contains tokens for clients that do not keep cookies.")
        .open()
        .checks_passwords()
        .parameter(include_auth_token())
        .parameter(openapi::next())
        .body(Body::json_or_form(fields(app)))
        .answers(
            openapi::signed_in(
                app,
                Answer::ok("The user is signed in, unless a second factor is required.")
                    .must("csrf_token", csrf_token()),
                true,
            ),
        )
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired]);
    refusals(app, operation)
        .refuses_field(REMEMBER, &[Message::ApiError])
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError])
}

fn fields(app: &App) -> Schema {
    let identity = &app.settings().identity;
    let email = openapi::email();
    let password = openapi::password();
    let remember = Schema::flag()
        .about("Whether the remember cookie is set, which restores the session after it ends.")
        .with("default", app.settings().login.default_remember_me)
        .example(true);
    let fields = Schema::object()
        .must(PASSWORD, password)
        .may(REMEMBER, remember)
        .may("next", openapi::next_member());
    if !identity.username_enable {
        return fields.must(EMAIL, email);
    }
    let username =
        openapi::username(app).about("The username, as an alternative to the email address.");
    fields.may(EMAIL, email).may(USERNAME, username)
}

/// Adds the errors in the credentials that the replies reveal.
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
    of_identity.extend(openapi::second_factor_errors(app));
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
