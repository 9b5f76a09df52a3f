//! Replacing a forgotten password.
//!
//! Routes    `GET/POST /reset`, `GET/POST /reset/{token}`
//! Settings  `RECOVERABLE`, `RESET_URL`, `RESET_PASSWORD_WITHIN`, `RESET_VIEW`, `RESET_ERROR_VIEW`,
//!           `AUTO_LOGIN_AFTER_RESET`, `SEND_PASSWORD_RESET_EMAIL`,
//!           `SEND_PASSWORD_RESET_NOTICE_EMAIL`, `RETURN_GENERIC_RESPONSES`
//! Messages  `PASSWORD_RESET_EXPIRED`, `INVALID_RESET_PASSWORD_TOKEN`, `DISABLED_ACCOUNT`,
//!           `CONFIRMATION_REQUIRED`, `USER_DOES_NOT_EXIST`, ...
//! Mails     `reset_instructions`, `reset_notice`
//! Hooks     `ResetInstructionsSent`, `PasswordReset`, `SignedIn`
//! Never     reveals whether an address is known, with `RETURN_GENERIC_RESPONSES`

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use vestibule_store::User;

use self::rules::{Decision, Judged};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::links::step::{self, LinkRefusal, Token};
use crate::links::{self, Kind, LinkMail};
use crate::mail::addressee::Addressee;
use crate::openapi::Endpoint;
use crate::session::assurance;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens;
use crate::settings::{Settings, endpoints};
use crate::validation::{self, NewPassword};

const PASSWORD: NewPassword = NewPassword {
    name: "password",
    again: Some("password_confirm"),
    required: true,
};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let settings = &settings.accounts.recover;
    if !settings.enabled {
        return Vec::new();
    }
    vec![
        Endpoint::at(&settings.url)
            .get(get, document::state)
            .post(post, document::send),
        Endpoint::at(&endpoints::under(&settings.url, "{token}"))
            .get(from_link, document::from_link)
            .post(reset, document::reset),
    ]
}

/// `GET /reset`: returns a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /reset`: mails the link.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let objection = |user: Option<&User>| assurance::mail_block(app, user);
    let info = request.session.info();
    let addressee = Addressee::read(app, info, request.body.fields()?, objection).await?;
    if let Some(addressee) = addressee {
        send_link(app, request.session.info(), &addressee).await?;
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

async fn send_link(app: &App, info: &RequestInfo, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let settings = &app.settings().accounts.recover;
    let link = links::reset(app, info, user);
    let event = Event::ResetInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    let Some(template) = &settings.instructions else {
        // The application receives the event and sends its own mail.
        return app.record_or_pad(info, known.then_some(&event)).await;
    };
    let mail = LinkMail {
        kind: Kind::Reset,
        template,
        link: &link,
        user,
        to: addressee.address(),
        sent: *known,
    };
    mail.send(app, info, &event).await
}

/// `GET /reset/{token}`: redirects from the link in the mail to the app, without consuming it.
async fn from_link(
    State(app): State<App>,
    Token(token): Token,
    request: RequestContext,
) -> Response {
    let outcome = hand_over(&app, &request, &token).await;
    request.finish(&app, outcome)
}

async fn hand_over(
    app: &App,
    request: &RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    let settings = &app.settings().accounts.recover;
    let info = request.session.info();
    Ok(match rules::judge(app, info, token).await? {
        Judged::Valid(..) => step::redirect_token(app, info, &settings.view, token)?,
        Judged::Invalid(reason) => {
            let refusal = LinkRefusal::error(reason);
            step::redirect_error(app, info, &settings.error_view, &refusal)?
        }
    })
}

/// `POST /reset/{token}`: sets the new password.
async fn reset(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = set(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

async fn set(app: &App, request: &mut RequestContext, token: &str) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let info = request.session.info().clone();
    let (user, token) = match rules::judge(app, &info, token).await? {
        Judged::Valid(user, token) => (user, token),
        Judged::Invalid(reason) => {
            return Err(Rejection::fields(FieldErrors::one("", reason)).into());
        }
    };
    let mut errors = FieldErrors::default();
    let password = PASSWORD
        .read(request.body.fields()?, &mut errors)
        .map(str::to_owned);
    let Some(password) = password.filter(|_| errors.is_empty()) else {
        return Err(Rejection::fields(errors).into());
    };
    let password = validation::normalised(app, &password);
    let user = match rules::replace(app, &info, *user, &token, &password).await? {
        Decision::Refused(errors) => return Err(Rejection::fields(errors).into()),
        Decision::Replaced(user) => user,
    };
    if !app.settings().accounts.recover.auto_login {
        return Ok(Reply::ok());
    }
    let authentication = Authentication::by(app, *user, Factor::ResetLink)
        .with_tokens(tokens::requested(app, &request.query));
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            let reply = Reply::ok()
                .member("csrf_token", request.session.csrf_token(app))
                .member("tf_required", false);
            Ok(payload.add_to(reply))
        }
        SignInOutcome::SecondFactor(due) => Ok(due.reply(app, &mut request.session)),
        SignInOutcome::Refused(_) => Ok(Reply::ok()),
    }
}
