//! One atomic change and everything that belongs to it: the one-time secrets that it consumes, its
//! effect on a user, a passkey, a linked identity, a role or a refresh-token family, the mails about
//! it, and its entries in the audit log.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::{
    Identity, IdentityChange, NewRole, NewTracker, NewUser, PasskeyChange, PermissionChange,
    RoleId, Uniquifiers, UserId, UserPatch,
};

/// An atomic change: the store applies all of it or none.
///
/// The secrets are consumed first, and the claims are checked next. A step that fails undoes the
/// others. See [`Applied`] for the outcomes and [`Store::apply`](crate::Store::apply) for the
/// errors.
#[derive(Debug, Default)]
pub struct Change {
    /// The one-time secrets to consume. If one of them was consumed before, or is listed twice, the
    /// change has no effect and the outcome is [`Applied::Spent`].
    pub consumes: Vec<OneTimeSecret>,
    /// Values that must belong to no other user, in any case of any script. If another user has
    /// one, the change fails with [`StoreError::Conflict`](crate::StoreError::Conflict). Of two
    /// concurrent changes that claim the same value, at most one succeeds.
    pub claims: Vec<(Identity, String)>,
    /// What to do to a user.
    pub user: Option<UserChange>,
    /// What to do to a passkey, after the change to the user.
    pub passkey: Option<PasskeyChange>,
    /// What to do to a linked identity, after the change to the user.
    pub identity: Option<IdentityChange>,
    /// What to do to a role.
    pub role: Option<RoleChange>,
    /// What to do to a refresh-token family.
    pub family: Option<FamilyChange>,
    /// Mails to put into the outbox.
    pub mails: Vec<NewMail>,
    /// Entries to append to the audit log.
    pub events: Option<NewEntries>,
}

/// A change to a user.
#[derive(Debug)]
pub enum UserChange {
    /// Creates a user. Fails with [`StoreError::Conflict`](crate::StoreError::Conflict) if another
    /// user has one of its unique values.
    Create(Box<NewUser>),
    /// Updates a user. [`Applied::Stale`] if the user does not exist or no longer matches
    /// [`UserPatch::only_if`]; [`StoreError::Conflict`](crate::StoreError::Conflict) if another
    /// user has one of the new values.
    Update(UserId, Box<UserPatch>),
    /// Updates a user and revokes every credential except the password, so that nothing an attacker
    /// set up survives. The conditions of `Update` apply.
    Reclaim(UserId, Box<UserPatch>, Uniquifiers),
    /// Deletes a user and everything that belongs to them. [`Applied::Stale`] if the user does not
    /// exist.
    Delete(UserId),
}

impl UserChange {
    /// The user that the change affects; `None` for a user who does not exist yet.
    #[must_use]
    pub const fn whose(&self) -> Option<UserId> {
        match self {
            Self::Create(_) => None,
            Self::Update(id, _) | Self::Reclaim(id, ..) | Self::Delete(id) => Some(*id),
        }
    }
}

/// A change to a role.
#[derive(Debug, Clone)]
pub enum RoleChange {
    /// Creates a role. Fails with [`StoreError::Conflict`](crate::StoreError::Conflict) if the name
    /// is taken.
    Create(NewRole),
    /// Adds or removes permissions. [`Applied::Stale`] if the role does not exist.
    Permissions(RoleId, PermissionChange),
    /// Gives a role to a user. [`Applied::Stale`] if the user already has it.
    Give(UserId, RoleId),
    /// Takes a role from a user. [`Applied::Stale`] if the user does not have it.
    Take(UserId, RoleId),
}

/// A change to a refresh-token family.
#[derive(Clone)]
pub enum FamilyChange {
    /// Begins a family, in generation 1.
    Begin(NewTracker),
    /// Revokes the family with this name. [`Applied::Stale`] if it does not exist or is already
    /// revoked.
    End(String),
}

impl fmt::Debug for FamilyChange {
    /// Omits the family's name, which its tokens carry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin(_) => "Begin",
            Self::End(_) => "End",
        })
    }
}

/// The outcome of a change that did not fail with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// All of it was applied. Holds the user that was created, updated or deleted, if any.
    Done(Option<UserId>),
    /// Nothing was applied: one of the secrets was already consumed.
    Spent,
    /// Nothing was applied: the user, passkey, identity, role or family does not exist, no longer
    /// matches what the caller expected, or already is as requested.
    Stale,
}

