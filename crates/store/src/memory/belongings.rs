//! Roles, refresh-token families, and the deletion of a user with both.

use time::OffsetDateTime;

use super::Tables;
use crate::{
    NewRole, NewTracker, PermissionChange, RefreshTracker, Role, RoleId, StoreError, UserId,
};

fn conflict(column: &str) -> StoreError {
    StoreError::Conflict {
        column: column.to_owned(),
    }
}

impl Tables {
    pub(super) fn delete(&mut self, id: UserId) -> bool {
        let before = self.users.len();
        self.users.retain(|user| user.id != id);
        self.given.retain(|(user, _)| *user != id);
        self.trackers.retain(|tracker| tracker.user_id != id);
        self.users.len() < before
    }

    /// Fails if the name of a new role is taken.
    pub(super) fn check_role(&self, new: &NewRole) -> Result<(), StoreError> {
        if self.roles.iter().any(|role| role.name == new.name) {
            return Err(conflict("name"));
        }
        Ok(())
    }

    pub(super) fn create_role(&mut self, new: NewRole) -> Result<Role, StoreError> {
        self.check_role(&new)?;
        let role = Role {
            id: RoleId(self.roles.last().map_or(1, |role| role.id.0 + 1)),
            name: new.name,
            description: new.description,
            permissions: new.permissions,
        };
        self.roles.push(role.clone());
        Ok(role)
    }

    pub(super) fn change_permissions(
        &mut self,
        role: RoleId,
        change: PermissionChange,
    ) -> Option<Role> {
        let role = self.roles.iter_mut().find(|known| known.id == role)?;
        change.apply(&mut role.permissions);
        Some(role.clone())
    }

    /// Fails if the identifier of a new family is taken.
    pub(super) fn check_family(&self, new: &NewTracker) -> Result<(), StoreError> {
        let mut known = self.trackers.iter();
        if known.any(|known| known.family == new.family) {
            return Err(conflict("refresh_family"));
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.check_family(&new)?;
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
        self.trackers.push(tracker.clone());
        Ok(tracker)
    }

    /// Whether the family exists and is not revoked.
    pub(super) fn goes_on(&self, family: &str) -> bool {
        let mut trackers = self.trackers.iter();
        trackers.any(|tracker| tracker.family == family && tracker.revoked_at.is_none())
    }

    pub(super) fn end(&mut self, family: &str, now: OffsetDateTime) -> bool {
        let mut trackers = self.trackers.iter_mut();
        let open =
            trackers.find(|tracker| tracker.family == family && tracker.revoked_at.is_none());
        let Some(tracker) = open else {
            return false;
        };
        tracker.revoked_at = Some(now);
        true
    }
}
