//! Roles.

use super::{Tables, conflict};
use crate::{NewRole, PermissionChange, Role, RoleId, StoreError};

impl Tables {
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
}
