//! How long a server lets one of our statements wait, so that a stuck statement does not delay
//! every request behind it.

use super::wire::{Link, Session};

/// Limits if the server has none of its own: for a session, or for a transaction.
macro_rules! limits {
    ($before:literal, $for_the_transaction:literal) => {
        concat!(
            $before,
            "SELECT set_config(name, ours, ",
            $for_the_transaction,
            ") FROM (VALUES ('lock_timeout', '3s'), ('statement_timeout', '10s'), \
             ('idle_in_transaction_session_timeout', '10s')) AS limits(name, ours) \
             WHERE current_setting(name) = '0'"
        )
    };
}
const POSTGRES: &str = limits!("", "false");
const NO_POSTGRES: &str =
    "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// Behind a pooler other clients share the session, so that each transaction sets the limits.
pub(super) const BEGIN_LIMITED: &str = limits!("BEGIN; ", "true");
const BEGIN_UNLIMITED: &str = "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0";

/// Transactions read committed rows, not a snapshot from their beginning.
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
const LOCKS: &str = "SET SESSION innodb_lock_wait_timeout = 3";
const LONG_LOCKS: &str = "SET SESSION innodb_lock_wait_timeout = 3600";

/// MariaDB counts seconds, and MySQL counts milliseconds under another name. Neither knows the
/// other's setting.
const STATEMENTS: [&str; 2] = [
    "SET SESSION max_statement_time = 10",
    "SET SESSION max_execution_time = 10000",
];
const NO_STATEMENTS: [&str; 2] = [
    "SET SESSION max_statement_time = 0",
    "SET SESSION max_execution_time = 0",
];

impl Link<'_> {
    /// Sets the limits of a new connection.
    pub(super) async fn limit(&mut self) -> Result<(), sqlx_core::Error> {
        match self {
            Self::Postgres(_, Session::Whole) => return self.order(POSTGRES).await,
            Self::Postgres(..) => return Ok(()),
            Self::MySql(_) => {}
        }
        self.order(ISOLATION).await?;
        self.order(LOCKS).await?;
        self.either(STATEMENTS).await
    }

    /// Removes the limits, because creating tables and indexes may take long. Through a pooler this
    /// begins a transaction.
    pub(super) async fn unlimited(&mut self) -> Result<(), sqlx_core::Error> {
        match self {
            Self::Postgres(_, Session::Whole) => return self.order(NO_POSTGRES).await,
            Self::Postgres(_, session) => {
                *session = Session::Transaction;
                return self.order(BEGIN_UNLIMITED).await;
            }
            Self::MySql(_) => {}
        }
        self.order(LONG_LOCKS).await?;
        self.either(NO_STATEMENTS).await
    }

    /// Runs the one of two spellings that the server knows. Very old servers know neither.
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
