//! Signing out.
//!
//! Routes    `POST /logout`, with `LOGOUT_METHODS` also `GET`
//! Settings  `LOGOUT_URL`, `LOGOUT_METHODS`, `LOGOUT_CSRF`, `POST_LOGOUT_VIEW`, `REDIRECT_*`
//! Messages  the CSRF messages
//! Mails     none
//! Hooks     `SignedOut`, `RefreshFamilyEnded`
//! Never     signs out because a page of another site embeds an image or a frame; refuses a client
//!           because it is not signed in

mod document;

use axum::extract::State;
use axum::response::Response;
use http::{Method, header};

use crate::app::App;
use crate::http::cookies;
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect;
use crate::http::reply::Reply;
use crate::http::trust::navigation;
use crate::openapi::Endpoint;
use crate::session::caller::Load;
use crate::session::csrf;
use crate::session::keys;
use crate::session::request::RequestContext;
use crate::session::{auth_policy, refresh, sign_in, tokens};
use crate::settings::Settings;

/// The endpoint, for the methods in `LOGOUT_METHODS`.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let methods = &settings.login.logout_methods;
    let has = |name: &str| {
        methods
            .iter()
            .any(|method| method.eq_ignore_ascii_case(name))
    };
    let mut endpoint = Endpoint::at(&settings.login.logout_url);
    if has("GET") {
        endpoint = endpoint.get(handle, document::by_link);
    }
    if has("POST") {
        endpoint = endpoint.post(handle, document::sign_out);
    }
    if has("GET") || has("POST") {
        vec![endpoint]
    } else {
        Vec::new()
    }
}

/// Signs the caller out. A `GET`, which a link sends, redirects to its `next` if that URL is
/// allowed, and to `POST_LOGOUT_VIEW` otherwise.
async fn handle(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = sign_out(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn sign_out(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let settings = app.settings();
    navigation::check(
        app,
        request.session.info(),
        &request.method,
        &request.headers,
        &settings.http.url_prefix,
    )?;
    // No field is required, but a body has to be well formed.
    request.body.fields()?;
    auth_policy::identify(app, &mut request.session, Load::User, &request.credentials).await?;
    csrf::check_everywhere(app, &mut request.session, &request.evidence)?;
    keys::abandon(&mut request.session);
    let mut reply = if request.only_reads() {
        redirect_after(app, request)?
    } else {
        Reply::ok()
    };
    let signed_in = request.session.caller().is_some();
    // A link carries no token. The browser states instead which site sent the request; one that
    // does not state it needs a token nevertheless.
    let by_link = request.only_reads() && navigation::is_told(&request.headers);
    if signed_in && settings.csrf.logout_csrf && !by_link {
        request.evidence.method = Method::POST;
        csrf::check_caller(app, &mut request.session, &request.evidence)?;
    }
    if app.settings().refresh.enabled {
        refresh::end_on_sign_out(app, request).await?;
        // The session may have ended before the refresh cookie does.
        let cookie = app.settings().refresh.cookie.as_ref();
        let cookie = cookie.filter(|cookie| {
            signed_in || cookies::cookie(&request.headers, &cookie.name).is_some()
        });
        if let Some(cookie) = cookie.and_then(tokens::clear_cookie) {
            reply = reply.header(header::SET_COOKIE, cookie);
        }
    }
    if signed_in {
        sign_in::end(app, &mut request.session).await?;
    }
    Ok(reply)
}

fn redirect_after(app: &App, request: &RequestContext) -> Result<Reply, Fault> {
    let info = request.session.info();
    if let Some(next) = redirect::next_in(app, info, &request.query) {
        return Ok(Reply::redirect(next));
    }
    redirect::go_to(app, info, &app.settings().login.post_logout_view, &[])
}
