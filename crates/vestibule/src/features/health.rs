//! Probes for the operator: whether the process is up, and whether it can serve requests.
//!
//! Routes    `GET /healthz`, `GET /readyz`, both beside the prefix
//! Settings  none
//! Messages  `UNAVAILABLE`
//! Mails     none
//! Hooks     none
//! Never     identifies the caller

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use vestibule_store::StoreError;

use crate::app::App;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::messages::catalogue::Locale;
use crate::openapi::{Answer, Endpoint, Operation, Schema, Tag};

const TAG: Tag = Tag {
    name: "health",
    about: "Probes for the operator.",
};

/// How long the database may take to reply. Probes do not wait longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The endpoints of this feature.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/healthz").get(healthz, describe_healthz),
        Endpoint::at("/readyz").get(readyz, describe_readyz),
    ]
}

/// Replies that the process is up.
async fn healthz() -> Response {
    Reply::ok().member("status", "up").into_response()
}

/// Replies whether the database responds.
async fn readyz(State(app): State<App>) -> Response {
    let asked = tokio::time::timeout(PATIENCE, app.store().ping()).await;
    let silent = StoreError::Unavailable("it does not answer in time".to_owned());
    match asked.unwrap_or(Err(silent)) {
        Ok(()) => Reply::ok().member("status", "ready").into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Rejection::new(StatusCode::SERVICE_UNAVAILABLE, Message::Unavailable)
                .retry_after(5)
                .into_reply(app.messages().spoken(Locale::ENGLISH), false)
                .into_response()
        }
    }
}

fn describe_healthz(_: &App) -> Operation {
    Operation::new("getHealth", TAG, "Check that the process is up")
        .answers(Answer::ok("The server is up.").must("status", Schema::only("up")))
}

fn describe_readyz(_: &App) -> Operation {
    Operation::new("getReadiness", TAG, "Check that the database responds")
        .asks_database()
        .answers(Answer::ok("The server is ready.").must("status", Schema::only("ready")))
}
