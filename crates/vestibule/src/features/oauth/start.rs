//! `/login/oauthstart/{name}` and `/login/oauth-verify-start/{name}`: sending the browser to the
//! provider.

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::http::fault::HandlerError;
use crate::http::reply::Reply;
use crate::http::segment::Segment;
use crate::links::step;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::social::flow::Purpose;
use crate::social::start;

/// `POST /login/oauthstart/{name}`: begins a sign-in.
pub(super) async fn sign_in(
    State(app): State<App>,
    Segment(name): Segment,
    mut request: RequestContext,
) -> Response {
    let outcome = begin_sign_in(&app, &mut request, &name).await;
    request.finish(&app, outcome)
}

async fn begin_sign_in(
    app: &App,
    request: &mut RequestContext,
    name: &str,
) -> Result<Reply, HandlerError> {
    let view = &app.settings().oauth.signed_in_view;
    if let Some(reply) = step::already_signed_in(app, request, view).await? {
        return Ok(reply);
    }
    request.require_anonymous(app).await?;
    start::start(app, request, name, Purpose::SignIn, None).await
}

/// `POST /login/oauth-verify-start/{name}`: begins to verify the caller.
pub(super) async fn verify(
    State(app): State<App>,
    Segment(name): Segment,
    mut request: RequestContext,
) -> Response {
    let outcome = begin_verify(&app, &mut request, &name).await;
    request.finish(&app, outcome)
}

async fn begin_verify(
    app: &App,
    request: &mut RequestContext,
    name: &str,
) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let user = request.caller()?.user.clone();
    start::start(app, request, name, Purpose::Verify, Some(&user)).await
}
