//! What a caller has to be allowed to, beyond being who they are.

use http::StatusCode;
use vestibule_store::Role;

use crate::http::reject::Rejection;
use crate::http::requirement::{Access, Requirement};
use crate::messages::Message;

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
        Err(rejection.unmet(Requirement::Authorization(self.clone())))
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
