//! Everything in memory, gone at the end of the process.

mod journal;
mod users;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;

use self::journal::Journal;
use crate::{
    Applied, AuditEntry, AuditHead, Change, MailFate, NewRole, NewTracker, NewUser, Over,
    PermissionChange, QueuedMail, RefreshTracker, Role, RoleId, Store, StoreError, Uniquifiers,
    User, UserChange, UserId, UserKey, UserPatch,
};

/// A store without a database.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    users: Vec<User>,
    roles: Vec<Role>,
    given: BTreeSet<(UserId, RoleId)>,
    trackers: Vec<RefreshTracker>,
    journal: Journal,
    /// The last primary key of a user: none is given twice.
    last_user: i64,
}

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Each change is made whole or not at all, so a poisoned lock guards sound data.
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
        let mut tables = self.tables();
        // What can refuse comes first: then all of it is done.
        if change
            .spends
            .as_ref()
            .is_some_and(|secret| tables.journal.is_spent(secret))
        {
            return Ok(Applied::Spent);
        }
        let whose = change.user.as_ref().and_then(UserChange::whose);
        for (attribute, value) in &change.claims {
            tables.claim_in_any_case(whose, *attribute, value)?;
        }
        let user = match change.user {
            None => None,
            Some(UserChange::Create(new)) => Some(tables.create(*new)?.id),
            Some(UserChange::Update(id, patch)) => {
                if !tables.update(id, *patch, now)? {
                    return Ok(Applied::Stale);
                }
                Some(id)
            }
            Some(UserChange::Reclaim(id, patch, fresh)) => {
                if !tables.update(id, *patch, now)? {
                    return Ok(Applied::Stale);
                }
                tables.end_ways_in(id, fresh, now);
                Some(id)
            }
        };
        if let Some(secret) = change.spends {
            tables.journal.spend(secret);
        }
        for mail in change.mails {
            tables.journal.post(mail);
        }
        if let Some(events) = &change.events {
            tables.journal.note(events, user);
        }
        Ok(Applied::Done(user))
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

    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        Ok(self.tables().journal.count())
    }

    async fn forget(&self, over: Over) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let before = tables.trackers.len();
        if let Some(moment) = over.families {
            tables
                .trackers
                .retain(|tracker| tracker.expires_at >= moment);
        }
        let families = u64::try_from(before - tables.trackers.len()).unwrap_or(u64::MAX);
        let secrets = tables.journal.forget_spent(over.secrets);
        Ok(families + secrets + tables.journal.forget_failed(over.failed_mails))
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
        Ok(self.tables().end_ways_in(id, fresh, now))
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let before = tables.users.len();
        tables.users.retain(|user| user.id != id);
        tables.given.retain(|(user, _)| *user != id);
        tables.trackers.retain(|tracker| tracker.user_id != id);
        Ok(tables.users.len() < before)
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
        let mut tables = self.tables();
        if tables.roles.iter().any(|role| role.name == new.name) {
            return Err(StoreError::Conflict {
                column: "name".to_owned(),
            });
        }
        let role = Role {
            id: RoleId(tables.roles.last().map_or(1, |role| role.id.0 + 1)),
            name: new.name,
            description: new.description,
            permissions: new.permissions,
        };
        tables.roles.push(role.clone());
        Ok(role)
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        _: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let mut tables = self.tables();
        let Some(role) = tables.roles.iter_mut().find(|known| known.id == role) else {
            return Ok(None);
        };
        change.apply(&mut role.permissions);
        Ok(Some(role.clone()))
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        Ok(self.tables().given.insert((user, role)))
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        Ok(self.tables().given.remove(&(user, role)))
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        let mut tables = self.tables();
        if tables
            .trackers
            .iter()
            .any(|known| known.family == new.family)
        {
            return Err(StoreError::Conflict {
                column: "refresh_family".to_owned(),
            });
        }
        let tracker = RefreshTracker {
            user_id: new.user_id,
            family: new.family,
            generation: 1,
            name: new.name,
            created_at: new.created_at,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: new.created_at,
        };
        tables.trackers.push(tracker.clone());
        Ok(tracker)
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
        let mut tables = self.tables();
        let open = tables
            .trackers
            .iter_mut()
            .find(|tracker| tracker.family == family && tracker.revoked_at.is_none());
        let Some(tracker) = open else {
            return Ok(false);
        };
        tracker.revoked_at = Some(now);
        Ok(true)
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
            let over = expired || (revoked && tracker.revoked_at.is_some());
            tracker.user_id != user || !over
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
