//! Sign-in and accounts for single-page applications, as an axum library.
//!
//! The JSON API is that of Flask-Security in its SPA configuration: a front end, a
//! database, cookies and tokens of one work with the other.
//!
//! ```
//! use axum::{Router, routing::get};
//! use vestibule::settings::Settings;
//! use vestibule::{CurrentUser, Vestibule, roles_required};
//!
//! async fn me(user: CurrentUser) -> String {
//!     user.email.clone().unwrap_or_default()
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::from_toml(
//!     r#"
//!     SECRET_KEY = "from the environment, as all secrets are"
//!     SECURITY_PASSWORD_SALT = "from the environment, too"
//!     SECURITY_URL_PREFIX = "/api/accounts"
//!     "#,
//! )
//! .map_err(|problems| problems[0].to_string())?;
//! let vestibule = Vestibule::builder(settings).build()?;
//!
//! let app: Router = Router::new()
//!     .route("/api/me", get(me))
//!     .route("/api/admin", get(me).layer(roles_required(["admin"])))
//!     .nest(vestibule.prefix(), vestibule.router())
//!     .layer(vestibule.layer());
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! Without a [`datastore`](Builder::datastore) users are kept in memory. The program keeps
//! them in SQLite, PostgreSQL or MySQL by [`store::sql`].

pub mod admin;
mod app;
pub mod audit;
mod builder;
pub mod clock;
mod commit;
mod embed;
mod features;
pub mod hooks;
pub mod http;
mod identity;
mod links;
pub mod mail;
pub mod messages;
mod openapi;
#[cfg(feature = "breached")]
mod outbound;
mod outbox;
pub mod rng;
mod router;
pub mod secrets;
pub mod session;
pub mod settings;
mod validation;

pub use app::App;
pub use builder::{Builder, Vestibule};
pub use embed::{
    AuthRequired, AuthRequiredService, CurrentUser, MaybeUser, Reauthentication, Unauthenticated,
    Unauthorized, VestibuleLayer, VestibuleService, permissions_accepted, permissions_required,
    roles_accepted, roles_required,
};
pub use validation::own::{PhoneNumbers, UsernameCheck};
pub use validation::password::PasswordCheck;
/// Where users are kept.
pub use vestibule_store as store;
