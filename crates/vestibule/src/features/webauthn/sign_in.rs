//! `/wan-signin`: signing in with a passkey, as the first factor or as the second.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use vestibule_formats::ceremony_state::Ceremony;
use vestibule_store::{PasskeyUsage, UserId};

use super::ceremony::{self, RelyingParty};
use super::{assertion, options, wire};
use crate::app::App;
use crate::http::body::{Field, Fields};
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::identity;
use crate::links::step::Token;
use crate::messages::Message;
use crate::secrets::derived;
use crate::session::keys;
use crate::session::pending::{PendingSignIn, Stage};
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::tokens;

/// The primary key of no user.
const NO_USER: UserId = UserId(0);

const IDENTITY: &str = "identity";
const REMEMBER: &str = "remember";

/// `GET /wan-signin`: returns whether the passkey is the second factor.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /wan-signin`: begins to sign in.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = begin(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /wan-signin/{token}`: signs in with the authenticator's response.
pub(super) async fn respond(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = sign_in(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

/// The sign-in that awaits the passkey as its second factor, if there is one.
async fn pending(
    app: &App,
    request: &mut RequestContext,
) -> Result<Option<PendingSignIn>, HandlerError> {
    if request.session.caller().is_some() {
        return Ok(None);
    }
    let pending = PendingSignIn::of_session(app, &mut request.session).await?;
    Ok(pending.filter(|pending| pending.stage == Stage::Ready))
}

/// Refuses to begin a sign-in for which the settings allow no passkey.
///
/// # Errors
/// 404, as if there were no such endpoint.
fn check_allowed(app: &App, pending: Option<&PendingSignIn>) -> Result<(), Rejection> {
    if pending.is_none() && !app.settings().webauthn.allow_as_first_factor {
        return Err(Rejection::new(StatusCode::NOT_FOUND, Message::NotFound));
    }
    Ok(())
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let pending = pending(app, request).await?;
    check_allowed(app, pending.as_ref())?;
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("is_secondary", pending.is_some()))
}

async fn begin(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let pending = pending(app, request).await?;
    check_allowed(app, pending.as_ref())?;
    let (identity, remember) = read(app, request)?;
    let settings = &app.settings().webauthn;
    let (ceremony, usage) = if pending.is_some() {
        (Ceremony::SecondFactor, PasskeyUsage::Secondary)
    } else {
        (Ceremony::SignIn, PasskeyUsage::First)
    };
    let user = pending.as_ref().map(|pending| &pending.user);
    let allowed = match user {
        Some(user) => passkeys(app, user.id, usage).await?,
        None => hints(app, identity.as_deref()).await?,
    };
    let verification = options::verification(settings, usage);
    let begun = ceremony::begin(app, ceremony, user, None, verification);
    let party = RelyingParty::of(app, request.session.info());
    let options = options::request(
        settings,
        &party.id,
        &begun.challenge,
        &allowed,
        verification,
    );
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("credential_options", options)
        .member("wan_state", begun.token)
        .member(
            REMEMBER,
            remember.unwrap_or(app.settings().login.default_remember_me),
        )
        .member("is_secondary", pending.is_some()))
}

/// Reads the identity, and whether to set a remember cookie.
fn read(
    app: &App,
    request: &RequestContext,
) -> Result<(Option<String>, Option<bool>), HandlerError> {
    let fields = request.body.fields()?;
    let mut errors = FieldErrors::default();
    let identity = match fields.text(IDENTITY) {
        Field::Text(text) => Some(text.to_owned()),
        Field::Empty => None,
        Field::WrongType => {
            errors.push(IDENTITY, Message::ApiError);
            None
        }
    };
    let remember = read_remember(app, request, fields, &mut errors);
    if errors.is_empty() {
        Ok((identity, remember))
    } else {
        Err(Rejection::fields(errors).into())
    }
}

fn read_remember(
    app: &App,
    request: &RequestContext,
    fields: &Fields,
    errors: &mut FieldErrors,
) -> Option<bool> {
    let remember = fields.flag(REMEMBER).unwrap_or_else(|message| {
        errors.push(REMEMBER, message);
        None
    });
    errors.extend(redirect::check_posted_next(
        app,
        request.session.info(),
        fields,
    ));
    remember
}