/// A secret that can be used once, identified by purpose and digest.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret {
    /// What the secret is for. The same digest under another purpose is another secret.
    pub purpose: &'static str,
    /// A digest of the secret, at most 64 characters long.
    pub digest: String,
    /// When the secret expires. After that, the store no longer needs to remember that it was
    /// consumed.
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneTimeSecret").field(&self.purpose).finish()
    }
}

/// A mail to put into the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMail {
    /// Its `Message-ID`, which must be unique.
    pub message_id: String,
    /// The whole mail, encrypted by the caller, because mails contain secrets.
    pub payload: String,
    /// The current time. The mail is due from this moment on.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for NewMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewMail").field(&self.message_id).finish()
    }
}

/// A mail in the outbox that a worker has claimed.
#[derive(Clone, PartialEq, Eq)]
pub struct QueuedMail {
    /// The primary key of its row.
    pub id: i64,
    /// Its `Message-ID`.
    pub message_id: String,
    /// The whole mail, as encrypted by the caller that queued it.
    pub payload: String,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// How many delivery attempts there have been, including this one.
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

/// What to do with a mail after a delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailFate {
    /// It was sent: delete it.
    Sent,
    /// Try it again later, and release the claim.
    Later {
        /// When to try again.
        due_at: OffsetDateTime,
        /// What went wrong. The store may shorten it.
        error: String,
    },
    /// Give it up: delete its contents, and keep its row as a record until
    /// [`Cutoffs::failed_mails`] reaches it.
    Never {
        /// The current time.
        at: OffsetDateTime,
        /// What went wrong. The store may shorten it.
        error: String,
    },
}

/// Which old data [`Store::purge`](crate::Store::purge) deletes: everything that ended before these
/// moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// Deletes the records of consumed secrets that expired before this moment, and the counters of
    /// guesses whose window ended before it.
    pub secrets: OffsetDateTime,
    /// Deletes mails that were given up before this moment.
    pub failed_mails: OffsetDateTime,
    /// Deletes refresh-token families that expired before this moment; `None` keeps them all.
    pub families: Option<OffsetDateTime>,
}

/// An event to append to the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// When it happened. The store keeps whole microseconds.
    pub at: OffsetDateTime,
    /// The kind of event, in one word.
    pub kind: String,
    /// The user whom it concerns. In a change to a user, `None` means that user, even a new one.
    pub user_id: Option<UserId>,
    /// The network address that the request came from.
    pub address: Option<String>,
    /// The ID of the request.
    pub request_id: Option<String>,
    /// Details, as JSON.
    pub detail: Option<String>,
}

/// Computes the seals that chain the entries of the audit log.
pub trait Seals: Send + Sync {
    /// The seal of an entry that is appended to this head.
    fn entry(&self, end: &AuditHead, entry: &AuditEntry) -> String;
    /// The seal of a head: of the last entry's number and seal.
    fn end(&self, last: i64, seal: &str) -> String;
}

/// Entries to append to the audit log.
#[derive(Clone)]
pub struct NewEntries {
    /// The events, in the order in which they happened.
    pub entries: Vec<NewEntry>,
    /// Computes the entries' seals.
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
    /// Its number: one more than the previous entry's.
    pub id: i64,
    /// The event.
    pub what: NewEntry,
    /// The seal that chains it to the previous entry.
    pub seal: String,
}

/// The head of the audit log: a record of its last entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditHead {
    /// The number of the last entry; 0 if the log is empty.
    pub last: i64,
    /// The seal of the last entry.
    pub seal: String,
    /// The seal of this number and this seal, which is stored nowhere else. Empty if none was ever
    /// computed.
    pub end_seal: String,
}

impl AuditHead {
    /// Chains new entries to this head. Returns the entries and the new head. Entries without a
    /// user get `made`, the user that the change created or affected.
    #[must_use]
    pub fn append(&self, events: &NewEntries, made: Option<UserId>) -> (Vec<AuditEntry>, Self) {
        let mut head = self.clone();
        let mut entries = Vec::new();
        for what in &events.entries {
            let mut what = what.clone();
            what.user_id = what.user_id.or(made);
            // Seal exactly what the store keeps: whole microseconds.
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

/// A moment in the unit of our own tables: microseconds since 1970.
pub(crate) fn micros(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The moment that is this many microseconds after 1970.
pub(crate) fn from_micros(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn whole_micros(moment: OffsetDateTime) -> OffsetDateTime {
    from_micros(micros(moment))
}
