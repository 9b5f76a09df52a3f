//! The statements about secrets that were spent, mails that wait and what happened: the tables
//! of our own, which are the same on every kind of database. With them, what SQLite does.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use time::OffsetDateTime;

use super::error::map_error;
use crate::change::{from_micros, micros};
use crate::{
    AuditEntry, AuditHead, Cutoffs, MailFate, NewEntries, NewEntry, NewMail, OneTimeSecret,
    QueuedMail, StoreError, UserId,
};

/// Of all who spend one secret, one inserts a row.
pub(super) const SPEND: &str = "INSERT INTO vestibule_ledger (purpose, digest, expires_at) \
     VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
pub(super) const CLEAN_LEDGER: &str = "DELETE FROM vestibule_ledger WHERE expires_at < ?";
pub(super) const POST: &str = "INSERT INTO vestibule_outbox \
     (message_id, payload, created_at, due_at, attempts, claimed_until) VALUES (?, ?, ?, ?, 0, 0)";
/// The conditions stand twice: whoever waited for another's claim looks again.
pub(super) const CLAIM: &str = "UPDATE vestibule_outbox \
     SET claim = ?, claimed_until = ?, attempts = attempts + 1 \
     WHERE id IN (SELECT id FROM vestibule_outbox \
       WHERE due_at <= ? AND claimed_until <= ? AND failed_at IS NULL ORDER BY due_at, id LIMIT ?) \
     AND claimed_until <= ?";
/// What was just claimed was due, which there is an index over.
pub(super) const CLAIMED: &str = "SELECT id, message_id, payload, created_at, attempts \
     FROM vestibule_outbox WHERE claim = ? AND due_at <= ? ORDER BY id";
pub(super) const SENT: &str = "DELETE FROM vestibule_outbox WHERE id = ? AND claim = ?";
pub(super) const LATER: &str = "UPDATE vestibule_outbox \
     SET due_at = ?, last_error = ?, claim = NULL, claimed_until = 0 WHERE id = ? AND claim = ?";
pub(super) const NEVER: &str = "UPDATE vestibule_outbox \
     SET failed_at = ?, due_at = ?, last_error = ?, payload = '', claim = NULL, claimed_until = 0 \
     WHERE id = ? AND claim = ?";
/// By the same index as a claim, from the other end.
pub(super) const FORGET_FAILED: &str =
    "DELETE FROM vestibule_outbox WHERE due_at >= ? AND due_at < ? AND failed_at IS NOT NULL";
pub(super) const COUNT: &str = "SELECT count(*), count(failed_at) FROM vestibule_outbox";
pub(super) const MAKE_HEAD: &str = "INSERT INTO vestibule_audit_head (id, last, seal) \
     VALUES (1, 0, '') ON CONFLICT DO NOTHING";
pub(super) const HEAD: &str = "SELECT last, seal, end_seal FROM vestibule_audit_head WHERE id = 1";
pub(super) const MOVE_HEAD: &str =
    "UPDATE vestibule_audit_head SET last = ?, seal = ?, end_seal = ? WHERE id = 1";
/// Where the head is gone: what is appended goes on behind the last entry, and not over others.
pub(super) const LAST: &str = "SELECT id, seal FROM vestibule_audit ORDER BY id DESC LIMIT 1";
pub(super) const NOTE: &str = "INSERT INTO vestibule_audit \
     (id, occurred_at, kind, user_id, address, request_id, detail, seal) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
pub(super) const AUDIT: &str = "SELECT id, occurred_at, kind, user_id, address, request_id, \
     detail, seal FROM vestibule_audit WHERE id > ? ORDER BY id LIMIT ?";
pub(super) const AUDIT_OF: &str = "SELECT id, occurred_at, kind, user_id, address, request_id, \
     detail, seal FROM vestibule_audit WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?";

/// Where mails that are given up stand in the index over `due_at`: behind all that are ever
/// due, where no claim meets them, in the order in which they were given up.
const BEHIND_ALL: i64 = 1 << 62;

/// The longest error that is kept of a mail.
const LONGEST_ERROR: usize = 250;

/// The tables that a database has of ours.
pub(super) const TABLES: [&str; 4] = [
    "vestibule_ledger",
    "vestibule_outbox",
    "vestibule_audit",
    "vestibule_audit_head",
];

/// The columns of ours that a database of an earlier version may lack.
pub(super) const ADDED: [(&str, &str); 1] = [("vestibule_audit_head", "end_seal")];

pub(super) fn short(error: &str) -> String {
    // A table that was made for some languages only keeps it, too.
    let plain = |c: char| if c.is_ascii() { c } else { '?' };
    error.chars().map(plain).take(LONGEST_ERROR).collect()
}

/// False when it was spent before.
pub(super) fn spend(connection: &Connection, secret: &OneTimeSecret) -> Result<bool, StoreError> {
    let values = params![secret.purpose, secret.digest, micros(secret.expires_at)];
    execute(connection, SPEND, values).map(|rows| rows == 1)
}

/// `due_at` of a mail that is given up at a moment.
pub(super) fn never_due(at: OffsetDateTime) -> i64 {
    BEHIND_ALL.saturating_add(micros(at).max(0))
}

