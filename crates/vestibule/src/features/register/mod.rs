//! Making an account.
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
//! Never     says whether an address is known (`RETURN_GENERIC_RESPONSES`)

mod document;
mod rules;
mod wire;

use axum::extract::State;
use axum::response::Response;

use self::rules::Decision;
use crate::app::App;
use crate::features::api::Endpoint;
use crate::http::fault::HandlerError;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Admission};
use crate::session::tokens::{self, UserPayload};
use crate::settings::Settings;

/// Where it is.
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

/// `GET /register`: a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.require_anonymous(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /register`: makes an account.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = register(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn register(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let fields = request.body.fields()?;
    let wanted = wire::read(app, request.session.info(), &request.query, fields).await;
    match rules::attempt(app, request.session.info(), wanted).await? {
        Decision::Refused(errors) => Err(Rejection::fields(errors).into()),
        Decision::Pretended => Ok(UserPayload::nobody()
            .add_to(Reply::ok().member("csrf_token", request.session.csrf_token(app)))),
        Decision::Made { user, sign_in } => {
            if !sign_in {
                let tokens = if app.settings().login.return_generic_responses {
                    UserPayload::nobody()
                } else {
                    UserPayload::none(app, &user)
                };
                let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
                return Ok(tokens.add_to(reply));
            }
            let now = app.unix_seconds();
            let info = request.session.info();
            let tokens = tokens::on_request(app, info, &user, now, &request.query).await?;
            let admission = Admission::without_password(app, *user, &["register"]);
            sign_in::complete(app, &mut request.session, admission).await?;
            let reply = Reply::ok()
                .member("csrf_token", request.session.csrf_token(app))
                .member("tf_required", false);
            Ok(tokens.add_to(reply))
        }
    }
}
