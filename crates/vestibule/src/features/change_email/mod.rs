//! Changing the email address. The new address takes effect once the link mailed to it is used.
//!
//! Routes    `GET/POST /change-email`, `GET /change-email/{token}`; `POST /change-email/{token}`
//!           if the app posts the token
//! Settings  `CHANGE_EMAIL`, `CHANGE_EMAIL_URL`, `CHANGE_EMAIL_WITHIN`,
//!           `CHANGE_EMAIL_ERROR_VIEW`, `POST_CHANGE_EMAIL_VIEW`, `CHANGE_EMAIL_NOTIFY_OLD`,
//!           `LINKS_CONSUMED_BY`, `FRESHNESS`, `RETURN_GENERIC_RESPONSES`
//! Messages  `EMAIL_ALREADY_ASSOCIATED`, `CHANGE_EMAIL_EXPIRED`, `CHANGE_EMAIL_CONFIRMED`, ...
//! Mails     `change_email_instructions`, `change_email_notice`
//! Hooks     `ChangeEmailInstructionsSent`, `ChangeEmailConfirmed`
//! Never     stores a new address unless the link mailed to that address was used

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use vestibule_store::Identity;

use crate::app::App;
use crate::guard;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::identity;
use crate::links::step::{self, LinkStep, Token};
use crate::links::{self, Kind, LinkMail};
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::session::tokens::UserPayload;
use crate::settings::{ConsumedBy, Settings, endpoints};
use crate::validation;

const EMAIL: &str = "email";

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let change = &settings.accounts.change_email;
    if !change.enabled {
        return Vec::new();
    }
    let token = endpoints::under(&change.url, "{token}");
    let mut link = Endpoint::at(&token).get(from_link, document::from_link);
    if settings.accounts.links_consumed_by == ConsumedBy::Post {
        link = link.post(from_link, document::confirm);
    }
    vec![
        Endpoint::at(&change.url)
            .get(get, document::state)
            .post(post, document::change),
        link,
    ]
}

/// `GET /change-email`: returns the current address.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match request.authenticate(&app, &AuthPolicy::fresh(&app)).await {
        Ok(()) => state(&app, &mut request),
        Err(refusal) => Err(refusal),
    };
    request.finish(&app, outcome)
}

/// `POST /change-email`: mails the link to the new address.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let user = &request.caller()?.user;
    let email = user.email.clone();
    let payload = UserPayload::without_tokens(app, user);
    let reply = Reply::ok()
        .member("current_email", email)
        .member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let mut errors = FieldErrors::default();
    let fields = request.body.fields()?;
    let email = validation::new_email(app, fields, EMAIL, &mut errors).await;
    let Some(email) = email else {
        return Err(Rejection::fields(errors).into());
    };
    let taken = identity::find(app, Identity::Email, &email)
        .await?
        .is_some();
    if taken && !app.settings().login.return_generic_responses {
        let message = Message::EmailAlreadyAssociated.with("email", &email);
        return Err(Rejection::fields(FieldErrors::one(EMAIL, message)).into());
    }
    let user_id = request.caller()?.user.id;
    let allowed = guard::may_send(app, request.session.info(), &email, Some(user_id)).await?;
    send_link(app, request, &email, allowed && !taken).await?;
    state(app, request)
}

/// Mails the link. If the address is taken, or gets too many mails, does the same work and sends nothing.
async fn send_link(
    app: &App,
    request: &RequestContext,
    email: &str,
    sent: bool,
) -> Result<(), Fault> {
    let info = request.session.info();
    let user = &request.caller()?.user;
    let link = links::change_email(app, info, user, email);
    let event = Event::ChangeEmailInstructionsSent {
        user_id: user.id,
        new_email: email,
        token: &link.token,
    };
    let mail = LinkMail {
        kind: Kind::ChangeEmail,
        template: &app.settings().accounts.change_email.instructions,
        link: &link,
        user,
        to: email,
        sent,
    };
    mail.send(app, info, &event).await
}

/// `GET/POST /change-email/{token}`: handles the link from the mail.
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
    let settings = &app.settings().accounts.change_email;
    let step = LinkStep::of(app, request);
    match step {
        LinkStep::Consume => {}
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
    let view = &settings.post_view;
    step.confirmed(app, request, view, Message::ChangeEmailConfirmed, &user)
}
