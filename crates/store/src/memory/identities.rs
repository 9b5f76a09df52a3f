//! Linked identities in memory.

use time::OffsetDateTime;

use super::{Tables, conflict};
use crate::{IdentityChange, LinkedIdentity, StoreError, UserId};

impl Tables {
    pub(super) fn identity(&self, issuer: &str, subject: &str) -> Option<&LinkedIdentity> {
        let mut identities = self.identities.iter();
        identities.find(|identity| identity.issuer == issuer && identity.subject == subject)
    }

    pub(super) fn identities_of(&self, user: UserId) -> Vec<LinkedIdentity> {
        let identities = self.identities.iter();
        identities
            .filter(|identity| identity.user_id == user)
            .cloned()
            .collect()
    }

    /// Whether a change applies. `removed` is the user who loses all identities first.
    pub(super) fn allows_identity(
        &self,
        change: Option<&IdentityChange>,
        removed: Option<UserId>,
    ) -> Result<bool, StoreError> {
        let is_kept = |identity: &LinkedIdentity| Some(identity.user_id) != removed;
        Ok(match change {
            None => true,
            Some(IdentityChange::Link(user, new)) => {
                new.check()?;
                let present = self.identity(&new.issuer, &new.subject);
                if present.is_some_and(is_kept) {
                    return Err(conflict("subject"));
                }
                user.is_none_or(|user| self.users.iter().any(|known| known.id == user))
            }
            Some(IdentityChange::Used { user_id, id }) => {
                let mut identities = self.identities.iter();
                identities.any(|identity| {
                    identity.id == *id && identity.user_id == *user_id && is_kept(identity)
                })
            }
            Some(IdentityChange::Unlink {
                user_id,
                id,
                unless_last,
            }) => {
                let own = self.identities_of(*user_id);
                let is_present = own
                    .iter()
                    .any(|identity| identity.id == *id && is_kept(identity));
                is_present && (!unless_last || own.len() > 1)
            }
        })
    }

    /// Applies a change that is allowed. `user` is the user of the change as a whole.
    pub(super) fn change_identity(
        &mut self,
        change: IdentityChange,
        user: Option<UserId>,
        now: OffsetDateTime,
    ) {
        match change {
            IdentityChange::Link(whose, new) => {
                let Some(user_id) = whose.or(user) else {
                    return;
                };
                let label = new.kept_label().map(str::to_owned);
                self.last_identity += 1;
                self.identities.push(LinkedIdentity {
                    id: self.last_identity,
                    user_id,
                    provider: new.provider,
                    issuer: new.issuer,
                    subject: new.subject,
                    label,
                    linked_at: now,
                    last_used_at: None,
                });
            }
            IdentityChange::Used { id, .. } => {
                let mut identities = self.identities.iter_mut();
                if let Some(identity) = identities.find(|identity| identity.id == id) {
                    identity.last_used_at = Some(now);
                }
            }
            IdentityChange::Unlink { id, .. } => {
                self.identities.retain(|identity| identity.id != id);
            }
        }
    }
}
