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
use crate::http::facts::Facts;
use crate::http::fault::{Fault, Refusal};
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::identity;
use crate::mail::addressee::Addressee;
use crate::mail::{self, Letter};
use crate::messages::Message;
use crate::secrets::links;
use crate::session::call::Call;
use crate::session::landing::{self, Token, Way};
use crate::session::sign_in::{self, Admission};
use crate::session::visit::Depth;
use crate::session::{assurance, door};
use crate::settings::Settings;

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
        Endpoint::at(&links::under(url, "{token}"))
            .get(from_link, document::from_link)
            .post(from_link, document::confirm),
    ]
}

/// `GET /confirm`: a CSRF token.
async fn get(State(app): State<App>, mut call: Call) -> Response {
    let outcome = call.come_in(&app).await;
    let outcome = outcome.map(|()| Reply::ok().member("csrf_token", call.visit.csrf_token(&app)));
    call.finish(&app, outcome)
}

/// `POST /confirm`: sends the link once more.
async fn post(State(app): State<App>, mut call: Call) -> Response {
    let outcome = send(&app, &mut call).await;
    call.finish(&app, outcome)
}

async fn send(app: &App, call: &mut Call) -> Result<Reply, Refusal> {
    call.come_in(app).await?;
    let addressee = Addressee::read(app, call.body.fields()?, rules::objection).await?;
    if let Some(addressee) = addressee {
        send_link(app, call.visit.facts(), &addressee).await?;
    }
    Ok(Reply::ok().member("csrf_token", call.visit.csrf_token(app)))
}

async fn send_link(app: &App, facts: &Facts, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let settings = &app.settings().accounts.confirm;
    let link = links::confirm(app, facts, &user.fs_uniquifier, addressee.address());
    let mut letter = Letter::new(
        &settings.instructions,
        addressee.address(),
        [
            ("user", mail::about(user)),
            ("confirmation_link", link.url.into()),
            ("confirmation_token", link.token.clone().into()),
            ("within", app.period(facts, settings.link.within).into()),
        ],
    );
    letter.sent = *known;
    let event = Event::ConfirmInstructionsSent {
        user_id: user.id,
        token: &link.token,
    };
    app.send(facts, &letter, known.then_some(&event)).await
}

/// `GET/POST /confirm/{token}`: the link from the mail.
async fn from_link(State(app): State<App>, Token(token): Token, mut call: Call) -> Response {
    let outcome = match Way::of(&app, &call) {
        Way::Opened => opened(&app, &mut call, &token).await,
        Way::Passed => passed(&app, &call, &token).await,
        Way::Posted => posted(&app, &mut call, &token).await,
    };
    call.finish(&app, outcome)
}

/// Opening the link confirms, and leads to the app.
async fn opened(app: &App, call: &mut Call, token: &str) -> Result<Reply, Refusal> {
    if app.settings().accounts.confirm.auto_login {
        landing::check_follower(app, call)?;
    }
    door::recognise(app, &mut call.visit, Depth::User, &call.credentials).await?;
    let settings = &app.settings().accounts.confirm;
    let user = match rules::confirm(app, call.visit.facts(), token).await? {
        Ok(user) => user,
        Err(refused) => {
            return Ok(refused.lead(app, call.visit.facts(), &settings.error_view, None)?);
        }
    };
    sign_in(app, call, &user).await?;
    let said = Message::EmailConfirmed.into();
    let facts = call.visit.facts();
    Ok(landing::done(
        app,
        facts,
        &settings.post_view,
        Some(&said),
        &user,
    )?)
}

/// Opening the link changes nothing: the app gets the token, and posts it.
async fn passed(app: &App, call: &Call, token: &str) -> Result<Reply, Refusal> {
    let settings = &app.settings().accounts.confirm;
    let facts = call.visit.facts();
    Ok(match rules::judge(app, facts, token).await? {
        Ok(_) => landing::pass(app, facts, &settings.post_view, token)?,
        Err(refused) => refused.lead(app, facts, &settings.error_view, None)?,
    })
}

/// Posting the token confirms.
async fn posted(app: &App, call: &mut Call, token: &str) -> Result<Reply, Refusal> {
    call.come_in(app).await?;
    let user = match rules::confirm(app, call.visit.facts(), token).await? {
        Ok(user) => user,
        Err(refused) => {
            return Err(Rejection::new(StatusCode::BAD_REQUEST, refused.said).into());
        }
    };
    sign_in(app, call, &user).await?;
    Ok(Reply::ok()
        .member("csrf_token", call.visit.csrf_token(app))
        .member("email", user.email.clone())
        .member("identity", identity::of(app, &user).map(str::to_owned)))
}

/// Signs in whoever opened the link, if that is set and nothing else is asked of them. Nobody is
/// signed out for it.
async fn sign_in(app: &App, call: &mut Call, user: &User) -> Result<(), Fault> {
    let wanted = app.settings().accounts.confirm.auto_login && call.visit.caller().is_none();
    if !wanted || assurance::obstacle(app, user).await?.is_some() {
        return Ok(());
    }
    let admission = Admission::without_password(app, user.clone(), &["confirm"]);
    sign_in::complete(app, &mut call.visit, admission).await
}
