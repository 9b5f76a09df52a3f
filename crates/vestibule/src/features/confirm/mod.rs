//! Confirming an address.
//!
//! Routes    `GET/POST /confirm`, `GET/POST /confirm/{token}`
//! Settings  `CONFIRMABLE`, `CONFIRM_URL`, `CONFIRM_EMAIL_WITHIN`, `CONFIRM_ERROR_VIEW`,
//!           `POST_CONFIRM_VIEW`, `AUTO_LOGIN_AFTER_CONFIRM`, `LINKS_CONSUMED_BY`,
//!           `RETURN_GENERIC_RESPONSES`
//! Messages  `CONFIRMATION_EXPIRED`, `INVALID_CONFIRMATION_TOKEN`, `ALREADY_CONFIRMED`,
//!           `EMAIL_CONFIRMED`, `USER_DOES_NOT_EXIST`, ...
//! Mails     `confirmation_instructions`
//! Hooks     `ConfirmInstructionsSent`, `Confirmed`, `SignedIn`
//! Never     says whether an address is known (`RETURN_GENERIC_RESPONSES`)

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use vestibule_store::User;

use crate::app::App;
use crate::features::api::Endpoint;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::mail::addressee::Addressee;
use crate::mail::{self, Email};
use crate::messages::Message;
use crate::secrets::links::{self, Kind};
use crate::session::auth_policy;
use crate::session::context::Load;
use crate::session::landing::{self, Token, Way};
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication};
use crate::settings::{Settings, endpoints};

/// Where it is.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.login.confirmable {
        return Vec::new();
    }
    let url = &settings.accounts.confirm.url;
    vec![
        Endpoint::at(url)
            .get(get, document::state)
            .post(post, document::send),
        Endpoint::at(&endpoints::under(url, "{token}"))
            .get(from_link, document::from_link)
            .post(from_link, document::confirm),
    ]
}

/// `GET /confirm`: a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /confirm`: sends the link once more.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let addressee = Addressee::read(app, request.body.fields()?, rules::objection).await?;
    if let Some(addressee) = addressee {
        send_link(app, request.session.info(), &addressee).await?;
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

async fn send_link(app: &App, info: &RequestInfo, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let settings = &app.settings().accounts.confirm;
    let link = links::confirm(app, info, &user.fs_uniquifier, addressee.address());
    let mut email_message = Email::new(
        &settings.instructions,
        addressee.address(),
        [
            ("user", mail::about(user)),
            ("confirmation_link", link.url.into()),
            ("confirmation_token", link.token.clone().into()),
            ("within", app.period(info, settings.link.within).into()),
        ],
    );
    email_message.sent = *known;
    let event = Event::ConfirmInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    app.send(info, &email_message, known.then_some(&event))
        .await
}

/// `GET/POST /confirm/{token}`: the link from the mail.
async fn from_link(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = match Way::of(&app, &request) {
        Way::Opened => opened(&app, &mut request, &token).await,
        Way::Passed => passed(&app, &request, &token).await,
        Way::Posted => posted(&app, &mut request, &token).await,
    };
    request.finish(&app, outcome)
}

/// Opening the link confirms, and leads to the app.
async fn opened(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    if app.settings().accounts.confirm.auto_login {
        landing::check_follower(app, request)?;
    }
    auth_policy::identify(app, &mut request.session, Load::User, &request.credentials).await?;
    let settings = &app.settings().accounts.confirm;
    let user = match rules::confirm(app, request.session.info(), token).await? {
        Ok(user) => user,
        Err(refused) => {
            return Ok(refused.lead(app, request.session.info(), &settings.error_view, None)?);
        }
    };
    sign_in(app, request, &user).await?;
    let said = Message::EmailConfirmed.into();
    let info = request.session.info();
    Ok(landing::done(
        app,
        info,
        &settings.post_view,
        Some(&said),
        &user,
    )?)
}

/// Opening the link changes nothing: the app gets the token, and posts it.
async fn passed(app: &App, request: &RequestContext, token: &str) -> Result<Reply, HandlerError> {
    let settings = &app.settings().accounts.confirm;
    let info = request.session.info();
    Ok(match rules::judge(app, info, token).await? {
        Ok(_) => landing::pass(app, info, &settings.post_view, token)?,
        Err(refused) => refused.lead(app, info, &settings.error_view, None)?,
    })
}

/// Posting the token confirms.
async fn posted(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let user = match rules::confirm(app, request.session.info(), token).await? {
        Ok(user) => user,
        Err(refused) => {
            return Err(Rejection::new(StatusCode::BAD_REQUEST, refused.said).into());
        }
    };
    sign_in(app, request, &user).await?;
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("email", user.email.clone())
        .member("identity", identity::of(app, &user).map(str::to_owned)))
}

/// Signs in the user who followed the link, if that is configured. A user who is signed in already
/// stays signed in.
async fn sign_in(app: &App, request: &mut RequestContext, user: &User) -> Result<(), Fault> {
    if app.settings().accounts.confirm.auto_login && request.session.caller().is_none() {
        let factor = Factor::EmailLink(Kind::Confirm);
        let authentication = Authentication::by(app, user.clone(), factor);
        sign_in::proceed(app, &mut request.session, authentication).await?;
    }
    Ok(())
}
