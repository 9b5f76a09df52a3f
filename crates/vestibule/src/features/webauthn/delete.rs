//! `/wan-delete`: removing a passkey.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::{Applied, Change, PasskeyChange};

use super::wire;
use crate::app::App;
use crate::codes::notice;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::{LocalizedMessage, Message};
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::session::second_factor::PASSKEY;

/// `GET /wan-delete`: returns a CSRF token.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match request.authenticate(&app, &AuthPolicy::fresh(&app)).await {
        Ok(()) => Ok(Reply::ok().member("csrf_token", request.session.csrf_token(&app))),
        Err(refusal) => Err(refusal),
    };
    request.finish(&app, outcome)
}

/// `POST /wan-delete`: removes the caller's passkey with this name.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = delete(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn delete(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let user = request.caller()?.user.clone();
    let refuse =
        |message: LocalizedMessage| Rejection::fields(FieldErrors::one(wire::NAME, message));
    let name = wire::read_name(app, request.body.fields()?).map_err(refuse)?;
    let passkeys = app.store().passkeys_of(user.id).await?;
    let not_found = || refuse(Message::WebauthnNameNotFound.with("name", name.clone()));
    let passkey = passkeys.iter().find(|passkey| passkey.name == name);
    let passkey = passkey.ok_or_else(not_found)?;
    let info = request.session.info();
    let change = Change {
        passkey: Some(PasskeyChange::Delete {
            user_id: user.id,
            id: passkey.id,
        }),
        mails: notice::factor_removed(app, info, &user, PASSKEY)?
            .into_iter()
            .collect(),
        ..Change::default()
    };
    let event = Event::PasskeyRemoved {
        user_id: user.id,
        name: &name,
    };
    if !matches!(app.commit(info, change, &event).await?, Applied::Done(_)) {
        return Err(not_found().into());
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}
