//! The OpenAPI description of social sign-in.

use http::StatusCode;

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{self, Answer, Body, Operation, Schema, Tag, provider_name};

const TAG: Tag = Tag {
    name: "social sign-in",
    about: "Signing in with a provider of OAuth 2.0 or OpenID Connect.",
};

const TO_PROVIDER: &str = "Redirects to the provider, or to the view for errors with `error` and `error_code` in the query.";

const TO_VIEW: &str = "Redirects to one of the app's views.";

/// `POST /login/oauthstart/{name}`.
pub(super) fn start(_: &App) -> Operation {
    Operation::new("startSocialLogin", TAG, "Sign in with a provider")
        .about("The app sends the browser here with a form. A browser that is signed in already is redirected to the app's view.")
        .open()
        .parameter(provider_name())
        .parameter(openapi::next())
        .answers(Answer::redirect(TO_PROVIDER))
        .refuses(StatusCode::BAD_REQUEST, &[Message::AnonymousUserRequired])
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}

/// `GET /login/oauthresponse/{name}`.
pub(super) fn response(_: &App) -> Operation {
    respond(
        "completeSocialLogin",
        "Take the provider's answer to a sign-in",
        "Signs the user in, or links an identity, and redirects to the app's view with `email` and `identity` in the query; to the view for errors with `error` and `error_code`, or with `tf_required` if a second factor is required.",
    )
}

/// `POST /login/oauth-verify-start/{name}`.
pub(super) fn verify_start(app: &App) -> Operation {
    Operation::new("startSocialVerify", TAG, "Verify with a provider")
        .about("The app sends the browser here with a form.")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .parameter(provider_name())
        .parameter(openapi::next())
        .answers(Answer::redirect(TO_PROVIDER))
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
}

/// `GET /login/oauth-verify-response/{name}`.
pub(super) fn verify_response(_: &App) -> Operation {
    respond(
        "completeSocialVerify",
        "Take the provider's answer to a verification",
        "Makes the session fresh if the identity is the caller's, and redirects to the app's view with `email` and `identity` in the query, or to the view for errors with `error` and `error_code`.",
    )
}

fn respond(id: &'static str, summary: &'static str, about: &str) -> Operation {
    Operation::new(id, TAG, summary)
        .about(about)
        .open()
        .parameter(provider_name())
        .parameter(answered("state", "The state of the flow."))
        .parameter(answered("code", "The authorization code."))
        .parameter(answered("error", "Why the provider refuses."))
        .parameter(answered("iss", "The issuer (RFC 9207)."))
        .answers(Answer::redirect(TO_VIEW))
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
}

fn answered(name: &str, about: &str) -> serde_json::Value {
    serde_json::json!({
        "name": name,
        "in": "query",
        "required": false,
        "description": about,
        "schema": { "type": "string" },
    })
}

/// `POST` of `/login/oauthresponse/{name}`.
pub(super) fn form(_: &App) -> Operation {
    forwarded("forwardSocialLogin")
}

/// `POST` of `/login/oauth-verify-response/{name}`.
pub(super) fn verify_form(_: &App) -> Operation {
    forwarded("forwardSocialVerify")
}

fn forwarded(id: &'static str) -> Operation {
    let member = |about| Schema::text().about(about);
    let members = Schema::object()
        .may("state", member("The state of the flow."))
        .may("code", member("The authorization code."))
        .may("error", member("Why the provider refuses."))
        .may("iss", member("The issuer (RFC 9207)."));
    Operation::new(id, TAG, "Take a provider's answer as a form")
        .about("Changes nothing: redirects to the same address with the answer in the query.")
        .open()
        .csrf(false)
        .parameter(provider_name())
        .body(Body::json_or_form(members))
        .answers(Answer::see_other("Redirects to the same address."))
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound])
        .refuses(StatusCode::METHOD_NOT_ALLOWED, &[Message::MethodNotAllowed])
}
