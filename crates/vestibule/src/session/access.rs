//! Authorization: the roles and permissions that a caller needs.

use http::StatusCode;
use vestibule_store::Role;

use crate::http::reject::Rejection;
use crate::http::requirement::{Access, Requirement};
use crate::messages::Message;

impl Access {
    /// Checks that a caller's roles meet the conditions.
    ///
    /// # Errors
    /// 403 if they do not.
    pub(crate) fn check(&self, roles: &[Role]) -> Result<(), Rejection> {
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
