//! Extractors that give an application's handlers their caller.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use vestibule_store::{Role, User};

use super::layer::SessionSlot;
use crate::http::fault::{Fault, HandlerError};
use crate::http::query::Query;
use crate::http::requirement::Access;
use crate::messages::Messages;
use crate::messages::catalogue::Locale;
use crate::session::auth_policy::{self, AuthPolicy};
use crate::session::caller::Load;
use crate::session::context::SessionContext;
use crate::session::credentials::Credentials;
use crate::session::csrf::{self, Evidence};
use crate::settings::Mechanism;

/// The authenticated caller of a route.
///
/// As an extractor it accepts a caller with a session or an auth token, or one that
/// [`AuthRequired`](super::AuthRequired) accepted, and replies 401 to any other request.
///
/// ```
/// use vestibule::CurrentUser;
///
/// async fn report(user: CurrentUser) -> String {
///     let name = user.username.as_deref().unwrap_or("unknown");
///     let editor = user.has_role("editor") || user.has_permission("report-write");
///     format!("{name}, by {:?}, editor: {editor}", user.via())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(report));
/// ```
#[derive(Debug, Clone)]
pub struct CurrentUser(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    user: User,
    roles: Vec<Role>,
    via: Mechanism,
}

impl CurrentUser {
    /// The mechanism that authenticated the user.
    #[must_use]
    pub fn via(&self) -> Mechanism {
        self.0.via
    }

    /// The user's roles, by name.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.0.roles
    }

    /// Whether the user has a role.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.0.roles.iter().any(|role| role.name == name)
    }

    /// Whether one of the user's roles has a permission.
    #[must_use]
    pub fn has_permission(&self, permission: &str) -> bool {
        let mut permissions = self.0.roles.iter().flat_map(|role| &role.permissions);
        permissions.any(|known| known == permission)
    }

    pub(super) async fn of(
        slot: &SessionSlot,
        session: &SessionContext,
    ) -> Result<Option<Self>, HandlerError> {
        let Some(caller) = session.caller() else {
            return Ok(None);
        };
        Ok(Some(Self(Arc::new(Inner {
            user: caller.user.clone(),
            roles: caller.roles(&slot.app).await?,
            via: caller.via,
        }))))
    }
}

impl Deref for CurrentUser {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0.user
    }
}

/// The response to a request that [`CurrentUser`] or [`MaybeUser`] refuses: not authenticated (401),
/// not fresh (401), not allowed (403), or without a valid CSRF token (400).
#[derive(Debug)]
pub struct AuthRejection(Response);

impl AuthRejection {
    /// The response's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl IntoResponse for AuthRejection {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        if let Some(user) = parts.extensions.get::<Self>() {
            return Ok(user.clone());
        }
        enter(parts, &AuthPolicy::session_or_token(), &Access::default())
            .await
            .map_err(AuthRejection)
    }
}

/// Applies an authentication policy, the CSRF check and access conditions to an application's
/// route.
pub(super) async fn enter(
    parts: &mut Parts,
    policy: &AuthPolicy,
    access: &Access,
) -> Result<CurrentUser, Response> {
    let slot = SessionSlot::of(parts).map_err(layer_missing)?;
    let app = &slot.app;
    let mut session = slot.take(parts).await?;
    let credentials = Credentials::of(app, &parts.headers, &Query::of(&parts.uri));
    let outcome = async {
        auth_policy::authenticate(app, &mut session, policy, &credentials).await?;
        let evidence = Evidence::without_body(app, &parts.method, &parts.headers);
        csrf::check_caller(app, &mut session, &evidence)?;
        let Some(user) = CurrentUser::of(&slot, &session).await? else {
            return Err(auth_policy::unauthenticated(app, policy).into());
        };
        access.check(user.roles())?;
        session.keep_grace();
        Ok(user)
    }
    .await;
    slot.put_back(session).await;
    match outcome {
        Ok(user) => {
            parts.extensions.insert(user.clone());
            Ok(user)
        }
        Err(refusal) => Err(slot.refuse(refusal)),
    }
}

/// The response of a route that is outside of [`VestibuleLayer`](super::VestibuleLayer).
pub(super) fn layer_missing(fault: Fault) -> Response {
    HandlerError::from(fault)
        .into_rejection()
        .into_reply(Messages::default().spoken(Locale::ENGLISH), false)
        .into_response()
}

/// The caller, if the request is authenticated. For routes that are open to unauthenticated
/// clients.
///
/// ```
/// use vestibule::MaybeUser;
///
/// async fn home(MaybeUser(user): MaybeUser) -> String {
///     match user {
///         Some(user) => format!("Hello, {}!", user.id),
///         None => "Hello, guest!".to_owned(),
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(home));
/// ```
#[derive(Debug, Clone)]
pub struct MaybeUser(pub Option<CurrentUser>);

impl<S: Sync> FromRequestParts<S> for MaybeUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthRejection> {
        if let Some(user) = parts.extensions.get::<CurrentUser>() {
            return Ok(Self(Some(user.clone())));
        }
        let slot = SessionSlot::of(parts).map_err(|fault| AuthRejection(layer_missing(fault)))?;
        let app = &slot.app;
        let mut session = slot.take(parts).await.map_err(AuthRejection)?;
        let credentials = Credentials::of(app, &parts.headers, &Query::of(&parts.uri));
        let outcome = async {
            auth_policy::identify(app, &mut session, Load::WithRoles, &credentials).await?;
            let evidence = Evidence::without_body(app, &parts.method, &parts.headers);
            csrf::check_open(app, &mut session, &evidence)?;
            CurrentUser::of(&slot, &session).await
        }
        .await;
        slot.put_back(session).await;
        outcome
            .map(Self)
            .map_err(|refusal| AuthRejection(slot.refuse(refusal)))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = AuthRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, AuthRejection> {
        let MaybeUser(user) = MaybeUser::from_request_parts(parts, state).await?;
        Ok(user)
    }
}
