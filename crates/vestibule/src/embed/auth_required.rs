//! The requirements of an application's own routes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tower::{Layer, Service};

use super::current_user::enter;
use crate::http::requirement::Access;
use crate::session::auth_policy::AuthPolicy;
use crate::settings::Mechanism;

/// A layer for routes that require an authenticated caller, and optionally certain mechanisms, a
/// fresh proof of identity, roles or permissions. All conditions have to hold.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::post};
/// use vestibule::{AuthRequired, CurrentUser};
/// use vestibule::Mechanism;
///
/// async fn close(user: CurrentUser) -> String {
///     format!("{} is closed", user.id)
/// }
///
/// let required = AuthRequired::new()
///     .methods([Mechanism::Session])
///     .within(Duration::from_secs(300))
///     .grace(Duration::from_secs(60))
///     .roles_accepted(["owner", "admin"]);
/// let router: Router = Router::new().route("/close", post(close).layer(required));
/// ```
#[derive(Debug, Clone)]
pub struct AuthRequired {
    policy: AuthPolicy,
    access: Access,
}

impl Default for AuthRequired {
    fn default() -> Self {
        Self::new()
    }
}

impl AuthRequired {
    /// Requires a session or an auth token.
    #[must_use]
    pub fn new() -> Self {
        Self {
            policy: AuthPolicy::session_or_token(),
            access: Access::default(),
        }
    }

    /// Accepts these mechanisms only. They are tried in the order token, session, basic.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Mechanism>) -> Self {
        self.policy.methods = methods.into_iter().collect();
        self
    }

    /// Requires a proof of identity that is at most this old. A caller whose proof is older has to
    /// prove their identity again.
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.policy.within = Some(within);
        self
    }

    /// Sets the grace period, in which a caller with a fresh proof needs no other, instead of
    /// `SECURITY_FRESHNESS_GRACE_PERIOD`.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.policy.grace = Some(grace);
        self
    }

    /// Requires every one of these roles.
    #[must_use]
    pub fn roles_required<T: Into<String>>(mut self, roles: impl IntoIterator<Item = T>) -> Self {
        self.access.roles_required = texts(roles);
        self
    }

    /// Requires at least one of these roles.
    #[must_use]
    pub fn roles_accepted<T: Into<String>>(mut self, roles: impl IntoIterator<Item = T>) -> Self {
        self.access.roles_accepted = texts(roles);
        self
    }

    /// Requires every one of these permissions.
    #[must_use]
    pub fn permissions_required<T: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = T>,
    ) -> Self {
        self.access.permissions_required = texts(permissions);
        self
    }

    /// Requires at least one of these permissions.
    #[must_use]
    pub fn permissions_accepted<T: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = T>,
    ) -> Self {
        self.access.permissions_accepted = texts(permissions);
        self
    }
}

fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

/// A layer that requires every one of these roles.
#[must_use]
pub fn roles_required<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> AuthRequired {
    AuthRequired::new().roles_required(roles)
}

/// A layer that requires at least one of these roles.
#[must_use]
pub fn roles_accepted<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> AuthRequired {
    AuthRequired::new().roles_accepted(roles)
}

/// A layer that requires roles with every one of these permissions.
#[must_use]
pub fn permissions_required<T: Into<String>>(
    permissions: impl IntoIterator<Item = T>,
) -> AuthRequired {
    AuthRequired::new().permissions_required(permissions)
}

/// A layer that requires roles with at least one of these permissions.
#[must_use]
pub fn permissions_accepted<T: Into<String>>(
    permissions: impl IntoIterator<Item = T>,
) -> AuthRequired {
    AuthRequired::new().permissions_accepted(permissions)
}

impl<S> Layer<S> for AuthRequired {
    type Service = AuthRequiredService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthRequiredService {
            required: self.clone(),
            inner,
        }
    }
}

/// A service behind [`AuthRequired`].
#[derive(Debug, Clone)]
pub struct AuthRequiredService<S> {
    required: AuthRequired,
    inner: S,
}

impl<S> Service<Request> for AuthRequiredService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let required = self.required.clone();
        let clone = self.inner.clone();
        // The instance that `poll_ready` found ready has to be the one that is called.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            // Each layer checks on its own: a caller that meets an outer one's policy may not meet
            // this one's.
            if let Err(refusal) = enter(&mut parts, &required.policy, &required.access).await {
                return Ok(refusal);
            }
            inner.call(Request::from_parts(parts, body)).await
        })
    }
}
