//! Statements with their values, and the rows that come back, whichever database runs them.

use std::borrow::Cow;

use time::OffsetDateTime;

use crate::StoreError;

/// A value for a placeholder. It has a type even if it is NULL, because PostgreSQL requires one.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
    Number(Option<i64>),
    Flag(bool),
    Time(Option<OffsetDateTime>),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(Some(text.into()))
    }

    pub(super) fn maybe_text(text: Option<&'a str>) -> Self {
        Self::Text(text.map(Cow::Borrowed))
    }

    pub(super) fn bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Bytes(Some(bytes.into()))
    }

    pub(super) const fn number(number: i64) -> Self {
        Self::Number(Some(number))
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(
            self,
            Self::Text(None) | Self::Bytes(None) | Self::Number(None) | Self::Time(None)
        )
    }
}

/// A statement and its values.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) values: Vec<Value<'a>>,
}

impl<'a> Query<'a> {
    pub(super) fn new(text: impl Into<Cow<'a, str>>, values: Vec<Value<'a>>) -> Self {
        Self {
            text: text.into(),
            values,
        }
    }
}

/// A row of any database.
pub(super) trait Cells {
    fn text(&self, index: usize) -> Result<Option<String>, CellError>;
    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, CellError>;
    fn number(&self, index: usize) -> Result<Option<i64>, CellError>;
    fn flag(&self, index: usize) -> Result<Option<bool>, CellError>;
    fn time(&self, index: usize) -> Result<Option<OffsetDateTime>, CellError>;
}

/// Why a cell was not read.
#[derive(Debug)]
pub(super) enum CellError {
    /// The value is invalid for the column. SQLite lets any cell hold a value of any type.
    Corrupt,
    Failed(StoreError),
}

/// Cells of a known table, selected in the order of `columns`. Errors name the table, the column
/// and the row.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) cells: &'a dyn Cells,
    pub(super) table: &'a str,
    /// The names of the columns, including `id`.
    pub(super) columns: &'static [&'static str],
    /// The index of the cell that holds the first column.
    pub(super) first: usize,
}

impl Record<'_> {
    pub(super) fn text(&self, column: usize) -> Result<Option<String>, StoreError> {
        self.checked(column, self.cells.text(self.first + column))
    }

    pub(super) fn bytes(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.checked(column, self.cells.bytes(self.first + column))
    }

    pub(super) fn number(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.checked(column, self.cells.number(self.first + column))
    }

    pub(super) fn flag(&self, column: usize) -> Result<Option<bool>, StoreError> {
        self.checked(column, self.cells.flag(self.first + column))
    }

    pub(super) fn time(&self, column: usize) -> Result<Option<OffsetDateTime>, StoreError> {
        self.checked(column, self.cells.time(self.first + column))
    }

    /// The value of a column that must not be NULL.
    pub(super) fn required<T>(&self, column: usize, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    fn checked<T>(&self, column: usize, cell: Result<T, CellError>) -> Result<T, StoreError> {
        cell.map_err(|error| match error {
            CellError::Corrupt => self.corrupt(column),
            CellError::Failed(error) => error,
        })
    }

    fn corrupt(&self, column: usize) -> StoreError {
        let id = self.columns.iter().position(|name| *name == "id");
        let row = id.map(|id| self.cells.number(self.first + id));
        StoreError::Corrupt {
            table: self.table.to_owned(),
            column: self.columns[column].to_owned(),
            row: row.and_then(Result::ok).flatten().unwrap_or_default(),
        }
    }
}
