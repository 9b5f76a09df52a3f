//! Runs statements that need no transaction, each on a connection of the pool.

use super::Inner;
use super::error::{is_broken, is_rolled_back};
use super::pool::{ATTEMPTS, pause, within_limit};
use super::wire::Row;
use crate::StoreError;
use crate::sql::executor::{Executor, Failure};
use crate::sql::query::{Cells, Query};

/// Takes a connection for each statement.
pub(super) struct Single<'a>(pub(super) &'a Inner);

impl Executor for Single<'_> {
    type Error = sqlx_core::Error;

    /// Reads, and once more on another connection if the first turns out to be dead.
    async fn each(
        &mut self,
        query: &Query<'_>,
        mut read: impl FnMut(&dyn Cells) -> Result<(), StoreError> + Send,
    ) -> Result<(), Failure<sqlx_core::Error>> {
        let work = async {
            let mut held = self.0.pool.hold().await?;
            let outcome = held.link()?.rows(&query.text, &query.values).await;
            held.settle(&outcome);
            match outcome {
                Err(error) if is_broken(&error) => {
                    drop(held);
                    let mut held = self.0.pool.hold_alive().await?;
                    let outcome = held.link()?.rows(&query.text, &query.values).await;
                    held.settle(&outcome);
                    outcome
                }
                outcome => outcome,
            }
        };
        let rows: Vec<Row> = within_limit(work).await?;
        Ok(rows.iter().try_for_each(|row| read(row))?)
    }

    async fn execute(&mut self, query: &Query<'_>) -> Result<u64, Failure<sqlx_core::Error>> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let work = async {
                let mut held = self.0.pool.hold_alive().await?;
                let outcome = held.link()?.write(&query.text, &query.values).await;
                held.settle(&outcome);
                outcome
            };
            match within_limit(work).await {
                // The server rolled it back: the repetition is the only execution.
                Err(error) if is_rolled_back(&error) && attempts < ATTEMPTS => {
                    pause(attempts).await;
                }
                outcome => return outcome.map_err(Failure::Driver),
            }
        }
    }

    async fn insert(&mut self, query: &Query<'_>) -> Result<i64, Failure<sqlx_core::Error>> {
        let work = async {
            let mut held = self.0.pool.hold_alive().await?;
            let outcome = held.link()?.insert_row(&query.text, &query.values).await;
            held.settle(&outcome);
            outcome
        };
        within_limit(work).await.map_err(Failure::Driver)
    }
}
