//! Our own tables, the same on every database: used one-time secrets (the ledger), queued mail
//! (the outbox) and the audit log.

use time::OffsetDateTime;

use crate::change::{from_micros, micros};
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, all, first};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::{
    AuditEntry, AuditHead, Cutoffs, MailFate, NewEntries, NewEntry, NewMail, OneTimeSecret,
    QueuedMail, StoreError, UserId,
};

/// Columns of our own that a database of an earlier version may lack.
pub(in crate::sql) const ADDED: [(&str, &str); 1] = [("vestibule_audit_head", "end_seal")];

pub(super) const OUTBOX: &str = "vestibule_outbox";
pub(super) const AUDIT: &str = "vestibule_audit";

/// The columns of a mail and of an audit entry, in the order in which they are read.
const MAIL_COLUMNS: [&str; 5] = ["id", "message_id", "payload", "created_at", "attempts"];
const ENTRY_COLUMNS: [&str; 8] = [
    "id",
    "occurred_at",
    "kind",
    "user_id",
    "address",
    "request_id",
    "detail",
    "seal",
];
const HEAD_COLUMNS: [&str; 3] = ["last", "seal", "end_seal"];

/// `due_at` of mails that were given up: later than every due time, so that claims, which use the
/// index over `due_at`, do not meet them. They are in the order in which they were given up.
const GIVEN_UP: i64 = 1 << 62;

/// How much of an error message is kept with a mail.
const LONGEST_ERROR: usize = 250;

/// The statements, built once.
#[derive(Debug)]
pub(in crate::sql) struct JournalStatements {
    consume: String,
    is_consumed: String,
    purge_ledger: String,
    purge_given_up: String,
    queue: String,
    claim: String,
    claimed: String,
    sent: String,
    retry: String,
    give_up: String,
    count: String,
    make_head: String,
    head: String,
    lock_head: String,
    move_head: String,
    last: String,
    append: String,
    entries: String,
    entries_of: String,
    /// Whether a claim takes the current time once more.
    claim_repeats_time: bool,
}

impl JournalStatements {
    pub(in crate::sql) fn new(dialect: Dialect) -> Self {
        let statement = |text: &str| dialect.placeholders(text);
        let is_mysql = matches!(dialect, Dialect::MySql { .. });
        // MySQL does not read the table that an UPDATE changes. On the others the condition on
        // `claimed_until` is repeated: a transaction that waited for another claim checks again.
        let claim = if is_mysql {
            "UPDATE vestibule_outbox \
             SET claim = ?, claimed_until = ?, attempts = attempts + 1 \
             WHERE due_at <= ? AND claimed_until <= ? AND failed_at IS NULL \
             ORDER BY due_at, id LIMIT ?"
        } else {
            "UPDATE vestibule_outbox \
             SET claim = ?, claimed_until = ?, attempts = attempts + 1 \
             WHERE id IN (SELECT id FROM vestibule_outbox \
               WHERE due_at <= ? AND claimed_until <= ? AND failed_at IS NULL \
               ORDER BY due_at, id LIMIT ?) \
             AND claimed_until <= ?"
        };
        let head = format!(
            "SELECT {} FROM vestibule_audit_head WHERE id = 1",
            HEAD_COLUMNS.join(", ")
        );
        let entries = |condition: &str| {
            statement(&format!(
                "SELECT {} FROM vestibule_audit WHERE {condition} ORDER BY id LIMIT ?",
                ENTRY_COLUMNS.join(", ")
            ))
        };
        Self {
            // Of all requests that use one secret, one inserts a row.
            consume: dialect.insert_or_ignore(
                "vestibule_ledger (purpose, digest, expires_at) VALUES (?, ?, ?)",
            ),
            is_consumed: statement(
                "SELECT 1 FROM vestibule_ledger WHERE purpose = ? AND digest = ?",
            ),
            purge_ledger: statement("DELETE FROM vestibule_ledger WHERE expires_at < ?"),
            // Uses the same index as a claim, from its other end.
            purge_given_up: statement(
                "DELETE FROM vestibule_outbox \
                 WHERE due_at >= ? AND due_at < ? AND failed_at IS NOT NULL",
            ),
            queue: statement(
                "INSERT INTO vestibule_outbox \
                 (message_id, payload, created_at, due_at, attempts, claimed_until) \
                 VALUES (?, ?, ?, ?, 0, 0)",
            ),
            claim: statement(claim),
            // The claimed mails were due. The condition is repeated because it has an index.
            claimed: statement(&format!(
                "SELECT {} FROM vestibule_outbox WHERE claim = ? AND due_at <= ? ORDER BY id",
                MAIL_COLUMNS.join(", ")
            )),
            sent: statement("DELETE FROM vestibule_outbox WHERE id = ? AND claim = ?"),
            retry: statement(
                "UPDATE vestibule_outbox \
                 SET due_at = ?, last_error = ?, claim = NULL, claimed_until = 0 \
                 WHERE id = ? AND claim = ?",
            ),
            give_up: statement(
                "UPDATE vestibule_outbox \
                 SET failed_at = ?, due_at = ?, last_error = ?, payload = '', claim = NULL, \
                 claimed_until = 0 WHERE id = ? AND claim = ?",
            ),
            count: "SELECT count(*), count(failed_at) FROM vestibule_outbox".to_owned(),
            make_head: dialect
                .insert_or_ignore("vestibule_audit_head (id, last, seal) VALUES (1, 0, '')"),
            // Transactions that append wait for each other.
            lock_head: format!("{head}{}", dialect.for_update()),
            head,
            move_head: statement(
                "UPDATE vestibule_audit_head SET last = ?, seal = ?, end_seal = ? WHERE id = 1",
            ),
            last: "SELECT id, seal, NULL FROM vestibule_audit ORDER BY id DESC LIMIT 1".to_owned(),
            append: statement(&format!(
                "INSERT INTO vestibule_audit ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ENTRY_COLUMNS.join(", ")
            )),
            entries: entries("id > ?"),
            entries_of: entries("user_id = ? AND id > ?"),
            claim_repeats_time: !is_mysql,
        }
    }

