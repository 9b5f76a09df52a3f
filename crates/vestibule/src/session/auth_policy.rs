//! Authentication policies: how an endpoint authenticates its callers, how fresh their proof of
//! identity has to be, and when the CSRF check applies.
//!
//! A request has one caller. The mechanism that authenticated them determines the user, the
//! freshness and whether a CSRF token is required. Nothing is taken from another mechanism.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};

use super::caller::{self, Caller, Load};
use super::context::SessionContext;
use super::credentials::Credentials;
use super::freshness;
use super::grace::ChosenBy;
use super::request::RequestContext;
use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::Rejection;
use crate::http::requirement::Requirement;
use crate::messages::Message;
use crate::session::csrf;
use crate::settings::Mechanism;

/// What a protected endpoint requires of its callers.
#[derive(Debug, Clone)]
pub(crate) struct AuthPolicy {
    /// The accepted mechanisms. They are tried in the order token, session, basic.
    pub(crate) methods: Vec<Mechanism>,
    /// How old the proof of identity may be. Without a limit, any age suffices.
    pub(crate) within: Option<Duration>,
    /// The grace period after a fresh proof. Defaults to `SECURITY_FRESHNESS_GRACE_PERIOD`.
    pub(crate) grace: Option<Duration>,
    /// Who chose `within` and `grace`.
    pub(crate) chosen_by: ChosenBy,
    /// What is loaded about the caller.
    pub(crate) load: Load,
}

impl AuthPolicy {
    /// Accepts the mechanisms of `SECURITY_API_ENABLED_METHODS`.
    #[must_use]
    pub(crate) fn api(app: &App) -> Self {
        Self {
            methods: app.settings().token.api_enabled_methods.clone(),
            within: None,
            grace: None,
            chosen_by: ChosenBy::Server,
            load: Load::User,
        }
    }

    /// Accepts a session or an auth token, and loads the caller's roles. For routes of an
    /// application or of another server.
    #[must_use]
    pub(crate) fn session_or_token() -> Self {
        Self {
            methods: vec![Mechanism::Session, Mechanism::Token],
            within: None,
            grace: None,
            chosen_by: ChosenBy::Server,
            load: Load::WithRoles,
        }
    }

    /// [`AuthPolicy::api`] with a proof of identity that is as recent as `SECURITY_FRESHNESS`
    /// requires.
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

/// Identifies the caller by session or auth token, if there is one. For endpoints that are open to
/// unauthenticated clients.
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

/// Authenticates the caller of a protected endpoint by one of the policy's mechanisms, and checks
/// the freshness of the proof of identity.
///
/// # Errors
/// 401 if no mechanism succeeds, or the proof is too old.
pub(crate) async fn authenticate(
    app: &App,
    session: &mut SessionContext,
    policy: &AuthPolicy,
    credentials: &Credentials,
) -> Result<(), HandlerError> {
    let mut caller = None;
    if policy.takes(Mechanism::Token)
        && let Some(token) = &credentials.token
    {
        caller = caller::by_token(app, token, policy.load).await?;
    }
    if caller.is_none() && policy.takes(Mechanism::Session) {
        caller = session.by_session(app, policy.load).await?;
    }
    if caller.is_none()
        && policy.takes(Mechanism::Basic)
        && let Some((name, password)) = &credentials.basic
    {
        caller = caller::by_password(app, session.guesser(), name, password).await?;
    }
    let Some(caller) = caller else {
        return Err(unauthenticated(app, policy).into());
    };
    session.set_caller(Some(caller));
    if let Some(within) = policy.within {
        let grace = policy.grace.unwrap_or(app.settings().freshness.grace);
        require_fresh(app, session, within, grace, policy.chosen_by).await?;
    }
    Ok(())
}

/// Refuses a caller whose proof of identity is too old.
///
/// # Errors
/// 401 with the ways to prove it again.
async fn require_fresh(
    app: &App,
    session: &mut SessionContext,
    within: Duration,
    grace: Duration,
    chosen_by: ChosenBy,
) -> Result<(), HandlerError> {
    if freshness::is_fresh(app, session, within, grace, chosen_by) {
        return Ok(());
    }
    let rejection = not_fresh(app, session.caller()).await?;
    Err(rejection
        .unmet(Requirement::Freshness { within, grace })
        .into())
}

impl RequestContext {
    /// Identifies the caller of an endpoint that is open to unauthenticated clients, and checks the
    /// CSRF token.
    ///
    /// # Errors
    /// 400 when the CSRF check fails.
    pub(crate) async fn identify(&mut self, app: &App) -> Result<(), HandlerError> {
        identify(app, &mut self.session, Load::User, &self.credentials).await?;
        csrf::check_open(app, &mut self.session, &self.evidence)?;
        Ok(())
    }

