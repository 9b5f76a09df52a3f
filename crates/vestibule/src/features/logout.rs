//! Signing out.
//!
//! Routes    `POST /logout`, with `LOGOUT_METHODS` also `GET`
//! Settings  `LOGOUT_URL`, `LOGOUT_METHODS`, `LOGOUT_CSRF`, `POST_LOGOUT_VIEW`
//! Messages  the CSRF messages
//! Mails     none
//! Hooks     `SignedOut`
//! Never     fails for somebody who is not signed in

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method};

use crate::app::App;
use crate::http::body::RawBody;
use crate::http::csrf::{self, Evidence};
use crate::http::fault::{Fault, Refusal};
use crate::http::redirect;
use crate::http::reply::Reply;
use crate::session::sign_in;
use crate::session::visit::Visit;

/// Ends the session of whoever asks. A `GET`, which a link makes, goes on to
/// `POST_LOGOUT_VIEW`.
pub(crate) async fn handle(
    State(app): State<App>,
    mut visit: Visit,
    method: Method,
    headers: HeaderMap,
    body: RawBody,
) -> Response {
    let evidence = Evidence::of(&app, &method, &headers, &body);
    // Nothing in a body is needed, but what comes has to be one.
    let outcome = match body.fields() {
        Ok(_) => sign_out(&app, &mut visit, &evidence),
        Err(rejection) => Err(rejection.into()),
    };
    visit.finish(&app, outcome)
}

fn sign_out(app: &App, visit: &mut Visit, evidence: &Evidence<'_>) -> Result<Reply, Refusal> {
    csrf::check_everywhere(app, visit, evidence)?;
    sign_in::abandon(visit);
    if let Some(mechanism) = visit.caller().map(|caller| caller.via) {
        if app.settings().csrf.logout_csrf {
            csrf::check_caller(app, visit, mechanism, evidence)?;
        }
        sign_in::end(app, visit);
    }
    if evidence.method != Method::GET && evidence.method != Method::HEAD {
        return Ok(Reply::ok());
    }
    let view = redirect::to_view(
        &app.settings().login.post_logout_view,
        visit.facts(),
        &app.settings().redirect,
    );
    let location = HeaderValue::try_from(view)
        .map_err(|_| Fault::Internal("POST_LOGOUT_VIEW cannot stand in a header".to_owned()))?;
    Ok(Reply::redirect(location))
}
