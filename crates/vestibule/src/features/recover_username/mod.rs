//! Mailing a forgotten username to its user.
//!
//! Routes    `GET/POST /recover-username`
//! Settings  `USERNAME_RECOVERY`, `USERNAME_RECOVERY_URL`, `RETURN_GENERIC_RESPONSES`
//! Messages  `EMAIL_NOT_PROVIDED`, `INVALID_EMAIL_ADDRESS`, `USER_DOES_NOT_EXIST`,
//!           `DISABLED_ACCOUNT`, `CONFIRMATION_REQUIRED`, `ANONYMOUS_USER_REQUIRED`
//! Mails     `username_recovery`
//! Hooks     `UsernameRecoverySent`
//! Never     reveals whether an address is known, with `RETURN_GENERIC_RESPONSES`

mod document;

use axum::extract::State;
use axum::response::Response;
use vestibule_store::User;

use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::mail::addressee::Addressee;
use crate::mail::{self, Email};
use crate::openapi::Endpoint;
use crate::session::assurance;
use crate::session::request::RequestContext;
use crate::settings::Settings;

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let settings = &settings.accounts.recover_username;
    if !settings.enabled {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.url)
        .get(get, document::state)
        .post(post, document::send);
    vec![endpoint]
}

/// `GET /recover-username`: returns a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.require_anonymous(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /recover-username`: mails the name.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let objection = |user: Option<&User>| assurance::mail_block(app, user);
    let info = request.session.info();
    let addressee = Addressee::read(app, info, request.body.fields()?, objection).await?;
    if let Some(addressee) = addressee {
        send_name(app, request.session.info(), &addressee).await?;
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

async fn send_name(app: &App, info: &RequestInfo, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let mut email = Email::new(
        &app.settings().accounts.recover_username.instructions,
        addressee.address(),
        [
            ("user", mail::about(user)),
            ("username", user.username.clone().into()),
        ],
    );
    email.sent = *known;
    let event = Event::UsernameRecoverySent { user_id: user.id };
    app.send(info, &email, known.then_some(&event)).await
}
