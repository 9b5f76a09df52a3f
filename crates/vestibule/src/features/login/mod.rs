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
//! Never     tells an unknown user from a wrong password by the time it takes

mod document;
mod rules;
mod wire;

use axum::extract::State;
use axum::response::Response;
use http::{Method, StatusCode};

use self::rules::Decision;
use crate::app::App;
use crate::features::api::Endpoint;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::session::context::name;
use crate::session::request::RequestContext;
use crate::session::{sign_in, tokens};
use crate::settings::Settings;

/// Where it is: nowhere when something else signs in at that path.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.login.serves_password_login() {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.login.login_url)
        .get(get, document::state)
        .post(post, document::sign_in);
    vec![endpoint]
}

/// `GET /login`: who is signed in, and a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await.map(|()| {
        if request.session.caller().is_none() {
            sign_in::abandon(&mut request.session);
            if request.method == Method::GET {
                // A client that asks gets the CSRF cookie, as a form would get its hidden
                // field.
                request.session.data_mut().set_str(name::CSRF_COOKIE, "set");
            }
        }
        wire::state(&app, &mut request.session)
    });
    request.finish(&app, outcome)
}

/// `POST /login`: signs in.
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
    sign_in::abandon(session);
    let attempt = match wire::read(app, session.info(), &request.query, request.body.fields()?) {
        Ok(attempt) => attempt,
        Err(errors) => return Err(wire::refuse(app, errors).into()),
    };
    match rules::attempt(app, attempt).await? {
        Decision::Refused { errors, failed } => {
            if let Some(user_id) = failed {
                let event = Event::SignInFailed {
                    user_id,
                    via: "password",
                };
                app.record(session.info(), &event).await?;
            }
            Err(wire::refuse(app, errors).into())
        }
        Decision::Admit(admission) => {
            // What can still fail comes first: a refusal leaves nobody signed in.
            let user = &admission.user;
            let tokens = tokens::on_request(
                app,
                session.info(),
                user,
                app.unix_seconds(),
                &request.query,
            )
            .await?;
            sign_in::complete(app, session, *admission).await?;
            Ok(wire::signed_in(app, session, tokens))
        }
    }
}
