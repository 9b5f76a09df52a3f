//! Whether the process is up, and whether it can do its work, for whoever runs it.
//!
//! Routes    `GET /healthz`, `GET /readyz`, both beside the prefix
//! Settings  none
//! Messages  `UNAVAILABLE`
//! Mails     none
//! Hooks     none
//! Never     looks at who is asking

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use vestibule_store::StoreError;

use super::api::{Answer, Endpoint, Operation, Schema, Tag};
use crate::app::App;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::messages::catalogue::Locale;

const TAG: Tag = Tag {
    name: "health",
    about: "Probes, for whoever runs the server.",
};

/// How long the database may think: probes have no more patience.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where it is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/healthz").get(healthz, describe_healthz),
        Endpoint::at("/readyz").get(readyz, describe_readyz),
    ]
}

/// The process is up.
async fn healthz() -> Response {
    Reply::ok().member("status", "up").into_response()
}

/// The database answers.
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
    Operation::new("getHealth", TAG, "The process is up")
        .answers(Answer::ok("It is.").must("status", Schema::only("up")))
}

fn describe_readyz(_: &App) -> Operation {
    Operation::new("getReadiness", TAG, "The database answers")
        .asks_database()
        .answers(Answer::ok("It does.").must("status", Schema::only("ready")))
}
