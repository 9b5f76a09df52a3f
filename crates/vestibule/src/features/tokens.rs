//! Exchanging a refresh token for new tokens.
//!
//! Routes    `POST /refresh-token`
//! Settings  `REFRESH_TOKEN`, `REFRESH_TOKEN_URL`, `REFRESH_TOKEN_COOKIE`,
//!           `REFRESH_TOKEN_COOKIE_NAME`, `REFRESH_TOKEN_MAX_AGE`, `REFRESH_TOKEN_MAX_IDLE`,
//!           `REFRESH_TOKEN_GRACE`, `REFRESH_TOKEN_SALT`
//! Messages  `REFRESH_TOKEN_REQUIRED`, `REFRESH_TOKEN_INVALID`, `USER_DOES_NOT_EXIST`
//! Mails     none
//! Hooks     `RefreshFamilyEnded`
//! Never     leaves two different successors of one token valid

mod document;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::app::App;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::refresh::{self, Exchange, Presented};
use crate::session::request::RequestContext;
use crate::session::tokens;
use crate::settings::Settings;

/// The endpoints of this feature: none if refresh tokens are disabled.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.refresh.enabled {
        return Vec::new();
    }
    vec![Endpoint::at(&settings.refresh.url).post(post, document::exchange)]
}

/// `POST /refresh-token`: exchanges a refresh token.
async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = exchange(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn exchange(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    if !request.body.is_json() {
        let message = Message::UnsupportedMediaType;
        return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
    }
    let refused =
        |message: Message| Rejection::fields(FieldErrors::one(refresh::FIELD, message)).into();
    let token = match refresh::presented(app, request)? {
        Presented::Token(token) => token,
        Presented::Nothing => return Err(refused(Message::RefreshTokenRequired)),
        Presented::WrongType => return Err(refused(Message::ApiError)),
    };
    match refresh::exchange(app, request.session.info(), &token).await? {
        Exchange::Done {
            user,
            uniquifier,
            tracker,
        } => Ok(tokens::successors(app, &user, uniquifier, &tracker).add_to(Reply::ok())),
        Exchange::Invalid => Err(refused(Message::RefreshTokenInvalid)),
        Exchange::NoUser => Err(refused(Message::UserDoesNotExist)),
    }
}
