//! A database before it is served from: its tables.

use super::dialect::Dialect;
use super::error::map_error;
use super::pool::{Held, Pool};
use super::wire::Link;
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
            let mut alone = self.hold_alive().await?;
            let mut link = alone.link().map_err(map_error)?;
            self.lock(&mut link).await?;
            let made = schema::make_ours(&mut link, self.dialect, tables).await;
            self.keep(&mut link, made).await?;
        }
        Ok(())
    }

    pub(super) async fn hold_alive(&self) -> Result<Held, StoreError> {
        self.pool.hold_alive().await.map_err(map_error)
    }

    /// Keeps others from changing the tables at the same time: until the connection is closed,
    /// which it is since nobody settles it, or through a pooler until the transaction ends.
    pub(super) async fn lock(&self, link: &mut Link<'_>) -> Result<(), StoreError> {
        link.unlimited().await.map_err(map_error)?;
        let statement = match self.dialect {
            Dialect::Postgres if link.is_in_transaction() => {
                "SELECT pg_advisory_xact_lock(7236837245)::text"
            }
            Dialect::Postgres => "SELECT pg_advisory_lock(7236837245)::text",
            Dialect::MySql { .. } => "SELECT CAST(get_lock('vestibule', 30) AS CHAR(1))",
        };
        link.rows(statement, &[]).await.map(drop).map_err(map_error)
    }

    /// Ends what [`lock`](Self::lock) began. What was done before an error stays as far as the
    /// server can: a transaction goes as a whole.
    pub(super) async fn keep<T>(
        &self,
        link: &mut Link<'_>,
        outcome: Result<T, sqlx_core::Error>,
    ) -> Result<T, StoreError> {
        if outcome.is_ok() && link.is_in_transaction() {
            link.commit().await.map_err(map_error)?;
        }
        outcome.map_err(map_error)
    }
}
