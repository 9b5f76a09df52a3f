//! `/us-signin`: signing in with an identity and a password or a one-time code.

use axum::extract::State;
use axum::response::Response;
use http::{Method, StatusCode};
use vestibule_store::User;

use super::wire::{self, IDENTITY, PASSCODE, SignInRequest};
use crate::app::App;
use crate::guard::{Attempt, Guesser, Principal};
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::identity;
use crate::messages::Message;
use crate::session::keys;
use crate::session::passcode::{self, PasscodeCheck, RightPasscode};
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens;

/// `GET /us-signin`: returns the methods, the signed-in user and a CSRF token.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = request.identify(&app).await.map(|()| {
        if request.session.caller().is_none() {
            keys::abandon(&mut request.session);
            if request.method == Method::GET {
                // The client receives the CSRF cookie, as a form would receive its hidden field.
                request.session.data_mut().set_str(keys::CSRF_COOKIE, "set");
            }
        }
        wire::state(&app, &mut request.session)
    });
    request.finish(&app, outcome)
}

/// `POST /us-signin`: signs the user in.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = sign_in(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn sign_in(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let session = &mut request.session;
    if session.caller().is_some() {
        return Err(Rejection::new(StatusCode::BAD_REQUEST, Message::AnonymousUserRequired).into());
    }
    keys::abandon(session);
    let fields = request.body.fields()?;
    let attempt = match wire::read_sign_in(app, session.info(), fields) {
        Ok(attempt) => attempt,
        Err(errors) => return Err(wire::refuse(app, errors).into()),
    };
    let (authentication, attempt) = match authenticate(app, session.guesser(), attempt).await? {
        Ok(right) => *right,
        Err(errors) => return Err(wire::refuse(app, errors).into()),
    };
    let authentication = authentication.with_tokens(tokens::requested(app, &request.query));
    match sign_in::proceed(app, session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            passcode::end(app, attempt, true).await?;
            Ok(wire::signed_in(app, session, payload))
        }
        SignInOutcome::SecondFactor(due) => {
            passcode::end(app, attempt, false).await?;
            Ok(due.reply(app, session))
        }
        // The client proved that the account is theirs, so the reply may state the reason.
        SignInOutcome::Refused(reason) => {
            let used = reason.message == Message::InvalidPasswordCode;
            let field = if used { PASSCODE } else { IDENTITY };
            Err(wire::refuse(app, FieldErrors::one(field, reason)).into())
        }
    }
}

/// Authenticates the user whom the request names. Takes the same look-ups and comparisons whether
/// or not the user exists and may sign in.
///
/// # Errors
/// 429 if there were too many attempts, or if the store fails. The inner errors are those in the
/// fields.
async fn authenticate(
    app: &App,
    guesser: Guesser<'_>,
    attempt: SignInRequest,
) -> Result<Result<Box<(Authentication, Option<Attempt>)>, FieldErrors>, HandlerError> {
    let user = identity::look_up(app, &attempt.identity).await?;
    let check = match &attempt.passcode {
        Some(typed) => {
            let methods = &app.settings().unified.methods;
            let principal = Principal::of(user.as_ref(), &attempt.identity);
            passcode::check_passcode(app, guesser, principal, typed, methods).await?
        }
        None => PasscodeCheck::Wrong,
    };
    let refuse = |field, message| Ok(Err(FieldErrors::one(field, message)));
    let Some(user) = user else {
        return refuse(IDENTITY, Message::UsSpecifyIdentity);
    };
    if !user.active {
        return refuse(IDENTITY, Message::DisabledAccount);
    }
    let PasscodeCheck::Right(right) = check else {
        return refuse(PASSCODE, Message::InvalidPasswordCode);
    };
    let factor = right.factor();
    let (mut authentication, counted) = by(app, user, *right, factor);
    if let Some(remember) = attempt.remember {
        authentication.remember = remember;
    }
    Ok(Ok(Box::new((authentication, counted))))
}

/// The authentication by a passcode that is right, and its attempt.
pub(super) fn by(
    app: &App,
    user: User,
    right: RightPasscode,
    factor: Factor,
) -> (Authentication, Option<Attempt>) {
    let mut authentication = Authentication::by(app, user, factor);
    authentication.upgrade = right.upgrade;
    if let Some(code) = right.consumes {
        authentication = authentication.consuming(code, Message::InvalidPasswordCode);
    }
    (authentication, right.attempt)
}
