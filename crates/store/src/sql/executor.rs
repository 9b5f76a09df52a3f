//! The interface to a connection, and what its functions return.
//!
//! The statements and their order are written once, as async functions over an [`Executor`].
//! PostgreSQL and MySQL really wait. SQLite answers before its future is polled, so that
//! [`at_once`] can run the same functions without a runtime, on whichever thread calls it.

use std::fmt;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use time::OffsetDateTime;

use super::query::{Cells, Query};
use crate::{Applied, StoreError};

/// Runs statements on one connection, or inside one transaction.
pub(super) trait Executor {
    /// The driver's own error, from which the caller decides whether to repeat a transaction.
    type Error: fmt::Debug + Send;

    /// Calls a function with every row.
    fn each(
        &mut self,
        query: &Query<'_>,
        read: impl FnMut(&dyn Cells) -> Result<(), StoreError> + Send,
    ) -> impl Future<Output = Result<(), Failure<Self::Error>>> + Send;

    /// Writes. Returns the number of rows that matched.
    fn execute(
        &mut self,
        query: &Query<'_>,
    ) -> impl Future<Output = Result<u64, Failure<Self::Error>>> + Send;

    /// Inserts a row into a table with an `id`, and returns the `id`.
    fn insert(
        &mut self,
        query: &Query<'_>,
    ) -> impl Future<Output = Result<i64, Failure<Self::Error>>> + Send;
}

/// Reads every row.
pub(super) async fn all<X: Executor, T: Send>(
    db: &mut X,
    query: &Query<'_>,
    mut read: impl FnMut(&dyn Cells) -> Result<T, StoreError> + Send,
) -> Outcome<Vec<T>, X> {
    let mut found = Vec::new();
    let push = |row: &dyn Cells| {
        found.push(read(row)?);
        Ok(())
    };
    db.each(query, push).await?;
    Ok(found)
}

/// Reads the first row, if there is one.
pub(super) async fn first<X: Executor, T: Send>(
    db: &mut X,
    query: &Query<'_>,
    mut read: impl FnMut(&dyn Cells) -> Result<T, StoreError> + Send,
) -> Outcome<Option<T>, X> {
    let mut found = None;
    let keep = |row: &dyn Cells| {
        if found.is_none() {
            found = Some(read(row)?);
        }
        Ok(())
    };
    db.each(query, keep).await?;
    Ok(found)
}

/// The result of a function over an executor.
pub(super) type Outcome<T, X> = Result<T, Failure<<X as Executor>::Error>>;

/// Why work on a database ended early. A transaction is rolled back.
#[derive(Debug)]
pub(super) enum Failure<E> {
    /// A change no longer applies, for this reason.
    NotApplied(Applied),
    /// A counter of guesses is full until this time.
    LimitReached(OffsetDateTime),
    /// The store reports an error.
    Store(StoreError),
    /// The driver reports an error.
    #[cfg_attr(
        not(feature = "server"),
        expect(
            dead_code,
            reason = "errors of SQLite need no decision and are mapped at once"
        )
    )]
    Driver(E),
}

impl<E> From<StoreError> for Failure<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E> Failure<E> {
    /// The error for the caller.
    pub(super) fn into_store(self, map_error: impl FnOnce(E) -> StoreError) -> StoreError {
        match self {
            Self::NotApplied(why) => {
                StoreError::Other(format!("a change was not applied: {why:?}"))
            }
            Self::LimitReached(_) => StoreError::Other("a limit is reached".to_owned()),
            Self::Store(error) => error,
            Self::Driver(error) => map_error(error),
        }
    }
}

/// The error if a row that was just written cannot be read.
pub(super) fn lost_row() -> StoreError {
    StoreError::Other("a new row has gone".to_owned())
}

/// Runs work that never waits.
///
/// # Panics
/// When the work waits. Use it only with executors whose futures are ready at once.
pub(super) fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work)
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a statement of SQLite waited"),
    }
}
