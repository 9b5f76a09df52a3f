//! Sign-in and accounts for single-page applications, as an axum library.
//!
//! The JSON API is that of Flask-Security in its SPA configuration: a front end, a
//! database, cookies and tokens of one work with the other.

pub mod admin;
mod app;
mod builder;
pub mod clock;
mod embed;
mod features;
pub mod hooks;
pub mod http;
mod identity;
pub mod messages;
pub mod rng;
mod router;
pub mod secrets;
pub mod session;
pub mod settings;

pub use app::App;
pub use builder::{Builder, Vestibule};
pub use embed::{
    AuthRequired, AuthRequiredService, CurrentUser, MaybeUser, VestibuleLayer, VestibuleService,
    permissions_accepted, permissions_required, roles_accepted, roles_required,
};
/// Where users are kept.
pub use vestibule_store as store;
