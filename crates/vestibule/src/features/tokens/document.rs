//! The OpenAPI description of `/refresh-token`.

use crate::app::App;
use crate::messages::Message;
use crate::openapi::{self, Answer, Body, Carries, Operation, Schema, Tag};
use crate::session::refresh;

const TAG: Tag = Tag {
    name: "tokens",
    about: "Exchanging refresh tokens.",
};

/// `POST`.
pub(super) fn exchange(app: &App) -> Operation {
    let cookie = app.settings().refresh.cookie.as_ref();
    let members = if cookie.is_some() {
        Schema::object()
    } else {
        let token = Schema::text()
            .about("The latest refresh token of its family.")
            .example("eyJpZCI6.r3fr3sh");
        Schema::object().must(refresh::FIELD, token)
    };
    let about = match cookie {
        Some(cookie) => format!(
            "The cookie `{}` carries the token, and the response sets it to the successor. The body is an empty object. ",
            cookie.name
        ),
        None => String::new(),
    };
    let operation = Operation::new(
        "refreshToken",
        TAG,
        "Exchange a refresh token for new tokens",
    );
    let operation = match cookie {
        Some(cookie) => operation.parameter(openapi::refresh_cookie(cookie, true)),
        None => operation,
    };
    operation
        .about(format!("{about}Each token can be used once. If it is used again, its family is revoked, except for a short time after the exchange, when the server returns the same successor."))
        .open()
        .body(Body::json(members))
        .answers(
            Answer::ok("The next tokens of the family.").must("user", openapi::user(app, Carries::All)),
        )
        .refuses_field(
            refresh::FIELD,
            &[
                Message::RefreshTokenRequired,
                Message::RefreshTokenInvalid,
                Message::UserDoesNotExist,
                Message::ApiError,
            ],
        )
}
