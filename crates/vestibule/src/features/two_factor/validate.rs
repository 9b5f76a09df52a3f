//! `/tf-validate`: the code of the second factor.

use axum::extract::State;
use axum::response::Response;

use super::{out_of_order, setup, wire};
use crate::app::App;
use crate::codes::{self, CodeToCheck, notice};
use crate::guard::OnSuccess;
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::session::assurance;
use crate::session::keys;
use crate::session::pending::{self, FactorInSetup, PendingSignIn, Stage};
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens::{self, UserPayload};
use crate::settings::{Mechanism, Method};

/// `GET /tf-validate`: returns what a user can do who cannot show the second factor.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /tf-validate`: completes the sign-in, or the set-up of a signed-in user.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = validate(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// A sign-in or a set-up that waits for a code.
enum Awaited {
    /// The user has set up a second factor, which has to be shown.
    Shown(Box<PendingSignIn>, FactorInSetup),
    /// The sign-in completes with the first code of a second factor that it set up.
    FirstOfSignIn(Box<PendingSignIn>, FactorInSetup),
    /// A signed-in user sets up a second factor.
    FirstOfUser(FactorInSetup),
}

async fn awaited(app: &App, request: &mut RequestContext) -> Result<Awaited, HandlerError> {
    request.identify(app).await?;
    if let Some(caller) = request.session.caller() {
        // Only the session holds the state of a set-up. One beside a token may be another user's.
        let by_session = caller.via == Mechanism::Session;
        let factor = pending::factor_in_setup(&mut request.session).filter(|_| by_session);
        return factor
            .map(Awaited::FirstOfUser)
            .ok_or_else(|| out_of_order().into());
    }
    let pending = PendingSignIn::of_session(app, &mut request.session).await?;
    let found = pending.and_then(|pending| match pending.stage {
        Stage::Ready => {
            let factor = factor_of(&pending)?;
            Some(Awaited::Shown(Box::new(pending), factor))
        }
        Stage::Validating => {
            let factor = pending::factor_in_setup(&mut request.session)?;
            Some(Awaited::FirstOfSignIn(Box::new(pending), factor))
        }
        Stage::Setup | Stage::Select => None,
    });
    found.ok_or_else(|| {
        keys::abandon(&mut request.session);
        out_of_order().into()
    })
}

/// The second factor that the user has set up.
pub(super) fn factor_of(pending: &PendingSignIn) -> Option<FactorInSetup> {
    Some(FactorInSetup {
        method: Method::from_stored(assurance::second_factor(&pending.user)?)?,
        secret: pending.user.tf_totp_secret.clone()?,
        phone: pending.user.tf_phone_number.clone(),
    })
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let (user, options) = match awaited(app, request).await? {
        Awaited::FirstOfUser(_) => (request.caller()?.user.clone(), None),
        Awaited::Shown(pending, _) | Awaited::FirstOfSignIn(pending, _) => {
            let options = wire::recovery_options(app, &pending.user, &pending.proof);
            (pending.user, Some(options))
        }
    };
    let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
    let reply = UserPayload::without_tokens(app, &user).add_to(reply);
    Ok(match options {
        Some(options) => reply.member("recovery_options", options),
        None => reply,
    })
}

async fn validate(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let awaited = awaited(app, request).await?;
    let code = wire::read_code(request.body.fields()?)?;
    match awaited {
        Awaited::FirstOfUser(factor) => change_factor(app, request, &factor, &code).await,
        Awaited::Shown(pending, factor) => {
            show(app, request, *pending, &factor, &code, false).await
        }
        Awaited::FirstOfSignIn(pending, factor) => {
            show(app, request, *pending, &factor, &code, true).await
        }
    }
}

async fn change_factor(
    app: &App,
    request: &mut RequestContext,
    factor: &FactorInSetup,
    code: &str,
) -> Result<Reply, HandlerError> {
    let user = request.caller()?.user.clone();
    setup::replace(app, request, &user, factor, code).await?;
    let info = request.session.info();
    let now = app.unix_seconds();
    let payload = tokens::on_request(app, info, &user, now, &request.query).await?;
    Ok(payload.add_to(Reply::ok().member("csrf_token", request.session.csrf_token(app))))
}

/// Completes a sign-in with a code of the second factor, which is stored if it is `new`.
async fn show(
    app: &App,
    request: &mut RequestContext,
    pending: PendingSignIn,
    factor: &FactorInSetup,
    code: &str,
    new: bool,
) -> Result<Reply, HandlerError> {
    let info = request.session.info().clone();
    let to_check = CodeToCheck {
        secret: &factor.secret,
        typed: code,
        validity: app.settings().two_factor.validity(factor.method),
        on_success: OnSuccess::ClearCounter,
    };
    let guesser = request.session.guesser();
    let checked = codes::check_limited(app, guesser, &pending.user, to_check).await?;
    let Some(consumed) = checked else {
        let event = Event::SignInFailed {
            user_id: Some(pending.user.id),
            via: factor.method.name(),
        };
        app.record(&info, &event).await?;
        return Err(wire::wrong_code().into());
    };
    let user = pending.user.clone();
    let remember = pending.remember;
    let shown = Factor::Code(factor.method);
    let mut authentication = Authentication::second(app, pending, shown)
        .consuming(consumed, Message::TwoFactorInvalidToken)
        .with_tokens(tokens::requested(app, &request.query));
    if new {
        let event = Event::SecondFactorChanged {
            user_id: user.id,
            method: factor.method.name(),
        };
        authentication = authentication
            .with_patch(setup::first_patch(&user, factor))
            .with_event(event)
            .with_mail(notice::factor_added(
                app,
                &info,
                &user,
                factor.method.name(),
            )?);
    }
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            if remember {
                request.session.remember_device(app, &user);
            }
            let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
            Ok(payload.add_to(reply))
        }
        SignInOutcome::SecondFactor(_) => {
            keys::abandon(&mut request.session);
            Err(out_of_order().into())
        }
        SignInOutcome::Refused(reason) => {
            Err(Rejection::fields(FieldErrors::one(wire::CODE, reason)).into())
        }
    }
}
