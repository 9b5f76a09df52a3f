//! Changing the password.
//!
//! Routes    `GET/POST /change`
//! Settings  `CHANGEABLE`, `CHANGE_URL`, `SEND_PASSWORD_CHANGE_EMAIL`, `API_ENABLED_METHODS`,
//!           `FRESHNESS` for whoever has no password
//! Messages  `PASSWORD_NOT_PROVIDED`, `INVALID_PASSWORD`, `PASSWORD_IS_THE_SAME`,
//!           `RETYPE_PASSWORD_MISMATCH`, `PASSWORD_INVALID_LENGTH`, ...
//! Mails     `change_notice`
//! Hooks     `PasswordChanged`, `SignInFailed`, `SignedIn`
//! Never     leaves a session or a token from before in force

mod document;
mod rules;

use axum::extract::State;
use axum::response::Response;

use self::rules::Decision;
use crate::app::App;
use crate::features::api::Endpoint;
use crate::http::body::Field;
use crate::http::fault::Refusal;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::rules::{self as of_fields, NewPassword};
use crate::session::call::Call;
use crate::session::door::Door;
use crate::session::sign_in::{self, Admission};
use crate::session::tokens::{self, Tokens};
use crate::settings::{Mechanism, Settings};

const PASSWORD: &str = "password";
const NEW_PASSWORD: NewPassword = NewPassword {
    name: "new_password",
    again: Some("new_password_confirm"),
    required: true,
};

/// Where it is.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let settings = &settings.accounts.change_password;
    if !settings.enabled {
        return Vec::new();
    }
    let endpoint = Endpoint::at(&settings.url)
        .get(get, document::state)
        .post(post, document::change);
    vec![endpoint]
}

/// `GET /change`: whether there is a password to be shown.
async fn get(State(app): State<App>, mut call: Call) -> Response {
    let outcome = state(&app, &mut call).await;
    call.finish(&app, outcome)
}

/// `POST /change`: changes it.
async fn post(State(app): State<App>, mut call: Call) -> Response {
    let outcome = change(&app, &mut call).await;
    call.finish(&app, outcome)
}

/// Whoever has a password shows it; whoever has none shows lately who they are.
async fn enter(app: &App, call: &mut Call) -> Result<(), Refusal> {
    call.enter(app, &Door::api(app)).await?;
    if call.caller()?.user.password.is_none() {
        call.demand_fresh(app)?;
    }
    Ok(())
}

async fn state(app: &App, call: &mut Call) -> Result<Reply, Refusal> {
    enter(app, call).await?;
    let user = &call.caller()?.user;
    let active = user.password.is_some();
    let tokens = Tokens::none(app, user);
    let reply = Reply::ok()
        .member("active_password", active)
        .member("csrf_token", call.visit.csrf_token(app));
    Ok(tokens.put_into(reply))
}

async fn change(app: &App, call: &mut Call) -> Result<Reply, Refusal> {
    enter(app, call).await?;
    let caller = call.caller()?;
    let (user, by_session) = (caller.user.clone(), caller.via == Mechanism::Session);
    let fields = call.body.fields()?;
    let mut errors = FieldErrors::default();
    let old = match fields.exact(PASSWORD) {
        Field::Text(text) => Some(of_fields::normalised(app, text)),
        Field::Empty => None,
        Field::WrongType => {
            errors.push(PASSWORD, Message::ApiError);
            None
        }
    };
    let new = NEW_PASSWORD.read(fields, &mut errors).map(str::to_owned);
    let Some(new) = new.filter(|_| errors.is_empty()) else {
        return Err(Rejection::fields(errors).into());
    };
    let facts = call.visit.facts().clone();
    let remember = call.visit.remembers_its_user(app);
    let new = of_fields::normalised(app, &new);
    let user = match rules::replace(app, &facts, user, old.as_deref(), &new).await? {
        Decision::Refused(errors) => return Err(Rejection::fields(errors).into()),
        Decision::Replaced(user) => user,
    };
    let now = app.unix_seconds();
    let tokens = tokens::on_request(app, &facts, &user, now, &call.query).await?;
    // A session that came beside a token may be somebody else's: it stays as it is.
    if by_session {
        let admission = Admission {
            remember,
            ..Admission::without_password(app, *user, &["change"])
        };
        sign_in::complete(app, &mut call.visit, admission).await?;
    }
    let reply = Reply::ok().member("csrf_token", call.visit.csrf_token(app));
    Ok(tokens.put_into(reply))
}
