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
use vestibule_store::User;

use self::rules::{Judged, Used};
use crate::app::App;
use crate::features::api::Endpoint;
use crate::hooks::Event;
use crate::http::facts::Facts;
use crate::http::fault::{Fault, Refusal};
use crate::http::redirect;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::mail::addressee::Addressee;
use crate::mail::{self, Letter};
use crate::messages::Message;
use crate::secrets::links;
use crate::session::call::Call;
use crate::session::landing::{self, Refused, Token, Way};
use crate::session::sign_in::{self, Admission};
use crate::session::tokens::{self, Tokens};
use crate::session::visit::Depth;
use crate::session::{assurance, door};
use crate::settings::{ConsumedBy, Settings};

/// Where it is: at the path of the sign-in with a password, instead of it.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.accounts.passwordless.enabled {
        return Vec::new();
    }
    let url = &settings.login.login_url;
    let mut link = Endpoint::at(&links::under(url, "{token}")).get(from_link, document::from_link);
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
async fn get(State(app): State<App>, mut call: Call) -> Response {
    let outcome = call.come_in(&app).await;
    let outcome = outcome.map(|()| Reply::ok().member("csrf_token", call.visit.csrf_token(&app)));
    call.finish(&app, outcome)
}

/// `POST /login`: sends the link.
async fn post(State(app): State<App>, mut call: Call) -> Response {
    let outcome = send(&app, &mut call).await;
    call.finish(&app, outcome)
}

async fn send(app: &App, call: &mut Call) -> Result<Reply, Refusal> {
    call.come_in(app).await?;
    let objection = |user: Option<&User>| assurance::no_mail_for(app, user);
    let addressee = Addressee::read(app, call.body.fields()?, objection).await?;
    let mut tokens = Tokens::nobody();
    if let Some(addressee) = &addressee {
        if !app.settings().login.return_generic_responses {
            tokens = Tokens::none(app, &addressee.user);
        }
        send_link(app, call.visit.facts(), addressee).await?;
    }
    Ok(tokens.put_into(Reply::ok().member("csrf_token", call.visit.csrf_token(app))))
}

async fn send_link(app: &App, facts: &Facts, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let settings = &app.settings().accounts.passwordless;
    let link = links::login(app, facts, user);
    let mut letter = Letter::new(
        &settings.instructions,
        addressee.address(),
        [
            ("user", mail::about(user)),
            ("login_link", link.url.into()),
            ("login_token", link.token.clone().into()),
            ("within", app.period(facts, settings.link.within).into()),
        ],
    );
    letter.sent = *known;
    let event = Event::LoginInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    app.send(facts, &letter, known.then_some(&event)).await
}

/// `GET/POST /login/{token}`: the link from the mail.
async fn from_link(State(app): State<App>, Token(token): Token, mut call: Call) -> Response {
    let outcome = match Way::of(&app, &call) {
        Way::Opened => opened(&app, &mut call, &token).await,
        Way::Passed => passed(&app, &mut call, &token).await,
        Way::Posted => posted(&app, &mut call, &token).await,
    };
    call.finish(&app, outcome)
}

/// Whoever is signed in has no use for the link: a program is told so, a browser goes to the app.
async fn already_in(app: &App, call: &mut Call) -> Result<Option<Reply>, Refusal> {
    door::recognise(app, &mut call.visit, Depth::User, &call.credentials).await?;
    if call.visit.caller().is_none() {
        return Ok(None);
    }
    let accept = call.headers.get(header::ACCEPT);
    let wants_json = accept.is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("application/json"))
    });
    if wants_json || call.body.is_json() {
        let message = Message::AnonymousUserRequired;
        return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
    }
    let view = &app.settings().accounts.passwordless.post_view;
    Ok(Some(redirect::go_to(app, call.visit.facts(), view, &[])?))
}

/// Opening the link signs in, and leads to the app.
async fn opened(app: &App, call: &mut Call, token: &str) -> Result<Reply, Refusal> {
    landing::check_follower(app, call)?;
    if let Some(reply) = already_in(app, call).await? {
        return Ok(reply);
    }
    let settings = &app.settings().accounts.passwordless;
    let user = match rules::judge(app, token).await? {
        Judged::Counts(user, token) => match rules::spend(app, &user, &token).await? {
            Used::Now => user,
            Used::Before => {
                let refused = Refused::error(Message::InvalidLoginToken);
                return Ok(refused.lead(app, call.visit.facts(), &settings.error_view, None)?);
            }
        },
        judged => return refuse(app, call, judged).await,
    };
    let admission = Admission::without_password(app, (*user).clone(), &["token"]);
    sign_in::complete(app, &mut call.visit, admission).await?;
    let facts = call.visit.facts();
    Ok(landing::done(app, facts, &settings.post_view, None, &user)?)
}

/// Opening the link changes nothing: the app gets the token, and posts it.
async fn passed(app: &App, call: &mut Call, token: &str) -> Result<Reply, Refusal> {
    if let Some(reply) = already_in(app, call).await? {
        return Ok(reply);
    }
    let settings = &app.settings().accounts.passwordless;
    match rules::judge(app, token).await? {
        Judged::Counts(..) => {
            let facts = call.visit.facts();
            Ok(landing::pass(app, facts, &settings.post_view, token)?)
        }
        judged => refuse(app, call, judged).await,
    }
}

/// To the view for errors.
async fn refuse(app: &App, call: &Call, judged: Judged) -> Result<Reply, Refusal> {
    let view = &app.settings().accounts.passwordless.error_view;
    let (said, user) = say(app, call, judged).await?;
    Ok(Refused::error(said).lead(app, call.visit.facts(), view, user.as_deref())?)
}

/// Why a link does not sign in. Whoever comes too late is sent another one, but for a look at
/// the link (`HEAD`), which changes nothing.
async fn say(
    app: &App,
    call: &Call,
    judged: Judged,
) -> Result<(crate::messages::Said, Option<Box<User>>), Fault> {
    let Judged::Late(user) = judged else {
        return Ok((Message::InvalidLoginToken.into(), None));
    };
    let facts = call.visit.facts();
    let addressee = Addressee {
        user: (*user).clone(),
        known: true,
    };
    if call.method != Method::HEAD {
        send_link(app, facts, &addressee).await?;
    }
    let within = app.settings().accounts.passwordless.link.within;
    let said = Message::LoginExpired
        .with("within", app.period(facts, within))
        .with("email", addressee.address());
    Ok((said, Some(user)))
}

/// Posting the token signs in.
async fn posted(app: &App, call: &mut Call, token: &str) -> Result<Reply, Refusal> {
    call.come_in_unknown(app).await?;
    let user = match rules::judge(app, token).await? {
        Judged::Counts(user, token) => match rules::spend(app, &user, &token).await? {
            Used::Now => user,
            Used::Before => {
                let said = Message::InvalidLoginToken;
                return Err(Rejection::new(StatusCode::BAD_REQUEST, said).into());
            }
        },
        judged => {
            let (said, _) = say(app, call, judged).await?;
            return Err(Rejection::new(StatusCode::BAD_REQUEST, said).into());
        }
    };
    let now = app.unix_seconds();
    let facts = call.visit.facts();
    let tokens = tokens::on_request(app, facts, &user, now, &call.query).await?;
    let admission = Admission::without_password(app, *user, &["token"]);
    sign_in::complete(app, &mut call.visit, admission).await?;
    let reply = Reply::ok()
        .member("csrf_token", call.visit.csrf_token(app))
        .member("tf_required", false);
    Ok(tokens.put_into(reply))
}
