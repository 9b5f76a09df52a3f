//! Runs statements on a database server.
//!
//! Only this module, `pool` and `target` name the types of the drivers of PostgreSQL and MySQL. The
//! code above uses [`Link`], [`Value`] and [`Row`].

use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row as _;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_mysql::{MySqlConnection, MySqlRow};
use sqlx_postgres::{PgConnection, PgRow};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::error::{is_broken, map_error};
use super::limits;
use crate::StoreError;
use crate::sql::executor::{Executor, Failure};
use crate::sql::query::{CellError, Cells, Query, Value};

/// One connection, or a transaction on it.
pub(super) enum Link<'a> {
    Postgres(&'a mut PgConnection, Session),
    MySql(&'a mut MySqlConnection),
}

/// What persists between two statements on a connection to PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// Everything: the connection has a session of its own.
    Whole,
    /// Nothing: a pooler may give each transaction to another session.
    Pooled,
    /// What belongs to the transaction that was begun, through a pooler.
    Transaction,
}

/// A row of either driver.
pub(super) enum Row {
    Postgres(PgRow),
    MySql(MySqlRow),
}

/// Binds the values to a query of either driver. Only a session of its own keeps the prepared
/// statement.
macro_rules! bound {
    ($statement:expr, $values:expr) => {
        bound!($statement, $values, true)
    };
    ($statement:expr, $values:expr, $kept:expr) => {{
        // Statements consist of table names and constants. Input from outside is always a value.
        let mut query =
            sqlx_core::query::query(AssertSqlSafe($statement.to_owned())).persistent($kept);
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Bytes(bytes) => query.bind(bytes.as_deref()),
                Value::Number(number) => query.bind(*number),
                Value::Flag(flag) => query.bind(*flag),
                Value::Time(time) => query.bind(time.map(naive)),
            };
        }
        query
    }};
}

