//! `/tf-setup`: setting up, replacing and removing the second factor.

use axum::extract::State;
use axum::response::Response;
use vestibule_formats::setup_state::{SetupState, SetupStateError};
use vestibule_store::{
    Applied, Change, FactorColumn, OneTimeSecret, OnlyIf, User, UserChange, UserPatch,
};
use zeroize::Zeroizing;

use super::wire::Wish;
use super::{out_of_order, wire};
use crate::app::App;
use crate::codes::sent::{CodeFor, CodeMessage};
use crate::codes::{self, CodeToCheck, notice, secret};
use crate::guard::{self, OnSuccess};
use crate::hooks::Event;
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::links::step::Token;
use crate::messages::Message;
use crate::session::auth_policy::AuthPolicy;
use crate::session::keys;
use crate::session::pending::{self, FactorInSetup, PendingSignIn, Stage};
use crate::session::request::RequestContext;
use crate::session::tokens::UserPayload;
use crate::settings::{Mechanism, Method};

/// Who sets up a second factor.
enum Owner {
    /// A signed-in user with a fresh proof of identity.
    SignedIn(Box<User>),
    /// A user who has shown the first factor, and has to set up a second one to sign in.
    SigningIn(Box<PendingSignIn>),
}

impl Owner {
    fn user(&self) -> &User {
        match self {
            Self::SignedIn(user) => user,
            Self::SigningIn(pending) => &pending.user,
        }
    }
}

/// `GET /tf-setup`: returns the methods, and the one that is set up.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /tf-setup`: begins to set up a method, or removes the one that is set up.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = begin(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /tf-setup/{token}`: completes a set-up with the first code.
pub(super) async fn confirm(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = complete(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

async fn owner(app: &App, request: &mut RequestContext) -> Result<Owner, HandlerError> {
    request.identify(app).await?;
    if request.session.caller().is_some() {
        request.require_fresh(app).await?;
        let user = request.caller()?.user.clone();
        return Ok(Owner::SignedIn(Box::new(user)));
    }
    let pending = PendingSignIn::of_session(app, &mut request.session).await?;
    let is_setting_up =
        |pending: &PendingSignIn| matches!(pending.stage, Stage::Setup | Stage::Validating);
    let Some(pending) = pending.filter(is_setting_up) else {
        keys::abandon(&mut request.session);
        return Err(out_of_order().into());
    };
    Ok(Owner::SigningIn(Box::new(pending)))
}

/// Whether the session is the caller's. A session cookie sent beside a token may be another user's,
/// so that session stays unchanged.
fn owns_session(request: &RequestContext) -> bool {
    let caller = request.session.caller();
    caller.is_none_or(|caller| caller.via == Mechanism::Session)
}

/// Removes the state of a set-up from the caller's session.
fn abandon(request: &mut RequestContext) {
    if owns_session(request) {
        keys::abandon(&mut request.session);
    }
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let owner = owner(app, request).await?;
    let user = owner.user();
    let settings = &app.settings().two_factor;
    let mut available: Vec<&str> = settings
        .methods
        .iter()
        .map(|method| method.name())
        .collect();
    if !settings.required && user.tf_primary_method.is_some() {
        available.insert(0, wire::DISABLE);
    }
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("tf_required", settings.required)
        .member("tf_primary_method", user.tf_primary_method.clone())
        .member("tf_method", user.tf_primary_method.clone())
        .member("tf_phone_number", user.tf_phone_number.clone())
        .member("tf_available_methods", available))
}

async fn begin(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let owner = owner(app, request).await?;
    let may_disable = matches!(owner, Owner::SignedIn(_));
    let wish = wire::read_wish(app, request.body.fields()?, may_disable);
    let (method, phone) = match wish.map_err(Rejection::fields)? {
        Wish::Disable => return disable(app, request, owner.user()).await,
        Wish::SetUp(method, phone) => (method, phone),
    };
    let user = owner.user();
    let new = secret::create(app).await?;
    let factor = FactorInSetup {
        method,
        secret: new.stored,
        phone,
    };
    send_first_code(app, request, user, &factor).await?;
    let mut token = None;
    let is_signed_in = matches!(owner, Owner::SignedIn(_));
    if is_signed_in {
        let state = SetupState {
            method: method.name().to_owned(),
            totp_secret: Zeroizing::new(factor.secret.clone()),
            phone: factor.phone.clone(),
            user: Some(user.fs_uniquifier.clone()),
        };
        token = Some(app.two_factor_setup_codec().seal(&state, app.unix_now()));
    }
    if owns_session(request) {
        pending::set_factor_in_setup(&mut request.session, &factor);
    }
    let mut reply = Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("tf_state", Stage::Validating.name())
        .member("tf_primary_method", method.name())
        .member("tf_method", method.name())
        .member("tf_state_token", token);
    if method == Method::Authenticator {
        let shown = codes::enrolment::of(app, request.session.info(), user, &new.totp);
        reply = shown.into_iter().fold(reply, |reply, (name, value)| {
            reply.member(name.two_factor(), value)
        });
    }
    Ok(reply)
}

/// Sends the first code of a factor, if its codes are sent.
async fn send_first_code(
    app: &App,
    request: &RequestContext,
    user: &User,
    factor: &FactorInSetup,
) -> Result<(), HandlerError> {
    let info = request.session.info();
    // The number may be a stranger's.
    let sent = match &factor.phone {
        Some(phone) => guard::may_send(app, info, phone, Some(user.id)).await?,
        None => true,
    };
    let message = CodeMessage {
        purpose: CodeFor::SecondFactor,
        user,
        method: factor.method,
        phone: factor.phone.as_deref(),
        secret: &factor.secret,
        sent,
    };
    if let Some(delivery) = message.write(app, info).await? {
        let event = Event::SecondFactorCodeSent {
            user_id: user.id,
            method: factor.method.name(),
        };
        let change = Change {
            mails: vec![delivery],
            ..Change::default()
        };
        app.commit(info, change, &event).await?;
    }
    Ok(())
}

/// Removes the second factor.
async fn disable(
    app: &App,
    request: &mut RequestContext,
    user: &User,
) -> Result<Reply, HandlerError> {
    let has_any = user.tf_primary_method.is_some()
        || user.tf_totp_secret.is_some()
        || user.tf_phone_number.is_some();
    if has_any {
        remove(app, request, user).await?;
    }
    abandon(request);
    let payload = UserPayload::without_tokens(app, user);
    Ok(payload.add_to(Reply::ok().member("csrf_token", request.session.csrf_token(app))))
}

async fn remove(app: &App, request: &RequestContext, user: &User) -> Result<(), HandlerError> {
    let info = request.session.info();
    let patch = UserPatch {
        only_if: OnlyIf::same_as(user),
        tf_primary_method: Some(None),
        tf_totp_secret: Some(None),
        tf_phone_number: Some(None),
        ..UserPatch::default()
    };
    let removed = user.tf_primary_method.as_deref();
    let notice = match removed {
        Some(method) => notice::factor_removed(app, info, user, method)?,
        None => None,
    };
    let change = Change {
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        mails: notice.into_iter().collect(),
        ..Change::default()
    };
    let event = Event::SecondFactorDisabled { user_id: user.id };
    if app.commit(info, change, &event).await? == Applied::Stale {
        return Err(out_of_order().into());
    }
    Ok(())
}

async fn complete(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let user = request.caller()?.user.clone();
    let settings = &app.settings().two_factor;
    let opened = app
        .two_factor_setup_codec()
        .open(token, app.unix_now(), settings.setup.within);
    let state = match opened {
        Ok(state) if state.is_of(&user.fs_uniquifier) => state,
        Err(SetupStateError::Expired) => {
            abandon(request);
            let within = app.period(request.session.info(), settings.setup.within);
            let message = Message::TwoFactorSetupExpired.with("within", within);
            return Err(Rejection::fields(FieldErrors::one("", message)).into());
        }
        Ok(_) | Err(SetupStateError::Invalid) => {
            abandon(request);
            return Err(Rejection::fields(FieldErrors::one("", Message::ApiError)).into());
        }
    };
    let method = Method::from_stored(&state.method)
        .filter(|method| settings.methods.contains(method))
        .ok_or_else(|| Rejection::fields(FieldErrors::one("", Message::ApiError)))?;
    let code = wire::read_code(request.body.fields()?)?;
    let factor = FactorInSetup {
        method,
        secret: state.totp_secret.to_string(),
        phone: state.phone,
    };
    let phone = replace(app, request, &user, &factor, &code).await?;
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("tf_method", method.name())
        .member("tf_primary_method", method.name())
        .member("tf_phone", phone))
}

