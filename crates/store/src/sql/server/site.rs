//! A database before it is served from: its tables.

use super::dialect::Dialect;
use super::error::map_error;
use super::pool::{Held, Pool};
use super::{address, schema};
use crate::StoreError;
use crate::sql::TableNames;

/// A database that is looked at and changed, but not served from.
pub(super) struct Site {
    pub(super) pool: Pool,
    pub(super) dialect: Dialect,
}

impl Site {
    pub(super) fn at(uri: &str) -> Result<Self, StoreError> {
        let pool = address::pool(uri)?;
        let dialect = if pool.is_postgres() {
            Dialect::Postgres
        } else {
            Dialect::MySql {
                whole_seconds: false,
            }
        };
        Ok(Self { pool, dialect })
    }

    /// Makes the tables of our own, if they are not there.
    pub(super) async fn make_ours(&self, tables: &TableNames) -> Result<(), StoreError> {
        let mut held = self.pool.hold().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        let missing = schema::lacks_ours(&mut link, self.dialect).await;
        held.settle(&missing);
        if missing.map_err(map_error)? {
            let mut alone = self.hold_alone().await?;
            let mut link = alone.link().map_err(map_error)?;
            let made = schema::make_ours(&mut link, self.dialect, tables).await;
            made.map_err(map_error)?;
        }
        Ok(())
    }

    /// Keeps others from changing the tables at the same time, until the connection is closed:
    /// nobody settles it, so it is.
    pub(super) async fn hold_alone(&self) -> Result<Held, StoreError> {
        let mut held = self.pool.hold_alive().await.map_err(map_error)?;
        let statement = match self.dialect {
            Dialect::Postgres => "SELECT pg_advisory_lock(7236837245)::text",
            Dialect::MySql { .. } => "SELECT CAST(get_lock('vestibule', 30) AS CHAR(1))",
        };
        let mut link = held.link().map_err(map_error)?;
        link.unlimited().await.map_err(map_error)?;
        link.rows(statement, &[]).await.map_err(map_error)?;
        Ok(held)
    }
}
