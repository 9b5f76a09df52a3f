//! `/login` by a link, in words.

use http::StatusCode;

use crate::app::App;
use crate::features::api::{
    self, Answer, Body, Carries, EMAIL_ERRORS, Operation, Schema, Tag, csrf_token,
    include_auth_token, link_token,
};
use crate::mail::addressee::EMAIL;
use crate::messages::Message;
use crate::settings::ConsumedBy;

const TAG: Tag = Tag {
    name: "passwordless",
    about: "Signing in by a link in a mail.",
};

/// `GET`.
pub(super) fn state(_: &App) -> Operation {
    Operation::new("getLogin", TAG, "A CSRF token for asking for a link")
        .open()
        .answers(Answer::ok("The token.").must("csrf_token", csrf_token()))
}

/// `POST`.
pub(super) fn send(app: &App) -> Operation {
    let operation = Operation::new("login", TAG, "Mail a link that signs in")
        .open()
        .body(Body::json_or_form(
            Schema::object().must(EMAIL, api::email()),
        ))
        .answers(
            Answer::ok("The link is on its way.")
                .must("csrf_token", csrf_token())
                .must("user", api::user(app, Carries::Nothing)),
        );
    if app.settings().login.return_generic_responses {
        return operation.about("The answer does not say whether somebody has the address.");
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
            "Signs in, once, and goes on to the app's view with `email` and `identity` in its query; or to the one for errors with `error`. Whoever comes too late is mailed another link."
        }
        ConsumedBy::Post => {
            "Changes nothing: goes on to the app's view with the `token` in its query, which the app posts; or to the one for errors with `error`."
        }
    };
    Operation::new("openLoginLink", TAG, "Open the link from the mail")
        .about(about)
        .open()
        .parameter(link_token())
        .answers(Answer::redirect("To one of the app's views."))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
}

/// `POST` of the link.
pub(super) fn sign_in(app: &App) -> Operation {
    let tf_required = Schema::only(false).about("Whether a second factor is asked for.");
    Operation::new("useLoginLink", TAG, "Sign in with the token of a link")
        .open()
        .parameter(link_token())
        .parameter(include_auth_token())
        .answers(
            Answer::ok("Signed in.")
                .must("csrf_token", csrf_token())
                .must("tf_required", tf_required)
                .must("user", api::user(app, Carries::WhatWasAsked)),
        )
        .refuses(
            StatusCode::BAD_REQUEST,
            &[
                Message::AnonymousUserRequired,
                Message::InvalidLoginToken,
                Message::LoginExpired,
            ],
        )
}
