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
use vestibule_store::User;

use crate::app::App;
use crate::features::api::Endpoint;
use crate::hooks::Event;
use crate::http::facts::Facts;
use crate::http::fault::{Fault, Refusal};
use crate::http::reply::Reply;
use crate::mail::addressee::Addressee;
use crate::mail::{self, Letter};
use crate::session::assurance;
use crate::session::call::Call;
use crate::settings::Settings;

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
    let objection = |user: Option<&User>| assurance::no_mail_for(app, user);
    let addressee = Addressee::read(app, call.body.fields()?, objection).await?;
    if let Some(addressee) = addressee {
        send_name(app, call.visit.facts(), &addressee).await?;
    }
    Ok(Reply::ok().member("csrf_token", call.visit.csrf_token(app)))
}

async fn send_name(app: &App, facts: &Facts, addressee: &Addressee) -> Result<(), Fault> {
    let Addressee { user, known } = addressee;
    let mut letter = Letter::new(
        &app.settings().accounts.recover_username.instructions,
        addressee.address(),
        [
            ("user", mail::about(user)),
            ("username", user.username.clone().into()),
        ],
    );
    letter.sent = *known;
    let event = Event::UsernameRecoverySent { user_id: user.id };
    app.send(facts, &letter, known.then_some(&event)).await
}
