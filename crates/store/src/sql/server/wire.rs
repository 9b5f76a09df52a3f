//! Talking to a database server: connections, values out, rows in.
//!
//! The drivers of PostgreSQL and MySQL have types of their own for everything. This is the one
//! place where both are named; above it there are [`Link`]s, [`Value`]s and [`Row`]s.

use std::time::Duration;

use sqlx_core::connection::Connection as _;
use sqlx_core::pool::PoolConnection;
use sqlx_core::row::Row as _;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_mysql::MySql;
use sqlx_mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions, MySqlRow};
use sqlx_postgres::Postgres;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many connections are open at once.
const CONNECTIONS: u32 = 10;

/// The connections to one database.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// One connection, taken from the pool.
pub(super) enum Held {
    Postgres(PoolConnection<Postgres>),
    MySql(PoolConnection<MySql>),
}

/// One connection, or what happens together on it.
pub(super) enum Link<'a> {
    Postgres(&'a mut PgConnection),
    MySql(&'a mut MySqlConnection),
}

/// A value on its way into a statement.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Number(i64),
    MaybeNumber(Option<i64>),
    Flag(bool),
    Moment(Option<OffsetDateTime>),
}

/// A row that came back.
pub(super) enum Row {
    Postgres(PgRow),
    MySql(MySqlRow),
}

impl Pool {
    pub(super) fn postgres(options: PgConnectOptions) -> Self {
        // A connection that died is noticed by the statement that meets it, which costs less
        // than to ask every time.
        Self::Postgres(
            PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                .connect_lazy_with(options),
        )
    }

    pub(super) fn mysql(options: MySqlConnectOptions) -> Self {
        Self::MySql(
            MySqlPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                .connect_lazy_with(options),
        )
    }

    pub(super) async fn hold(&self) -> Result<Held, sqlx_core::Error> {
        Ok(match self {
            Self::Postgres(pool) => Held::Postgres(pool.acquire().await?),
            Self::MySql(pool) => Held::MySql(pool.acquire().await?),
        })
    }

    /// A connection that answered just now: what is written on it is written once.
    pub(super) async fn hold_alive(&self) -> Result<Held, sqlx_core::Error> {
        for _ in 0..=CONNECTIONS {
            let mut held = self.hold().await?;
            let alive = match &mut held {
                Held::Postgres(connection) => connection.ping().await,
                Held::MySql(connection) => connection.ping().await,
            };
            if alive.is_ok() {
                return Ok(held);
            }
            held.give_up();
        }
        Err(sqlx_core::Error::PoolTimedOut)
    }
}

impl Held {
    pub(super) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Postgres(connection) => Link::Postgres(connection),
            Self::MySql(connection) => Link::MySql(connection),
        }
    }

    /// Closes a connection that is of no use any more, instead of giving it back.
    pub(super) fn give_up(self) {
        match self {
            Self::Postgres(connection) => drop(connection.detach()),
            Self::MySql(connection) => drop(connection.detach()),
        }
    }
}

/// Binds the values to a query, for either driver.
macro_rules! bound {
    ($statement:expr, $values:expr) => {{
        // Statements are built here from table names and constants; what comes from outside
        // is a value.
        let mut query = sqlx_core::query::query(AssertSqlSafe($statement.to_owned()));
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text.clone()),
                Value::Number(number) => query.bind(*number),
                Value::MaybeNumber(number) => query.bind(*number),
                Value::Flag(flag) => query.bind(*flag),
                Value::Moment(moment) => query.bind(moment.map(naive)),
            };
        }
        query
    }};
}

/// No text of PostgreSQL's can have a NUL in it, and MySQL's collations pass over it: what
/// would be kept is not what was meant.
fn refuse_nul(values: &[Value]) -> Result<(), sqlx_core::Error> {
    let has_nul = |value: &Value| matches!(value, Value::Text(Some(text)) if text.contains('\0'));
    if values.iter().any(has_nul) {
        let why = "a text with a NUL in it is not kept";
        return Err(sqlx_core::Error::Encode(why.into()));
    }
    Ok(())
}

