//! The OpenAPI description of `/authz`.

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::trust::forward_auth;
use crate::messages::Message;
use crate::openapi::{Answer, Operation, Schema, Tag};
use crate::settings::Mechanism;

const TAG: Tag = Tag {
    name: "authz",
    about: "Authorization decisions for another server.",
};

/// `GET`.
pub(super) fn decide(app: &App) -> Operation {
    let mechanisms = [Mechanism::Session, Mechanism::Token, Mechanism::Basic];
    let names = || Schema::list(Schema::text().with("minLength", 1)).with("minItems", 1);
    let methods = Schema::list(Schema::word(["session", "token", "basic"]))
        .with("minItems", 1)
        .with("default", json!(["session", "token"]));
    let seconds = |least: u32| {
        Schema::whole()
            .with("minimum", least)
            .with("maximum", u32::MAX)
    };
    let operation = Operation::new("authorize", TAG, "Decide whether a request may pass")
        .about("For nginx's `auth_request`, Traefik's `ForwardAuth` and Caddy's `forward_auth`. All conditions in the query have to hold. An unknown, repeated or empty condition is refused, so that a misspelt condition lets no request pass.")
        .auth_policy(&mechanisms)
        .parameter(condition("methods", "The accepted authentication methods.", methods))
        .parameter(condition("roles_required", "The caller needs all of these roles.", names()))
        .parameter(condition("roles_accepted", "The caller needs one of these roles.", names()))
        .parameter(condition("permissions_required", "The caller needs all of these permissions.", names()))
        .parameter(condition("permissions_accepted", "The caller needs one of these permissions.", names()))
        .parameter(condition("within", "The maximum age, in seconds, of the caller's last proof of identity.", seconds(1)))
        .parameter(condition("grace", "The grace period in seconds: how long a caller who was fresh is not asked again.", seconds(0)))
        .answers(
            Answer::ok("The request may pass. The headers identify the caller to the upstream server.")
                .header("AuthUser")
                .header("AuthUserId")
                .header("AuthRoles")
                .header("AuthPermissions"),
        )
        .refuses(StatusCode::BAD_REQUEST, &[Message::AuthzQuery])
        .asks_for_fresh_proof()
        .refuses(StatusCode::FORBIDDEN, &[Message::Unauthorized, Message::CrossSiteRequest]);
    let operation = forward_auth::METHOD
        .iter()
        .fold(operation, |operation, name| {
            operation.parameter(forwarded(name))
        });
    if app.settings().csrf.enabled {
        operation.takes_csrf_token(app, StatusCode::FORBIDDEN)
    } else {
        operation
    }
}

fn condition(name: &str, about: &str, schema: Schema) -> Value {
    json!({
        "name": name,
        "in": "query",
        "required": false,
        "style": "form",
        "explode": false,
        "description": about,
        "schema": schema.into_value(),
    })
}

fn forwarded(name: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "required": false,
        "description": "The method of the original request, set by the proxy. For a method that changes state, the CSRF token is checked.",
        "schema": { "type": "string" },
    })
}
