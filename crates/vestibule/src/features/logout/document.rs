//! The OpenAPI description of `/logout`.

use http::StatusCode;

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{self, Answer, Body, Operation, Schema, Tag};
use crate::session::refresh;
use crate::settings::Mechanism;

const TAG: Tag = Tag {
    name: "logout",
    about: "Signing out.",
};

/// `GET`.
pub(super) fn by_link(app: &App) -> Operation {
    let csrf = &app.settings().csrf;
    let operation = described(app, "logoutByLink", "Sign out with a link");
    // The token is needed only if the browser does not state which site sent the request.
    let operation = if csrf.enabled && csrf.logout_csrf {
        operation.takes_csrf_token(app, StatusCode::BAD_REQUEST)
    } else {
        operation
    };
    operation
        .about("Ends the session, as `POST` does, and redirects the browser to `POST_LOGOUT_VIEW`.")
        .answers(Answer::redirect("The user is signed out."))
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
        // `GET` needs no body either, but a body has to be well formed.
        .refuses(StatusCode::BAD_REQUEST, &[Message::MalformedBody])
        .refuses(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &[Message::UnsupportedMediaType],
        )
}

/// `POST`.
pub(super) fn sign_out(app: &App) -> Operation {
    let settings = app.settings();
    let by_body = settings.refresh.enabled && settings.refresh.cookie.is_none();
    let members = if by_body {
        let token = Schema::text().about("A refresh token, whose family is revoked.");
        Schema::object().may(refresh::FIELD, token)
    } else {
        Schema::object()
    };
    described(app, "logout", "Sign out")
        .about("Ends the session, clears its cookies, and revokes the family of the refresh token in the request. The response is the same if no user is signed in.")
        .body(Body::json_or_form(members).optional())
        .answers(Answer::ok("The user is signed out."))
}

fn described(app: &App, id: &'static str, summary: &'static str) -> Operation {
    let csrf = &app.settings().csrf;
    let of_caller = [Mechanism::Session, Mechanism::Token]
        .iter()
        .any(|mechanism| csrf.protect_mechanisms.contains(mechanism));
    let refresh = &app.settings().refresh;
    let cookie = refresh.cookie.as_ref().filter(|_| refresh.enabled);
    let operation = Operation::new(id, TAG, summary);
    let operation = match cookie {
        Some(cookie) => operation.parameter(openapi::refresh_cookie(cookie, false)),
        None => operation,
    };
    operation
        .open()
        .csrf(csrf.check_default || (csrf.logout_csrf && of_caller))
}
