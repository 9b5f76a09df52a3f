//! Secrets that were spent, mails that wait, what happened; and a change with everything that
//! belongs to it.

use time::OffsetDateTime;

use super::Inner;
use super::dialect::Dialect;
use super::wire::{Link, Row, Value};
use crate::change::{from_micros, micros};
use crate::sql::journal;
use crate::{
    Applied, AuditEntry, AuditHead, Change, Identity, MailFate, NewEntries, NewEntry, NewMail,
    QueuedMail, Spend, UserChange, UserId, UserKey,
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

fn text(text: &str) -> Value {
    Value::Text(Some(text.to_owned()))
}

fn moment(moment: OffsetDateTime) -> Value {
    Value::Number(micros(moment))
}

/// What a change came to inside of its transaction.
#[derive(Debug)]
pub(super) enum Step {
    Done(Applied),
    /// Somebody has a value of this column.
    Taken(&'static str),
}

/// Leaves a transaction without an error of the server's: what was done in it is undone.
#[derive(Debug, thiserror::Error)]
#[error("a change is not done")]
pub(super) struct Undo(pub(super) Step);

/// The way out of a transaction.
fn undo(step: Step) -> sqlx_core::Error {
    sqlx_core::Error::Decode(Box::new(Undo(step)))
}

/// What an error says about a change, if it is one of ours.
pub(super) fn undone(error: sqlx_core::Error) -> Result<Step, sqlx_core::Error> {
    match error {
        sqlx_core::Error::Decode(inner) => match inner.downcast::<Undo>() {
            Ok(undo) => Ok(undo.0),
            Err(inner) => Err(sqlx_core::Error::Decode(inner)),
        },
        error => Err(error),
    }
}

impl Inner {
    /// All of a change, inside of a transaction.
    pub(super) async fn apply(
        &self,
        link: &mut Link<'_>,
        change: &Change,
        query: Option<&super::users::Query>,
        now: OffsetDateTime,
    ) -> Result<Applied, sqlx_core::Error> {
        if let Some(secret) = &change.spends
            && !self.spend(link, secret).await?
        {
            return Err(undo(Step::Done(Applied::Spent)));
        }
        let whose = change.user.as_ref().and_then(UserChange::whose);
        for (attribute, value) in &change.claims {
            if self.is_taken(link, whose, *attribute, value).await? {
                return Err(undo(Step::Taken(attribute.column())));
            }
        }
        let user = match (&change.user, query) {
            (Some(UserChange::Create(_)), Some(query)) => {
                Some(UserId(link.insert(&query.text, &query.values).await?))
            }
            (Some(UserChange::Update(id, _) | UserChange::Reclaim(id, ..)), Some(query)) => {
                if link.execute(&query.text, &query.values).await? != 1 {
                    return Err(undo(Step::Done(Applied::Stale)));
                }
                Some(*id)
            }
            (Some(UserChange::Update(id, _) | UserChange::Reclaim(id, ..)), None) => {
                if self.users.by_id(link, *id).await?.is_none() {
                    return Err(undo(Step::Done(Applied::Stale)));
                }
                Some(*id)
            }
            _ => None,
        };
        if let Some(UserChange::Reclaim(id, _, fresh)) = &change.user {
            self.reset(link, *id, fresh, now).await?;
        }
        for mail in &change.mails {
            self.post(link, mail).await?;
        }
        if let Some(events) = &change.events {
            self.note(link, events, user).await?;
        }
        Ok(Applied::Done(user))
    }

    async fn spend(&self, link: &mut Link<'_>, secret: &Spend) -> Result<bool, sqlx_core::Error> {
        let values = [
            text(secret.purpose),
            text(&secret.digest),
            moment(secret.expires_at),
        ];
        Ok(link.execute(&self.journal.spend, &values).await? == 1)
    }

    /// Whether somebody else has a value in any case. Whoever asks the same at the same moment
    /// waits for the end of this transaction.
    async fn is_taken(
        &self,
        link: &mut Link<'_>,
        whose: Option<UserId>,
        attribute: Identity,
        value: &str,
    ) -> Result<bool, sqlx_core::Error> {
        if let Some(lock) = self.dialect.lock_value() {
            let name = format!("{}:{}", attribute.column(), value.to_ascii_lowercase());
            link.rows(lock, &[text(&name)]).await?;
        }
        let key = UserKey::Identity {
            attribute,
            value,
            ignore_case: true,
        };
        let Some(query) = self.users.find(key, "", "") else {
            return Ok(false);
        };
        let rows = link.rows(&query.text, &query.values).await?;
        let found = self.users.pick(&rows, key);
        let found = found.map_err(|error| sqlx_core::Error::Decode(error.into()))?;
        Ok(found.is_some_and(|user| Some(user.id) != whose))
    }

    async fn post(&self, link: &mut Link<'_>, mail: &NewMail) -> Result<(), sqlx_core::Error> {
        let at = moment(mail.created_at);
        let values = [text(&mail.message_id), text(&mail.payload), at.clone(), at];
        link.execute(&self.journal.post, &values).await.map(drop)
    }

    pub(super) async fn claim(
        &self,
        link: &mut Link<'_>,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, sqlx_core::Error> {
        let now = moment(now);
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
        let rows = link.rows(&self.journal.claimed, &[text(claim)]).await?;
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
                let values = vec![moment(*at), text(&journal::short(error))];
                (&self.journal.never, values)
            }
        };
        values.extend(key);
        (statement.clone(), values)
    }

    pub(super) fn clean_ledger(&self, now: OffsetDateTime) -> (String, Vec<Value>) {
        (self.journal.clean_ledger.clone(), vec![moment(now)])
    }

    pub(super) fn count_mails(&self) -> &str {
        &self.journal.count
    }

    /// Appends to the audit log.
    async fn note(
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