    /// Identifies the caller by the session alone, for requests that another site makes the browser
    /// send.
    ///
    /// # Errors
    /// When the store fails.
    #[cfg(feature = "oauth")]
    pub(crate) async fn identify_by_session(&mut self, app: &App) -> Result<(), Fault> {
        let caller = self.session.by_session(app, Load::User).await?;
        self.session.set_caller(caller);
        Ok(())
    }

    /// Refuses callers who are signed in, and checks the CSRF token. For endpoints that only
    /// unauthenticated clients need.
    ///
    /// # Errors
    /// 400 if the caller is signed in, or the CSRF check fails.
    pub(crate) async fn require_anonymous(&mut self, app: &App) -> Result<(), HandlerError> {
        identify(app, &mut self.session, Load::User, &self.credentials).await?;
        if self.session.caller().is_some() {
            let message = Message::AnonymousUserRequired;
            return Err(Rejection::new(StatusCode::BAD_REQUEST, message).into());
        }
        csrf::check_open(app, &mut self.session, &self.evidence)?;
        Ok(())
    }

    /// The caller of a protected endpoint.
    ///
    /// # Errors
    /// When no authentication policy was applied.
    pub(crate) fn caller(&self) -> Result<&Caller, Fault> {
        let caller = self.session.caller();
        caller.ok_or_else(|| {
            Fault::Internal(
                "the authentication policy accepted a request without a caller".to_owned(),
            )
        })
    }

    /// Requires a fresh proof of identity from a caller who is authenticated already.
    ///
    /// # Errors
    /// 401 with the ways to prove it again.
    pub(crate) async fn require_fresh(&mut self, app: &App) -> Result<(), HandlerError> {
        let settings = &app.settings().freshness;
        if let Some(within) = settings.within {
            require_fresh(
                app,
                &mut self.session,
                within,
                settings.grace,
                ChosenBy::Server,
            )
            .await?;
            self.session.keep_grace();
        }
        Ok(())
    }

    /// Applies the authentication policy of a protected endpoint, including the CSRF check.
    ///
    /// # Errors
    /// 401 if the caller does not meet the policy, 400 if the CSRF check fails.
    pub(crate) async fn authenticate(
        &mut self,
        app: &App,
        policy: &AuthPolicy,
    ) -> Result<(), HandlerError> {
        authenticate(app, &mut self.session, policy, &self.credentials).await?;
        csrf::check_caller(app, &mut self.session, &self.evidence)?;
        // The caller met the policy, so they keep the grace period even if the request fails later.
        self.session.keep_grace();
        Ok(())
    }
}

/// The rejection of an unauthenticated request.
pub(crate) fn unauthenticated(app: &App, policy: &AuthPolicy) -> Rejection {
    let rejection = Rejection::new(StatusCode::UNAUTHORIZED, Message::Unauthenticated)
        .unmet(Requirement::Authentication(policy.methods.clone()));
    if !policy.takes(Mechanism::Basic) {
        return rejection;
    }
    // The settings reject a realm that is not a valid header value.
    let challenge = format!("Basic realm=\"{}\"", app.settings().token.realm);
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => rejection.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => rejection,
    }
}

/// The rejection of a caller whose proof of identity is too old, with the ways to prove it again.
async fn not_fresh(app: &App, caller: Option<&Caller>) -> Result<Rejection, Fault> {
    let settings = app.settings();
    let rejection = Rejection::new(StatusCode::UNAUTHORIZED, Message::ReauthenticationRequired)
        .member("reauth_required", true)
        .member("unified_signin_enabled", settings.unified.enabled);
    Ok(freshness::ways_to_verify(app, caller)
        .await?
        .into_iter()
        .fold(rejection, |rejection, (name, value)| {
            rejection.member(name, value)
        }))
}
