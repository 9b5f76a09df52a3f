//! Atomic changes in memory.

use time::OffsetDateTime;

use super::Tables;
use crate::{
    Applied, Change, FamilyChange, IdentityChange, PasskeyChange, RoleChange, StoreError,
    UserChange, UserId,
};

impl Tables {
    /// Applies a change. Everything that can fail comes before the first thing that is kept.
    pub(super) fn apply(
        &mut self,
        change: Change,
        now: OffsetDateTime,
    ) -> Result<Applied, StoreError> {
        for (at, secret) in change.consumes.iter().enumerate() {
            if self.journal.is_spent(secret) || change.consumes[..at].contains(secret) {
                return Ok(Applied::Spent);
            }
        }
        let whose = change.user.as_ref().and_then(UserChange::whose);
        for (attribute, value) in &change.claims {
            self.claim_in_any_case(whose, *attribute, value)?;
        }
        let removed = match &change.user {
            Some(UserChange::Reclaim(id, ..) | UserChange::Delete(id)) => Some(*id),
            _ => None,
        };
        if adds_to_deleted_user(&change)
            || !self.allows_passkey(change.passkey.as_ref(), removed)?
            || !self.allows_identity(change.identity.as_ref(), removed)?
        {
            return Ok(Applied::Stale);
        }
        if !self.allows_role(change.role.as_ref())?
            || !self.allows_family(change.family.as_ref())?
        {
            return Ok(Applied::Stale);
        }
        let user = match change.user {
            None => None,
            Some(user) => match self.change_user(user, now)? {
                None => return Ok(Applied::Stale),
                changed => changed,
            },
        };
        if let Some(passkey) = change.passkey {
            self.change_passkey(passkey, now);
        }
        if let Some(identity) = change.identity {
            self.change_identity(identity, user, now);
        }
        match change.role {
            None => {}
            Some(RoleChange::Create(new)) => drop(self.create_role(new)?),
            Some(RoleChange::Permissions(role, change)) => {
                self.change_permissions(role, change);
            }
            Some(RoleChange::Give(user, role)) => {
                self.given.insert((user, role));
            }
            Some(RoleChange::Take(user, role)) => {
                self.given.remove(&(user, role));
            }
        }
        match change.family {
            None => {}
            Some(FamilyChange::Begin(new)) => drop(self.create_family(new)?),
            Some(FamilyChange::End(family)) => {
                self.revoke_family(&family, now);
            }
        }
        for secret in change.consumes {
            self.journal.spend(secret);
        }
        for mail in change.mails {
            self.journal.post(mail);
        }
        if let Some(events) = &change.events {
            self.journal.note(events, user);
        }
        Ok(Applied::Done(user))
    }

    /// The user that was changed; `None` if they do not exist or do not match the conditions.
    fn change_user(
        &mut self,
        change: UserChange,
        now: OffsetDateTime,
    ) -> Result<Option<UserId>, StoreError> {
        let whose = change.whose();
        let changed = match change {
            UserChange::Create(new) => return self.create(*new).map(|user| Some(user.id)),
            UserChange::Update(id, patch) => self.update(id, *patch, now)?,
            UserChange::Reclaim(id, patch, fresh) => {
                self.update(id, *patch, now)? && self.reset_access(id, fresh, now)
            }
            UserChange::Delete(id) => self.delete(id),
        };
        Ok(whose.filter(|_| changed))
    }

    fn allows_role(&self, change: Option<&RoleChange>) -> Result<bool, StoreError> {
        Ok(match change {
            None => true,
            Some(RoleChange::Create(new)) => self.check_role(new).map(|()| true)?,
            Some(RoleChange::Permissions(role, _)) => {
                self.roles.iter().any(|known| known.id == *role)
            }
            Some(RoleChange::Give(user, role)) => {
                self.users.iter().any(|known| known.id == *user)
                    && self.roles.iter().any(|known| known.id == *role)
                    && !self.given.contains(&(*user, *role))
            }
            Some(RoleChange::Take(user, role)) => self.given.contains(&(*user, *role)),
        })
    }

    fn allows_family(&self, change: Option<&FamilyChange>) -> Result<bool, StoreError> {
        Ok(match change {
            None => true,
            Some(FamilyChange::Begin(new)) => self.check_family(new).map(|()| true)?,
            Some(FamilyChange::End(family)) => self.has_active_family(family),
        })
    }
}

/// Whether a change gives a passkey or an identity to the user whom it deletes, or an identity to
/// no user.
fn adds_to_deleted_user(change: &Change) -> bool {
    let deleted = match &change.user {
        Some(UserChange::Delete(id)) => Some(*id),
        _ => None,
    };
    let passkey = match &change.passkey {
        Some(PasskeyChange::Create(user, _)) => Some(*user) == deleted,
        _ => false,
    };
    let identity = match &change.identity {
        Some(IdentityChange::Link(None, _)) => change.user.is_none() || deleted.is_some(),
        Some(IdentityChange::Link(user, _)) => *user == deleted,
        _ => false,
    };
    passkey || identity
}
