//! Secrets that were spent, mails that wait, what happened.

use time::OffsetDateTime;

use super::Inner;
use super::dialect::Dialect;
use super::error::map_error;
use super::trackers;
use super::users::Query;
use super::wire::{Link, Row, Value};
use crate::change::{from_micros, micros};
use crate::sql::journal;
use crate::{
    AuditEntry, AuditHead, Cutoffs, MailFate, NewEntries, NewEntry, NewMail, OneTimeSecret,
    QueuedMail, StoreError, UserId,
};

/// MySQL reads no table in an UPDATE of the same table, and has another word for "or nothing".
const CLAIM_MYSQL: &str = "UPDATE vestibule_outbox \
     SET claim = ?, claimed_until = ?, attempts = attempts + 1 \
     WHERE due_at <= ? AND claimed_until <= ? AND failed_at IS NULL ORDER BY due_at, id LIMIT ?";

/// The statements, built once.
#[derive(Debug)]
pub(super) struct JournalStatements {
    spend: String,
    clean_ledger: String,
    forget_failed: String,
    post: String,
    claim: String,
    claimed: String,
    sent: String,
    later: String,
    never: String,
    count: String,
    make_head: String,
    head: String,
    lock_head: String,
    move_head: String,
    last: String,
    note: String,
    audit: String,
    audit_of: String,
    /// Whether a claim names the present moment once more.
    claims_twice: bool,
}

impl JournalStatements {
    pub(super) fn new(dialect: Dialect) -> Self {
        let mysql = dialect != Dialect::Postgres;
        let written = |text: &str| {
            if mysql {
                return text
                    .replace("INSERT INTO", "INSERT IGNORE INTO")
                    .replace(" ON CONFLICT DO NOTHING", "");
            }
            dialect.marks(text)
        };
        let plain = |text: &str| dialect.marks(text);
        Self {
            spend: written(journal::SPEND),
            clean_ledger: plain(journal::CLEAN_LEDGER),
            forget_failed: plain(journal::FORGET_FAILED),
            post: plain(journal::POST),
            claim: plain(if mysql { CLAIM_MYSQL } else { journal::CLAIM }),
            claimed: plain(journal::CLAIMED),
            sent: plain(journal::SENT),
            later: plain(journal::LATER),
            never: plain(journal::NEVER),
            count: plain(journal::COUNT),
            make_head: written(journal::MAKE_HEAD),
            head: plain(journal::HEAD),
            // One after the other appends.
            lock_head: format!("{} FOR UPDATE", journal::HEAD),
            move_head: plain(journal::MOVE_HEAD),
            last: plain(journal::LAST),
            note: plain(journal::NOTE),
            audit: plain(journal::AUDIT),
            audit_of: plain(journal::AUDIT_OF),
            claims_twice: !mysql,
        }
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(Some(text.to_owned()))
}

fn moment(moment: OffsetDateTime) -> Value {
    Value::Number(micros(moment))
}

impl Inner {
    pub(super) async fn spend(
        &self,
        link: &mut Link<'_>,
        secret: &OneTimeSecret,
    ) -> Result<bool, sqlx_core::Error> {
        let values = [
            text(secret.purpose),
            text(&secret.digest),
            moment(secret.expires_at),
        ];
        Ok(link.execute(&self.journal.spend, &values).await? == 1)
    }

    pub(super) async fn post(
        &self,
        link: &mut Link<'_>,
        mail: &NewMail,
    ) -> Result<(), sqlx_core::Error> {
        let at = moment(mail.created_at);
        let values = [text(&mail.message_id), text(&mail.payload), at.clone(), at];
        link.execute(&self.journal.post, &values).await.map(drop)
    }

