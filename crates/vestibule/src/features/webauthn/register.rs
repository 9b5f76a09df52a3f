//! `/wan-register`: the caller's passkeys, and registering another one.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use vestibule_formats::ceremony_state::{Ceremony, Registration};
use vestibule_formats::webauthn::{self, Registered, RegistrationResponse};
use vestibule_store::{
    Applied, Change, NewPasskey, OnlyIf, PasskeyChange, PasskeyUsage, StoreError, User, UserChange,
    UserPatch,
};

use super::ceremony::{self, RelyingParty};
use super::{options, wire};
use crate::app::App;
use crate::codes::notice;
use crate::hooks::Event;
use crate::http::body::{Field, Fields};
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::identity;
use crate::links::step::Token;
use crate::messages::Message;
use crate::rng;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::session::second_factor::PASSKEY;
use crate::settings;

const USAGE: &str = "usage";

/// `GET /wan-register`: returns the caller's passkeys.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = registered(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /wan-register`: begins to register a passkey.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = begin(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /wan-register/{token}`: registers the passkey that the authenticator created.
pub(super) async fn respond(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = complete(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

async fn registered(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let passkeys = app.store().passkeys_of(request.caller()?.user.id).await?;
    let described: Vec<Value> = passkeys.iter().map(wire::describe).collect();
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("registered_credentials", described))
}

async fn begin(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let user = request.caller()?.user.clone();
    let (name, usage) = read(app, request.body.fields()?).map_err(Rejection::fields)?;
    let passkeys = app.store().passkeys_of(user.id).await?;
    if passkeys.iter().any(|passkey| passkey.name == name) {
        let message = Message::WebauthnNameInuse.with("name", name);
        return Err(Rejection::fields(FieldErrors::one(wire::NAME, message)).into());
    }
    let handle = handle(app, &user).await?;
    let settings = &app.settings().webauthn;
    let verification = options::verification(settings, usage);
    let registration = Registration {
        name,
        usage: usage.as_str().to_owned(),
    };
    let begun = ceremony::begin(
        app,
        Ceremony::Register,
        Some(&user),
        Some(registration),
        verification,
    );
    let party = RelyingParty::of(app, request.session.info());
    let owner = options::Owner {
        handle: &handle,
        name: identity::of(app, &user).unwrap_or_default(),
    };
    let options = options::creation(
        settings,
        &party.id,
        &begun.challenge,
        &owner,
        usage,
        &passkeys,
    );
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member("credential_options", options)
        .member("wan_state", begun.token))
}

/// Reads what is to be registered.
fn read(app: &App, fields: &Fields) -> Result<(String, PasskeyUsage), FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = wire::read_name(app, fields).unwrap_or_else(|message| {
        errors.push(wire::NAME, message);
        String::new()
    });
    let usage = match fields.exact(USAGE) {
        Field::Text(text) => settings::usage(text),
        Field::Empty if !fields.has(USAGE) => Some(PasskeyUsage::Secondary),
        Field::Empty | Field::WrongType => None,
    };
    match usage {
        Some(usage) if errors.is_empty() => {
            // The reference registers a second factor then, without an error.
            let first = app.settings().webauthn.allow_as_first_factor;
            Ok((
                name,
                if first {
                    usage
                } else {
                    PasskeyUsage::Secondary
                },
            ))
        }
        Some(_) => Err(errors),
        None => {
            errors.push(USAGE, Message::InvalidInput);
            Err(errors)
        }
    }
}

/// The user handle, which is stored if the account is older than passkeys.
async fn handle(app: &App, user: &User) -> Result<String, Fault> {
    let known = user.fs_webauthn_user_handle.as_deref();
    if let Some(handle) = known.filter(|handle| !handle.is_empty()) {
        return Ok(handle.to_owned());
    }
    let patch = UserPatch {
        fs_webauthn_user_handle: Some(rng::hex::<16>(app.random())),
        ..UserPatch::default()
    };
    let now = app.clock().now();
    app.store().update_user(user.id, patch, now).await?;
    // Another request may have stored one first.
    let stored = app.reload(user.id).await?.fs_webauthn_user_handle;
    stored.ok_or_else(|| Fault::Internal("the user table has no user handles".to_owned()))
}

async fn complete(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let user = request.caller()?.user.clone();
    let info = request.session.info().clone();
    let ceremony = Ceremony::Register;
    let state = ceremony::open(app, &info, token, ceremony, Some(&user))?;
    let api_error = || wire::refuse(Message::ApiError);
    let registration = state.registration.as_ref().ok_or_else(api_error)?;
    let usage = settings::usage(&registration.usage).ok_or_else(api_error)?;
    let typed = wire::read_credential(request.body.fields()?)?;
    let response = webauthn::parse_registration(typed).map_err(|_| api_error())?;
    let in_use = || {
        let name = registration.name.clone();
        wire::refuse(Message::WebauthnNameInuse.with("name", name))
    };
    let passkeys = app.store().passkeys_of(user.id).await?;
    if passkeys.iter().any(|other| other.name == registration.name) {
        return Err(in_use().into());
    }
    let party = RelyingParty::of(app, &info);
    let now = app.unix_now();
    let verified = party.verify(&state, |expected| response.verify(expected, now));
    let registered = verified.map_err(|invalid| {
        wire::refuse(Message::WebauthnNoVerify.with("cause", wire::cause(invalid)))
    })?;
    let extensions = wire::extensions(typed);
    let passkey = passkey(&registration.name, usage, &response, registered, extensions);
    let change = Change {
        consumes: vec![ceremony::consume(app, ceremony, &state)],
        // The session may have ended meanwhile, by a new password for example.
        user: Some(UserChange::Update(
            user.id,
            Box::new(UserPatch {
                only_if: OnlyIf::same_as(&user),
                ..UserPatch::default()
            }),
        )),
        passkey: Some(PasskeyChange::Create(user.id, Box::new(passkey))),
        mails: notice::factor_added(app, &info, &user, PASSKEY)?
            .into_iter()
            .collect(),
        ..Change::default()
    };
    let event = Event::PasskeyAdded {
        user_id: user.id,
        name: &registration.name,
        usage: usage.as_str(),
    };
    match app.commit(&info, change, &event).await {
        Ok(Applied::Done(_)) => {}
        Ok(Applied::Spent | Applied::Stale) => return Err(api_error().into()),
        Err(StoreError::Conflict { column }) if column == wire::NAME => return Err(in_use().into()),
        Err(StoreError::Conflict { .. }) => {
            return Err(wire::refuse(Message::WebauthnCredentialIdInuse).into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

fn passkey(
    name: &str,
    usage: PasskeyUsage,
    response: &RegistrationResponse,
    registered: Registered,
    extensions: Option<String>,
) -> NewPasskey {
    let device_type = registered.device_type().to_owned();
    NewPasskey {
        name: name.to_owned(),
        usage,
        credential_id: registered.credential_id,
        public_key: registered.public_key,
        sign_count: registered.sign_count,
        transports: response.transports().to_vec(),
        extensions,
        backup_state: registered.backed_up,
        device_type,
    }
}
