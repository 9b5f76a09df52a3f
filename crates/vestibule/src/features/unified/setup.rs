//! `/us-setup`: setting up and removing methods of unified sign-in.

use axum::extract::State;
use axum::response::Response;
use vestibule_formats::setup_state::{SetupState, SetupStateError};
use vestibule_formats::totp::UsSecrets;
use vestibule_store::{
    Applied, Change, FactorColumn, Identity, NewMail, OneTimeSecret, OnlyIf, StoreError, User,
    UserChange, UserPatch,
};
use zeroize::Zeroizing;

use super::{send_code, wire};
use crate::app::App;
use crate::codes::{self, CodeToCheck, methods, notice, secret};
use crate::guard::OnSuccess;
use crate::hooks::Event;
use crate::http::body::{Field, Fields};
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::links::step::Token;
use crate::messages::{LocalizedMessage, Message};
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::settings::Method;

use super::wire::CHOSEN_METHOD;

const DELETE_METHOD: &str = "delete_method";
const PHONE: &str = "phone";

/// How often a change is tried if others change the same user's methods meanwhile.
const TRIES: usize = 3;

/// `GET /us-setup`: returns the methods, and those that are set up.
pub(super) async fn get(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = state(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /us-setup`: begins to set up a method, and removes others.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = begin(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /us-setup/{token}`: completes a set-up with the first code.
pub(super) async fn confirm(
    State(app): State<App>,
    Token(token): Token,
    mut request: RequestContext,
) -> Response {
    let outcome = complete(&app, &mut request, &token).await;
    request.finish(&app, outcome)
}

async fn state(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let csrf_token = request.session.csrf_token(app);
    let user = &request.caller()?.user;
    let enabled = || app.settings().unified.methods.iter().copied();
    Ok(Reply::ok()
        .member("csrf_token", csrf_token)
        .member("identity_attributes", wire::identity_attributes(app))
        .member("available_methods", wire::names(enabled()))
        .member("active_methods", wire::names(methods::active(app, user)))
        .member(
            "setup_methods",
            wire::names(enabled().filter(can_be_set_up)),
        )
        .member(PHONE, phone_of(app, user)))
}

/// A password is changed elsewhere.
fn can_be_set_up(method: &Method) -> bool {
    *method != Method::Password
}

/// The number that receives codes, unless the settings have no SMS.
fn phone_of(app: &App, user: &User) -> Option<String> {
    let number = user.us_phone_number.clone();
    number.filter(|_| app.settings().unified.has(Method::Sms))
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    delete: Vec<Method>,
    set_up: Option<Method>,
    /// The number that receives the codes of SMS.
    phone: Option<String>,
}

fn read(app: &App, user: &User, fields: &Fields) -> Result<Wish, FieldErrors> {
    let refuse = |field, message: Message| Err(FieldErrors::one(field, message));
    let chosen = match fields.exact(CHOSEN_METHOD) {
        Field::Text(name) => Some(name),
        Field::Empty => None,
        Field::WrongType => return refuse(CHOSEN_METHOD, Message::UsMethodNotAvailable),
    };
    let Ok(delete) = fields.texts(DELETE_METHOD) else {
        return refuse(DELETE_METHOD, Message::UsMethodNotAvailable);
    };
    let phone = match fields.text(PHONE) {
        Field::Text(text) => Some(text),
        Field::Empty => None,
        Field::WrongType => return refuse(PHONE, Message::ApiError),
    };
    if chosen.is_none() && delete.is_empty() {
        return refuse("", Message::ApiError);
    }
    let mut wish = Wish {
        delete: Vec::new(),
        set_up: None,
        phone: None,
    };
    if let Some(name) = chosen {
        let unified = &app.settings().unified;
        let method = Method::from_name(name).filter(can_be_set_up);
        let Some(method) = method.filter(|method| unified.has(*method)) else {
            return refuse(CHOSEN_METHOD, Message::UsMethodNotAvailable);
        };
        if method == Method::Sms {
            wish.phone = phone.and_then(|text| identity::phone_number(app, text));
            if wish.phone.is_none() {
                return refuse(PHONE, Message::PhoneInvalid);
            }
        }
        wish.set_up = Some(method);
    }
    let active = methods::active(app, user);
    for name in delete {
        let method = Method::from_name(name).filter(can_be_set_up);
        let Some(method) = method.filter(|method| active.contains(method)) else {
            return refuse(DELETE_METHOD, Message::UsMethodNotAvailable);
        };
        wish.delete.push(method);
    }
    Ok(wish)
}

async fn begin(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::fresh(app)).await?;
    let user = request.caller()?.user.clone();
    let info = request.session.info().clone();
    let wish = read(app, &user, request.body.fields()?).map_err(Rejection::fields)?;
    if let Some(number) = &wish.phone {
        // With generic responses, only the owner of a number learns that another account has it:
        // once the code arrived.
        let tells = !app.settings().login.return_generic_responses;
        let holder = identity::find(app, Identity::Phone, number).await?;
        if tells && holder.is_some_and(|holder| holder.id != user.id) {
            return Err(taken(number).into());
        }
    }
    if !wish.delete.is_empty() {
        remove(app, &info, &user, &wish.delete).await?;
    }
    let csrf_token = request.session.csrf_token(app);
    let reply = Reply::ok().member("csrf_token", csrf_token);
    let Some(method) = wish.set_up else {
        return Ok(reply);
    };
    let new = secret::create(app).await?;
    let phone = wish.phone.as_deref();
    send_code::send_unified(app, &info, &user, method, phone, &new.stored).await?;
    let state = SetupState {
        method: method.name().to_owned(),
        totp_secret: Zeroizing::new(new.stored),
        phone: wish.phone.clone(),
        user: Some(user.fs_uniquifier.clone()),
    };
    let state = app.unified_setup_codec().seal(&state, app.unix_now());
    let reply = reply
        .member(CHOSEN_METHOD, method.name())
        .member(PHONE, wish.phone)
        .member("state", state);
    if method != Method::Authenticator {
        return Ok(reply);
    }
    let shown = codes::enrolment::of(app, &info, &user, &new.totp);
    Ok(shown.into_iter().fold(reply, |reply, (name, value)| {
        reply.member(name.unified(), value)
    }))
}

async fn complete(
    app: &App,
    request: &mut RequestContext,
    token: &str,
) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let user = request.caller()?.user.clone();
    let info = request.session.info().clone();
    let (method, state) = open(app, &info, &user, token)?;
    let typed = wire::read_code(request.body.fields()?)?;
    let to_check = CodeToCheck {
        secret: &state.totp_secret,
        typed: &typed,
        validity: app.settings().unified.validity,
        on_success: OnSuccess::KeepCounter,
    };
    let guesser = request.session.guesser();
    let code = codes::check_limited(app, guesser, &user, to_check).await?;
    let Some(code) = code else {
        return Err(wire::wrong_passcode().into());
    };
    let phone = state.phone.as_deref().filter(|_| method == Method::Sms);
    add(app, &info, &user, (method, &state.totp_secret), phone, code).await?;
    let user = User {
        us_phone_number: phone.map(str::to_owned).or(user.us_phone_number.clone()),
        ..user
    };
    Ok(Reply::ok()
        .member("csrf_token", request.session.csrf_token(app))
        .member(CHOSEN_METHOD, method.name())
        .member(PHONE, phone_of(app, &user)))
}