    /// Returns false if the secret was used before.
    pub(super) async fn consume<X: Executor>(
        &self,
        db: &mut X,
        secret: &OneTimeSecret,
    ) -> Outcome<bool, X> {
        let values = vec![
            Value::text(secret.purpose),
            Value::text(&secret.digest),
            time_value(secret.expires_at),
        ];
        Ok(db.execute(&Query::new(&self.consume, values)).await? == 1)
    }

    pub(in crate::sql) async fn is_consumed<X: Executor>(
        &self,
        db: &mut X,
        secret: &OneTimeSecret,
    ) -> Outcome<bool, X> {
        let values = vec![Value::text(secret.purpose), Value::text(&secret.digest)];
        let found = first(db, &Query::new(&self.is_consumed, values), |_| Ok(())).await?;
        Ok(found.is_some())
    }

    pub(super) async fn purge<X: Executor>(
        &self,
        db: &mut X,
        cutoffs: &Cutoffs,
    ) -> Outcome<u64, X> {
        let values = vec![time_value(cutoffs.secrets)];
        let secrets = db.execute(&Query::new(&self.purge_ledger, values)).await?;
        let values = vec![
            Value::number(GIVEN_UP),
            Value::number(given_up_at(cutoffs.failed_mails)),
        ];
        let mails = db
            .execute(&Query::new(&self.purge_given_up, values))
            .await?;
        Ok(secrets + mails)
    }

    pub(super) async fn queue<X: Executor>(&self, db: &mut X, mail: &NewMail) -> Outcome<(), X> {
        let created = time_value(mail.created_at);
        let values = vec![
            Value::text(&mail.message_id),
            Value::text(&mail.payload),
            created.clone(),
            created,
        ];
        db.execute(&Query::new(&self.queue, values)).await.map(drop)
    }

