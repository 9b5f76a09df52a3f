//! What a caller has to be allowed to, beyond being who they are.

use http::StatusCode;
use vestibule_store::Role;

use super::requirement::Requirement;
use crate::http::reject::Rejection;
use crate::messages::Message;

/// Conditions on roles and permissions; all of them have to hold. An empty list asks for
/// nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// Every one of these roles.
    pub(crate) roles_required: Vec<String>,
    /// At least one of these roles.
    pub(crate) roles_accepted: Vec<String>,
    /// Every one of these permissions.
    pub(crate) permissions_required: Vec<String>,
    /// At least one of these permissions.
    pub(crate) permissions_accepted: Vec<String>,
}

impl Access {
    /// Turns away whoever has no more than these roles, if they are not enough.
    ///
    /// # Errors
    /// 403 for them.
    pub(crate) fn requirement(&self, roles: &[Role]) -> Result<(), Rejection> {
        if self.allows(roles) {
            return Ok(());
        }
        let rejection = Rejection::new(StatusCode::FORBIDDEN, Message::Unauthorized);
        Err(rejection.unmet(Requirement::Allowed(self.clone())))
    }

    fn allows(&self, roles: &[Role]) -> bool {
        let has_role = |name: &String| roles.iter().any(|role| role.name == *name);
        let may = |name: &String| roles.iter().any(|role| role.permissions.contains(name));
        self.roles_required.iter().all(has_role)
            && self.permissions_required.iter().all(may)
            && any_or_none(&self.roles_accepted, has_role)
            && any_or_none(&self.permissions_accepted, may)
    }
}

fn any_or_none(names: &[String], holds: impl Fn(&String) -> bool) -> bool {
    names.is_empty() || names.iter().any(holds)
}
