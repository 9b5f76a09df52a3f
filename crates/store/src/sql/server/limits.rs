//! How long a server lets one of our statements wait, so that whoever is stuck does not hold up
//! everybody behind them.

use super::wire::Link;

/// Limits where the server has none of its own.
const POSTGRES: &str = "SELECT set_config(name, ours, false) FROM (VALUES \
     ('lock_timeout', '3s'), ('statement_timeout', '10s'), \
     ('idle_in_transaction_session_timeout', '10s')) AS limits(name, ours) \
     WHERE current_setting(name) = '0'";
const NO_POSTGRES: &str =
    "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// What is read in a transaction is what is there: nothing is decided by what was there when it
/// began.
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
const LOCKS: &str = "SET SESSION innodb_lock_wait_timeout = 3";
const LONG_LOCKS: &str = "SET SESSION innodb_lock_wait_timeout = 3600";

/// MariaDB counts seconds, MySQL milliseconds under another name; neither knows the other's.
const STATEMENTS: [&str; 2] = [
    "SET SESSION max_statement_time = 10",
    "SET SESSION max_execution_time = 10000",
];
const NO_STATEMENTS: [&str; 2] = [
    "SET SESSION max_statement_time = 0",
    "SET SESSION max_execution_time = 0",
];

impl Link<'_> {
    /// Limits what is done on a new connection.
    pub(super) async fn limit(&mut self) -> Result<(), sqlx_core::Error> {
        if matches!(self, Self::Postgres(_)) {
            return self.order(POSTGRES).await;
        }
        self.order(ISOLATION).await?;
        self.order(LOCKS).await?;
        self.either(STATEMENTS).await
    }

    /// Takes the limits away: to make tables and indexes takes as long as it takes.
    pub(super) async fn unlimited(&mut self) -> Result<(), sqlx_core::Error> {
        if matches!(self, Self::Postgres(_)) {
            return self.order(NO_POSTGRES).await;
        }
        self.order(LONG_LOCKS).await?;
        self.either(NO_STATEMENTS).await
    }

    /// One of two spellings, of which a server knows one. Very old servers know neither.
    async fn either(&mut self, spellings: [&'static str; 2]) -> Result<(), sqlx_core::Error> {
        for spelling in spellings {
            match self.order(spelling).await {
                Ok(()) => return Ok(()),
                Err(sqlx_core::Error::Database(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
