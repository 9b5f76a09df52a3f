//! Signing in by a link in a mail instead of a password.
//!
//! Routes    `GET/POST /login`, `GET /login/{token}`; `POST /login/{token}` if the app posts the
//!           token
//! Settings  `PASSWORDLESS`, `LOGIN_URL`, `LOGIN_WITHIN`, `LOGIN_ERROR_VIEW`, `POST_LOGIN_VIEW`,
//!           `LINKS_CONSUMED_BY`, `RETURN_GENERIC_RESPONSES`
//! Messages  `INVALID_LOGIN_TOKEN`, `LOGIN_EXPIRED`, `USER_DOES_NOT_EXIST`, `DISABLED_ACCOUNT`,
//!           `CONFIRMATION_REQUIRED`, `ANONYMOUS_USER_REQUIRED`, ...
//! Mails     `login_instructions`
//! Hooks     `LoginInstructionsSent`, `SignedIn`
//! Never     lets one link sign in twice

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;
use http::Method;
use vestibule_store::User;

use self::rules::Judged;
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::links::step::{self, LinkRefusal, LinkStep, Token};
use crate::links::{self, Kind, LinkMail};
use crate::mail::addressee::Addressee;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::assurance;
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens::{self, UserPayload};
use crate::settings::{ConsumedBy, Settings, endpoints};

/// The endpoints of this feature, which replace the sign-in with a password at its path.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.accounts.passwordless.enabled {
        return Vec::new();
    }
    let url = &settings.login.login_url;
    let mut link =
        Endpoint::at(&endpoints::under(url, "{token}")).get(from_link, document::from_link);
    if settings.accounts.links_consumed_by == ConsumedBy::Post {
        link = link.post(from_link, document::sign_in);
    }
    vec![
        Endpoint::at(url)
            .get(get, document::state)
            .post(post, document::send),
        link,
    ]
}

/// `GET /login`: returns a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /login`: mails the link.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let objection = |user: Option<&User>| assurance::mail_block(app, user);
    let info = request.session.info();
    let addressee = Addressee::read(app, info, request.body.fields()?, objection).await?;
    let mut payload = UserPayload::empty();
    if let Some(addressee) = &addressee {
        if !app.settings().login.return_generic_responses {
            payload = UserPayload::without_tokens(app, &addressee.user);
        }
        send_link(app, request.session.info(), addressee).await?;
    }
    Ok(payload.add_to(Reply::ok().member("csrf_token", request.session.csrf_token(app))))
}

async fn send_link(app: &App, info: &RequestInfo, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let link = links::login(app, info, user);
    let event = Event::LoginInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    let mail = LinkMail {
        kind: Kind::Login,
        template: &app.settings().accounts.passwordless.instructions,
        link: &link,
        user,
        to: addressee.address(),
        sent: *known,
    };
    mail.send(app, info, &event).await
}

/// `GET/POST /login/{token}`: handles the link from the mail.
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
    let settings = &app.settings().accounts.passwordless;
    let step = LinkStep::of(app, request);
    if step == LinkStep::Redeem {
        request.require_anonymous(app).await?;
    } else {
        if step == LinkStep::Consume {
            step::check_navigation(app, request)?;
        }
        if let Some(reply) = step::already_signed_in(app, request, &settings.post_view).await? {
            return Ok(reply);
        }
    }
    let (user, secret) = match rules::judge(app, token).await? {
        Judged::Valid(user, token) => (user, links::consume(app, Kind::Login, &token)),
        judged => {
            let refusal = explain(app, request, judged).await?;
            return step.refuse(app, request.session.info(), &settings.error_view, &refusal);
        }
    };
    if step == LinkStep::HandOver {
        let info = request.session.info();
        return Ok(step::redirect_token(app, info, &settings.post_view, token)?);
    }
    // The link is consumed in the transaction that signs its user in.
    let issues_tokens = step == LinkStep::Redeem && tokens::requested(app, &request.query);
    let authentication = Authentication::by(app, (*user).clone(), Factor::SignInLink)
        .consuming(secret, Message::InvalidLoginToken)
        .with_tokens(issues_tokens);
    let payload = match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => payload,
        SignInOutcome::SecondFactor(due) if step == LinkStep::Redeem => {
            return Ok(due.reply(app, &mut request.session));
        }
        SignInOutcome::SecondFactor(_) => {
            let info = request.session.info();
            let view = &settings.error_view;
            return Ok(step::redirect_second_factor(app, info, view, None, &user)?);
        }
        SignInOutcome::Refused(reason) => {
            let refusal = LinkRefusal::error(reason);
            return step.refuse(app, request.session.info(), &settings.error_view, &refusal);
        }
    };
    if step == LinkStep::Consume {
        let info = request.session.info();
        return Ok(step::redirect_success(
            app,
            info,
            &settings.post_view,
            None,
            &user,
        )?);
    }
    let reply = Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("tf_required", false);
    Ok(payload.add_to(reply))
}

/// Why a link does not sign in. An expired link is replaced by a new mail to its user, except on
/// `HEAD`, which changes nothing.
async fn explain(
    app: &App,
    request: &RequestContext,
    judged: Judged,
) -> Result<LinkRefusal, Fault> {
    let Judged::Expired(user) = judged else {
        return Ok(LinkRefusal::error(Message::InvalidLoginToken));
    };
    let info = request.session.info();
    let address = user.email.clone().unwrap_or_default();
    if request.method != Method::HEAD {
        let addressee = Addressee::limited(app, info, (*user).clone(), true).await?;
        send_link(app, info, &addressee).await?;
    }
    let within = app.settings().accounts.passwordless.link.within;
    let reason = Message::LoginExpired
        .with("within", app.period(info, within))
        .with("email", address);
    Ok(LinkRefusal::error(reason).of_user(user))
}
