//! Confirming an email address.
//!
//! Routes    `GET/POST /confirm`, `GET/POST /confirm/{token}`
//! Settings  `CONFIRMABLE`, `CONFIRM_URL`, `CONFIRM_EMAIL_WITHIN`, `CONFIRM_ERROR_VIEW`,
//!           `POST_CONFIRM_VIEW`, `AUTO_LOGIN_AFTER_CONFIRM`, `LINKS_CONSUMED_BY`,
//!           `RETURN_GENERIC_RESPONSES`
//! Messages  `CONFIRMATION_EXPIRED`, `INVALID_CONFIRMATION_TOKEN`, `ALREADY_CONFIRMED`,
//!           `EMAIL_CONFIRMED`, `USER_DOES_NOT_EXIST`, ...
//! Mails     `confirmation_instructions`
//! Hooks     `ConfirmInstructionsSent`, `Confirmed`, `SignedIn`
//! Never     reveals whether an address is known, with `RETURN_GENERIC_RESPONSES`

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use vestibule_store::User;

use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::links::step::{self, LinkStep, Token};
use crate::links::{self, Kind, LinkMail};
use crate::mail::addressee::Addressee;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::auth_policy;
use crate::session::caller::Load;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::second_factor::SecondFactorDue;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::settings::{Settings, endpoints};

/// The endpoints of this feature.
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

/// `GET /confirm`: returns a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /confirm`: mails the link again.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let info = request.session.info();
    let addressee = Addressee::read(app, info, request.body.fields()?, rules::objection).await?;
    if let Some(addressee) = addressee {
        send_link(app, request.session.info(), &addressee).await?;
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

async fn send_link(app: &App, info: &RequestInfo, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let link = links::confirm(app, info, &user.fs_uniquifier, addressee.address());
    let event = Event::ConfirmInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    let mail = LinkMail {
        kind: Kind::Confirm,
        template: &app.settings().accounts.confirm.instructions,
        link: &link,
        user,
        to: addressee.address(),
        sent: *known,
    };
    mail.send(app, info, &event).await
}

/// `GET/POST /confirm/{token}`: handles the link from the mail.
async fn from_link(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = follow(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

async fn follow(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    let settings = &app.settings().accounts.confirm;
    let step = LinkStep::of(app, request);
    match step {
        LinkStep::Consume => {
            if settings.auto_login {
                step::check_navigation(app, request)?;
            }
            auth_policy::identify(app, &mut request.session, Load::User, &request.credentials)
                .await?;
        }
        LinkStep::HandOver => {
            let info = request.session.info();
            return match rules::judge(app, info, token).await? {
                Ok(_) => Ok(step::redirect_token(app, info, &settings.post_view, token)?),
                Err(refusal) => step.refuse(app, info, &settings.error_view, &refusal),
            };
        }
        LinkStep::Redeem => request.identify(app).await?,
    }
    let info = request.session.info();
    let user = match rules::confirm(app, info, token).await? {
        Ok(user) => user,
        Err(refusal) => return step.refuse(app, info, &settings.error_view, &refusal),
    };
    // A user who is signed in already stays signed in.
    if settings.auto_login && request.session.caller().is_none() {
        let authentication = Authentication::by(app, user.clone(), Factor::ConfirmationLink);
        let outcome = sign_in::proceed(app, &mut request.session, authentication).await?;
        if let SignInOutcome::SecondFactor(due) = outcome {
            return second_factor(app, request, step, &user, due);
        }
    }
    let view = &settings.post_view;
    step.confirmed(app, request, view, Message::EmailConfirmed, &user)
}

/// The reply if the link confirmed the address, and signing in needs a second factor.
fn second_factor(
    app: &App,
    request: &mut RequestContext,
    step: LinkStep,
    user: &User,
    due: SecondFactorDue,
) -> Result<Reply, HandlerError> {
    if step == LinkStep::Redeem {
        return Ok(due
            .reply(app, &mut request.session)
            .member("email", user.email.clone())
            .member("identity", identity::of(app, user).map(str::to_owned)));
    }
    let view = &app.settings().accounts.confirm.post_view;
    let message = Message::EmailConfirmed.into();
    let info = request.session.info();
    Ok(step::redirect_second_factor(
        app,
        info,
        view,
        Some(&message),
        user,
    )?)
}
