//! Consumed secrets, the outbox and the audit log.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::{
    AuditEntry, AuditHead, MailFate, NewEntries, NewMail, OneTimeSecret, QueuedMail, UserId,
};

#[derive(Debug, Default)]
pub(super) struct Journal {
    spent: HashMap<(&'static str, String), OffsetDateTime>,
    outbox: Vec<Waiting>,
    last_mail: i64,
    /// For each mail that was given up, when.
    failed: Vec<OffsetDateTime>,
    audit: Vec<AuditEntry>,
    head: AuditHead,
}

#[derive(Debug)]
struct Waiting {
    mail: QueuedMail,
    due_at: OffsetDateTime,
    claim: Option<(String, OffsetDateTime)>,
}

impl Journal {
    pub(super) fn is_spent(&self, secret: &OneTimeSecret) -> bool {
        self.spent
            .contains_key(&(secret.purpose, secret.digest.clone()))
    }

    pub(super) fn spend(&mut self, secret: OneTimeSecret) {
        let key = (secret.purpose, secret.digest);
        self.spent.insert(key, secret.expires_at);
    }

    pub(super) fn forget_spent(&mut self, now: OffsetDateTime) -> u64 {
        let before = self.spent.len();
        self.spent.retain(|_, expires_at| *expires_at >= now);
        number(before - self.spent.len())
    }

    pub(super) fn forget_failed(&mut self, before: OffsetDateTime) -> u64 {
        let all = self.failed.len();
        self.failed.retain(|failed_at| *failed_at >= before);
        number(all - self.failed.len())
    }

    pub(super) fn post(&mut self, mail: NewMail) {
        self.last_mail += 1;
        self.outbox.push(Waiting {
            mail: QueuedMail {
                id: self.last_mail,
                message_id: mail.message_id,
                payload: mail.payload,
                created_at: mail.created_at,
                attempts: 0,
            },
            due_at: mail.created_at,
            claim: None,
        });
    }

    pub(super) fn claim(
        &mut self,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Vec<QueuedMail> {
        let free = |waiting: &&mut Waiting| {
            let held = waiting
                .claim
                .as_ref()
                .is_some_and(|(_, until)| *until > now);
            waiting.due_at <= now && !held
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mine = self.outbox.iter_mut().filter(free).take(limit);
        mine.map(|waiting| {
            waiting.claim = Some((claim.to_owned(), until));
            waiting.mail.attempts += 1;
            waiting.mail.clone()
        })
        .collect()
    }

    pub(super) fn settle(&mut self, id: i64, claim: &str, fate: &MailFate) -> bool {
        let mine = |waiting: &Waiting| {
            let held = waiting
                .claim
                .as_ref()
                .is_some_and(|(held, _)| held == claim);
            waiting.mail.id == id && held
        };
        let Some(at) = self.outbox.iter().position(mine) else {
            return false;
        };
        match fate {
            MailFate::Sent => {
                self.outbox.remove(at);
            }
            MailFate::Later { due_at, .. } => {
                self.outbox[at].due_at = *due_at;
                self.outbox[at].claim = None;
            }
            MailFate::Never { at: now, .. } => {
                self.outbox.remove(at);
                self.failed.push(*now);
            }
        }
        true
    }

    pub(super) fn count(&self) -> (u64, u64) {
        (number(self.outbox.len()), number(self.failed.len()))
    }

    pub(super) fn note(&mut self, events: &NewEntries, made: Option<UserId>) {
        let (entries, head) = self.head.append(events, made);
        self.audit.extend(entries);
        self.head = head;
    }

    pub(super) fn audit(&self, of: Option<UserId>, after: i64, limit: u32) -> Vec<AuditEntry> {
        let wanted =
            |event: &&AuditEntry| event.id > after && (of.is_none() || event.what.user_id == of);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.audit
            .iter()
            .filter(wanted)
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn head(&self) -> AuditHead {
        self.head.clone()
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
