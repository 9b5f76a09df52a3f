//! `/refresh-token` in words.

use crate::app::App;
use crate::features::api::{self, Answer, Body, Carries, Operation, Schema, Tag};
use crate::messages::Message;
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
            .about("The latest of its family.")
            .example("eyJpZCI6.r3fr3sh");
        Schema::object().must(refresh::FIELD, token)
    };
    let about = match cookie {
        Some(cookie) => format!(
            "The token comes in the cookie `{}`, and its successor goes back in it; the body is an empty object. ",
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
        Some(cookie) => operation.parameter(api::refresh_cookie(cookie, true)),
        None => operation,
    };
    operation
        .about(format!("{about}Each token counts once. To see one again ends its family, but for a short time after its exchange, when it gets the same successor."))
        .open()
        .body(Body::json(members))
        .answers(
            Answer::ok("The next tokens of the family.").must("user", api::user(app, Carries::All)),
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
