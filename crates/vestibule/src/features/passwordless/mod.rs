//! Signing in by a link in a mail, instead of with a password.
//!
//! Routes    `GET/POST /login`, `GET /login/{token}`; `POST /login/{token}` where the app posts
//!           the token
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
use http::{Method, StatusCode, header};
use vestibule_formats::link_token::LinkToken;
use vestibule_store::User;

use self::rules::Judged;
use crate::app::App;
use crate::features::api::Endpoint;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::mail::addressee::Addressee;
use crate::mail::{self, Email};
use crate::messages::Message;
use crate::secrets::links::{self, Kind};
use crate::session::context::Load;
use crate::session::landing::{self, Refused, Token, Way};
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens::{self, UserPayload};
use crate::session::{assurance, auth_policy};
use crate::settings::{ConsumedBy, Settings, endpoints};

/// Where it is: at the path of the sign-in with a password, instead of it.
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

/// `GET /login`: a CSRF token.
async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await;
    let outcome =
        outcome.map(|()| Reply::ok().member("csrf_token", request.session.csrf_token(&app)));
    request.finish(&app, outcome)
}

/// `POST /login`: sends the link.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let objection = |user: Option<&User>| assurance::no_mail_for(app, user);
    let addressee = Addressee::read(app, request.body.fields()?, objection).await?;
    let mut tokens = UserPayload::nobody();
    if let Some(addressee) = &addressee {
        if !app.settings().login.return_generic_responses {
            tokens = UserPayload::none(app, &addressee.user);
        }
        send_link(app, request.session.info(), addressee).await?;
    }
    Ok(tokens.add_to(Reply::ok().member("csrf_token", request.session.csrf_token(app))))
}

async fn send_link(app: &App, info: &RequestInfo, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let settings = &app.settings().accounts.passwordless;
    let link = links::login(app, info, user);
    let mut email_message = Email::new(
        &settings.instructions,
        addressee.address(),
        [
            ("user", mail::about(user)),
            ("login_link", link.url.into()),
            ("login_token", link.token.clone().into()),
            ("within", app.period(info, settings.link.within).into()),
        ],
    );
    email_message.sent = *known;
    let event = Event::LoginInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    app.send(info, &email_message, known.then_some(&event))
        .await
}

/// `GET/POST /login/{token}`: the link from the mail.
async fn from_link(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = match Way::of(&app, &request) {
        Way::Opened => opened(&app, &mut request, &token).await,
        Way::Passed => passed(&app, &mut request, &token).await,
        Way::Posted => posted(&app, &mut request, &token).await,
    };
    request.finish(&app, outcome)
}

/// Whoever is signed in has no use for the link: a program is told so, a browser goes to the app.
async fn already_in(
    app: &App,
    request: &mut RequestContext,
) -> Result<Option<Reply>, HandlerError> {
    auth_policy::identify(app, &mut request.session, Load::User, &request.credentials).await?;
    if request.session.caller().is_none() {
        return Ok(None);
    }
    let accept = request.headers.get(header::ACCEPT);
    let wants_json = accept.is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("application/json"))
    });
    if wants_json || request.body.is_json() {
        let message = Message::AnonymousUserRequired;
        return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
    }
    let view = &app.settings().accounts.passwordless.post_view;
    Ok(Some(redirect::go_to(
        app,
        request.session.info(),
        view,
        &[],
    )?))
}

/// Opening the link signs in, and leads to the app.
async fn opened(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    landing::check_follower(app, request)?;
    if let Some(reply) = already_in(app, request).await? {
        return Ok(reply);
    }
    let settings = &app.settings().accounts.passwordless;
    let (user, token) = match rules::judge(app, token).await? {
        Judged::Counts(user, token) => (user, token),
        judged => return refuse(app, request, judged).await,
    };
    let authentication = authentication(app, (*user).clone(), &token);
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(_) => {
            let info = request.session.info();
            Ok(landing::done(app, info, &settings.post_view, None, &user)?)
        }
        SignInOutcome::Refused(reason) => {
            let info = request.session.info();
            Ok(Refused::error(reason).lead(app, info, &settings.error_view, None)?)
        }
    }
}

/// The link is consumed in the transaction that signs its user in.
fn authentication(app: &App, user: User, token: &LinkToken) -> Authentication {
    let secret = links::consume(app, Kind::Login, token);
    Authentication::by(app, user, Factor::EmailLink(Kind::Login))
        .consuming(secret, Message::InvalidLoginToken)
}

/// Opening the link changes nothing: the app gets the token, and posts it.
async fn passed(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    if let Some(reply) = already_in(app, request).await? {
        return Ok(reply);
    }
    let settings = &app.settings().accounts.passwordless;
    match rules::judge(app, token).await? {
        Judged::Counts(..) => {
            let info = request.session.info();
            Ok(landing::pass(app, info, &settings.post_view, token)?)
        }
        judged => refuse(app, request, judged).await,
    }
}

/// To the view for errors.
async fn refuse(
    app: &App,
    request: &RequestContext,
    judged: Judged,
) -> Result<Reply, HandlerError> {
    let view = &app.settings().accounts.passwordless.error_view;
    let (said, user) = say(app, request, judged).await?;
    Ok(Refused::error(said).lead(app, request.session.info(), view, user.as_deref())?)
}

/// Why a link does not sign in. Whoever comes too late is sent another one, but for a look at
/// the link (`HEAD`), which changes nothing.
async fn say(
    app: &App,
    request: &RequestContext,
    judged: Judged,
) -> Result<(crate::messages::LocalizedMessage, Option<Box<User>>), Fault> {
    let Judged::Late(user) = judged else {
        return Ok((Message::InvalidLoginToken.into(), None));
    };
    let info = request.session.info();
    let addressee = Addressee {
        user: (*user).clone(),
        known: true,
    };
    if request.method != Method::HEAD {
        send_link(app, info, &addressee).await?;
    }
    let within = app.settings().accounts.passwordless.link.within;
    let said = Message::LoginExpired
        .with("within", app.period(info, within))
        .with("email", addressee.address());
    Ok((said, Some(user)))
}

/// Posting the token signs in.
async fn posted(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let (user, token) = match rules::judge(app, token).await? {
        Judged::Counts(user, token) => (user, token),
        judged => {
            let (said, _) = say(app, request, judged).await?;
            return Err(Rejection::new(StatusCode::BAD_REQUEST, said).into());
        }
    };
    let authentication =
        authentication(app, *user, &token).with_tokens(tokens::requested(app, &request.query));
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            let reply = Reply::ok()
                .member("csrf_token", request.session.csrf_token(app))
                .member("tf_required", false);
            Ok(payload.add_to(reply))
        }
        SignInOutcome::Refused(reason) => {
            Err(Rejection::new(StatusCode::BAD_REQUEST, reason).into())
        }
    }
}
