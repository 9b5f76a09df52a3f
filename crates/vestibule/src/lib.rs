//! Sign-in and accounts for single-page applications, as an axum library.
//!
//! The JSON API is that of Flask-Security in its SPA configuration. Front ends, databases,
//! cookies and tokens of one work with the other.
//!
//! ```
//! use axum::{Router, routing::get};
//! use vestibule::{CurrentUser, Settings, Vestibule, roles_required};
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
//! )?;
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
//! Without a [`datastore`](Builder::datastore), users are kept in memory. [`store::sql`] keeps
//! them in SQLite, PostgreSQL or MySQL.

pub mod admin;
mod app;
mod audit;
mod builder;
mod clock;
mod codes;
mod commit;
mod embed;
mod features;
mod guard;
mod hooks;
mod http;
mod identity;
mod links;
mod mail;
mod messages;
mod openapi;
#[cfg(any(feature = "breached", feature = "oauth", feature = "sms"))]
mod outbound;
mod outbox;
#[doc(hidden)]
pub mod program;
#[cfg(feature = "oauth")]
mod providers;
mod rng;
mod router;
mod secrets;
mod session;
mod settings;
mod sms;
#[cfg(feature = "oauth")]
mod social;
mod validation;

pub use app::App;
pub use builder::{BuildError, Builder, Vestibule};
pub use clock::Clock;
pub use embed::{
    AuthRejection, AuthRequired, AuthRequiredService, CurrentUser, MaybeUser, Reauthentication,
    Unauthenticated, Unauthorized, VestibuleLayer, VestibuleService, permissions_accepted,
    permissions_required, roles_accepted, roles_required,
};
pub use hooks::{Event, EventContext, FamilyEnd};
pub use http::fault::Fault;
pub use http::reply::Reply;
pub use http::request_info::RequestHead;
pub use mail::transport::{Mailer, Outgoing};
pub use messages::{LocalizedMessage, Message};
pub use outbox::DeliveryError;
pub use rng::Random;
pub use settings::{Mechanism, Problem, Settings, SettingsError};
pub use sms::transport::{SmsMessage, SmsSender};
pub use validation::own::{PhoneNumbers, SecondFactorState, UsernameCheck};
pub use validation::password::PasswordCheck;
/// The `Store` trait, its records, and the stores: in memory and in SQL.
pub use vestibule_store as store;

/// The crates whose types appear in the public API, in the versions that it uses.
pub mod external {
    pub use ::http;
    pub use axum;
    pub use serde_json;
    pub use time;
}