/// Stores the factor that a signed-in user has set up, if the code is right. Returns the number
/// that then receives the codes.
pub(super) async fn replace(
    app: &App,
    request: &mut RequestContext,
    user: &User,
    factor: &FactorInSetup,
    code: &str,
) -> Result<Option<String>, HandlerError> {
    let to_check = CodeToCheck {
        secret: &factor.secret,
        typed: code,
        validity: app.settings().two_factor.validity(factor.method),
        on_success: OnSuccess::KeepCounter,
    };
    let guesser = request.session.guesser();
    let checked = codes::check_limited(app, guesser, user, to_check).await?;
    let Some(consumed) = checked else {
        return Err(wire::wrong_code().into());
    };
    let info = request.session.info().clone();
    let patch = UserPatch {
        only_if: OnlyIf::same_as(user),
        ..patch(factor)
    };
    let notice = notice::factor_added(app, &info, user, factor.method.name())?;
    let change = change(user, patch, consumed, notice);
    let event = Event::SecondFactorChanged {
        user_id: user.id,
        method: factor.method.name(),
    };
    match app.commit(&info, change, &event).await? {
        Applied::Done(_) => {}
        Applied::Spent | Applied::Stale => return Err(wire::wrong_code().into()),
    }
    abandon(request);
    Ok(factor
        .phone
        .clone()
        .or_else(|| user.tf_phone_number.clone()))
}

fn change(
    user: &User,
    patch: UserPatch,
    consumed: OneTimeSecret,
    notice: Option<vestibule_store::NewMail>,
) -> Change {
    Change {
        consumes: vec![consumed],
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        mails: notice.into_iter().collect(),
        ..Change::default()
    }
}

/// The columns of a factor that was set up. A number that codes were sent to before stays.
fn patch(factor: &FactorInSetup) -> UserPatch {
    UserPatch {
        tf_primary_method: Some(Some(factor.method.name().to_owned())),
        tf_totp_secret: Some(Some(factor.secret.clone())),
        tf_phone_number: factor.phone.clone().map(Some),
        ..UserPatch::default()
    }
}

/// The columns of a factor that was set up during the sign-in of a user who had none. They change
/// only if the user still has none.
pub(super) fn first_patch(user: &User, factor: &FactorInSetup) -> UserPatch {
    UserPatch {
        only_if: OnlyIf::default()
            .with(FactorColumn::TwoFactorMethod, user)
            .with(FactorColumn::TwoFactorSecret, user),
        ..patch(factor)
    }
}
