//! The SQL store. The only place that speaks SQL.

mod columns;
mod moment;
mod schema;
pub mod sqlite;
mod users;

pub use columns::TableNames;
pub use crate::schema_check::{Finding, Upgrade};
