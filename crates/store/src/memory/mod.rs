//! A store in memory, which is lost when the process ends.

mod apply;
mod guesses;
mod identities;
mod journal;
mod passkeys;
mod roles;
mod trackers;
mod users;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;

pub use self::guesses::MemoryGuesses;
use self::journal::Journal;
use crate::password_kind::Kinds;
use crate::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, GuessKey, GuessSlot, LinkedIdentity, MailFate,
    NewRole, NewTracker, NewUser, OneTimeSecret, Passkey, PasskeyUsage, PasswordKind,
    PermissionChange, QueuedMail, RefreshTracker, Reservation, ReservedGuess, Role, RoleId, Store,
    StoreError, Uniquifiers, User, UserId, UserKey, UserPatch,
};

/// A store without a database. Its contents are lost when the process ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    guesses: MemoryGuesses,
}

#[derive(Debug, Default)]
struct Tables {
    users: Vec<User>,
    roles: Vec<Role>,
    given: BTreeSet<(UserId, RoleId)>,
    trackers: Vec<RefreshTracker>,
    passkeys: Vec<Passkey>,
    identities: Vec<LinkedIdentity>,
    journal: Journal,
    /// The primary key of the newest user. Keys of deleted users are not reused.
    last_user: i64,
    last_passkey: i64,
    last_identity: i64,
}

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Each change is applied completely or not at all, so the data behind a poisoned lock is
        // sound.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        Ok(self.tables().user(key).cloned())
    }

    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let tables = self.tables();
        let user = tables.user(key);
        Ok(user.map(|user| (user.clone(), tables.roles_of(user.id))))
    }

    fn has_token_uniquifiers(&self) -> bool {
        true
    }

    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        let mut kinds = Kinds::default();
        for user in &self.tables().users {
            if let Some(hash) = user.password.as_deref().filter(|hash| !hash.is_empty()) {
                kinds.add(hash, 1);
            }
        }
        Ok(kinds.all())
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.tables().create(new)
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.tables().update(id, patch, now)
    }

    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        self.tables().apply(change, now)
    }

    async fn claim_mails(
        &self,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        Ok(self.tables().journal.claim(claim, now, until, limit))
    }

    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        Ok(self.tables().journal.settle(id, claim, &fate))
    }

    async fn is_consumed(&self, secret: &OneTimeSecret) -> Result<bool, StoreError> {
        Ok(self.tables().journal.is_spent(secret))
    }

    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        Ok(self.tables().journal.count())
    }

    async fn reserve_guess(
        &self,
        slots: &[GuessSlot],
        now: OffsetDateTime,
    ) -> Result<Reservation, StoreError> {
        Ok(self.guesses.reserve(slots, now))
    }

    async fn release_guesses(
        &self,
        returned: &[ReservedGuess],
        cleared: &[GuessKey],
    ) -> Result<(), StoreError> {
        self.guesses.release(returned, cleared);
        Ok(())
    }

    async fn forget_guesses(&self, principal: &str) -> Result<u64, StoreError> {
        Ok(self.guesses.forget(principal))
    }

    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        let guesses = self.guesses.purge(cutoffs.secrets);
        let mut tables = self.tables();
        let before = tables.trackers.len();
        if let Some(moment) = cutoffs.families {
            tables
                .trackers
                .retain(|tracker| tracker.expires_at >= moment);
        }
        let families = u64::try_from(before - tables.trackers.len()).unwrap_or(u64::MAX);
        let secrets = tables.journal.forget_spent(cutoffs.secrets);
        let mails = tables.journal.forget_failed(cutoffs.failed_mails);
        Ok(families + secrets + mails + guesses)
    }

    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.tables().journal.audit(of, after, limit))
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        Ok(self.tables().journal.head())
    }

    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(self.tables().reset_access(id, fresh, now))
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        Ok(self.tables().delete(id))
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        Ok(tables
            .users
            .iter()
            .filter(|user| Some(user.id) > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn has_passkey(
        &self,
        id: UserId,
        usage: Option<PasskeyUsage>,
    ) -> Result<bool, StoreError> {
        Ok(self.tables().has_passkey(id, usage))
    }

    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
        let tables = self.tables();
        let mut passkeys = tables.passkeys.iter();
        Ok(passkeys
            .find(|passkey| passkey.credential_id == credential_id)
            .cloned())
    }

    async fn passkeys_of(&self, id: UserId) -> Result<Vec<Passkey>, StoreError> {
        Ok(self.tables().passkeys_of(id))
    }

    async fn linked_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<LinkedIdentity>, StoreError> {
        Ok(self.tables().identity(issuer, subject).cloned())
    }

    async fn linked_identities_of(&self, id: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        Ok(self.tables().identities_of(id))
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        Ok(self.tables().roles_of(id))
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let tables = self.tables();
        Ok(tables.roles.iter().find(|role| role.name == name).cloned())
    }

    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        Ok(by_name(self.tables().roles.iter()))
    }

    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        self.tables().create_role(new)
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        _: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        Ok(self.tables().change_permissions(role, change))
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        Ok(self.tables().given.insert((user, role)))
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        Ok(self.tables().given.remove(&(user, role)))
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.tables().create_family(new)
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        let tables = self.tables();
        let mut trackers = tables.trackers.iter();
        Ok(trackers.find(|tracker| tracker.family == family).cloned())
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let present = tables.trackers.iter_mut().find(|tracker| {
            tracker.family == family && tracker.generation == from && tracker.revoked_at.is_none()
        });
        let Some(tracker) = present else {
            return Ok(false);
        };
        tracker.generation += 1;
        tracker.last_used_at = now;
        Ok(true)
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        Ok(self.tables().revoke_family(family, now))
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let before = tables.trackers.len();
        tables.trackers.retain(|tracker| {
            let expired = expired_before.is_some_and(|moment| tracker.expires_at < moment);
            let cutoffs = expired || (revoked && tracker.revoked_at.is_some());
            tracker.user_id != user || !cutoffs
        });
        Ok(u64::try_from(before - tables.trackers.len()).unwrap_or(u64::MAX))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn by_name<'a>(roles: impl Iterator<Item = &'a Role>) -> Vec<Role> {
    let mut roles: Vec<Role> = roles.cloned().collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles
}

fn conflict(column: &str) -> StoreError {
    StoreError::Conflict {
        column: column.to_owned(),
    }
}
