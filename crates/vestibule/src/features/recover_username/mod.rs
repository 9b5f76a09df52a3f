//! Being told a forgotten name.
//!
//! Routes    `GET/POST /recover-username`
//! Settings  `USERNAME_RECOVERY`, `USERNAME_RECOVERY_URL`, `RETURN_GENERIC_RESPONSES`
//! Messages  `EMAIL_NOT_PROVIDED`, `INVALID_EMAIL_ADDRESS`, `USER_DOES_NOT_EXIST`,
//!           `DISABLED_ACCOUNT`, `CONFIRMATION_REQUIRED`, `ANONYMOUS_USER_REQUIRED`
//! Mails     `username_recovery`
//! Hooks     `UsernameRecoverySent`
//! Never     says whether an address is known (`RETURN_GENERIC_RESPONSES`)

mod document;

use axum::extract::State;
use axum::response::Response;
use vestibule_store::{Identity, User};

use crate::app::App;
use crate::features::api::Endpoint;
use crate::hooks::Event;
use crate::http::fault::{Fault, Refusal};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::identity;
use crate::mail::{self, Letter};
use crate::rules;
use crate::session::assurance;
use crate::session::call::Call;
use crate::settings::Settings;

const EMAIL: &str = "email";

/// Where it is.
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

/// `GET /recover-username`: a CSRF token.
async fn get(State(app): State<App>, mut call: Call) -> Response {
    let outcome = call.come_in_unknown(&app).await;
    let outcome = outcome.map(|()| Reply::ok().member("csrf_token", call.visit.csrf_token(&app)));
    call.finish(&app, outcome)
}

/// `POST /recover-username`: sends the name.
async fn post(State(app): State<App>, mut call: Call) -> Response {
    let outcome = send(&app, &mut call).await;
    call.finish(&app, outcome)
}

async fn send(app: &App, call: &mut Call) -> Result<Reply, Refusal> {
    call.come_in_unknown(app).await?;
    let mut errors = FieldErrors::default();
    let email = rules::email(app, call.body.fields()?, EMAIL, &mut errors);
    let mut user = None;
    if let Some(email) = &email {
        user = identity::find(app, Identity::Email, email).await?;
        if let Some(message) = assurance::no_mail_for(app, user.as_ref()) {
            errors.push(EMAIL, message);
            user = None;
        }
    }
    if !errors.is_empty() && !app.settings().login.return_generic_responses {
        return Err(Rejection::fields(errors).into());
    }
    if let Some(email) = email {
        send_name(app, call, user, &email).await?;
    }
    Ok(Reply::ok().member("csrf_token", call.visit.csrf_token(app)))
}

/// Sends the name; where there is nobody to send it to, does as much.
async fn send_name(app: &App, call: &Call, user: Option<User>, email: &str) -> Result<(), Fault> {
    let known = user.is_some();
    let user = user.unwrap_or_else(|| identity::nobody(app, email));
    let mut letter = Letter::new(
        &app.settings().accounts.recover_username.instructions,
        user.email.as_deref().unwrap_or(email),
        [
            ("user", mail::about(&user)),
            ("username", user.username.clone().into()),
        ],
    );
    letter.sent = known;
    let event = Event::UsernameRecoverySent { user_id: user.id };
    let facts = call.visit.facts();
    app.send(facts, &letter, known.then_some(&event)).await
}
