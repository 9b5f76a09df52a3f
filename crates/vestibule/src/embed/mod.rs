//! Authentication for an axum application's own routes, by the same policies as our endpoints.
//!
//! [`VestibuleLayer`] goes around the whole application. Inside, [`CurrentUser`] and [`MaybeUser`]
//! are extractors, and [`AuthRequired`] is a layer for routes that require more: certain
//! mechanisms, a fresh proof of identity, roles or permissions.
//!
//! A route with a [`CurrentUser`] extractor or an [`AuthRequired`] layer also checks the CSRF
//! token, by the same settings as our own endpoints.

mod auth_required;
mod current_user;
mod layer;
mod refused;
pub(crate) mod response_hooks;

pub use auth_required::{
    AuthRequired, AuthRequiredService, permissions_accepted, permissions_required, roles_accepted,
    roles_required,
};
pub use current_user::{AuthRejection, CurrentUser, MaybeUser};
pub use layer::{VestibuleLayer, VestibuleService};
pub use refused::{Reauthentication, Unauthenticated, Unauthorized};
