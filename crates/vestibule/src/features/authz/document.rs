//! `/authz` in words.

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::features::api::{Answer, Operation, Schema, Tag};
use crate::http::trust::forward_auth;
use crate::messages::Message;
use crate::settings::Mechanism;

const TAG: Tag = Tag {
    name: "authz",
    about: "Deciding for another server.",
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
    let operation = Operation::new("authorize", TAG, "Whether a request may pass")
        .about("What nginx's `auth_request`, Traefik's `ForwardAuth` and Caddy's `forward_auth` ask. All conditions in the query have to hold. One that is unknown, repeated or empty is refused: a misspelt condition lets nobody in.")
        .auth_policy(&mechanisms)
        .parameter(condition("methods", "The ways of showing who one is that count.", methods))
        .parameter(condition("roles_required", "All of these roles.", names()))
        .parameter(condition("roles_accepted", "One of these roles.", names()))
        .parameter(condition("permissions_required", "All of these permissions.", names()))
        .parameter(condition("permissions_accepted", "One of these permissions.", names()))
        .parameter(condition("within", "How many seconds ago the caller may have shown who they are.", seconds(1)))
        .parameter(condition("grace", "For how many seconds whoever was fresh is not asked again.", seconds(0)))
        .answers(
            Answer::ok("It may. The headers say who it is, for the server behind.")
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
        "description": "The method of the request that is judged, from the proxy. For one that changes something the CSRF token is looked at.",
        "schema": { "type": "string" },
    })
}
