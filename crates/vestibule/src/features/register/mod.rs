//! Registering an account.
//!
//! Routes    `GET/POST /register`
//! Settings  `REGISTERABLE`, `REGISTER_URL`, `PASSWORD_REQUIRED`, `PASSWORD_CONFIRM_REQUIRED`,
//!           `USERNAME_ENABLE`, `USERNAME_REQUIRED`, `SEND_REGISTER_EMAIL`, `CONFIRMABLE`,
//!           `LOGIN_WITHOUT_CONFIRMATION`, `RETURN_GENERIC_RESPONSES`
//! Messages  `EMAIL_NOT_PROVIDED`, `INVALID_EMAIL_ADDRESS`, `EMAIL_ALREADY_ASSOCIATED`,
//!           `USERNAME_ALREADY_ASSOCIATED`, `PASSWORD_NOT_PROVIDED`, `PASSWORD_INVALID_LENGTH`,
//!           `RETYPE_PASSWORD_MISMATCH`, `ANONYMOUS_USER_REQUIRED`, ...
//! Mails     `welcome`, `welcome_existing`, `welcome_existing_username`
//! Hooks     `Registered`, `NotRegistered`, `SignedIn`
//! Never     reveals whether an address is known, with `RETURN_GENERIC_RESPONSES`

mod document;
mod rules;
mod wire;

use axum::extract::State;
use axum::response::Response;

use self::rules::Decision;
use crate::app::App;
use crate::http::fault::HandlerError;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::openapi::Endpoint;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens::{self, UserPayload};
use crate::settings::Settings;

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let settings = &settings.accounts.register;
    if !settings.enabled {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.url)
        .get(get, document::state)
        .post(post, document::register);
    vec![endpoint]
}

/// `GET /register`: returns a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.require_anonymous(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /register`: creates an account.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = register(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn register(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let fields = request.body.fields()?;
    let registration = wire::read(app, request.session.info(), &request.query, fields).await;
    let user = match rules::attempt(app, request.session.info(), registration).await? {
        Decision::Refused(errors) => return Err(Rejection::fields(errors).into()),
        Decision::RefusedSilently => return Ok(reply(app, request, UserPayload::empty())),
        Decision::Created(user) => user,
    };
    let not_signed_in = if app.settings().login.return_generic_responses {
        UserPayload::empty()
    } else {
        UserPayload::without_tokens(app, &user)
    };
    let authentication = Authentication::by(app, *user, Factor::NewAccount)
        .with_tokens(tokens::requested(app, &request.query));
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            Ok(reply(app, request, payload).member("tf_required", false))
        }
        SignInOutcome::SecondFactor(due) => Ok(due.reply(app, &mut request.session)),
        SignInOutcome::Refused(_) => Ok(reply(app, request, not_signed_in)),
    }
}

fn reply(app: &App, request: &mut RequestContext, payload: UserPayload) -> Reply {
    payload.add_to(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}