/// Reads the state of a set-up, which has to be this user's.
fn open(
    app: &App,
    info: &RequestInfo,
    user: &User,
    token: &str,
) -> Result<(Method, SetupState), Rejection> {
    let within = app.settings().unified.setup.within;
    let refuse = |message: LocalizedMessage| Rejection::fields(FieldErrors::one("", message));
    let opened = app
        .unified_setup_codec()
        .open(token, app.unix_now(), within);
    let state = match opened {
        Ok(state) if state.is_of(&user.fs_uniquifier) => state,
        Err(SetupStateError::Expired) => {
            let within = app.period(info, within);
            return Err(refuse(Message::UsSetupExpired.with("within", within)));
        }
        Ok(_) | Err(SetupStateError::Invalid) => return Err(refuse(Message::ApiError.into())),
    };
    let method = Method::from_name(&state.method)
        .filter(|method| can_be_set_up(method) && app.settings().unified.has(*method));
    let has_number = state.phone.is_some();
    match method {
        Some(method) if method != Method::Sms || has_number => Ok((method, state)),
        _ => Err(refuse(Message::ApiError.into())),
    }
}

/// Stores a method, unless its code was used before.
async fn add(
    app: &App,
    info: &RequestInfo,
    user: &User,
    (method, secret): (Method, &str),
    phone: Option<&str>,
    code: OneTimeSecret,
) -> Result<(), HandlerError> {
    let notice = notice::factor_added(app, info, user, method.name())?;
    let event = Event::SignInMethodAdded {
        user_id: user.id,
        method: method.name(),
    };
    let mut current = user.clone();
    for _ in 0..TRIES {
        let mut secrets = parse(&current)?;
        secrets.set(method.name(), secret);
        let mut patch = patch(&current, &secrets);
        patch.us_phone_number = phone.map(|number| Some(number.to_owned()));
        let claims = phone.map(|number| identity::claim(app, Identity::Phone, number));
        let change = Change {
            consumes: vec![code.clone()],
            claims: claims.unwrap_or_default(),
            user: Some(UserChange::Update(user.id, Box::new(patch))),
            mails: notice.iter().cloned().collect(),
            ..Change::default()
        };
        match app.commit(info, change, &event).await {
            Ok(Applied::Done(_)) => return Ok(()),
            Ok(Applied::Spent) => return Err(wire::wrong_passcode().into()),
            Ok(Applied::Stale) => current = same_user(app, user).await?,
            Err(StoreError::Conflict { .. }) => {
                return Err(taken(phone.unwrap_or_default()).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::Busy.into())
}

/// Removes methods.
async fn remove(
    app: &App,
    info: &RequestInfo,
    user: &User,
    methods: &[Method],
) -> Result<(), HandlerError> {
    let mut current = user.clone();
    for _ in 0..TRIES {
        let mut secrets = parse(&current)?;
        let removed: Vec<Method> = methods
            .iter()
            .copied()
            .filter(|method| secrets.remove(method.name()))
            .collect();
        if removed.is_empty() {
            return Ok(());
        }
        let mut patch = patch(&current, &secrets);
        // As in the reference: the number only served to receive codes.
        patch.us_phone_number = removed.contains(&Method::Sms).then_some(None);
        let mut mails: Vec<NewMail> = Vec::new();
        for method in &removed {
            mails.extend(notice::factor_removed(app, info, user, method.name())?);
        }
        let change = Change {
            user: Some(UserChange::Update(user.id, Box::new(patch))),
            mails,
            ..Change::default()
        };
        let events: Vec<Event<'_>> = removed
            .iter()
            .map(|method| Event::SignInMethodRemoved {
                user_id: user.id,
                method: method.name(),
            })
            .collect();
        let events: Vec<&Event<'_>> = events.iter().collect();
        match app.commit_all(info, change, &events).await? {
            Applied::Done(_) => return Ok(()),
            Applied::Spent | Applied::Stale => current = same_user(app, user).await?,
        }
    }
    Err(Fault::Busy.into())
}

/// A column that cannot be read is not overwritten.
fn parse(user: &User) -> Result<UsSecrets, Fault> {
    UsSecrets::parse(user.us_totp_secrets.as_deref())
        .map_err(|error| Fault::Internal(format!("user {}: {error}", user.id)))
}

/// Replaces the secrets, unless they have changed meanwhile.
fn patch(current: &User, secrets: &UsSecrets) -> UserPatch {
    UserPatch {
        only_if: OnlyIf::same_as(current).with(FactorColumn::UnifiedSecrets, current),
        us_totp_secrets: Some(secrets.to_column()),
        ..UserPatch::default()
    }
}

/// Reads the user again, whose address and sessions have to be the same as when the request was
/// authenticated.
async fn same_user(app: &App, user: &User) -> Result<User, HandlerError> {
    let current = app.reload(user.id).await?;
    if current.email == user.email && current.fs_uniquifier == user.fs_uniquifier {
        Ok(current)
    } else {
        Err(Rejection::fields(FieldErrors::one("", Message::ApiError)).into())
    }
}

/// The rejection of a phone number that another account has.
fn taken(number: &str) -> Rejection {
    let message = Message::IdentityAlreadyAssociated
        .with("attr", Identity::Phone.column())
        .with("value", number);
    Rejection::fields(FieldErrors::one(PHONE, message))
}
