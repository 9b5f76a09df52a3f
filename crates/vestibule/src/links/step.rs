//! Handling a link from a mail: what the request does with it, and the redirects to the app's
//! views.

use http::{Method, StatusCode, header};
use vestibule_store::User;

use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::redirect;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::http::trust::navigation;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};
use crate::session::auth_policy;
use crate::session::caller::Load;
use crate::session::request::RequestContext;
use crate::settings::ConsumedBy;

/// The token from a link's path.
pub(crate) use crate::http::segment::Segment as Token;

/// What a request does with the link that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkStep {
    /// The user opened the link, which consumes it and leads to a view of the app.
    Consume,
    /// The user opened the link, which changes nothing and hands the token over to the app.
    HandOver,
    /// The app posts the token that it received, which consumes the link.
    Redeem,
}

impl LinkStep {
    /// The step that a request takes, by `SECURITY_LINKS_CONSUMED_BY` and its method. `HEAD`
    /// changes nothing, since mail scanners request links with it.
    pub(crate) fn of(app: &App, request: &RequestContext) -> Self {
        match app.settings().accounts.links_consumed_by {
            _ if request.method == Method::HEAD => Self::HandOver,
            ConsumedBy::Get => Self::Consume,
            ConsumedBy::Post if request.method == Method::POST => Self::Redeem,
            ConsumedBy::Post => Self::HandOver,
        }
    }

    /// The reply to a link that is refused: an error for the app, a redirect for a browser.
    ///
    /// # Errors
    /// The refusal itself if the app posted the token.
    pub(crate) fn refuse(
        self,
        app: &App,
        info: &RequestInfo,
        error_view: &str,
        refusal: &LinkRefusal,
    ) -> Result<Reply, HandlerError> {
        match self {
            Self::Redeem => {
                let reason = refusal.reason.clone();
                Err(Rejection::new(StatusCode::BAD_REQUEST, reason).into())
            }
            Self::Consume | Self::HandOver => Ok(redirect_error(app, info, error_view, refusal)?),
        }
    }

    /// The reply to a link that confirmed an address.
    ///
    /// # Errors
    /// When the view is not a valid header value.
    pub(crate) fn confirmed(
        self,
        app: &App,
        request: &mut RequestContext,
        view: &str,
        message: impl Into<LocalizedMessage>,
        user: &User,
    ) -> Result<Reply, HandlerError> {
        if self != Self::Redeem {
            let (info, message) = (request.session.info(), message.into());
            return Ok(redirect_success(app, info, view, Some(&message), user)?);
        }
        Ok(Reply::ok()
            .member("csrf_token", request.session.csrf_token(app))
            .member("email", user.email.clone())
            .member("identity", identity::of(app, user).map(str::to_owned)))
    }
}

/// Refuses a link that signs in unless the user followed it, as far as the browser states: an image
/// on an attacker's page must not sign its visitors in to the attacker's account.
///
/// # Errors
/// 403 for any other request.
pub(crate) fn check_navigation(app: &App, request: &RequestContext) -> Result<(), Rejection> {
    let prefix = &app.settings().http.url_prefix;
    let info = request.session.info();
    navigation::check(app, info, &request.method, &request.headers, prefix)
}

/// The reply if the caller is signed in already and does not need a link that signs in: an error for
/// a program, a redirect to the app's `view` for a browser.
///
/// # Errors
/// 400 for a program, or when the store fails.
pub(crate) async fn already_signed_in(
    app: &App,
    request: &mut RequestContext,
    view: &str,
) -> Result<Option<Reply>, HandlerError> {
    auth_policy::identify(app, &mut request.session, Load::User, &request.credentials).await?;
    if request.session.caller().is_none() {
        return Ok(None);
    }
    let accept = request.headers.get(header::ACCEPT);
    let wants_json = accept.is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("application/json"))
    });
    if wants_json || request.body.is_json() {
        let message = Message::AnonymousUserRequired;
        return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
    }
    Ok(Some(redirect::go_to(
        app,
        request.session.info(),
        view,
        &[],
    )?))
}

/// The reason why a link is refused.
#[derive(Debug)]
pub(crate) struct LinkRefusal {
    /// The reference's category of the message: the name of the query parameter.
    category: &'static str,
    pub(crate) reason: LocalizedMessage,
    /// The user that the link was mailed to, if the app may know them.
    user: Option<Box<User>>,
}

impl LinkRefusal {
    /// The link is invalid or has expired.
    pub(crate) fn error(reason: impl Into<LocalizedMessage>) -> Self {
        Self {
            category: "error",
            reason: reason.into(),
            user: None,
        }
    }

    /// The link's action was done before.
    pub(crate) fn info(reason: impl Into<LocalizedMessage>) -> Self {
        Self {
            category: "info",
            ..Self::error(reason)
        }
    }

    /// Adds the user of the link to the redirect.
    pub(crate) fn of_user(mut self, user: Box<User>) -> Self {
        self.user = Some(user);
        self
    }
}

/// Redirects to the view for errors, with the reason.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn redirect_error(
    app: &App,
    info: &RequestInfo,
    view: &str,
    refusal: &LinkRefusal,
) -> Result<Reply, Fault> {
    let message = Some((refusal.category, &refusal.reason));
    redirect_with(app, info, view, message, refusal.user.as_deref(), false)
}

/// Redirects to the view for success, with the user whose link it was.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn redirect_success(
    app: &App,
    info: &RequestInfo,
    view: &str,
    message: Option<&LocalizedMessage>,
    user: &User,
) -> Result<Reply, Fault> {
    let message = message.map(|message| ("success", message));
    redirect_with(app, info, view, message, Some(user), false)
}

/// Redirects to a view that has to ask for the second factor.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn redirect_second_factor(
    app: &App,
    info: &RequestInfo,
    view: &str,
    message: Option<&LocalizedMessage>,
    user: &User,
) -> Result<Reply, Fault> {
    let message = message.map(|message| ("success", message));
    redirect_with(app, info, view, message, Some(user), true)
}

/// Redirects to a view with the token, for the app to post.
///
/// # Errors
/// When the view is not a valid header value.
pub(crate) fn redirect_token(
    app: &App,
    info: &RequestInfo,
    view: &str,
    token: &str,
) -> Result<Reply, Fault> {
    redirect::go_to(app, info, view, &[("token", token)])
}

fn redirect_with(
    app: &App,
    info: &RequestInfo,
    view: &str,
    message: Option<(&'static str, &LocalizedMessage)>,
    user: Option<&User>,
    second_factor: bool,
) -> Result<Reply, Fault> {
    let words = app.words(info);
    let message = message.map(|(category, message)| {
        let category = words.category(message.message).unwrap_or(category);
        (category, words.say(message))
    });
    let mut parameters: Vec<(&str, &str)> = Vec::new();
    if let Some((category, text)) = &message {
        parameters.push((category, text));
    }
    if second_factor {
        parameters.push(("tf_required", "1"));
    }
    if let Some(user) = user {
        parameters.push(("email", user.email.as_deref().unwrap_or_default()));
        parameters.push(("identity", identity::of(app, user).unwrap_or_default()));
    }
    redirect::go_to(app, info, view, &parameters)
}
