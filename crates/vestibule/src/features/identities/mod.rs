//! The caller's identities at social providers: listing, linking and unlinking them.
//!
//! Routes    `GET /identities`, `POST/DELETE /identities/{id}`
//! Settings  `OAUTH_ENABLE`, `OAUTH_LINKING`, `POST_OAUTH_LINK_VIEW`, `LOGIN_ERROR_VIEW`,
//!           `API_ENABLED_METHODS`, `FRESHNESS`
//! Messages  `LAST_SIGN_IN_METHOD`, `NOT_FOUND`, `UNAUTHENTICATED`, `REAUTHENTICATION_REQUIRED`
//! Mails     `factor_removed_notice`
//! Hooks     `SignInMethodRemoved`
//! Never     leaves a user without a way to sign in

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use vestibule_store::LinkedIdentity;

use self::rules::Unlinked;
use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::segment::Segment;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::settings::{IDENTITIES_URL, Mechanism, Settings, endpoints};
use crate::social::flow::Purpose;
use crate::social::start;

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.oauth.enabled {
        return Vec::new();
    }
    vec![
        Endpoint::at(IDENTITIES_URL).get(get, document::list),
        Endpoint::at(&endpoints::under(IDENTITIES_URL, "{id}"))
            .post(post, document::link)
            .delete(delete, document::unlink),
    ]
}

/// `GET /identities`: returns the caller's identities.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = list(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn list(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let csrf_token = request.session.csrf_token(app);
    let reply = Reply::ok().member("csrf_token", csrf_token);
    Ok(with_identities(app, request, reply).await?)
}

/// Adds the caller's identities, as stored now, to a reply.
async fn with_identities(
    app: &App,
    request: &RequestContext,
    reply: Reply,
) -> Result<Reply, Fault> {
    let user = &request.caller()?.user;
    let linked = app.store().linked_identities_of(user.id).await?;
    let linked: Vec<Value> = linked.iter().map(member).collect();
    let providers: Vec<&str> = app.providers().names().collect();
    Ok(reply
        .member("identities", linked)
        .member("providers", providers))
}

fn member(identity: &LinkedIdentity) -> Value {
    json!({
        "id": identity.id,
        "provider": identity.provider,
        "label": identity.label,
        "linked_at": identity.linked_at.unix_timestamp(),
        "last_used_at": identity.last_used_at.map(OffsetDateTime::unix_timestamp),
    })
}

/// `POST /identities/{id}`: begins to link an identity at the provider of this name.
async fn post(
    State(app): State<App>,
    Segment(provider): Segment,
    mut request: RequestContext,
) -> Response {
    let outcome = link(&app, &mut request, &provider).await;
    request.finish(&app, outcome)
}

async fn link(
    app: &App,
    request: &mut RequestContext,
    provider: &str,
) -> Result<Reply, HandlerError> {
    let mut policy = AuthPolicy::fresh(app);
    // The session is what comes back from the provider.
    policy
        .methods
        .retain(|method| *method == Mechanism::Session);
    request.authenticate(app, &policy).await?;
    let user = request.caller()?.user.clone();
    start::start(app, request, provider, Purpose::Link, Some(&user)).await
}

/// `DELETE /identities/{id}`: unlinks an identity.
async fn delete(
    State(app): State<App>,
    Segment(id): Segment,
    mut request: RequestContext,
) -> Response {
    let outcome = unlink(&app, &mut request, &id).await;
    request.finish(&app, outcome)
}

async fn unlink(app: &App, request: &mut RequestContext, id: &str) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let info = request.session.info();
    let user = &request.caller()?.user;
    match rules::unlink(app, info, user, id).await? {
        Unlinked::Done => {}
        Unlinked::Unknown => {
            return Err(Rejection::new(StatusCode::NOT_FOUND, Message::NotFound).into());
        }
        Unlinked::OnlyWayIn => {
            let message = Message::LastSignInMethod;
            return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
        }
    }
    let csrf_token = request.session.csrf_token(app);
    let reply = Reply::ok().member("csrf_token", csrf_token);
    Ok(with_identities(app, request, reply).await?)
}
