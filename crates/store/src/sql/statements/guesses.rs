//! Counters of guesses: the same on every database.

use std::iter::repeat_n;

use time::OffsetDateTime;

use crate::change::{from_micros, micros};
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Failure, Outcome, all};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::{GuessKey, GuessSlot, ReservedGuess, StoreError};

/// The table.
pub(in crate::sql) const TABLE: &str = "vestibule_guesses";

/// The columns of a counter, in the order in which they are read.
const COLUMNS: [&str; 6] = [
    "principal",
    "purpose",
    "device",
    "period",
    "guesses",
    "ends_at",
];

/// The statements.
#[derive(Debug)]
pub(in crate::sql) struct GuessStatements {
    dialect: Dialect,
    give_back: String,
    clear: String,
    forget: String,
    purge: String,
}

/// A row of the table.
struct Counter {
    key: (String, String, String, i64),
    guesses: u32,
    ends_at: OffsetDateTime,
}

impl GuessStatements {
    pub(in crate::sql) fn new(dialect: Dialect) -> Self {
        let statement = |text: &str| dialect.placeholders(text);
        Self {
            dialect,
            // Only in the window that counted the guess: a later one did not.
            give_back: statement(
                "UPDATE vestibule_guesses SET guesses = guesses - 1 \
                 WHERE principal = ? AND purpose = ? AND device = ? AND period = ? \
                 AND ends_at = ? AND guesses > 0",
            ),
            clear: statement(
                "DELETE FROM vestibule_guesses \
                 WHERE principal = ? AND purpose = ? AND device = ?",
            ),
            forget: statement("DELETE FROM vestibule_guesses WHERE principal = ?"),
            purge: statement("DELETE FROM vestibule_guesses WHERE ends_at < ?"),
        }
    }

