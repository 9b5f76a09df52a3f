//! `/us-verify`: proving one's identity again with a password or a one-time code.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::{Applied, Change};

use super::wire::{self, PASSCODE};
use crate::app::App;
use crate::codes::methods;
use crate::guard::Principal;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::session::auth_policy::AuthPolicy;
use crate::session::passcode::{self, PasscodeCheck};
use crate::session::request::RequestContext;
use crate::session::tokens;
use crate::session::{freshness, keys, proof};
use crate::settings::Mechanism;

/// `GET /us-verify`: returns the ways in which the caller can prove their identity.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = ways(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /us-verify`: verifies the caller's identity.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = verify(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn ways(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let csrf_token = request.session.csrf_token(app);
    let user = &request.caller()?.user;
    let enabled = &app.settings().unified.methods;
    let of_caller = methods::active(app, user);
    let of_caller = of_caller.into_iter().filter(|method| method.is_sent());
    let reply = Reply::ok()
        .member("csrf_token", csrf_token)
        .member("available_methods", wire::names(enabled.iter().copied()))
        .member("code_methods", wire::names(of_caller));
    Ok(freshness::ways_to_verify(app, request.session.caller())
        .await?
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.member(name, value)))
}

async fn verify(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let typed = read(app, request)?;
    let caller = request.caller()?;
    let (user, by_session) = (caller.user.clone(), caller.via == Mechanism::Session);
    let info = request.session.info().clone();
    let methods = &app.settings().unified.methods;
    let check = match &typed {
        Some(typed) => {
            passcode::check_passcode(
                app,
                request.session.guesser(),
                Principal::Account(&user),
                typed,
                methods,
            )
            .await?
        }
        None => PasscodeCheck::Wrong,
    };
    let PasscodeCheck::Right(right) = check else {
        return Err(wire::wrong_passcode().into());
    };
    proof::store_upgrade(app, &user, right.upgrade).await?;
    let event = Event::Verified {
        user_id: user.id,
        via: right.method.name(),
    };
    // The code is consumed together with the audit entry.
    let change = Change {
        consumes: right.consumes.into_iter().collect(),
        ..Change::default()
    };
    if !matches!(app.commit(&info, change, &event).await?, Applied::Done(_)) {
        return Err(wire::wrong_passcode().into());
    }
    passcode::end(app, right.attempt, false).await?;
    // What can fail comes first: a failed request must not make the session fresh.
    let now = app.unix_seconds();
    let payload = tokens::on_request(app, &info, &user, now, &request.query).await?;
    // A session cookie sent beside a token may be another user's, so that session does not become
    // fresh.
    if by_session {
        let session = request.session.data_mut();
        session.set_f64(keys::AUTHENTICATED_AT, now);
    }
    let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
    Ok(payload.add_to(reply))
}

/// Reads the passcode, and checks the fields.
fn read(app: &App, request: &RequestContext) -> Result<Option<String>, HandlerError> {
    let fields = request.body.fields()?;
    let mut errors = FieldErrors::default();
    errors.extend(redirect::check_next(
        app,
        request.session.info(),
        &request.query,
        fields,
    ));
    let passcode = fields.code(PASSCODE).unwrap_or_else(|message| {
        errors.push(PASSCODE, message);
        None
    });
    if errors.is_empty() {
        Ok(passcode)
    } else {
        Err(Rejection::fields(errors).into())
    }
}