    /// Leases mails that are due, inside of a transaction.
    pub(in crate::sql) async fn claim<X: Executor>(
        &self,
        db: &mut X,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Outcome<Vec<QueuedMail>, X> {
        let mut values = vec![
            Value::text(claim),
            time_value(until),
            time_value(now),
            time_value(now),
            Value::number(limit.into()),
        ];
        if self.claim_repeats_time {
            values.push(time_value(now));
        }
        if db.execute(&Query::new(&self.claim, values)).await? == 0 {
            return Ok(Vec::new());
        }
        let values = vec![Value::text(claim), time_value(now)];
        all(db, &Query::new(&self.claimed, values), read_mail).await
    }

    /// Returns false if the lease is over.
    pub(in crate::sql) async fn settle<X: Executor>(
        &self,
        db: &mut X,
        id: i64,
        claim: &str,
        fate: &MailFate,
    ) -> Outcome<bool, X> {
        let (text, mut values) = match fate {
            MailFate::Sent => (&self.sent, Vec::new()),
            MailFate::Later { due_at, error } => {
                let values = vec![time_value(*due_at), Value::text(shortened(error))];
                (&self.retry, values)
            }
            MailFate::Never { at, error } => {
                let due_at = Value::number(given_up_at(*at));
                let values = vec![time_value(*at), due_at, Value::text(shortened(error))];
                (&self.give_up, values)
            }
        };
        values.extend([Value::number(id), Value::text(claim)]);
        Ok(db.execute(&Query::new(text, values)).await? == 1)
    }

    /// Counts the mails that wait, and those that were given up.
    pub(in crate::sql) async fn count_mails<X: Executor>(
        &self,
        db: &mut X,
    ) -> Outcome<(u64, u64), X> {
        let read = |cells: &dyn Cells| {
            let row = record(cells, OUTBOX, &["count", "failed"]);
            let all = row.number(0)?.unwrap_or_default();
            let failed = row.number(1)?.unwrap_or_default();
            Ok(((all - failed).unsigned_abs(), failed.unsigned_abs()))
        };
        let counted = first(db, &Query::new(&self.count, Vec::new()), read).await?;
        Ok(counted.unwrap_or_default())
    }

    /// Appends to the audit log, inside of a transaction.
    pub(super) async fn append<X: Executor>(
        &self,
        db: &mut X,
        new: &NewEntries,
        created: Option<UserId>,
    ) -> Outcome<(), X> {
        let lock = Query::new(&self.lock_head, Vec::new());
        let mut head = first(db, &lock, read_head).await?;
        if head.is_none() {
            db.execute(&Query::new(&self.make_head, Vec::new())).await?;
            head = first(db, &lock, read_head).await?;
        }
        let mut head = head.unwrap_or_default();
        if head.last == 0 {
            // The head may have been deleted. New entries follow the last one and never replace
            // others.
            let last = Query::new(&self.last, Vec::new());
            head = first(db, &last, read_head).await?.unwrap_or(head);
        }
        let (entries, end) = head.append(new, created);
        for entry in &entries {
            let what = &entry.what;
            let values = vec![
                Value::number(entry.id),
                time_value(what.at),
                Value::text(&what.kind),
                Value::Number(what.user_id.map(|id| id.0)),
                Value::maybe_text(what.address.as_deref()),
                Value::maybe_text(what.request_id.as_deref()),
                Value::maybe_text(what.detail.as_deref()),
                Value::text(&entry.seal),
            ];
            db.execute(&Query::new(&self.append, values)).await?;
        }
        let values = vec![
            Value::number(end.last),
            Value::text(&end.seal),
            Value::text(&end.end_seal),
        ];
        db.execute(&Query::new(&self.move_head, values))
            .await
            .map(drop)
    }

    pub(in crate::sql) async fn head<X: Executor>(&self, db: &mut X) -> Outcome<AuditHead, X> {
        let head = first(db, &Query::new(&self.head, Vec::new()), read_head).await?;
        Ok(head.unwrap_or_default())
    }

    pub(in crate::sql) async fn entries<X: Executor>(
        &self,
        db: &mut X,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Outcome<Vec<AuditEntry>, X> {
        let mut values: Vec<_> = of.iter().map(|id| Value::number(id.0)).collect();
        values.extend([Value::number(after), Value::number(limit.into())]);
        let text = if of.is_some() {
            &self.entries_of
        } else {
            &self.entries
        };
        all(db, &Query::new(text, values), read_entry).await
    }
}

/// Times in our own tables are microseconds since 1970.
fn time_value(time: OffsetDateTime) -> Value<'static> {
    Value::number(micros(time))
}

/// `due_at` of a mail that was given up at this time.
fn given_up_at(time: OffsetDateTime) -> i64 {
    GIVEN_UP.saturating_add(micros(time).max(0))
}

/// An error message as it is kept: in ASCII, which columns of every character set can store.
fn shortened(error: &str) -> String {
    let plain = |c: char| if c.is_ascii() { c } else { '?' };
    error.chars().map(plain).take(LONGEST_ERROR).collect()
}

fn record<'a>(
    cells: &'a dyn Cells,
    table: &'a str,
    columns: &'static [&'static str],
) -> Record<'a> {
    Record {
        cells,
        table,
        columns,
        first: 0,
    }
}

fn read_mail(cells: &dyn Cells) -> Result<QueuedMail, StoreError> {
    let row = record(cells, OUTBOX, &MAIL_COLUMNS);
    Ok(QueuedMail {
        id: row.required(0, row.number(0)?)?,
        message_id: row.required(1, row.text(1)?)?,
        payload: row.required(2, row.text(2)?)?,
        created_at: from_micros(row.required(3, row.number(3)?)?),
        attempts: row.required(4, row.number(4)?)?,
    })
}

fn read_head(cells: &dyn Cells) -> Result<AuditHead, StoreError> {
    let row = record(cells, "vestibule_audit_head", &HEAD_COLUMNS);
    Ok(AuditHead {
        last: row.required(0, row.number(0)?)?,
        seal: row.required(1, row.text(1)?)?,
        end_seal: row.text(2)?.unwrap_or_default(),
    })
}

fn read_entry(cells: &dyn Cells) -> Result<AuditEntry, StoreError> {
    let row = record(cells, AUDIT, &ENTRY_COLUMNS);
    Ok(AuditEntry {
        id: row.required(0, row.number(0)?)?,
        what: NewEntry {
            at: from_micros(row.required(1, row.number(1)?)?),
            kind: row.required(2, row.text(2)?)?,
            user_id: row.number(3)?.map(UserId),
            address: row.text(4)?,
            request_id: row.text(5)?,
            detail: row.text(6)?,
        },
        seal: row.required(7, row.text(7)?)?,
    })
}
