//! A connection for creating, checking and upgrading tables.

use super::error::map_error;
use super::pool::{Held, Pool};
use super::wire::Link;
use super::{address, schema};
use crate::StoreError;
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;

/// A database whose tables are checked or changed.
pub(super) struct AdminConnection {
    pub(super) pool: Pool,
    pub(super) dialect: Dialect,
}

impl AdminConnection {
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

    /// Creates our own tables that are missing.
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

    /// Locks out other processes that change the tables. The lock lasts until the connection is
    /// closed, which happens because it is not settled. Through a pooler, it lasts until the
    /// transaction ends.
    pub(super) async fn lock(&self, link: &mut Link<'_>) -> Result<(), StoreError> {
        link.unlimited().await.map_err(map_error)?;
        let statement = match self.dialect {
            Dialect::Postgres if link.is_in_transaction() => {
                "SELECT pg_advisory_xact_lock(7236837245)::text"
            }
            Dialect::Postgres => "SELECT pg_advisory_lock(7236837245)::text",
            Dialect::Sqlite | Dialect::MySql { .. } => {
                "SELECT CAST(get_lock('vestibule', 30) AS CHAR(1))"
            }
        };
        link.rows(statement, &[]).await.map(drop).map_err(map_error)
    }

    /// Commits the transaction that [`lock`](Self::lock) began through a pooler. After an error it
    /// is rolled back as a whole; without a pooler, earlier statements remain in effect.
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
