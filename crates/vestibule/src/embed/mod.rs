//! For an axum application: its own routes behind the same doors.
//!
//! [`VestibuleLayer`] goes around the whole application. Inside, [`CurrentUser`] and
//! [`MaybeUser`] are extractors, [`AuthRequired`] is a layer for the routes that need more:
//! certain methods, a fresh proof of identity, roles, permissions.
//!
//! A route that takes a [`CurrentUser`] or stands behind [`AuthRequired`] checks the CSRF
//! token, too, by the same settings as our own endpoints.

mod auth_required;
mod current_user;
mod layer;
mod refused;
pub(crate) mod response_hooks;

pub use auth_required::{
    AuthRequired, AuthRequiredService, permissions_accepted, permissions_required, roles_accepted,
    roles_required,
};
pub use current_user::{CurrentUser, MaybeUser};
pub use layer::{VestibuleLayer, VestibuleService};
pub use refused::{Reauthentication, Unauthenticated, Unauthorized};
