//! The SQL stores. No other module contains SQL.

mod address;
mod columns;
mod database;
mod dialect;
mod executor;
mod moment;
mod query;
#[cfg(feature = "server")]
pub mod server;
mod spelling;
pub mod sqlite;
mod statements;

pub use crate::schema_check::{Finding, Upgrade};
pub use address::is_tls_option;
pub use columns::TableNames;
pub use database::Database;
