//! A change with everything that belongs to it.

use rusqlite::Connection;
use time::OffsetDateTime;

use super::Inner;
use crate::sql::journal;
use crate::{Change, FamilyChange, RoleChange, StoreError, UserChange, UserId};

/// Why a change was not done.
pub(super) enum Undone {
    Spent,
    Stale,
    Failed(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Inner {
    /// All of a change, inside of a transaction that writes alone.
    pub(super) fn apply(
        &self,
        connection: &Connection,
        change: Change,
        now: OffsetDateTime,
    ) -> Result<Option<UserId>, Undone> {
        for secret in &change.consumes {
            if !journal::spend(connection, secret)? {
                return Err(Undone::Spent);
            }
        }
        let whose = change.user.as_ref().and_then(UserChange::whose);
        for (attribute, value) in &change.claims {
            if self.users.is_taken(connection, whose, *attribute, value)? {
                let column = attribute.column().to_owned();
                return Err(StoreError::Conflict { column }.into());
            }
        }
        let user = match change.user {
            None => None,
            Some(UserChange::Create(new)) => Some(self.users.insert(connection, *new)?.id),
            Some(UserChange::Update(id, patch)) => {
                if !self.users.update(connection, id, *patch, now)? {
                    return Err(Undone::Stale);
                }
                Some(id)
            }
            Some(UserChange::Reclaim(id, patch, fresh)) => {
                if !self.users.update(connection, id, *patch, now)? {
                    return Err(Undone::Stale);
                }
                self.leaving.reset_access(connection, id, &fresh, now)?;
                Some(id)
            }
            Some(UserChange::Delete(id)) => {
                if !self.leaving.delete(connection, id)? {
                    return Err(Undone::Stale);
                }
                Some(id)
            }
        };
        if let Some(role) = change.role
            && !self.change_role(connection, role, now)?
        {
            return Err(Undone::Stale);
        }
        let begun_or_ended = match change.family {
            None => true,
            Some(FamilyChange::Begin(new)) => {
                self.trackers.insert(connection, &new)?;
                true
            }
            Some(FamilyChange::End(family)) => self.trackers.revoke(connection, &family, now)?,
        };
        if !begun_or_ended {
            return Err(Undone::Stale);
        }
        for mail in &change.mails {
            journal::post(connection, mail)?;
        }
        if let Some(events) = &change.events {
            journal::note(connection, events, user)?;
        }
        Ok(user)
    }

    /// False when it is so already, or there is no such role.
    fn change_role(
        &self,
        connection: &Connection,
        change: RoleChange,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        match change {
            RoleChange::Create(new) => self.roles.insert(connection, new).map(|_| true),
            RoleChange::Permissions(role, change) => {
                let roles = &self.roles;
                let changed = roles.change_permissions(connection, role, change, now)?;
                Ok(changed.is_some())
            }
            RoleChange::Give(user, role) => self.roles.give(connection, user, role),
            RoleChange::Take(user, role) => self.roles.take(connection, user, role),
        }
    }
}