impl Link<'_> {
    pub(super) async fn rows(
        &mut self,
        statement: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, sqlx_core::Error> {
        Ok(match self {
            Self::Postgres(connection) => {
                let rows = bound!(statement, values)
                    .fetch_all(&mut **connection)
                    .await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
            Self::MySql(connection) => {
                let rows = bound!(statement, values)
                    .fetch_all(&mut **connection)
                    .await?;
                rows.into_iter().map(Row::MySql).collect()
            }
        })
    }

    /// How many rows matched.
    pub(super) async fn execute(
        &mut self,
        statement: &str,
        values: &[Value],
    ) -> Result<u64, sqlx_core::Error> {
        refuse_nul(values)?;
        Ok(match self {
            Self::Postgres(connection) => bound!(statement, values)
                .execute(&mut **connection)
                .await?
                .rows_affected(),
            Self::MySql(connection) => bound!(statement, values)
                .execute(&mut **connection)
                .await?
                .rows_affected(),
        })
    }

    /// Inserts a row; its primary key.
    pub(super) async fn insert(
        &mut self,
        statement: &str,
        values: &[Value],
    ) -> Result<i64, sqlx_core::Error> {
        refuse_nul(values)?;
        match self {
            Self::Postgres(connection) => {
                let returning = format!("{statement} RETURNING id::bigint");
                let row = bound!(returning, values)
                    .fetch_one(&mut **connection)
                    .await?;
                row.try_get(0)
            }
            Self::MySql(connection) => {
                let done = bound!(statement, values).execute(&mut **connection).await?;
                Ok(i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX))
            }
        }
    }

    /// Several statements without values, one after the other.
    pub(super) async fn batch(&mut self, statements: &str) -> Result<(), sqlx_core::Error> {
        for statement in statements.split(";\n").map(str::trim) {
            if statement.is_empty() {
                continue;
            }
            let query = sqlx_core::raw_sql::raw_sql(AssertSqlSafe(statement.to_owned()));
            match self {
                Self::Postgres(connection) => query.execute(&mut **connection).await.map(drop),
                Self::MySql(connection) => query.execute(&mut **connection).await.map(drop),
            }?;
        }
        Ok(())
    }
}

/// Reads a cell, whichever driver's row it is in.
macro_rules! cell {
    ($row:expr, $index:expr, $kind:ty) => {
        match $row {
            Row::Postgres(row) => row.try_get::<$kind, _>($index),
            Row::MySql(row) => row.try_get::<$kind, _>($index),
        }
    };
}

impl Row {
    pub(super) fn text(&self, index: usize) -> Result<Option<String>, sqlx_core::Error> {
        cell!(self, index, Option<String>)
    }

    pub(super) fn number(&self, index: usize) -> Result<Option<i64>, sqlx_core::Error> {
        cell!(self, index, Option<i64>)
    }

    pub(super) fn flag(&self, index: usize) -> Result<bool, sqlx_core::Error> {
        Ok(cell!(self, index, Option<bool>)?.unwrap_or(false))
    }

    pub(super) fn moment(&self, index: usize) -> Result<Option<OffsetDateTime>, sqlx_core::Error> {
        let naive = cell!(self, index, Option<PrimitiveDateTime>)?;
        Ok(naive.map(PrimitiveDateTime::assume_utc))
    }
}

/// As SQLAlchemy keeps moments: in UTC, without saying so.
fn naive(moment: OffsetDateTime) -> PrimitiveDateTime {
    let moment = moment.to_offset(UtcOffset::UTC);
    PrimitiveDateTime::new(moment.date(), moment.time())
}

/// Runs a block in a transaction on a connection that answered just now. When the server says
/// that transactions stood in each other's way, all of it is done again, a few times.
macro_rules! together {
    ($pool:expr, |$link:ident| $work:expr) => {
        together!($pool, raw | $link | $work).map_err(map_error)
    };
    // The server's own error, for whoever has more to say about it.
    ($pool:expr, raw |$link:ident| $work:expr) => {{
        let mut attempts = 0;
        loop {
            let mut held = $pool.hold_alive().await.map_err(map_error)?;
            let outcome = match &mut held {
                Held::Postgres(connection) => match connection.begin().await {
                    Ok(mut transaction) => {
                        let worked = {
                            let mut link = Link::Postgres(&mut transaction);
                            let $link = &mut link;
                            $work
                        };
                        match worked {
                            Ok(value) => transaction.commit().await.map(|()| value),
                            Err(error) => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                },
                Held::MySql(connection) => match connection.begin().await {
                    Ok(mut transaction) => {
                        let worked = {
                            let mut link = Link::MySql(&mut transaction);
                            let $link = &mut link;
                            $work
                        };
                        match worked {
                            Ok(value) => transaction.commit().await.map(|()| value),
                            Err(error) => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                },
            };
            attempts += 1;
            match outcome {
                Err(error) if stood_in_the_way(&error) && attempts < 8 => {}
                outcome => break outcome,
            }
        }
    }};
}
pub(super) use together;
