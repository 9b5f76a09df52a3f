//! `/us-signin/send-code` and `/us-verify/send-code`: sending a one-time code by mail or SMS.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::{Change, User};

use super::wire::{self, CHOSEN_METHOD, IDENTITY};
use crate::app::App;
use crate::codes::methods;
use crate::codes::sent::{CodeFor, CodeMessage};
use crate::guard;
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};
use crate::session::assurance;
use crate::session::auth_policy::AuthPolicy;
use crate::session::request::RequestContext;
use crate::settings::Method;

/// A number as long as most, in place of that of a user who has none.
const PLACEHOLDER_NUMBER: &str = "+12025550123";

/// `POST /us-signin/send-code`: sends a code to a user who wants to sign in.
pub(super) async fn post(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send(&app, &mut request).await;
    request.finish(&app, outcome)
}

/// `POST /us-verify/send-code`: sends a code to the caller.
pub(super) async fn post_verify(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = send_to_caller(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn send(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.require_anonymous(app).await?;
    let info = request.session.info();
    let fields = request.body.fields()?;
    let mut errors = FieldErrors::default();
    errors.extend(redirect::check_posted_next(app, info, fields));
    if !errors.is_empty() {
        return Err(Rejection::fields(errors).into());
    }
    let generic = app.settings().login.return_generic_responses;
    let method = wire::read_sent_method(app, fields);
    // The reference reports a method that is not available after what is wrong with the user.
    if let Err(message @ Message::InvalidInput) = method {
        errors.push(CHOSEN_METHOD, message);
    }
    let identity = wire::read_identity(fields, &mut errors);
    if let Some(identity) = identity {
        let user = identity::look_up(app, identity).await?;
        if errors.is_empty()
            && let Some((field, message)) = objection(app, user.as_ref(), method)
        {
            errors.push(field, message);
        }
        if let Ok(method) = method
            && (generic || errors.is_empty())
        {
            send_or_pad(
                app,
                info,
                user.filter(|_| errors.is_empty()),
                identity,
                method,
            )
            .await?;
        }
    }
    if !generic && !errors.is_empty() {
        return Err(Rejection::fields(errors).into());
    }
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

/// The reason why a user gets no code, if there is one, and its field.
fn objection(
    app: &App,
    user: Option<&User>,
    method: Result<Method, Message>,
) -> Option<(&'static str, LocalizedMessage)> {
    let Some(user) = user else {
        return Some((IDENTITY, Message::UsSpecifyIdentity.into()));
    };
    let block = assurance::sign_in_block(app, user);
    let unconfirmed = |reason: &LocalizedMessage| reason.message == Message::ConfirmationRequired;
    // The reference reports an unconfirmed address last.
    let about_method = match method {
        Ok(method) => method_objection(user, method),
        Err(message) => Some(message),
    };
    match (block, about_method) {
        (Some(reason), Some(_)) if !unconfirmed(&reason) => Some((IDENTITY, reason)),
        (_, Some(message)) => Some((CHOSEN_METHOD, message.into())),
        (Some(reason), None) => Some((IDENTITY, reason)),
        (None, None) => None,
    }
}

/// The reason why a user gets no code by this method, if there is one.
fn method_objection(user: &User, method: Method) -> Option<Message> {
    let has = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if methods::secrets_of(user).get(method.name()).is_none() {
        return Some(Message::UsMethodNotAvailable);
    }
    match method {
        Method::Sms if !has(&user.us_phone_number) => Some(Message::PhoneInvalid),
        Method::Email if !has(&user.email) => Some(Message::UsMethodNotAvailable),
        _ => None,
    }
}

/// The address or number that receives the codes of a method.
fn recipient(user: &User, method: Method) -> Option<&str> {
    match method {
        Method::Email => user.email.as_deref(),
        Method::Sms => user.us_phone_number.as_deref(),
        Method::Password | Method::Authenticator => None,
    }
}

/// Sends a code to a user. Without a user, and over the limit on messages, we do the same work and send nothing.
async fn send_or_pad(
    app: &App,
    info: &RequestInfo,
    user: Option<User>,
    identity: &str,
    method: Method,
) -> Result<(), Fault> {
    let known = user.is_some();
    let user = user.unwrap_or_else(|| identity::placeholder(app, identity));
    let recipient = recipient(&user, method).unwrap_or(identity);
    let user_id = known.then_some(user.id);
    let allowed = guard::may_send(app, info, recipient, user_id).await?;
    let sent = known && allowed;
    let secrets = methods::secrets_of(&user);
    let message = CodeMessage {
        purpose: CodeFor::SignIn,
        user: &user,
        method,
        phone: user.us_phone_number.as_deref().or(Some(PLACEHOLDER_NUMBER)),
        secret: secrets
            .get(method.name())
            .unwrap_or_else(|| app.code_secrets().decoy()),
        sent,
    };
    let deliveries = message.write(app, info).await?.into_iter().collect();
    let event = Event::CodeSent {
        user_id: user.id,
        method: method.name(),
    };
    app.apply_or_pad(info, deliveries, sent.then_some(&event))
        .await
}

async fn send_to_caller(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    request.authenticate(app, &AuthPolicy::api(app)).await?;
    let info = request.session.info();
    let fields = request.body.fields()?;
    let mut errors = FieldErrors::default();
    errors.extend(redirect::check_next(app, info, &request.query, fields));
    let user = &request.caller()?.user;
    let method = wire::read_sent_method(app, fields).and_then(|method| {
        let objection = method_objection(user, method);
        objection.map_or(Ok(method), Err)
    });
    if let Err(message) = method {
        errors.push(CHOSEN_METHOD, message);
    }
    let Some(method) = method.ok().filter(|_| errors.is_empty()) else {
        return Err(Rejection::fields(errors).into());
    };
    let secrets = methods::secrets_of(user);
    let phone = user.us_phone_number.as_deref();
    let secret = secrets.get(method.name()).unwrap_or_default();
    send_unified(app, info, user, method, phone, secret).await?;
    Ok(Reply::ok().member("csrf_token", request.session.csrf_token(app)))
}

/// Sends a code that does not sign in, if the method's codes are sent. Over the limit on messages to
/// a number, nothing is sent.
pub(super) async fn send_unified(
    app: &App,
    info: &RequestInfo,
    user: &User,
    method: Method,
    phone: Option<&str>,
    secret: &str,
) -> Result<(), Fault> {
    // The number may be a stranger's.
    let sent = match phone.filter(|_| method == Method::Sms) {
        Some(phone) => guard::may_send(app, info, phone, Some(user.id)).await?,
        None => true,
    };
    let message = CodeMessage {
        purpose: CodeFor::Unified,
        user,
        method,
        phone,
        secret,
        sent,
    };
    if let Some(delivery) = message.write(app, info).await? {
        let event = Event::CodeSent {
            user_id: user.id,
            method: method.name(),
        };
        let change = Change {
            mails: vec![delivery],
            ..Change::default()
        };
        app.commit(info, change, &event).await?;
    }
    Ok(())
}