/// Refuses texts with a NUL: PostgreSQL cannot store one, and MySQL's collations ignore it.
fn refuse_nul(values: &[Value<'_>]) -> Result<(), sqlx_core::Error> {
    let has_nul =
        |value: &Value<'_>| matches!(value, Value::Text(Some(text)) if text.contains('\0'));
    if values.iter().any(has_nul) {
        let why = "a text with a NUL in it is not kept";
        return Err(sqlx_core::Error::Encode(why.into()));
    }
    Ok(())
}

/// Runs one statement with its values. The driver needs two exchanges for it, and a pooler may
/// give each to another session, so that it gets a transaction if it has none.
macro_rules! in_one_session {
    ($link:ident, $work:expr) => {{
        let alone = matches!($link, Link::Postgres(_, Session::Pooled));
        if alone {
            $link.begin().await?;
        }
        let outcome: Result<_, sqlx_core::Error> = async { $work }.await;
        match outcome {
            Ok(value) if alone => $link.commit().await.map(|()| value),
            Err(error) if alone && !is_broken(&error) => {
                $link.roll_back().await?;
                Err(error)
            }
            outcome => outcome,
        }
    }};
}

impl Link<'_> {
    pub(super) async fn rows(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, sqlx_core::Error> {
        in_one_session!(self, self.rows_here(statement, values).await)
    }

    async fn rows_here(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, sqlx_core::Error> {
        Ok(match self {
            Self::Postgres(connection, session) => {
                let rows = bound!(statement, values, session.is_whole())
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

    /// Writes. Returns the number of rows that matched.
    pub(super) async fn write(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<u64, sqlx_core::Error> {
        refuse_nul(values)?;
        in_one_session!(self, self.write_here(statement, values).await)
    }

    async fn write_here(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<u64, sqlx_core::Error> {
        Ok(match self {
            Self::Postgres(connection, session) => bound!(statement, values, session.is_whole())
                .execute(&mut **connection)
                .await?
                .rows_affected(),
            Self::MySql(connection) => bound!(statement, values)
                .execute(&mut **connection)
                .await?
                .rows_affected(),
        })
    }

    /// Inserts a row. Returns its primary key.
    pub(super) async fn insert_row(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<i64, sqlx_core::Error> {
        refuse_nul(values)?;
        in_one_session!(self, self.insert_here(statement, values).await)
    }

    async fn insert_here(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<i64, sqlx_core::Error> {
        match self {
            Self::Postgres(connection, session) => {
                let returning = format!("{statement} RETURNING id::bigint");
                let row = bound!(returning, values, session.is_whole())
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

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), sqlx_core::Error> {
        if let Self::Postgres(_, session @ Session::Pooled) = self {
            *session = Session::Transaction;
            return self.order(limits::BEGIN_LIMITED).await;
        }
        self.order("BEGIN").await
    }

    pub(super) async fn commit(&mut self) -> Result<(), sqlx_core::Error> {
        self.end("COMMIT").await
    }

    pub(super) async fn roll_back(&mut self) -> Result<(), sqlx_core::Error> {
        self.end("ROLLBACK").await
    }

    /// Whether a transaction was begun because a pooler gives away the session.
    pub(super) fn is_in_transaction(&self) -> bool {
        matches!(self, Self::Postgres(_, Session::Transaction))
    }

    async fn end(&mut self, statement: &'static str) -> Result<(), sqlx_core::Error> {
        let ended = self.order(statement).await;
        if let Self::Postgres(_, session @ Session::Transaction) = self {
            *session = Session::Pooled;
        }
        ended
    }

    /// Runs one statement without values and without preparing it.
    pub(super) async fn order(&mut self, statement: &'static str) -> Result<(), sqlx_core::Error> {
        match self {
            Self::Postgres(connection, _) => raw_sql(statement)
                .execute(&mut **connection)
                .await
                .map(drop),
            Self::MySql(connection) => raw_sql(statement)
                .execute(&mut **connection)
                .await
                .map(drop),
        }
    }

    /// Runs several statements without values, one after the other.
    pub(super) async fn batch(&mut self, statements: &str) -> Result<(), sqlx_core::Error> {
        for statement in statements.split(";\n").map(str::trim) {
            if statement.is_empty() {
                continue;
            }
            let query = raw_sql(AssertSqlSafe(statement.to_owned()));
            match self {
                Self::Postgres(connection, _) => query.execute(&mut **connection).await.map(drop),
                Self::MySql(connection) => query.execute(&mut **connection).await.map(drop),
            }?;
        }
        Ok(())
    }
}

impl Session {
    fn is_whole(self) -> bool {
        self == Self::Whole
    }
}

impl Executor for Link<'_> {
    type Error = sqlx_core::Error;

    async fn each(
        &mut self,
        query: &Query<'_>,
        mut read: impl FnMut(&dyn Cells) -> Result<(), StoreError> + Send,
    ) -> Result<(), Failure<sqlx_core::Error>> {
        let rows = self.rows(&query.text, &query.values).await?;
        Ok(rows.iter().try_for_each(|row| read(row))?)
    }

    async fn execute(&mut self, query: &Query<'_>) -> Result<u64, Failure<sqlx_core::Error>> {
        Ok(self.write(&query.text, &query.values).await?)
    }

    async fn insert(&mut self, query: &Query<'_>) -> Result<i64, Failure<sqlx_core::Error>> {
        Ok(self.insert_row(&query.text, &query.values).await?)
    }
}

/// Reads a cell of either driver's row.
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
}

fn cell_error(error: sqlx_core::Error) -> CellError {
    CellError::Failed(map_error(error))
}

impl Cells for Row {
    fn text(&self, index: usize) -> Result<Option<String>, CellError> {
        cell!(self, index, Option<String>).map_err(cell_error)
    }

    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, CellError> {
        cell!(self, index, Option<Vec<u8>>).map_err(cell_error)
    }

    fn number(&self, index: usize) -> Result<Option<i64>, CellError> {
        cell!(self, index, Option<i64>).map_err(cell_error)
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, CellError> {
        cell!(self, index, Option<bool>).map_err(cell_error)
    }

    fn time(&self, index: usize) -> Result<Option<OffsetDateTime>, CellError> {
        let naive = cell!(self, index, Option<PrimitiveDateTime>).map_err(cell_error)?;
        Ok(naive.map(PrimitiveDateTime::assume_utc))
    }
}

impl From<sqlx_core::Error> for Failure<sqlx_core::Error> {
    fn from(error: sqlx_core::Error) -> Self {
        Self::Driver(error)
    }
}

/// A time as SQLAlchemy stores it: naive UTC.
fn naive(moment: OffsetDateTime) -> PrimitiveDateTime {
    let moment = moment.to_offset(UtcOffset::UTC);
    PrimitiveDateTime::new(moment.date(), moment.time())
}
