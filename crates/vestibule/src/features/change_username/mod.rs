//! Changing the username.
//!
//! Routes    `GET/POST /change-username`
//! Settings  `CHANGE_USERNAME`, `CHANGE_USERNAME_URL`, `SEND_USERNAME_CHANGE_EMAIL`,
//!           `USERNAME_ENABLE`, `USERNAME_REQUIRED`, `FRESHNESS`, `API_ENABLED_METHODS`
//! Messages  `USERNAME_ALREADY_ASSOCIATED`, `USERNAME_NOT_PROVIDED`, `USERNAME_INVALID_LENGTH`, ...
//! Mails     `change_username_notice`
//! Hooks     `UsernameChanged`
//! Never     gives two users the same name; removes a name because the request has none

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;

use self::rules::Decision;
use crate::app::App;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::openapi::Endpoint;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::session::tokens::UserPayload;
use crate::settings::Settings;
use crate::validation;

const USERNAME: &str = "username";

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let change = &settings.accounts.change_username;
    if !change.enabled {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&change.url)
        .get(get, document::state)
        .post(post, document::change);
    vec![endpoint]
}

/// `GET /change-username`: returns the current name.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /change-username`: changes the name.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = change(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let user = &request.caller()?.user;
    let name = user.username.clone();
    let payload = UserPayload::without_tokens(app, user);
    let reply = Reply::ok()
        .member("current_username", name)
        .member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}

async fn change(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let user = request.caller()?.user.clone();
    let mut errors = FieldErrors::default();
    let name = validation::username(app, request.body.fields()?, USERNAME, true, &mut errors).await;
    let Some(name) = name else {
        return Err(Rejection::fields(errors).into());
    };
    match rules::rename(app, request.session.info(), user, &name).await? {
        Decision::Refused(errors) => Err(Rejection::fields(errors).into()),
        Decision::Renamed(user) => {
            let payload = UserPayload::without_tokens(app, &user);
            let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
            Ok(payload.add_to(reply))
        }
    }
}
