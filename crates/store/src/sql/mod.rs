//! The SQL store. The only place that speaks SQL.

mod address;
mod columns;
mod database;
mod error;
mod journal;
mod leaving;
mod moment;
mod passwords;
mod roles;
mod schema;
#[cfg(feature = "server")]
pub mod server;
mod spelling;
pub mod sqlite;
mod trackers;
mod users;

pub use crate::schema_check::{Finding, Upgrade};
pub use address::is_tls_option;
pub use columns::TableNames;
pub use database::Database;
