//! The OpenAPI description of the caller's identities.

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{self, Answer, Operation, Schema, Tag, csrf_token};
use crate::settings::Mechanism;

const TAG: Tag = Tag {
    name: "identities",
    about: "The caller's identities at social providers.",
};

/// `GET /identities`.
pub(super) fn list(app: &App) -> Operation {
    Operation::new("listIdentities", TAG, "List the caller's identities")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .answers(identities("The identities."))
}

/// `POST /identities/{id}`.
pub(super) fn link(app: &App) -> Operation {
    let mut methods = app.settings().token.api_enabled_methods.clone();
    methods.retain(|method| *method == Mechanism::Session);
    let operation = Operation::new("linkIdentity", TAG, "Link an identity")
        .about("The app sends the browser here with a form. After the sign-in at the provider, the browser is redirected to the app's view with `linked` in the query, or to the view for errors with `error` and `error_code`.")
        .auth_policy(&methods)
        .parameter(id("The name of the provider."))
        .parameter(openapi::next())
        .answers(Answer::redirect(
            "Redirects to the provider, or to the view for errors with `error` and `error_code` in the query.",
        ))
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound]);
    fresh(app, operation)
}

/// `DELETE /identities/{id}`.
pub(super) fn unlink(app: &App) -> Operation {
    let operation = Operation::new("unlinkIdentity", TAG, "Unlink an identity")
        .auth_policy(&app.settings().token.api_enabled_methods)
        .parameter(id("The ID of the identity."))
        .answers(identities("The identity is unlinked. The others remain."))
        .refuses(StatusCode::BAD_REQUEST, &[Message::LastSignInMethod])
        .refuses(StatusCode::NOT_FOUND, &[Message::NotFound]);
    fresh(app, operation)
}

fn fresh(app: &App, operation: Operation) -> Operation {
    if app.settings().freshness.within.is_some() {
        operation.asks_for_fresh_proof()
    } else {
        operation
    }
}

fn id(about: &str) -> Value {
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": about,
        "schema": { "type": "string" },
    })
}

fn identities(about: &str) -> Answer {
    let moment = |about| Schema::whole().about(about).example(1_800_000_000);
    let or_null = |name| json!([name, "null"]);
    let identity = Schema::object()
        .must("id", Schema::whole().example(1))
        .must(
            "provider",
            Schema::text()
                .about("The name of the provider.")
                .example("google"),
        )
        .must(
            "label",
            Schema::text()
                .with("type", or_null("string"))
                .about("The address or the name at the provider.")
                .example("ana@example.com"),
        )
        .must(
            "linked_at",
            moment("When it was linked, in seconds since 1970."),
        )
        .must(
            "last_used_at",
            moment("When the user last signed in with it, in seconds since 1970.")
                .with("type", or_null("integer")),
        );
    let provider = Schema::text().example("google");
    Answer::ok(about)
        .must("csrf_token", csrf_token())
        .must("identities", Schema::list(identity))
        .must(
            "providers",
            Schema::list(provider).about("The providers that can be linked."),
        )
}
