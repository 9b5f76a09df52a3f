//! The doors: who is asking, whether that is recent enough, and whether it may be forged.
//!
//! One request has one caller. The mechanism that authenticated decides who they are, how
//! fresh that is, and whether a CSRF token is needed: nothing is borrowed from another.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};

use super::caller::{self, Caller, Load};
use super::context::SessionContext;
use super::credentials::Credentials;
use super::freshness;
use super::grace::SaidBy;
use super::request::RequestContext;
use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::Rejection;
use crate::http::requirement::Requirement;
use crate::messages::Message;
use crate::session::csrf;
use crate::settings::Mechanism;

/// What a protected endpoint asks for.
#[derive(Debug, Clone)]
pub(crate) struct AuthPolicy {
    /// The mechanisms that count. They are tried in the order token, session, basic.
    pub(crate) methods: Vec<Mechanism>,
    /// How old the proof of identity may be, if that matters.
    pub(crate) within: Option<Duration>,
    /// For how long whoever was fresh is not asked again; the setting's unless said.
    pub(crate) grace: Option<Duration>,
    /// Who says how long that is.
    pub(crate) said_by: SaidBy,
    /// What is read about the caller.
    pub(crate) load: Load,
}

impl AuthPolicy {
    /// For whoever can show who they are by a method of `API_ENABLED_METHODS`.
    #[must_use]
    pub(crate) fn api(app: &App) -> Self {
        Self {
            methods: app.settings().token.api_enabled_methods.clone(),
            within: None,
            grace: None,
            said_by: SaidBy::Us,
            load: Load::User,
        }
    }

    /// For routes that are not ours: a session or a token, and roles to judge by.
    #[must_use]
    pub(crate) fn of_others() -> Self {
        Self {
            methods: vec![Mechanism::Session, Mechanism::Token],
            within: None,
            grace: None,
            said_by: SaidBy::Us,
            load: Load::WithRoles,
        }
    }

    /// The same for whoever showed it lately: as lately as `SECURITY_FRESHNESS` says.
    #[must_use]
    pub(crate) fn fresh(app: &App) -> Self {
        Self {
            within: app.settings().freshness.within,
            ..Self::api(app)
        }
    }

    fn takes(&self, mechanism: Mechanism) -> bool {
        self.methods.contains(&mechanism)
    }
}

/// An endpoint that a stranger may use, too: finds out who is asking, as far as cookies and
/// tokens tell.
///
/// # Errors
/// When the store fails.
pub(crate) async fn identify(
    app: &App,
    session: &mut SessionContext,
    load: Load,
    credentials: &Credentials,
) -> Result<(), Fault> {
    let mut caller = session.by_session(app, load).await?;
    if caller.is_none()
        && let Some(token) = &credentials.token
    {
        caller = caller::by_token(app, token, load).await?;
    }
    session.set_caller(caller);
    Ok(())
}

/// A protected endpoint: lets in whoever shows who they are in one of its ways, recently
/// enough.
///
/// # Errors
/// 401 for anybody else.
pub(crate) async fn authenticate(
    app: &App,
    session: &mut SessionContext,
    auth_policy: &AuthPolicy,
    credentials: &Credentials,
) -> Result<(), HandlerError> {
    let mut caller = None;
    if auth_policy.takes(Mechanism::Token)
        && let Some(token) = &credentials.token
    {
        caller = caller::by_token(app, token, auth_policy.load).await?;
    }
    if caller.is_none() && auth_policy.takes(Mechanism::Session) {
        caller = session.by_session(app, auth_policy.load).await?;
    }
    if caller.is_none()
        && auth_policy.takes(Mechanism::Basic)
        && let Some((name, password)) = &credentials.basic
    {
        caller = caller::by_password(app, session.info(), name, password).await?;
    }
    let Some(caller) = caller else {
        return Err(unauthenticated(app, auth_policy).into());
    };
    session.set_caller(Some(caller));
    if let Some(within) = auth_policy.within {
        let grace = auth_policy.grace.unwrap_or(app.settings().freshness.grace);
        demand_fresh(app, session, within, grace, auth_policy.said_by)?;
    }
    Ok(())
}

