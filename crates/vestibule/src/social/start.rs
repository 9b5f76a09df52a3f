//! Beginning a flow: the redirect to the provider.

use http::{HeaderValue, StatusCode};
use vestibule_store::User;

use super::flow::{Flow, Purpose};
use super::redirect;
use crate::app::App;
use crate::http::fault::HandlerError;
use crate::http::redirect as targets;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::links;
use crate::messages::Message;
use crate::providers::{AuthorizationRequest, Provider};
use crate::session::request::RequestContext;
use crate::settings::endpoints;

/// Sends the browser to a provider. `user` is the signed-in user that the flow is for.
///
/// # Errors
/// 404 if there is no such provider.
pub(crate) async fn start(
    app: &App,
    request: &mut RequestContext,
    name: &str,
    purpose: Purpose,
    user: Option<&User>,
) -> Result<Reply, HandlerError> {
    let provider = provider(app, name)?;
    let info = request.session.info().clone();
    let next = targets::next_in(app, &info, &request.query);
    let next = next.as_ref().and_then(|next| next.to_str().ok());
    let session = &mut request.session;
    let flow = Flow::begin(app, session, provider.name(), purpose, user, next);
    let secrets = flow.secrets();
    let asked = AuthorizationRequest {
        redirect_uri: &redirect_uri(app, &info, purpose, provider.name()),
        state: &secrets.state,
        nonce: &secrets.nonce,
        verifier: &secrets.verifier,
    };
    let error = match provider.authorization_url(&asked).await {
        Ok(url) => match HeaderValue::try_from(url) {
            Ok(location) => return Ok(Reply::redirect(location)),
            Err(_) => "url",
        },
        Err(error) => error.name(),
    };
    tracing::warn!(
        provider = provider.name(),
        error,
        "a user could not be sent to a provider"
    );
    let reason = redirect::handshake_error(error);
    Ok(redirect::failed(app, &info, purpose, &reason)?)
}

/// The provider with this name.
///
/// # Errors
/// 404 if there is no such provider.
pub(crate) fn provider<'a>(app: &'a App, name: &str) -> Result<&'a Provider, Rejection> {
    let provider = app.providers().get(name);
    provider.ok_or_else(|| Rejection::new(StatusCode::NOT_FOUND, Message::NotFound))
}

/// The URL to which the provider sends the browser back. Providers know it in advance.
pub(crate) fn redirect_uri(app: &App, info: &RequestInfo, purpose: Purpose, name: &str) -> String {
    let settings = &app.settings().oauth;
    let url = match purpose {
        Purpose::SignIn | Purpose::Link => &settings.response_url,
        Purpose::Verify => &settings.verify_response_url,
    };
    links::endpoint(app, info, &endpoints::under(url, name))
}
