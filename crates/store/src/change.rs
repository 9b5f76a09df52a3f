//! What happens together or not at all: a secret that is spent, what it does to a user, a role
//! or a family of refresh tokens, the mails that tell of it, and the note of it in the audit log.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::{
    Identity, NewRole, NewTracker, NewUser, PermissionChange, RoleId, Uniquifiers, UserId,
    UserPatch,
};

/// A change with everything that belongs to it.
#[derive(Debug, Default)]
pub struct Change {
    /// The one-time secrets that this change uses up. If one of them was used before, nothing is
    /// changed.
    pub consumes: Vec<OneTimeSecret>,
    /// Values that nobody else may have in any case, of any script, whatever happens at the same
    /// moment.
    pub claims: Vec<(Identity, String)>,
    /// What happens to a user.
    pub user: Option<UserChange>,
    /// What happens to a role.
    pub role: Option<RoleChange>,
    /// What happens to a family of refresh tokens.
    pub family: Option<FamilyChange>,
    /// Mails to be sent.
    pub mails: Vec<NewMail>,
    /// What is written down.
    pub events: Option<NewEntries>,
}

/// What happens to a user.
#[derive(Debug)]
pub enum UserChange {
    /// One is made.
    Create(Box<NewUser>),
    /// One is changed.
    Update(UserId, Box<UserPatch>),
    /// One is changed, and every way in but the password ends: what somebody else may have set
    /// up goes.
    Reclaim(UserId, Box<UserPatch>, Uniquifiers),
    /// One is deleted, with whatever belongs to them.
    Delete(UserId),
}

impl UserChange {
    /// Who is changed, if they are there already.
    #[must_use]
    pub const fn whose(&self) -> Option<UserId> {
        match self {
            Self::Create(_) => None,
            Self::Update(id, _) | Self::Reclaim(id, ..) | Self::Delete(id) => Some(*id),
        }
    }
}

/// What happens to a role.
#[derive(Debug, Clone)]
pub enum RoleChange {
    /// One is made.
    Create(NewRole),
    /// One allows more, or less.
    Permissions(RoleId, PermissionChange),
    /// Somebody gets one who does not have it.
    Give(UserId, RoleId),
    /// Somebody loses one who has it.
    Take(UserId, RoleId),
}

/// What happens to a family of refresh tokens.
#[derive(Clone)]
pub enum FamilyChange {
    /// One is begun, in its first generation.
    Begin(NewTracker),
    /// One ends that goes on.
    End(String),
}

impl fmt::Debug for FamilyChange {
    /// Not which family: its tokens carry that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin(_) => "Begin",
            Self::End(_) => "End",
        })
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// All of it was done: to whom, if to somebody.
    Done(Option<UserId>),
    /// None of it: the secret was spent before.
    Spent,
    /// None of it: the user, the role or the family has gone, or is not as expected any more, or
    /// is so already.
    Stale,
}

/// A secret that is spent.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret {
    /// What it was for.
    pub purpose: &'static str,
    /// A digest of it, in at most 64 characters.
    pub digest: String,
    /// When it would have expired: from then on nothing has to be remembered.
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spend").field(&self.purpose).finish()
    }
}

/// A mail to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMail {
    /// Its `Message-ID`, which no other has.
    pub message_id: String,
    /// All of it, sealed by whoever sends it: mails carry secrets.
    pub payload: String,
    /// Now.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for NewMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewMail").field(&self.message_id).finish()
    }
}

/// A mail that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct QueuedMail {
    /// Its row.
    pub id: i64,
    /// Its `Message-ID`.
    pub message_id: String,
    /// All of it, sealed.
    pub payload: String,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// How often it was tried, this time included.
    pub attempts: i64,
}

impl fmt::Debug for QueuedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedMail")
            .field("id", &self.id)
            .field("message_id", &self.message_id)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// What becomes of a mail that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailFate {
    /// It was sent: it is forgotten.
    Sent,
    /// It is tried again.
    Later {
        /// When.
        due_at: OffsetDateTime,
        /// What went wrong.
        error: String,
    },
    /// It cannot be sent: what it said is forgotten, that it failed is not for a while.
    Never {
        /// Now.
        at: OffsetDateTime,
        /// What went wrong.
        error: String,
    },
}

/// What nobody needs any more: whatever was over before each of these moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// Secrets that expired before, spent or not.
    pub secrets: OffsetDateTime,
    /// Mails that were given up before.
    pub failed_mails: OffsetDateTime,
    /// Families of refresh tokens that expired before; none: they stay.
    pub families: Option<OffsetDateTime>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// When.
    pub at: OffsetDateTime,
    /// What, in one word.
    pub kind: String,
    /// To whom. Nobody, in a change that makes a user: to them.
    pub user_id: Option<UserId>,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// More, as JSON.
    pub detail: Option<String>,
}

/// Makes the seals of the audit log.
pub trait Seals: Send + Sync {
    /// That of an entry which is appended to this end.
    fn entry(&self, end: &AuditHead, entry: &AuditEntry) -> String;
    /// That of an end: of the number of the last entry, and its seal.
    fn end(&self, last: i64, seal: &str) -> String;
}

/// Entries for the audit log.
#[derive(Clone)]
pub struct NewEntries {
    /// In the order in which they happened.
    pub entries: Vec<NewEntry>,
    /// How they are chained.
    pub seals: Arc<dyn Seals>,
}

impl fmt::Debug for NewEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewEntries").field(&self.entries).finish()
    }
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: one more than that of the entry before it.
    pub id: i64,
    /// What happened.
    pub what: NewEntry,
    /// What chains it to the entry before it.
    pub seal: String,
}

/// The end of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditHead {
    /// The number of the last entry; 0 when there is none.
    pub last: i64,
    /// Its seal.
    pub seal: String,
    /// The seal of these two, which stands nowhere else. Nothing, where nobody made one.
    pub end_seal: String,
}

impl AuditHead {
    /// Chains new entries to the end: the entries, and the end as it is then.
    #[must_use]
    pub fn append(&self, events: &NewEntries, made: Option<UserId>) -> (Vec<AuditEntry>, Self) {
        let mut head = self.clone();
        let mut entries = Vec::new();
        for what in &events.entries {
            let mut what = what.clone();
            what.user_id = what.user_id.or(made);
            // What is kept is what is sealed.
            what.at = whole_micros(what.at);
            let mut event = AuditEntry {
                id: head.last + 1,
                what,
                seal: String::new(),
            };
            event.seal = events.seals.entry(&head, &event);
            head = Self {
                last: event.id,
                seal: event.seal.clone(),
                end_seal: events.seals.end(event.id, &event.seal),
            };
            entries.push(event);
        }
        (entries, head)
    }
}

/// A moment as our own tables keep it: microseconds since 1970.
pub(crate) fn micros(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The moment that a number of microseconds since 1970 means.
pub(crate) fn from_micros(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn whole_micros(moment: OffsetDateTime) -> OffsetDateTime {
    from_micros(micros(moment))
}
