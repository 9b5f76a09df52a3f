//! Runs statements on a connection to SQLite. Every statement has ended when its future exists.

use std::convert::Infallible;
use std::future::ready;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};
use time::OffsetDateTime;

use super::error::map_error;
use crate::StoreError;
use crate::sql::executor::{Executor, Failure};
use crate::sql::moment;
use crate::sql::query::{CellError, Cells, Query, Value};

/// A connection, or a transaction on it.
pub(super) struct OnConnection<'a>(pub(super) &'a Connection);

type Answer<T> = Result<T, Failure<Infallible>>;

impl Executor for OnConnection<'_> {
    type Error = Infallible;

    fn each(
        &mut self,
        query: &Query<'_>,
        read: impl FnMut(&dyn Cells) -> Result<(), StoreError> + Send,
    ) -> impl Future<Output = Answer<()>> + Send {
        ready(each(self.0, query, read).map_err(Failure::Store))
    }

    fn execute(&mut self, query: &Query<'_>) -> impl Future<Output = Answer<u64>> + Send {
        let changed = self
            .0
            .prepare_cached(&query.text)
            .and_then(|mut statement| statement.execute(params_from_iter(&query.values)))
            .map(|rows| u64::try_from(rows).unwrap_or(u64::MAX));
        ready(changed.map_err(|error| Failure::Store(map_error(error))))
    }

    fn insert(&mut self, query: &Query<'_>) -> impl Future<Output = Answer<i64>> + Send {
        let text = format!("{} RETURNING id", query.text);
        let id = self.0.prepare_cached(&text).and_then(|mut statement| {
            statement.query_row(params_from_iter(&query.values), |row| row.get(0))
        });
        ready(id.map_err(|error| Failure::Store(map_error(error))))
    }
}

fn each(
    connection: &Connection,
    query: &Query<'_>,
    mut read: impl FnMut(&dyn Cells) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(&query.text).map_err(map_error)?;
    let mut rows = statement
        .query(params_from_iter(&query.values))
        .map_err(map_error)?;
    while let Some(row) = rows.next().map_err(map_error)? {
        read(row)?;
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(Some(text)) => ToSqlOutput::from(text.as_ref()),
            Self::Bytes(Some(bytes)) => ToSqlOutput::from(bytes.as_ref()),
            Self::Number(Some(number)) => ToSqlOutput::from(*number),
            Self::Flag(flag) => ToSqlOutput::from(*flag),
            Self::Time(Some(time)) => ToSqlOutput::from(moment::write(*time)),
            Self::Text(None) | Self::Bytes(None) | Self::Number(None) | Self::Time(None) => {
                ToSqlOutput::Borrowed(ValueRef::Null)
            }
        })
    }
}

/// SQLite lets a cell hold a value of any type, whatever the type of its column.
impl Cells for Row<'_> {
    fn text(&self, index: usize) -> Result<Option<String>, CellError> {
        match cell(self, index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(CellError::Corrupt),
            },
            ValueRef::Integer(number) => Ok(Some(number.to_string())),
            ValueRef::Real(_) => Err(CellError::Corrupt),
        }
    }

    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, CellError> {
        match cell(self, index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
            ValueRef::Integer(_) | ValueRef::Real(_) => Err(CellError::Corrupt),
        }
    }

    fn number(&self, index: usize) -> Result<Option<i64>, CellError> {
        match cell(self, index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            _ => Err(CellError::Corrupt),
        }
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, CellError> {
        Ok(self.number(index)?.map(|number| number != 0))
    }

    fn time(&self, index: usize) -> Result<Option<OffsetDateTime>, CellError> {
        match cell(self, index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match moment::read(bytes) {
                Some(time) => Ok(Some(time)),
                None => Err(CellError::Corrupt),
            },
            _ => Err(CellError::Corrupt),
        }
    }
}

fn cell<'a>(row: &'a Row<'_>, index: usize) -> Result<ValueRef<'a>, CellError> {
    row.get_ref(index)
        .map_err(|error| CellError::Failed(map_error(error)))
}
