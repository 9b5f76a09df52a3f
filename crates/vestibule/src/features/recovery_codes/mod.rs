//! Recovery codes: each signs in once in place of the second factor.
//!
//! Routes    `GET/POST /mf-recovery-codes`, `GET/POST /mf-recovery`
//! Settings  `MULTI_FACTOR_RECOVERY_CODES`, `MULTI_FACTOR_RECOVERY_CODES_N`,
//!           `MULTI_FACTOR_RECOVERY_CODES_KEYS`, `MULTI_FACTOR_RECOVERY_CODE_TTL`,
//!           `MULTI_FACTOR_RECOVERY_CODES_URL`, `MULTI_FACTOR_RECOVERY_URL`
//! Messages  `INVALID_RECOVERY_CODE`, `TWO_FACTOR_PERMISSION_DENIED`
//! Mails     `recovery_codes_renewed_notice`, `recovery_code_used_notice`
//! Hooks     `RecoveryCodesRenewed`, `RecoveryCodeUsed`, `SignedIn`, `SignInFailed`
//! Never     accepts a code twice, or a code without the first factor

mod document;

use axum::extract::State;
use axum::response::Response;
use vestibule_store::{Applied, Change, OnlyIf, UserChange, UserPatch};

use crate::app::App;
use crate::codes::{notice, recovery};
use crate::guard::{Attempt, Principal, Purpose};
use crate::hooks::Event;
use crate::http::body::Field;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::session::auth_policy::AuthPolicy;
use crate::session::keys;
use crate::session::pending::{PendingSignIn, Stage};
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::settings::Settings;

const CODE: &str = "code";

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    if !settings.serves_recovery_codes() {
        return Vec::new();
    }
    let recovery = &settings.recovery_codes;
    vec![
        Endpoint::at(&recovery.codes_url)
            .get(get_codes, document::codes)
            .post(post_codes, document::renew),
        Endpoint::at(&recovery.recovery_url)
            .get(get_recovery, document::recovery_state)
            .post(post_recovery, document::recover),
    ]
}

/// `GET /mf-recovery-codes`: returns the caller's codes.
async fn get_codes(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = codes(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /mf-recovery-codes`: replaces the caller's codes with new ones.
async fn post_codes(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = renew(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `GET /mf-recovery`: returns a CSRF token, if a sign-in waits for the second factor.
async fn get_recovery(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = match pending(&app, &mut request).await {
        Ok(_) => Ok(Reply::ok().member("csrf_token", request.session.csrf_token(&app))),
        Err(error) => Err(error),
    };
    request.finish(&app, outcome)
}

/// `POST /mf-recovery`: completes the sign-in with a recovery code.
async fn post_recovery(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = recover(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn codes(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let codes = recovery::of(app, &request.caller()?.user);
    let codes: Vec<&str> = codes.codes().collect();
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("recovery_codes", codes))
}

async fn renew(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let user = request.caller()?.user.clone();
    request.body.fields()?;
    let info = request.session.info();
    let (codes, stored) = recovery::create(app);
    let patch = UserPatch {
        only_if: OnlyIf::same_as(&user),
        mf_recovery_codes: Some(Some(stored)),
        ..UserPatch::default()
    };
    let change = Change {
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        mails: notice::recovery_codes_renewed(app, info, &user)?
            .into_iter()
            .collect(),
        ..Change::default()
    };
    let event = Event::RecoveryCodesRenewed { user_id: user.id };
    if app.commit(info, change, &event).await? == Applied::Stale {
        let gone = format!("user {} changed while they renewed their codes", user.id);
        return Err(Fault::Internal(gone).into());
    }
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("recovery_codes", codes))
}

async fn pending(app: &App, request: &mut RequestContext) -> Result<PendingSignIn, HandlerError> {
    request.require_anonymous(app).await?;
    let pending = PendingSignIn::of_session(app, &mut request.session).await?;
    let Some(pending) = pending.filter(|pending| pending.stage == Stage::Ready) else {
        keys::abandon(&mut request.session);
        let message = Message::TwoFactorPermissionDenied;
        return Err(Rejection::fields(FieldErrors::one("", message)).into());
    };
    Ok(pending)
}

async fn recover(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let pending = pending(app, request).await?;
    let refuse = |message| Rejection::fields(FieldErrors::one(CODE, message));
    let code = match request.body.fields()?.text(CODE) {
        Field::Text(text) => text.to_owned(),
        Field::Empty => return Err(refuse(Message::PasscodeNotProvided).into()),
        Field::WrongType => return Err(refuse(Message::ApiError).into()),
    };
    let info = request.session.info().clone();
    let user = pending.user.clone();
    let guesser = request.session.guesser();
    let principal = Principal::Account(&user);
    let attempt = Attempt::reserve(app, guesser, Purpose::Password, principal).await?;
    let Some((patch, left)) = recovery::consume(app, &user, &code) else {
        attempt.failed(app, &info).await?;
        let event = Event::SignInFailed {
            user_id: Some(user.id),
            via: Factor::RecoveryCode.name(),
        };
        app.record(&info, &event).await?;
        return Err(refuse(Message::InvalidRecoveryCode).into());
    };
    // A right code does not clear the count of wrong passwords: an attacker who has one must not
    // gain more guesses of the other.
    attempt.given_back(app).await?;
    let event = Event::RecoveryCodeUsed {
        user_id: user.id,
        left,
    };
    let authentication = Authentication::second(app, pending, Factor::RecoveryCode)
        .with_patch(patch)
        .unless_changed(Message::InvalidRecoveryCode)
        .with_event(event)
        .with_mail(notice::recovery_code_used(app, &info, &user, left)?);
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            let reply = Reply::ok().member("csrf_token", request.session.csrf_token(app));
            Ok(payload.add_to(reply))
        }
        SignInOutcome::SecondFactor(_) => Err(refuse(Message::InvalidRecoveryCode).into()),
        SignInOutcome::Refused(reason) => {
            Err(Rejection::fields(FieldErrors::one(CODE, reason)).into())
        }
    }
}
