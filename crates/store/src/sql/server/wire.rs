//! Talking to a database server: statements and values out, rows in.
//!
//! The drivers of PostgreSQL and MySQL have types of their own for everything. Here and in `pool`
//! both are named; above there are [`Link`]s, [`Value`]s and [`Row`]s.

use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row as _;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_mysql::{MySqlConnection, MySqlRow};
use sqlx_postgres::{PgConnection, PgRow};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

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

    /// One statement without values that the drivers need not prepare.
    pub(super) async fn order(&mut self, statement: &'static str) -> Result<(), sqlx_core::Error> {
        match self {
            Self::Postgres(connection) => raw_sql(statement)
                .execute(&mut **connection)
                .await
                .map(drop),
            Self::MySql(connection) => raw_sql(statement)
                .execute(&mut **connection)
                .await
                .map(drop),
        }
    }

    /// Several statements without values, one after the other.
    pub(super) async fn batch(&mut self, statements: &str) -> Result<(), sqlx_core::Error> {
        for statement in statements.split(";\n").map(str::trim) {
            if statement.is_empty() {
                continue;
            }
            let query = raw_sql(AssertSqlSafe(statement.to_owned()));
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
