//! Proving one's identity again, for endpoints that require a fresh proof.
//!
//! Routes    `GET/POST /verify`
//! Settings  `VERIFY_URL`, `FRESHNESS`, `FRESHNESS_GRACE_PERIOD`, `FRESHNESS_ALLOW_AUTH_TOKEN`,
//!           `API_ENABLED_METHODS`
//! Messages  `INVALID_PASSWORD`, `PASSWORD_NOT_PROVIDED`, `INVALID_REDIRECT`, `UNAUTHENTICATED`
//! Mails     none
//! Hooks     `Verified`, `SignInFailed`
//! Never     makes any session fresh but that of the caller whose password was checked

mod document;

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::guard::{OnSuccess, Principal};
use crate::hooks::Event;
use crate::http::body::Field;
use crate::http::fault::HandlerError;
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::auth_policy::AuthPolicy;
use crate::session::context::SessionContext;
use crate::session::keys;
use crate::session::proof::{self, PasswordCheck};
use crate::session::request::RequestContext;
use crate::session::tokens::UserPayload;
use crate::session::{freshness, tokens};
use crate::settings::{Mechanism, Settings};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    // Without a freshness limit, no endpoint requires another proof of identity.
    if settings.freshness.within.is_none() {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.login.verify_url)
        .get(get, document::ways)
        .post(post, document::verify);
    vec![endpoint]
}

/// `GET /verify`: returns the ways in which the caller can prove their identity.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match request.authenticate(&app, &AuthPolicy::api(&app)).await {
        Ok(()) => ways(&app, &mut request.session).await,
        Err(refusal) => Err(refusal),
    };
    request.finish(&app, outcome)
}

/// `POST /verify`: verifies the caller's identity by the password.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = verify(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn ways(app: &App, session: &mut SessionContext) -> Result<Reply, HandlerError> {
    let mut reply = Reply::ok().member("csrf_token", session.csrf_token(app));
    if let Some(caller) = session.caller() {
        reply = UserPayload::without_tokens(app, &caller.user).add_to(reply);
    }
    Ok(freshness::ways_to_verify(app, session.caller())
        .await?
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.member(name, value)))
}

async fn verify(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let password = read(app, request)?;
    let caller = request.caller()?;
    let principal = Principal::Account(&caller.user);
    let clear = OnSuccess::ClearCounter;
    let guesser = request.session.guesser();
    let check = proof::check_password(app, guesser, principal, &password, clear).await?;
    let PasswordCheck::Right { upgrade } = check else {
        return Err(
            Rejection::fields(FieldErrors::one("password", Message::InvalidPassword)).into(),
        );
    };
    proof::store_upgrade(app, &caller.user, upgrade).await?;
    let user = caller.user.clone();
    let by_session = caller.via == Mechanism::Session;
    // What can fail comes first: a failed request must not make the session fresh.
    let payload = {
        let info = request.session.info();
        tokens::on_request(app, info, &user, app.unix_seconds(), &request.query).await?
    };
    let event = Event::Verified {
        user_id: user.id,
        via: "password",
    };
    app.record(request.session.info(), &event).await?;
    // A session cookie sent beside a token may be another user's, so that session does not become
    // fresh.
    if by_session {
        let now = app.unix_seconds();
        request
            .session
            .data_mut()
            .set_f64(keys::AUTHENTICATED_AT, now);
    }
    let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}

/// Reads the password, and checks the fields.
fn read(app: &App, request: &RequestContext) -> Result<String, HandlerError> {
    let fields = request.body.fields()?;
    let mut errors = FieldErrors::default();
    let password = match fields.text("password") {
        Field::Text(text) => text.to_owned(),
        Field::Empty => {
            errors.push("password", Message::PasswordNotProvided);
            String::new()
        }
        Field::WrongType => {
            errors.push("password", Message::ApiError);
            String::new()
        }
    };
    errors.extend(redirect::check_next(
        app,
        request.session.info(),
        &request.query,
        fields,
    ));
    if errors.is_empty() {
        Ok(password)
    } else {
        Err(Rejection::fields(errors).into())
    }
}
