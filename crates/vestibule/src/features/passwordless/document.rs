//! The OpenAPI description of `/login` by link.

use http::StatusCode;

use crate::app::App;
use crate::mail::addressee::EMAIL;
use crate::messages::Message;
use crate::openapi::{
    self, Answer, Body, Carries, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token,
    include_auth_token, link_token,
};
use crate::settings::ConsumedBy;

const TAG: Tag = Tag {
    name: "passwordless",
    about: "Signing in with a link from an email.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getLogin", TAG, "Get a CSRF token for requesting a link")
        .open()
        .answers(Answer::ok("The CSRF token.").must("csrf_token", csrf_token()))
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("login", TAG, "Send a sign-in link")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, openapi::email()),
        ))
        .answers(
            Answer::ok("The request was accepted.")
                .must("csrf_token", csrf_token())
                .must("user", openapi::user(app, Carries::Nothing)),
        );
    if app.settings().login.return_generic_responses {
        return operation
            .about("The response does not reveal whether the address belongs to an account.");
    }
    let others = [
        Message::UserDoesNotExist,
        Message::DisabledAccount,
        Message::ConfirmationRequired,
    ];
    operation.refuses_field(EMAIL, &[EMAIL_ERRORS, &others].concat())
}

/// `GET` of the link.
pub(super) fn from_link(app: &App) -> Operation {
    let about = match app.settings().accounts.links_consumed_by {
        ConsumedBy::Get => {
            "Signs the user in, once, and redirects to the app's view with `email` and `identity` in the query, or to the error view with `error`. If the link has expired, a new one is sent."
        }
        ConsumedBy::Post => {
            "Changes nothing. Redirects to the app's view with the `token` in the query, which the app posts, or to the error view with `error`."
        }
    };
    Operation::new("openLoginLink", TAG, "Open the link from the email")
        .about(about)
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("Redirects to one of the app's views."))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
}

/// `POST` of the link.
pub(super) fn sign_in(app: &App) -> Operation {
    let refusals = [
        Message::AnonymousUserRequired,
        Message::InvalidLoginToken,
        Message::LoginExpired,
    ];
    let second_factor = openapi::second_factor_errors(app);
    Operation::new("useLoginLink", TAG, "Sign in with the token from a link")
        .open()
        .parameter(link_token())
        .parameter(include_auth_token())
        .answers(openapi::signed_in(
            app,
            Answer::ok("The user is signed in, unless a second factor is required.")
                .must("csrf_token", csrf_token()),
            true,
        ))
        .refuses(
            StatusCode::BAD_REQUEST,
            &[&refusals[..], &second_factor].concat(),
        )
}
