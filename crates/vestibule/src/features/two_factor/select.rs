//! `/tf-select`: choosing between several second factors.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::{Change, User};

use super::validate::factor_of;
use super::{out_of_order, wire};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::reply::Reply;
use crate::session::assurance;
use crate::session::keys;
use crate::session::pending::{self, PendingSignIn};
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, SecondFactorDue};
use crate::settings::Method;

const WHICH: &str = "which";

/// `GET /tf-select`: returns the second factors that the user has set up.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match pending(&app, &mut request).await {
        Ok((pending, _)) => Ok(Reply::ok()
            .member("csrf_token", request.session.csrf_token(&app))
            .member("tf_select", true)
            .member("tf_setup_methods", methods(&pending.user))),
        Err(error) => Err(error),
    };
    request.finish(&app, outcome)
}

/// `POST /tf-select`: chooses the second factor to show.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = choose(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// The second factors that a user has set up, by their names in the database.
fn methods(user: &User) -> Vec<&str> {
    assurance::second_factor(user).into_iter().collect()
}

async fn pending(
    app: &App,
    request: &mut RequestContext,
) -> Result<(PendingSignIn, Method), HandlerError> {
    request.identify(app).await?;
    let pending = match request.session.caller() {
        Some(_) => None,
        None => PendingSignIn::of_session(app, &mut request.session).await?,
    };
    let pending = pending.filter(|pending| pending.may_choose);
    let found = pending.and_then(|pending| {
        let factor = factor_of(&pending)?;
        Some((pending, factor.method))
    });
    found.ok_or_else(|| {
        keys::abandon(&mut request.session);
        out_of_order().into()
    })
}

async fn choose(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let (pending, method) = pending(app, request).await?;
    wire::read_choice(request.body.fields()?, WHICH, &methods(&pending.user))?;
    let info = request.session.info();
    let code = sign_in::second_factor_code(app, info, &pending.user, method).await?;
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
    pending::set_ready(&mut request.session);
    Ok(SecondFactorDue::of(&pending.user).reply(app, &mut request.session))
}
