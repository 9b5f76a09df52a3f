//! Where the links of mails arrive, and where they lead: to the views of the app.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use http::Method;
use http::request::Parts;
use vestibule_store::User;

use super::request::RequestContext;
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::redirect;
use crate::http::reject::Rejection;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::http::trust::navigation;
use crate::identity;
use crate::messages::LocalizedMessage;
use crate::settings::ConsumedBy;

/// The token in the path of a link. One that is no text is one that does not count.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) String);

impl FromRequestParts<App> for Token {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        Ok(Self(path.map(|Path(token)| token).unwrap_or_default()))
    }
}

/// How a link arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Opened, which uses it up.
    Opened,
    /// Opened, which changes nothing: the app gets the token.
    Passed,
    /// The app posts the token that it got.
    Posted,
}

impl Way {
    /// `SECURITY_LINKS_CONSUMED_BY` and the method decide. `HEAD` is how programs look at links:
    /// it changes nothing.
    pub(crate) fn of(app: &App, request: &RequestContext) -> Self {
        match app.settings().accounts.links_consumed_by {
            _ if request.method == Method::HEAD => Self::Passed,
            ConsumedBy::Get => Self::Opened,
            ConsumedBy::Post if request.method == Method::POST => Self::Posted,
            ConsumedBy::Post => Self::Passed,
        }
    }
}

/// Before a link that signs in: an image on a page of another site must not sign its visitors in to the
/// account of whoever put it there.
///
/// # Errors
/// 403 unless a person followed the link, as far as the browser tells.
pub(crate) fn check_follower(app: &App, request: &RequestContext) -> Result<(), Rejection> {
    let prefix = &app.settings().http.url_prefix;
    let info = request.session.info();
    navigation::check(app, info, &request.method, &request.headers, prefix)
}

/// Why a link does not do what it is for.
#[derive(Debug)]
pub(crate) struct Refused {
    /// How bad that is, in the reference's words: the name of the query parameter.
    category: &'static str,
    pub(crate) said: LocalizedMessage,
}

impl Refused {
    /// It does not count.
    pub(crate) fn error(said: impl Into<LocalizedMessage>) -> Self {
        Self {
            category: "error",
            said: said.into(),
        }
    }

    /// There is nothing to be done.
    pub(crate) fn info(said: impl Into<LocalizedMessage>) -> Self {
        Self {
            category: "info",
            said: said.into(),
        }
    }

    /// To the view for errors, with the reason, and whose link it was if that may be told.
    ///
    /// # Errors
    /// When the view cannot stand in a header.
    pub(crate) fn lead(
        &self,
        app: &App,
        info: &RequestInfo,
        view: &str,
        user: Option<&User>,
    ) -> Result<Reply, Fault> {
        lead(app, info, view, Some((self.category, &self.said)), user)
    }
}

/// To the view for what worked, with whose link it was.
///
/// # Errors
/// When the view cannot stand in a header.
pub(crate) fn done(
    app: &App,
    info: &RequestInfo,
    view: &str,
    said: Option<&LocalizedMessage>,
    user: &User,
) -> Result<Reply, Fault> {
    let said = said.map(|said| ("success", said));
    lead(app, info, view, said, Some(user))
}

/// To a view, with the token, for the app to post.
///
/// # Errors
/// When the view cannot stand in a header.
pub(crate) fn pass(app: &App, info: &RequestInfo, view: &str, token: &str) -> Result<Reply, Fault> {
    redirect::go_to(app, info, view, &[("token", token)])
}

fn lead(
    app: &App,
    info: &RequestInfo,
    view: &str,
    said: Option<(&'static str, &LocalizedMessage)>,
    user: Option<&User>,
) -> Result<Reply, Fault> {
    let words = app.words(info);
    let said = said.map(|(category, said)| {
        let category = words.category(said.message).unwrap_or(category);
        (category, words.say(said))
    });
    let mut parameters: Vec<(&str, &str)> = Vec::new();
    if let Some((category, text)) = &said {
        parameters.push((category, text));
    }
    if let Some(user) = user {
        parameters.push(("email", user.email.as_deref().unwrap_or_default()));
        parameters.push(("identity", identity::of(app, user).unwrap_or_default()));
    }
    redirect::go_to(app, info, view, &parameters)
}
