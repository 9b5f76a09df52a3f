//! The OpenAPI description of `/register`.

use http::StatusCode;

use super::wire::{EMAIL, PASSWORD, PASSWORD_AGAIN, USERNAME};
use crate::app::App;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, EMAIL_ERRORS, NEW_PASSWORD_ERRORS, Operation, Schema, Tag, USERNAME_ERRORS,
    csrf_token, include_auth_token,
};

const TAG: Tag = Tag {
    name: "register",
    about: "Creating an account.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getRegister", TAG, "Get a CSRF token for registration")
        .open()
        .answers(Answer::ok("No user is signed in.").must("csrf_token", csrf_token()))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
}

/// `POST`.
pub(super) fn register(app: &App) -> Operation {
    let settings = app.settings();
    let answer = Answer::ok(
        "The account was created. The user is signed in unless something else is required first.",
    )
    .must("csrf_token", csrf_token());
    let answer = openapi::signed_in(app, answer, false);
    let mut of_email = EMAIL_ERRORS.to_vec();
    let mut of_username = USERNAME_ERRORS.to_vec();
    of_username.push(Message::UsernameNotProvided);
    if !settings.login.return_generic_responses {
        of_email.push(Message::EmailAlreadyAssociated);
        of_username.push(Message::UsernameAlreadyAssociated);
    }
    let about = if settings.login.return_generic_responses {
        "The response does not reveal whether the address or the username is taken: an email tells the owner of the address."
    } else {
        "If addresses have to be confirmed, a link is sent by email."
    };
    let mut operation = Operation::new("register", TAG, "Create an account")
        .about(about)
        .open()
        .hashes_passwords()
        .parameter(include_auth_token())
        .parameter(openapi::next())
        .body(Body::json_or_form(fields(app)))
        .answers(answer)
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses_field(EMAIL, &of_email)
        .refuses_field(PASSWORD, NEW_PASSWORD_ERRORS)
        .refuses_field("next", &[Message::InvalidRedirect, Message::ApiError]);
    if settings.accounts.register.password_confirm_required {
        operation = operation.refuses_field(
            PASSWORD_AGAIN,
            &[
                Message::PasswordNotProvided,
                Message::RetypePasswordMismatch,
                Message::ApiError,
            ],
        );
    }
    if settings.identity.username_enable {
        operation = operation.refuses_field(USERNAME, &of_username);
    }
    operation
}

fn fields(app: &App) -> Schema {
    let settings = app.settings();
    let register = &settings.accounts.register;
    let add = |fields: Schema, name, schema, needed| {
        if needed {
            fields.must(name, schema)
        } else {
            fields.may(name, schema)
        }
    };
    let mut fields = Schema::object()
        .must(EMAIL, openapi::email())
        .may("next", openapi::next_member());
    fields = add(
        fields,
        PASSWORD,
        openapi::password(),
        register.password_required,
    );
    if register.password_confirm_required {
        let again = openapi::password().about("The new password again.");
        fields = add(fields, PASSWORD_AGAIN, again, register.password_required);
    }
    if settings.identity.username_enable {
        let needed = register.username_required;
        fields = add(fields, USERNAME, openapi::username(app), needed);
    }
    fields
}