/// Turns away a caller whose proof of identity is too old.
///
/// # Errors
/// 401 with the ways to show it again.
fn demand_fresh(
    app: &App,
    session: &mut SessionContext,
    within: Duration,
    grace: Duration,
    said_by: SaidBy,
) -> Result<(), Rejection> {
    if freshness::is_fresh(app, session, within, grace, said_by) {
        Ok(())
    } else {
        Err(not_fresh(app).unmet(Requirement::Freshness { within, grace }))
    }
}

impl RequestContext {
    /// Goes through a door that is open to strangers: recognises the caller and checks the
    /// CSRF token.
    ///
    /// # Errors
    /// 400 when the CSRF check fails.
    pub(crate) async fn identify(&mut self, app: &App) -> Result<(), HandlerError> {
        identify(app, &mut self.session, Load::User, &self.credentials).await?;
        csrf::check_open(app, &mut self.session, &self.evidence)?;
        Ok(())
    }

    /// Goes through a door that is open to strangers alone: whoever is signed in has what is
    /// behind it.
    ///
    /// # Errors
    /// 400 for whoever is signed in, and when the CSRF check fails.
    pub(crate) async fn require_anonymous(&mut self, app: &App) -> Result<(), HandlerError> {
        identify(app, &mut self.session, Load::User, &self.credentials).await?;
        if self.session.caller().is_some() {
            let message = Message::AnonymousUserRequired;
            return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
        }
        csrf::check_open(app, &mut self.session, &self.evidence)?;
        Ok(())
    }

    /// The caller, behind a protected door.
    ///
    /// # Errors
    /// When no door was gone through.
    pub(crate) fn caller(&self) -> Result<&Caller, Fault> {
        let caller = self.session.caller();
        caller.ok_or_else(|| {
            Fault::Internal(
                "the authentication policy accepted a request without a caller".to_owned(),
            )
        })
    }

    /// Asks a caller who is through the door for a proof that is recent enough.
    ///
    /// # Errors
    /// 401 with the ways to show it again.
    pub(crate) fn demand_fresh(&mut self, app: &App) -> Result<(), HandlerError> {
        let settings = &app.settings().freshness;
        if let Some(within) = settings.within {
            demand_fresh(app, &mut self.session, within, settings.grace, SaidBy::Us)?;
            self.session.keep_grace();
        }
        Ok(())
    }

    /// Goes through a protected door, CSRF check and all.
    ///
    /// # Errors
    /// 401 for whoever is not let in, 400 when the CSRF check fails.
    pub(crate) async fn enter(
        &mut self,
        app: &App,
        auth_policy: &AuthPolicy,
    ) -> Result<(), HandlerError> {
        authenticate(app, &mut self.session, auth_policy, &self.credentials).await?;
        csrf::check_caller(app, &mut self.session, &self.evidence)?;
        // Through the door: whatever else is wrong with the request, the grace is theirs.
        self.session.keep_grace();
        Ok(())
    }
}

/// The refusal of whoever did not show who they are.
pub(crate) fn unauthenticated(app: &App, auth_policy: &AuthPolicy) -> Rejection {
    let rejection = Rejection::new(StatusCode::UNAUTHORIZED, Message::Unauthenticated)
        .unmet(Requirement::Authentication(auth_policy.methods.clone()));
    if !auth_policy.takes(Mechanism::Basic) {
        return rejection;
    }
    // The settings refuse a realm that cannot stand in a header.
    let challenge = format!("Basic realm=\"{}\"", app.settings().token.realm);
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => rejection.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => rejection,
    }
}

/// The refusal of whoever showed it too long ago, with the ways to show it again.
fn not_fresh(app: &App) -> Rejection {
    let settings = app.settings();
    let rejection = Rejection::new(StatusCode::UNAUTHORIZED, Message::ReauthenticationRequired)
        .member("reauth_required", true)
        .member("unified_signin_enabled", settings.unified_signin);
    freshness::ways_to_verify(app)
        .into_iter()
        .fold(rejection, |rejection, (name, value)| {
            rejection.member(name, value)
        })
}
