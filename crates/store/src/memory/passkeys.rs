//! Passkeys in memory.

use time::OffsetDateTime;

use super::{Tables, conflict};
use crate::{Passkey, PasskeyChange, PasskeyUsage, StoreError, UserId};

impl Tables {
    pub(super) fn passkeys_of(&self, user: UserId) -> Vec<Passkey> {
        let passkeys = self.passkeys.iter();
        passkeys
            .filter(|passkey| passkey.user_id == user)
            .cloned()
            .collect()
    }

    pub(super) fn has_passkey(&self, user: UserId, usage: Option<PasskeyUsage>) -> bool {
        self.passkeys.iter().any(|passkey| {
            passkey.user_id == user && usage.is_none_or(|usage| passkey.is_for(usage))
        })
    }

    /// Whether a change applies. `removed` is the user who loses all passkeys first.
    pub(super) fn allows_passkey(
        &self,
        change: Option<&PasskeyChange>,
        removed: Option<UserId>,
    ) -> Result<bool, StoreError> {
        let mut kept = (self.passkeys.iter()).filter(|passkey| Some(passkey.user_id) != removed);
        Ok(match change {
            None => true,
            Some(PasskeyChange::Create(user, new)) => {
                for passkey in kept {
                    if passkey.credential_id == new.credential_id {
                        return Err(conflict("credential_id"));
                    }
                    if passkey.user_id == *user && passkey.name == new.name {
                        return Err(conflict("name"));
                    }
                }
                self.users.iter().any(|known| known.id == *user)
            }
            Some(PasskeyChange::Used {
                id,
                user_id,
                old_sign_count,
                ..
            }) => kept.any(|passkey| {
                passkey.id == *id
                    && passkey.user_id == *user_id
                    && passkey.sign_count == *old_sign_count
            }),
            Some(PasskeyChange::Delete { user_id, id }) => {
                kept.any(|passkey| passkey.id == *id && passkey.user_id == *user_id)
            }
        })
    }

    /// Applies a change that is allowed.
    pub(super) fn change_passkey(&mut self, change: PasskeyChange, now: OffsetDateTime) {
        match change {
            PasskeyChange::Create(user_id, new) => {
                self.last_passkey += 1;
                self.passkeys.push(Passkey {
                    id: self.last_passkey,
                    user_id,
                    name: new.name,
                    credential_id: new.credential_id,
                    public_key: new.public_key,
                    sign_count: new.sign_count,
                    transports: new.transports,
                    extensions: new.extensions,
                    backup_state: new.backup_state,
                    device_type: new.device_type,
                    usage: new.usage.as_str().to_owned(),
                    created_at: now,
                    last_used_at: now,
                });
            }
            PasskeyChange::Used {
                id,
                sign_count,
                backup_state,
                device_type,
                ..
            } => {
                let mut passkeys = self.passkeys.iter_mut();
                if let Some(passkey) = passkeys.find(|passkey| passkey.id == id) {
                    passkey.sign_count = sign_count;
                    passkey.backup_state = backup_state;
                    passkey.device_type = device_type;
                    passkey.last_used_at = now;
                }
            }
            PasskeyChange::Delete { id, .. } => self.passkeys.retain(|passkey| passkey.id != id),
        }
    }
}