/// The values of `due_at` of mails that were given up before a moment.
pub(super) fn failed_before(at: OffsetDateTime) -> [i64; 2] {
    [BEHIND_ALL, never_due(at)]
}

pub(super) fn purge(connection: &Connection, cutoffs: &Cutoffs) -> Result<u64, StoreError> {
    let secrets = execute(connection, CLEAN_LEDGER, params![micros(cutoffs.secrets)])?;
    let range = failed_before(cutoffs.failed_mails);
    let mails = execute(connection, FORGET_FAILED, range)?;
    Ok(u64::try_from(secrets + mails).unwrap_or(u64::MAX))
}

pub(super) fn post(connection: &Connection, mail: &NewMail) -> Result<(), StoreError> {
    let at = micros(mail.created_at);
    let values = params![mail.message_id, mail.payload, at, at];
    execute(connection, POST, values).map(drop)
}

pub(super) fn claim(
    connection: &Connection,
    claim: &str,
    now: OffsetDateTime,
    until: OffsetDateTime,
    limit: u32,
) -> Result<Vec<QueuedMail>, StoreError> {
    let now = micros(now);
    let values = params![claim, micros(until), now, now, limit, now];
    if execute(connection, CLAIM, values)? == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(CLAIMED).map_err(map_error)?;
    let mails = statement
        .query_map(params![claim, now], |row| {
            Ok(QueuedMail {
                id: row.get(0)?,
                message_id: row.get(1)?,
                payload: row.get(2)?,
                created_at: from_micros(row.get(3)?),
                attempts: row.get(4)?,
            })
        })
        .map_err(map_error)?;
    mails.collect::<Result<_, _>>().map_err(map_error)
}

pub(super) fn settle(
    connection: &Connection,
    id: i64,
    claim: &str,
    fate: &MailFate,
) -> Result<bool, StoreError> {
    let rows = match fate {
        MailFate::Sent => execute(connection, SENT, params![id, claim]),
        MailFate::Later { due_at, error } => {
            let values = params![micros(*due_at), short(error), id, claim];
            execute(connection, LATER, values)
        }
        MailFate::Never { at, error } => {
            let values = params![micros(*at), never_due(*at), short(error), id, claim];
            execute(connection, NEVER, values)
        }
    };
    rows.map(|rows| rows == 1)
}

/// How many wait, and how many will never be sent.
pub(super) fn count(connection: &Connection) -> Result<(u64, u64), StoreError> {
    let (all, failed): (i64, i64) = connection
        .query_row(COUNT, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(map_error)?;
    Ok(((all - failed).unsigned_abs(), failed.unsigned_abs()))
}

/// Appends to the audit log, inside of a transaction that writes alone.
pub(super) fn note(
    connection: &Connection,
    events: &NewEntries,
    made: Option<UserId>,
) -> Result<(), StoreError> {
    execute(connection, MAKE_HEAD, [])?;
    let mut head = head(connection)?;
    if head.last == 0 {
        head = last(connection)?.unwrap_or(head);
    }
    let (entries, end) = head.append(events, made);
    for event in entries {
        let what = event.what;
        let values = params![
            event.id,
            micros(what.at),
            what.kind,
            what.user_id.map(|id| id.0),
            what.address,
            what.request_id,
            what.detail,
            event.seal
        ];
        execute(connection, NOTE, values)?;
    }
    let values = params![end.last, end.seal, end.end_seal];
    execute(connection, MOVE_HEAD, values).map(drop)
}

pub(super) fn head(connection: &Connection) -> Result<AuditHead, StoreError> {
    let head = connection
        .query_row(HEAD, [], |row| {
            Ok(AuditHead {
                last: row.get(0)?,
                seal: row.get(1)?,
                end_seal: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            })
        })
        .optional()
        .map_err(map_error)?;
    Ok(head.unwrap_or_default())
}

/// The last entry as an end that nobody sealed.
fn last(connection: &Connection) -> Result<Option<AuditHead>, StoreError> {
    connection
        .query_row(LAST, [], |row| {
            Ok(AuditHead {
                last: row.get(0)?,
                seal: row.get(1)?,
                end_seal: String::new(),
            })
        })
        .optional()
        .map_err(map_error)
}

pub(super) fn audit(
    connection: &Connection,
    of: Option<UserId>,
    after: i64,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let text = if of.is_some() { AUDIT_OF } else { AUDIT };
    let mut statement = connection.prepare_cached(text).map_err(map_error)?;
    let events = match of {
        Some(id) => statement.query_map(params![id.0, after, limit], read),
        None => statement.query_map(params![after, limit], read),
    }
    .map_err(map_error)?;
    events.collect::<Result<_, _>>().map_err(map_error)
}

fn read(row: &Row<'_>) -> Result<AuditEntry, rusqlite::Error> {
    Ok(AuditEntry {
        id: row.get(0)?,
        what: NewEntry {
            at: from_micros(row.get(1)?),
            kind: row.get(2)?,
            user_id: row.get::<_, Option<i64>>(3)?.map(UserId),
            address: row.get(4)?,
            request_id: row.get(5)?,
            detail: row.get(6)?,
        },
        seal: row.get(7)?,
    })
}

fn execute(
    connection: &Connection,
    text: &str,
    values: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    connection
        .prepare_cached(text)
        .and_then(|mut statement| statement.execute(values))
        .map_err(map_error)
}
