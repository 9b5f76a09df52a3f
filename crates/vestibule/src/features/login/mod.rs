//! Signing in with a password.
//!
//! Routes    `GET/POST /login`
//! Settings  `LOGIN_URL`, `TRACKABLE`, `CONFIRMABLE`, `LOGIN_WITHOUT_CONFIRMATION`,
//!           `DEFAULT_REMEMBER_ME`, `RETURN_GENERIC_RESPONSES`, `USER_IDENTITY_ATTRIBUTES`,
//!           `USERNAME_ENABLE`
//! Messages  `USER_DOES_NOT_EXIST`, `INVALID_PASSWORD`, `DISABLED_ACCOUNT`,
//!           `CONFIRMATION_REQUIRED`, `GENERIC_AUTHN_FAILED`, `ANONYMOUS_USER_REQUIRED`, ...
//! Mails     none
//! Hooks     `SignedIn`, `SignInFailed`
//! Limits    `SECURITY_LIMIT_PASSWORD`, `SECURITY_LIMIT_ADDRESS`
//! Never     reveals by its response time whether the user exists

mod document;
mod rules;
mod wire;

use axum::extract::State;
use axum::response::Response;
use http::{Method, StatusCode};

use crate::app::App;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::keys;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, SignInOutcome};
use crate::session::tokens;
use crate::settings::Settings;

/// The endpoints of this feature: none if another way to sign in has that path.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.login.serves_password_login() {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.login.login_url)
        .get(get, document::state)
        .post(post, document::sign_in);
    vec![endpoint]
}

/// `GET /login`: returns the signed-in user and a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await.map(|()| {
        if request.session.caller().is_none() {
            keys::abandon(&mut request.session);
            if request.method == Method::GET {
                // The client receives the CSRF cookie, as a form would receive its hidden field.
                request.session.data_mut().set_str(keys::CSRF_COOKIE, "set");
            }
        }
        wire::state(&app, &mut request.session)
    });
    request.finish(&app, outcome)
}

/// `POST /login`: signs the user in.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = sign_in(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn sign_in(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let session = &mut request.session;
    if session.caller().is_some() {
        return Err(Rejection::new(StatusCode::BAD_REQUEST, Message::AnonymousUserRequired).into());
    }
    keys::abandon(session);
    let attempt = match wire::read(app, session.info(), &request.query, request.body.fields()?) {
        Ok(attempt) => attempt,
        Err(errors) => return Err(wire::refuse(app, errors).into()),
    };
    let field = attempt.field();
    let authentication = match rules::authenticate(app, session.guesser(), attempt).await? {
        Ok(authentication) => authentication,
        Err(errors) => return Err(wire::refuse(app, errors).into()),
    };
    let authentication = authentication.with_tokens(tokens::requested(app, &request.query));
    match sign_in::proceed(app, session, authentication).await? {
        SignInOutcome::SignedIn(payload) => Ok(wire::signed_in(app, session, payload)),
        SignInOutcome::SecondFactor(due) => Ok(due.reply(app, session)),
        // The client proved that the account is theirs, so the reply may state the reason.
        SignInOutcome::Refused(reason) => {
            Err(wire::refuse(app, FieldErrors::one(field, reason)).into())
        }
    }
}