/// The user's passkeys of a usage, as the options list them.
async fn passkeys(app: &App, user: UserId, usage: PasskeyUsage) -> Result<Vec<Value>, Fault> {
    let passkeys = app.store().passkeys_of(user).await?;
    let of_usage = passkeys.iter().filter(|passkey| passkey.is_for(usage));
    Ok(of_usage.map(options::descriptor).collect())
}

/// The passkeys of the user whom an unauthenticated client names, if the settings allow to list
/// them.
///
/// If responses must not reveal which accounts exist, only credential IDs are listed, and an
/// identity without passkeys gets one that no authenticator has (Web Authentication Level 3,
/// section 14.6.2).
async fn hints(app: &App, identity: Option<&str>) -> Result<Vec<Value>, Fault> {
    let Some(identity) = identity.filter(|_| app.settings().webauthn.allow_user_hints) else {
        return Ok(Vec::new());
    };
    let user = identity::look_up(app, identity).await?;
    // The same look-ups for known and unknown identities.
    let user = user.filter(|user| user.active);
    let id = user.map_or(NO_USER, |user| user.id);
    let listed = passkeys(app, id, PasskeyUsage::First).await?;
    if !app.settings().login.return_generic_responses {
        return Ok(listed);
    }
    if listed.is_empty() {
        return Ok(vec![decoy(app, identity)]);
    }
    let ids = listed.into_iter().map(|mut passkey| {
        passkey
            .as_object_mut()
            .and_then(|passkey| passkey.remove("transports"));
        passkey
    });
    Ok(ids.collect())
}

/// A passkey that no authenticator has: the same at each request for an identity.
fn decoy(app: &App, identity: &str) -> Value {
    let key = derived::keys(&app.settings().secrets, "webauthn_decoy");
    let key = key.first().map_or(&[][..], |key| &key[..]);
    let identity = identity.trim().to_lowercase();
    options::of_id(&derived::mac(key, identity.as_bytes()))
}

async fn sign_in(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.identify(app).await?;
    let pending = pending(app, request).await?;
    let ceremony = if pending.is_some() {
        Ceremony::SecondFactor
    } else {
        Ceremony::SignIn
    };
    let owner = pending.as_ref().map(|pending| pending.user.clone());
    let info = request.session.info().clone();
    let state = ceremony::open(app, &info, token, ceremony, owner.as_ref())?;
    let mut errors = FieldErrors::default();
    let remember = read_remember(app, request, request.body.fields()?, &mut errors);
    if !errors.is_empty() {
        return Err(Rejection::fields(errors).into());
    }
    if ceremony == Ceremony::SignIn && !app.settings().webauthn.allow_as_first_factor {
        return Err(wire::refuse(Message::WebauthnCredentialWrongUsage).into());
    }
    let usages = assertion::usages(app, ceremony);
    let proven = assertion::check(app, request, &state, &usages, owner.as_ref()).await?;
    let user = proven.user.clone();
    let remembers_device = pending.as_ref().is_some_and(|pending| pending.remember);
    let mut authentication = match pending {
        Some(pending) => Authentication::second(app, pending, proven.factor),
        None => Authentication::by(app, proven.user, proven.factor),
    };
    if ceremony == Ceremony::SignIn
        && let Some(remember) = remember
    {
        authentication.remember = remember;
    }
    let authentication = authentication
        .consuming(
            ceremony::consume(app, ceremony, &state),
            Message::WebauthnUsed,
        )
        .with_passkey(proven.used)
        .with_tokens(tokens::requested(app, &request.query));
    match sign_in::proceed(app, &mut request.session, authentication).await? {
        SignInOutcome::SignedIn(payload) => {
            if remembers_device {
                request.session.remember_device(app, &user);
            }
            let info = request.session.info();
            let view = &app.settings().webauthn.post_view;
            let next = redirect::after_sign_in(app, info, &request.query, view);
            let reply = Reply::ok()
                .member("csrf_token", request.session.csrf_token(app))
                .member("tf_required", false)
                .member("post_login_url", next);
            Ok(payload.add_to(reply))
        }
        SignInOutcome::SecondFactor(_) if ceremony == Ceremony::SecondFactor => {
            keys::abandon(&mut request.session);
            Err(wire::refuse(Message::WebauthnCredentialWrongUsage).into())
        }
        SignInOutcome::SecondFactor(due) => Ok(due.reply(app, &mut request.session)),
        SignInOutcome::Refused(reason) => Err(wire::refuse(reason).into()),
    }
}