    pub(super) async fn claim(
        &self,
        link: &mut Link<'_>,
        claim: &str,
        at: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, sqlx_core::Error> {
        let now = moment(at);
        let mut values = vec![
            text(claim),
            moment(until),
            now.clone(),
            now.clone(),
            Value::Number(limit.into()),
        ];
        if self.journal.claims_twice {
            values.push(now);
        }
        if link.execute(&self.journal.claim, &values).await? == 0 {
            return Ok(Vec::new());
        }
        let values = [text(claim), moment(at)];
        let rows = link.rows(&self.journal.claimed, &values).await?;
        let mails = rows.iter().map(|row| {
            Ok(QueuedMail {
                id: row.number(0)?.unwrap_or_default(),
                message_id: row.text(1)?.unwrap_or_default(),
                payload: row.text(2)?.unwrap_or_default(),
                created_at: from_micros(row.number(3)?.unwrap_or_default()),
                attempts: row.number(4)?.unwrap_or_default(),
            })
        });
        mails.collect()
    }

    pub(super) fn settle(&self, id: i64, claim: &str, fate: &MailFate) -> (String, Vec<Value>) {
        let key = [Value::Number(id), text(claim)];
        let (statement, mut values) = match fate {
            MailFate::Sent => (&self.journal.sent, Vec::new()),
            MailFate::Later { due_at, error } => {
                let values = vec![moment(*due_at), text(&journal::short(error))];
                (&self.journal.later, values)
            }
            MailFate::Never { at, error } => {
                let due_at = Value::Number(journal::never_due(*at));
                let values = vec![moment(*at), due_at, text(&journal::short(error))];
                (&self.journal.never, values)
            }
        };
        values.extend(key);
        (statement.clone(), values)
    }

    pub(super) async fn purge(&self, cutoffs: &Cutoffs) -> Result<u64, StoreError> {
        let secrets = Query {
            text: self.journal.clean_ledger.clone(),
            values: vec![moment(cutoffs.secrets)],
        };
        let range = journal::failed_before(cutoffs.failed_mails);
        let mails = Query {
            text: self.journal.forget_failed.clone(),
            values: range.map(Value::Number).to_vec(),
        };
        let forgotten = self.execute(&secrets).await? + self.execute(&mails).await?;
        match cutoffs.families {
            Some(before) => Ok(forgotten + self.forget_families(before).await?),
            None => Ok(forgotten),
        }
    }

    async fn forget_families(&self, expired_before: OffsetDateTime) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        if !self.trackers.are_there() {
            return Ok(forgotten);
        }
        loop {
            let query = self.trackers.expired(expired_before);
            let found = self.rows(&query.text, &query.values).await?;
            if !found.is_empty() {
                let query = self.trackers.remove(&found).map_err(map_error)?;
                forgotten += self.execute(&query).await?;
            }
            if found.len() < trackers::AT_A_TIME {
                return Ok(forgotten);
            }
        }
    }

    pub(super) fn count_mails(&self) -> &str {
        &self.journal.count
    }

    /// Appends to the audit log.
    pub(super) async fn note(
        &self,
        link: &mut Link<'_>,
        events: &NewEntries,
        made: Option<UserId>,
    ) -> Result<(), sqlx_core::Error> {
        let mut rows = link.rows(&self.journal.lock_head, &[]).await?;
        if rows.is_empty() {
            link.execute(&self.journal.make_head, &[]).await?;
            rows = link.rows(&self.journal.lock_head, &[]).await?;
        }
        let mut head = head_of(&rows)?;
        if head.last == 0 {
            // One that was there already may have been taken away.
            let rows = link.rows(&self.journal.last, &[]).await?;
            if let Some(row) = rows.first() {
                head = last_of(row)?;
            }
        }
        let (entries, end) = head.append(events, made);
        for event in entries {
            let what = event.what;
            let values = [
                Value::Number(event.id),
                moment(what.at),
                Value::Text(Some(what.kind)),
                Value::MaybeNumber(what.user_id.map(|id| id.0)),
                Value::Text(what.address),
                Value::Text(what.request_id),
                Value::Text(what.detail),
                Value::Text(Some(event.seal)),
            ];
            link.execute(&self.journal.note, &values).await?;
        }
        let values = [
            Value::Number(end.last),
            Value::Text(Some(end.seal)),
            Value::Text(Some(end.end_seal)),
        ];
        link.execute(&self.journal.move_head, &values)
            .await
            .map(drop)
    }

    pub(super) fn head(&self) -> &str {
        &self.journal.head
    }

    pub(super) fn audit(&self, of: Option<UserId>, after: i64, limit: u32) -> (&str, Vec<Value>) {
        let page = [Value::Number(after), Value::Number(limit.into())];
        match of {
            None => (&self.journal.audit, page.to_vec()),
            Some(id) => {
                let mut values = vec![Value::Number(id.0)];
                values.extend(page);
                (&self.journal.audit_of, values)
            }
        }
    }
}

pub(super) fn head_of(rows: &[Row]) -> Result<AuditHead, sqlx_core::Error> {
    let Some(row) = rows.first() else {
        return Ok(AuditHead::default());
    };
    Ok(AuditHead {
        end_seal: row.text(2)?.unwrap_or_default(),
        ..last_of(row)?
    })
}

/// The last entry as an end that nobody sealed.
fn last_of(row: &Row) -> Result<AuditHead, sqlx_core::Error> {
    Ok(AuditHead {
        last: row.number(0)?.unwrap_or_default(),
        seal: row.text(1)?.unwrap_or_default(),
        end_seal: String::new(),
    })
}

pub(super) fn event_of(row: &Row) -> Result<AuditEntry, sqlx_core::Error> {
    Ok(AuditEntry {
        id: row.number(0)?.unwrap_or_default(),
        what: NewEntry {
            at: from_micros(row.number(1)?.unwrap_or_default()),
            kind: row.text(2)?.unwrap_or_default(),
            user_id: row.number(3)?.map(UserId),
            address: row.text(4)?,
            request_id: row.text(5)?,
            detail: row.text(6)?,
        },
        seal: row.text(7)?.unwrap_or_default(),
    })
}
