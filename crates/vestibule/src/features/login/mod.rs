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

mod rules;
mod wire;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use self::rules::Decision;
use crate::app::App;
use crate::hooks::Event;
use crate::http::body::RawBody;
use crate::http::csrf::{self, Evidence};
use crate::http::fault::Refusal;
use crate::http::query::Query;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::session::sign_in;
use crate::session::visit::{Visit, name};

/// `GET /login`: who is signed in, and a CSRF token.
pub(crate) async fn get(State(app): State<App>, mut visit: Visit, method: Method) -> Response {
    if visit.caller().is_none() {
        sign_in::abandon(&mut visit);
        if method == Method::GET {
            // A client that asks gets the CSRF cookie, as a form would get its hidden field.
            visit.session_mut().set_str(name::CSRF_COOKIE, "set");
        }
    }
    let reply = wire::state(&app, &mut visit);
    visit.finish(&app, Ok(reply))
}

/// `POST /login`: signs in.
pub(crate) async fn post(
    State(app): State<App>,
    mut visit: Visit,
    method: Method,
    headers: HeaderMap,
    query: Query,
    body: RawBody,
) -> Response {
    let evidence = Evidence::of(&app, &method, &headers, &body);
    let outcome = match csrf::check_open(&app, &mut visit, &evidence) {
        Ok(()) => sign_in(&app, &mut visit, &query, &body).await,
        Err(rejection) => Err(rejection.into()),
    };
    visit.finish(&app, outcome)
}

async fn sign_in(
    app: &App,
    visit: &mut Visit,
    query: &Query,
    body: &RawBody,
) -> Result<Reply, Refusal> {
    if visit.caller().is_some() {
        return Err(Rejection::new(StatusCode::BAD_REQUEST, Message::AnonymousUserRequired).into());
    }
    sign_in::abandon(visit);
    let request = match wire::read(app, visit.facts(), query, &body.fields()?) {
        Ok(request) => request,
        Err(errors) => return Err(wire::refuse(app, errors).into()),
    };
    match rules::attempt(app, request).await? {
        Decision::Refused { errors, failed } => {
            if let Some(user_id) = failed {
                app.hooks().ring(&Event::SignInFailed {
                    user_id,
                    via: "password",
                });
            }
            Err(wire::refuse(app, errors).into())
        }
        Decision::Admit(admission) => {
            sign_in::complete(app, visit, *admission).await?;
            Ok(wire::signed_in(app, visit))
        }
    }
}
