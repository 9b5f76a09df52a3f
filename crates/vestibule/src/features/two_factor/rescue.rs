//! `/tf-rescue`: help for a user who cannot show the second factor.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::Change;

use super::{out_of_order, wire};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect;
use crate::http::reply::Reply;
use crate::mail::{self, Email};
use crate::session::keys;
use crate::session::pending::{PendingSignIn, Stage};
use crate::session::request::RequestContext;
use crate::session::second_factor;
use crate::settings::Method;
use crate::settings::endpoints::under_prefix;

const HELP_SETUP: &str = "help_setup";

/// `GET /tf-rescue`: returns what the user can do.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match pending(&app, &mut request).await {
        Ok(pending) => Ok(options(&app, &mut request, &pending)),
        Err(error) => Err(error),
    };
    request.finish(&app, outcome)
}

/// `POST /tf-rescue`: sends a code by mail, or a mail to the operator, or leads to the endpoint for
/// recovery codes.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = help(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn pending(app: &App, request: &mut RequestContext) -> Result<PendingSignIn, HandlerError> {
    request.require_anonymous(app).await?;
    let pending = PendingSignIn::of_session(app, &mut request.session).await?;
    let Some(pending) = pending.filter(|pending| pending.stage == Stage::Ready) else {
        keys::abandon(&mut request.session);
        return Err(out_of_order().into());
    };
    Ok(pending)
}

fn options(app: &App, request: &mut RequestContext, pending: &PendingSignIn) -> Reply {
    let options = wire::rescue_options(app, pending);
    Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("recovery_options", options)
}

async fn help(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let pending = pending(app, request).await?;
    let offered = wire::rescue_options(app, &pending);
    let offered: Vec<&str> = offered.keys().map(String::as_str).collect();
    match wire::read_choice(request.body.fields()?, HELP_SETUP, &offered)? {
        "email" => send_code(app, request, &pending).await?,
        "recovery_code" => {
            let settings = app.settings();
            let url = &settings.recovery_codes.recovery_url;
            let path = under_prefix(&settings.http.url_prefix, url);
            return Ok(redirect::go_to(app, request.session.info(), &path, &[])?);
        }
        _ => ask_operator(app, request, &pending).await?,
    }
    Ok(options(app, request, &pending))
}

/// Sends a code of the user's second factor by mail, whatever its method.
async fn send_code(
    app: &App,
    request: &RequestContext,
    pending: &PendingSignIn,
) -> Result<(), Fault> {
    let info = request.session.info();
    let user = &pending.user;
    let code = second_factor::code(app, info, user, Method::Email).await?;
    let change = Change {
        mails: code.into_iter().collect(),
        ..Change::default()
    };
    let event = Event::SecondFactorCodeSent {
        user_id: user.id,
        method: Method::Email.name(),
    };
    app.commit(info, change, &event).await?;
    Ok(())
}

/// Asks the operator to help the user.
async fn ask_operator(
    app: &App,
    request: &RequestContext,
    pending: &PendingSignIn,
) -> Result<(), Fault> {
    let info = request.session.info();
    let settings = &app.settings().two_factor;
    let user = &pending.user;
    let email = Email::new(
        &settings.rescue,
        &settings.rescue_address,
        [("user", mail::about(user))],
    );
    let event = Event::SecondFactorHelpRequested { user_id: user.id };
    app.send(info, &email, Some(&event)).await
}
