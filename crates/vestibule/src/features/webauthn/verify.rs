//! `/wan-verify`: proving one's identity again with a passkey.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use vestibule_formats::ceremony_state::Ceremony;
use vestibule_store::{Applied, Change, PasskeyUsage};

use super::ceremony::{self, RelyingParty};
use super::{assertion, options, wire};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::links::step::Token;
use crate::messages::Message;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::session::{assurance, keys, tokens};
use crate::settings::Mechanism;

/// `GET /wan-verify`: returns a CSRF token.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /wan-verify`: begins to prove the caller's identity.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = begin(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /wan-verify/{token}`: proves the caller's identity with the authenticator's response.
pub(super) async fn respond(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = verify(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

async fn begin(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let user = request.caller()?.user.clone();
    request.body.fields()?;
    let settings = &app.settings().webauthn;
    let usages = assertion::usages(app, Ceremony::Verify);
    let passkeys = app.store().passkeys_of(user.id).await?;
    let of_usages = passkeys
        .iter()
        .filter(|passkey| usages.iter().any(|usage| passkey.is_for(*usage)));
    let allowed: Vec<Value> = of_usages.map(options::descriptor).collect();
    let usage = if usages.contains(&PasskeyUsage::Secondary) {
        PasskeyUsage::Secondary
    } else {
        PasskeyUsage::First
    };
    let verification = options::verification(settings, usage);
    let begun = ceremony::begin(app, Ceremony::Verify, Some(&user), None, verification);
    let party = RelyingParty::of(app, request.session.info());
    let options = options::request(
        settings,
        &party.id,
        &begun.challenge,
        &allowed,
        verification,
    );
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("credential_options", options)
        .member("wan_state", begun.token))
}

async fn verify(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let caller = request.caller()?;
    let (user, by_session) = (caller.user.clone(), caller.via == Mechanism::Session);
    let info = request.session.info().clone();
    let ceremony = Ceremony::Verify;
    let state = ceremony::open(app, &info, token, ceremony, Some(&user))?;
    let next = redirect::check_posted_next(app, &info, request.body.fields()?);
    if let Some((field, message)) = next {
        return Err(Rejection::fields(FieldErrors::one(field, message)).into());
    }
    let usages = assertion::usages(app, ceremony);
    let proven = assertion::check(app, request, &state, &usages, None).await?;
    if proven.user.id != user.id {
        let message = Message::WebauthnMismatchUserHandle;
        return Err(Rejection::fields(FieldErrors::one("", message)).into());
    }
    if let Some(reason) = assurance::sign_in_block(app, &proven.user) {
        return Err(wire::refuse(reason).into());
    }
    let change = Change {
        consumes: vec![ceremony::consume(app, ceremony, &state)],
        passkey: Some(proven.used),
        ..Change::default()
    };
    let event = Event::Verified {
        user_id: user.id,
        via: proven.factor.name(),
    };
    if !matches!(app.commit(&info, change, &event).await?, Applied::Done(_)) {
        return Err(wire::refuse(Message::WebauthnUsed).into());
    }
    // What can fail comes first: a failed request must not make the session fresh.
    let now = app.unix_seconds();
    let payload = tokens::on_request(app, &info, &user, now, &request.query).await?;
    // A session cookie sent beside a token may be another user's, so that session does not become
    // fresh.
    if by_session {
        let session = request.session.data_mut();
        session.set_f64(keys::AUTHENTICATED_AT, now);
    }
    let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}
