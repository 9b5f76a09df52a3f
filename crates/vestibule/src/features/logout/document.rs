//! `/logout` in words.

use http::StatusCode;

use crate::app::App;
use crate::features::api::{self, Answer, Body, Operation, Schema, Tag};
use crate::messages::Message;
use crate::session::refresh;
use crate::settings::Mechanism;

const TAG: Tag = Tag {
    name: "logout",
    about: "Signing out.",
};

/// `GET`.
pub(super) fn by_link(app: &App) -> Operation {
    let csrf = &app.settings().csrf;
    let operation = described(app, "logoutByLink", "Sign out by a link");
    // Where the browser does not say which site sent the request.
    let operation = if csrf.enabled && csrf.logout_csrf {
        operation.takes_csrf_token(app, StatusCode::BAD_REQUEST)
    } else {
        operation
    };
    operation
        .about("Ends the session as `POST` does, and sends the browser on to `POST_LOGOUT_VIEW`.")
        .answers(Answer::redirect("Nobody is signed in any more."))
        .refuses(StatusCode::FORBIDDEN, &[Message::CrossSiteRequest])
        // A body is not needed here either, but what comes has to be one.
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
        let token = Schema::text().about("The refresh token whose family ends, too.");
        Schema::object().may(refresh::FIELD, token)
    } else {
        Schema::object()
    };
    described(app, "logout", "Sign out")
        .about("Ends the session, takes its cookies back, and ends the family of the refresh token that comes along. Whoever is not signed in gets the same answer.")
        .body(Body::json_or_form(members).optional())
        .answers(Answer::ok("Nobody is signed in any more."))
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
        Some(cookie) => operation.parameter(api::refresh_cookie(cookie, false)),
        None => operation,
    };
    operation
        .open()
        .csrf(csrf.check_default || (csrf.logout_csrf && of_caller))
}
