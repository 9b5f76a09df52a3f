//! `/tf-select`: choosing between several second factors.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::Change;

use super::{out_of_order, wire};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::reply::Reply;
use crate::session::assurance::{self, SecondFactor};
use crate::session::keys;
use crate::session::pending::{self, PendingSignIn};
use crate::session::request::RequestContext;
use crate::session::second_factor::{self, SecondFactorDue};

const WHICH: &str = "which";

/// `GET /tf-select`: returns the second factors that the user has set up.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match pending(&app, &mut request).await {
        Ok((pending, choices)) => Ok(Reply::ok()
            .member("csrf_token", request.session.csrf_token(&app))
            .member("tf_select", true)
            .member("tf_setup_methods", names(&pending, &choices))),
        Err(error) => Err(error),
    };
    request.finish(&app, outcome)
}

/// `POST /tf-select`: chooses the second factor to show.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = choose(&app, &mut request).await;
    request.finish(&app, outcome)
}

fn names(pending: &PendingSignIn, choices: &[SecondFactor]) -> Vec<String> {
    let names = choices.iter();
    names
        .map(|choice| second_factor::name(&pending.user, *choice))
        .collect()
}

async fn pending(
    app: &App,
    request: &mut RequestContext,
) -> Result<(PendingSignIn, Vec<SecondFactor>), HandlerError> {
    request.identify(app).await?;
    let pending = match request.session.caller() {
        Some(_) => None,
        None => PendingSignIn::of_session(app, &mut request.session).await?,
    };
    if let Some(pending) = pending.filter(|pending| pending.may_choose) {
        let choices = assurance::choices(app, &pending.user, &pending.proof).await?;
        if !choices.is_empty() {
            return Ok((pending, choices));
        }
    }
    keys::abandon(&mut request.session);
    Err(out_of_order().into())
}

async fn choose(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let (pending, choices) = pending(app, request).await?;
    let names = names(&pending, &choices);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let which = wire::read_choice(request.body.fields()?, WHICH, &names)?;
    let chosen = names.iter().position(|name| *name == which);
    let Some(chosen) = chosen.and_then(|index| choices.get(index)) else {
        return Err(out_of_order().into());
    };
    if let SecondFactor::Code(method) = *chosen {
        let info = request.session.info();
        let code = second_factor::code(app, info, &pending.user, method).await?;
        if let Some(code) = code {
            let event = Event::SecondFactorCodeSent {
                user_id: pending.user.id,
                method: method.name(),
            };
            let change = Change {
                mails: vec![code],
                ..Change::default()
            };
            app.commit(info, change, &event).await?;
        }
    }
    pending::set_ready(&mut request.session);
    let due = SecondFactorDue::chosen(&pending.user, *chosen);
    Ok(due.reply(app, &mut request.session))
}