    /// Counts a guess in every slot, inside of a transaction that a full slot rolls back.
    ///
    /// Each row is locked by the statement that counts, until the transaction ends: of any number
    /// of parallel reservations, no more are granted than the slots allow.
    pub(in crate::sql) async fn reserve<X: Executor>(
        &self,
        db: &mut X,
        slots: &[GuessSlot],
        now: OffsetDateTime,
    ) -> Outcome<Vec<ReservedGuess>, X> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        // Transactions that count in the same rows lock them in the same order.
        let mut ordered: Vec<&GuessSlot> = slots.iter().collect();
        ordered.sort_by_key(|slot| (&slot.key, slot.period));
        db.execute(&self.count(&ordered, now)).await?;
        let counters = all(db, &self.read(&ordered), read_counter).await?;
        let mut reserved = Vec::new();
        let mut full = None;
        for slot in slots {
            let counter = counters.iter().find(|counter| counter.is_of(slot));
            let Some(counter) = counter else {
                let why = "a counter of guesses was not written".to_owned();
                return Err(StoreError::Other(why).into());
            };
            if counter.guesses > slot.allowed {
                full = full.max(Some(counter.ends_at));
            }
            reserved.push(ReservedGuess {
                slot: slot.clone(),
                count: counter.guesses,
                ends_at: counter.ends_at,
            });
        }
        match full {
            Some(until) => Err(Failure::LimitReached(until)),
            None => Ok(reserved),
        }
    }

    /// Begins windows, or counts in those that have not ended.
    fn count<'a>(&self, slots: &[&'a GuessSlot], now: OffsetDateTime) -> Query<'a> {
        let is_mysql = matches!(self.dialect, Dialect::MySql { .. });
        let (conflict, old, new_end) = if is_mysql {
            ("ON DUPLICATE KEY UPDATE", "", "VALUES(ends_at)")
        } else {
            (
                "ON CONFLICT (principal, purpose, device, period) DO UPDATE SET",
                "vestibule_guesses.",
                "excluded.ends_at",
            )
        };
        let rows: Vec<_> = repeat_n("(?, ?, ?, ?, ?, 1)", slots.len()).collect();
        // MySQL assigns from left to right: the count comes first, while `ends_at` is the old one.
        let text = format!(
            "INSERT INTO vestibule_guesses (principal, purpose, device, period, ends_at, guesses) \
             VALUES {rows} {conflict} \
             guesses = CASE WHEN {old}ends_at <= ? THEN 1 ELSE {old}guesses + 1 END, \
             ends_at = CASE WHEN {old}ends_at <= ? THEN {new_end} ELSE {old}ends_at END",
            rows = rows.join(", "),
        );
        let mut values = Vec::new();
        for slot in slots {
            values.extend(key_values(&slot.key));
            values.push(Value::number(slot.period_micros()));
            values.push(Value::number(micros(slot.end(now))));
        }
        values.extend(repeat_n(Value::number(micros(now)), 2));
        Query::new(self.dialect.placeholders(&text), values)
    }

    fn read<'a>(&self, slots: &[&'a GuessSlot]) -> Query<'a> {
        let one = "(principal = ? AND purpose = ? AND device = ? AND period = ?)";
        let conditions: Vec<_> = repeat_n(one, slots.len()).collect();
        let text = format!(
            "SELECT {} FROM vestibule_guesses WHERE {}",
            COLUMNS.join(", "),
            conditions.join(" OR ")
        );
        let mut values = Vec::new();
        for slot in slots {
            values.extend(key_values(&slot.key));
            values.push(Value::number(slot.period_micros()));
        }
        Query::new(self.dialect.placeholders(&text), values)
    }

    /// Gives guesses back and clears counters, inside of a transaction.
    pub(in crate::sql) async fn release<X: Executor>(
        &self,
        db: &mut X,
        returned: &[ReservedGuess],
        cleared: &[GuessKey],
    ) -> Outcome<(), X> {
        let mut returned: Vec<&ReservedGuess> = returned.iter().collect();
        returned.sort_by_key(|guess| (&guess.slot.key, guess.slot.period));
        for key in cleared {
            db.execute(&Query::new(&self.clear, key_values(key).into()))
                .await?;
        }
        for guess in returned {
            let mut values: Vec<_> = key_values(&guess.slot.key).into();
            values.push(Value::number(guess.slot.period_micros()));
            values.push(Value::number(micros(guess.ends_at)));
            db.execute(&Query::new(&self.give_back, values)).await?;
        }
        Ok(())
    }

    /// Deletes every counter of a principal. Returns how many.
    pub(in crate::sql) async fn forget<X: Executor>(
        &self,
        db: &mut X,
        principal: &str,
    ) -> Outcome<u64, X> {
        let values = vec![Value::text(principal)];
        db.execute(&Query::new(&self.forget, values)).await
    }

    /// Deletes the counters of windows that ended before a moment. Returns how many.
    pub(super) async fn purge<X: Executor>(
        &self,
        db: &mut X,
        before: OffsetDateTime,
    ) -> Outcome<u64, X> {
        let values = vec![Value::number(micros(before))];
        db.execute(&Query::new(&self.purge, values)).await
    }
}

impl Counter {
    fn is_of(&self, slot: &GuessSlot) -> bool {
        let (principal, purpose, device, period) = &self.key;
        *principal == slot.key.principal
            && purpose == slot.key.purpose
            && *device == slot.key.device
            && *period == slot.period_micros()
    }
}

fn key_values(key: &GuessKey) -> [Value<'_>; 3] {
    [
        Value::text(&key.principal),
        Value::text(key.purpose),
        Value::text(&key.device),
    ]
}

fn read_counter(cells: &dyn Cells) -> Result<Counter, StoreError> {
    let row = Record {
        cells,
        table: TABLE,
        columns: &COLUMNS,
        first: 0,
    };
    let guesses = row.required(4, row.number(4)?)?;
    Ok(Counter {
        key: (
            row.required(0, row.text(0)?)?,
            row.required(1, row.text(1)?)?,
            row.required(2, row.text(2)?)?,
            row.required(3, row.number(3)?)?,
        ),
        guesses: u32::try_from(guesses).unwrap_or(u32::MAX),
        ends_at: from_micros(row.required(5, row.number(5)?)?),
    })
}
