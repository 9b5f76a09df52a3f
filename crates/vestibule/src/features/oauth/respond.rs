//! `/login/oauthresponse/{name}` and `/login/oauth-verify-response/{name}`: the answer of the provider,
//! which the browser delivers.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};

use super::{link, sign_in, verify};
use crate::app::App;
use crate::http::body::Field;
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect as targets;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::segment::Segment;
use crate::links::step;
use crate::messages::{LocalizedMessage, Message};
use crate::providers::{Callback, Flow as Exchange, Provider, ProviderError, ProviderIdentity};
use crate::session::request::RequestContext;
use crate::social::flow::{Flow, Purpose};
use crate::social::{redirect, start};

/// The parameters of an answer (RFC 6749, section 4.1.2; RFC 9207, section 2).
const STATE: &str = "state";
const CODE: &str = "code";
const ERROR: &str = "error";
const ISSUER: &str = "iss";

/// The longest parameter that is passed on, in bytes.
const LONGEST: usize = 4096;

/// An answer of the provider that belongs to a flow of this browser.
pub(super) struct Answered<'a> {
    pub(super) provider: &'a Provider,
    pub(super) flow: Flow,
    pub(super) identity: ProviderIdentity,
}

/// The reply to an answer, or the reason why it is refused.
pub(super) type Outcome = Result<Result<Reply, LocalizedMessage>, HandlerError>;

/// `GET /login/oauthresponse/{name}`: completes a sign-in, or links an identity.
pub(super) async fn sign_in(
    State(app): State<App>,
    Segment(name): Segment,
    mut request: RequestContext,
) -> Response {
    let purposes = [Purpose::SignIn, Purpose::Link];
    let outcome = respond(&app, &mut request, &name, &purposes).await;
    request.finish(&app, outcome)
}

/// `GET /login/oauth-verify-response/{name}`: verifies the caller.
pub(super) async fn verify(
    State(app): State<App>,
    Segment(name): Segment,
    mut request: RequestContext,
) -> Response {
    let outcome = respond(&app, &mut request, &name, &[Purpose::Verify]).await;
    request.finish(&app, outcome)
}

/// Every answer but that of an unknown provider is a redirect. `purposes` are those of the flows
/// that end at this endpoint.
async fn respond(
    app: &App,
    request: &mut RequestContext,
    name: &str,
    purposes: &[Purpose],
) -> Result<Reply, HandlerError> {
    let provider = start::provider(app, name)?;
    step::check_navigation(app, request)?;
    let info = request.session.info().clone();
    // `HEAD` changes nothing.
    let state = request.query.get(STATE).unwrap_or_default().to_owned();
    let flow = if request.method == Method::HEAD {
        None
    } else {
        Flow::take(app, &mut request.session, &state, provider.name(), purposes)
    };
    let Some(flow) = flow else {
        tracing::info!(
            provider = provider.name(),
            check = "state",
            "the answer of a provider was refused: this browser began no such flow, or too long ago"
        );
        let reason = redirect::handshake_error(STATE);
        return Ok(redirect::failed(app, &info, purposes[0], &reason)?);
    };
    let purpose = flow.purpose();
    request.identify_by_session(app).await?;
    let caller = request.session.caller().map(|caller| &caller.user);
    match (purpose, caller) {
        (Purpose::SignIn, Some(_)) => {
            let view = &app.settings().oauth.signed_in_view;
            return Ok(targets::go_to(app, &info, view, &[])?);
        }
        (Purpose::SignIn, None) => {}
        (Purpose::Verify | Purpose::Link, Some(user)) if flow.is_for(user) => {}
        (Purpose::Verify | Purpose::Link, _) => {
            let reason = redirect::handshake_error("session");
            return Ok(redirect::failed(app, &info, purpose, &reason)?);
        }
    }
    let identity = match redeem(app, request, provider, &flow).await {
        Ok(identity) => identity,
        Err(error) => {
            tracing::warn!(
                provider = provider.name(),
                error = error.name(),
                "a sign-in at a provider failed"
            );
            let reason = redirect::handshake_error(error.name());
            return Ok(redirect::failed(app, &info, purpose, &reason)?);
        }
    };
    let answered = Answered {
        provider,
        flow,
        identity,
    };
    let refused = match purpose {
        Purpose::SignIn => sign_in::sign_in(app, request, answered).await?,
        Purpose::Verify => verify::verify(app, request, answered).await?,
        Purpose::Link => link::link(app, request, answered).await?,
    };
    match refused {
        Ok(reply) => Ok(reply),
        Err(reason) => Ok(redirect::failed(app, &info, purpose, &reason)?),
    }
}

/// Redeems the code of the answer.
async fn redeem(
    app: &App,
    request: &RequestContext,
    provider: &Provider,
    flow: &Flow,
) -> Result<ProviderIdentity, ProviderError> {
    let query = &request.query;
    if let Some(code) = query.get(ERROR) {
        return Err(ProviderError::denied(code));
    }
    let callback = Callback {
        code: query.get(CODE).unwrap_or_default(),
        iss: query.get(ISSUER),
    };
    let secrets = flow.secrets();
    let info = request.session.info();
    let redirect_uri = start::redirect_uri(app, info, flow.purpose(), provider.name());
    let exchange = Exchange {
        redirect_uri: &redirect_uri,
        nonce: &secrets.nonce,
        verifier: &secrets.verifier,
    };
    provider.redeem(&callback, &exchange, app.unix_now()).await
}

/// `POST` of a response: the provider's page makes the browser post the answer. The browser sends no
/// cookies with it that are `SameSite`, so it is sent on to the same address with `GET`. Nothing else
/// happens here.
pub(super) async fn form(
    State(app): State<App>,
    Segment(name): Segment,
    request: RequestContext,
) -> Response {
    let outcome = send_on(&app, &request, &name);
    request.finish(&app, outcome)
}

fn send_on(app: &App, request: &RequestContext, name: &str) -> Result<Reply, HandlerError> {
    let provider = start::provider(app, name)?;
    if !provider.uses_form_post() {
        let rejection = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, Message::MethodNotAllowed);
        let allow = HeaderValue::from_static("GET, HEAD, OPTIONS");
        return Err(rejection.header(header::ALLOW, allow).into());
    }
    let fields = request.body.fields()?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in [STATE, CODE, ERROR, ISSUER] {
        if let Field::Text(text) = fields.exact(name)
            && text.len() <= LONGEST
        {
            query.append_pair(name, text);
        }
    }
    // A query alone stands for the path of this request (RFC 3986, section 5.2.2).
    let location = HeaderValue::try_from(format!("?{}", query.finish()))
        .map_err(|_| Fault::Internal("a query is not valid in a header".to_owned()))?;
    Ok(Reply::new(StatusCode::SEE_OTHER).header(header::LOCATION, location))
}
