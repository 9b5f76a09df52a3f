//! Signing out.
//!
//! Routes    `POST /logout`, with `LOGOUT_METHODS` also `GET`
//! Settings  `LOGOUT_URL`, `LOGOUT_METHODS`, `LOGOUT_CSRF`, `POST_LOGOUT_VIEW`
//! Messages  the CSRF messages
//! Mails     none
//! Hooks     `SignedOut`, `RefreshFamilyEnded`
//! Never     fails for somebody who is not signed in

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, header};

use crate::app::App;
use crate::http::csrf;
use crate::http::fault::{Fault, Refusal};
use crate::http::redirect;
use crate::http::reply::Reply;
use crate::session::call::Call;
use crate::session::{door, refresh, sign_in, tokens};

/// Ends the session of whoever asks. A `GET`, which a link makes, goes on to
/// `POST_LOGOUT_VIEW`.
pub(crate) async fn handle(State(app): State<App>, mut call: Call) -> Response {
    let outcome = sign_out(&app, &mut call).await;
    call.finish(&app, outcome)
}

async fn sign_out(app: &App, call: &mut Call) -> Result<Reply, Refusal> {
    // Nothing in a body is needed, but what comes has to be one.
    call.body.fields()?;
    door::recognise(app, &mut call.visit, &call.credentials).await?;
    csrf::check_everywhere(app, &mut call.visit, &call.evidence)?;
    sign_in::abandon(&mut call.visit);
    let mut reply = if call.only_reads() {
        gone_on(app, call)?
    } else {
        Reply::ok()
    };
    if call.visit.caller().is_some() {
        if app.settings().csrf.logout_csrf {
            csrf::check_caller(app, &mut call.visit, &call.evidence)?;
        }
        if app.settings().refresh.enabled {
            refresh::end_on_sign_out(app, call).await?;
            let cookie = app.settings().refresh.cookie.as_ref();
            if let Some(cookie) = cookie.and_then(tokens::clear_cookie) {
                reply = reply.header(header::SET_COOKIE, cookie);
            }
        }
        sign_in::end(app, &mut call.visit);
    }
    Ok(reply)
}

fn gone_on(app: &App, call: &Call) -> Result<Reply, Fault> {
    let view = redirect::to_view(
        &app.settings().login.post_logout_view,
        call.visit.facts(),
        &app.settings().redirect,
    );
    let location = HeaderValue::try_from(view)
        .map_err(|_| Fault::Internal("POST_LOGOUT_VIEW cannot stand in a header".to_owned()))?;
    Ok(Reply::redirect(location))
}
