//! Changing the password.
//!
//! Routes    `GET/POST /change`
//! Settings  `CHANGEABLE`, `CHANGE_URL`, `SEND_PASSWORD_CHANGE_EMAIL`, `API_ENABLED_METHODS`,
//!           `FRESHNESS` for users without a password
//! Messages  `PASSWORD_NOT_PROVIDED`, `INVALID_PASSWORD`, `PASSWORD_IS_THE_SAME`,
//!           `RETYPE_PASSWORD_MISMATCH`, `PASSWORD_INVALID_LENGTH`, ...
//! Mails     `change_notice`
//! Hooks     `PasswordChanged`, `SignInFailed`, `SignedIn`
//! Never     leaves an earlier session or token valid

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use self::rules::Decision;
use crate::app::App;
use crate::http::body::Field;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::auth_policy::AuthPolicy;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens::{self, UserPayload};
use crate::settings::{Mechanism, Settings};
use crate::validation::{self, NewPassword};

const PASSWORD: &str = "password";
const NEW_PASSWORD: NewPassword = NewPassword {
    name: "new_password",
    again: Some("new_password_confirm"),
    required: true,
};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let settings = &settings.accounts.change_password;
    if !settings.enabled {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.url)
        .get(get, document::state)
        .post(post, document::change);
    vec![endpoint]
}

/// `GET /change`: returns whether the user has a password.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /change`: changes the password.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = change(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// Authenticates the caller. A user without a password cannot show the old one, and needs a fresh
/// proof of identity instead.
async fn enter(app: &App, request: &mut RequestContext) -> Result<(), HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    if request.caller()?.user.password.is_none() {
        request.require_fresh(app).await?;
    }
    Ok(())
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    enter(app, request).await?;
    let user = &request.caller()?.user;
    let active = user.password.is_some();
    let payload = UserPayload::without_tokens(app, user);
    let reply = Reply::ok()
        .member("active_password", active)
        .member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}

async fn change(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    enter(app, request).await?;
    let caller = request.caller()?;
    let (user, by_session) = (caller.user.clone(), caller.via == Mechanism::Session);
    let fields = request.body.fields()?;
    let mut errors = FieldErrors::default();
    let old = match fields.exact(PASSWORD) {
        Field::Text(text) => Some(validation::normalised(app, text)),
        Field::Empty => None,
        Field::WrongType => {
            errors.push(PASSWORD, Message::ApiError);
            None
        }
    };
    let new = NEW_PASSWORD.read(fields, &mut errors).map(str::to_owned);
    let Some(new) = new.filter(|_| errors.is_empty()) else {
        return Err(Rejection::fields(errors).into());
    };
    let info = request.session.info().clone();
    let remember = request.session.remembers_its_user(app);
    let new = validation::normalised(app, &new);
    let user =
        match rules::replace(app, request.session.guesser(), user, old.as_deref(), &new).await? {
            Decision::Refused(errors) => return Err(Rejection::fields(errors).into()),
            Decision::Replaced(user) => user,
        };
    // A session cookie sent beside a token may be another user's, so that session stays unchanged.
    let payload = if by_session {
        let mut authentication = Authentication::by(app, *user, Factor::Credential)
            .with_tokens(tokens::requested(app, &request.query));
        authentication.remember = remember;
        match sign_in::proceed(app, &mut request.session, authentication).await? {
            SignInOutcome::SignedIn(payload) => payload,
            SignInOutcome::SecondFactor(due) => return Ok(due.reply(app, &mut request.session)),
            SignInOutcome::Refused(reason) => {
                return Err(Rejection::new(StatusCode::BAD_REQUEST, reason).into());
            }
        }
    } else {
        let now = app.unix_seconds();
        tokens::on_request(app, &info, &user, now, &request.query).await?
    };
    let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}
