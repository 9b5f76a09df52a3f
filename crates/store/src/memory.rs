//! Everything in memory, gone at the end of the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{NewUser, PasswordChange, Role, Store, StoreError, User, UserId, UserKey, UserPatch};

/// A store without a database.
#[derive(Debug, Default)]
pub struct MemoryStore {
    users: Mutex<Vec<User>>,
}

impl MemoryStore {
    fn users(&self) -> MutexGuard<'_, Vec<User>> {
        // Each change is made whole or not at all, so a poisoned lock guards sound data.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        let users = self.users();
        let found = match key {
            UserKey::Id(id) => users.iter().find(|user| user.id == id),
            UserKey::Uniquifier(uniquifier) => {
                users.iter().find(|user| user.fs_uniquifier == uniquifier)
            }
            UserKey::Identity {
                attribute,
                value,
                ignore_case,
            } => {
                let has = |user: &User, same: fn(&str, &str) -> bool| {
                    let own = match attribute {
                        crate::Identity::Email => &user.email,
                        crate::Identity::Username => &user.username,
                        crate::Identity::Phone => &user.us_phone_number,
                    };
                    own.as_deref().is_some_and(|own| same(own, value))
                };
                users
                    .iter()
                    .find(|user| has(user, |one, other| one == other))
                    .or_else(|| {
                        users
                            .iter()
                            .find(|user| ignore_case && has(user, str::eq_ignore_ascii_case))
                    })
            }
        };
        Ok(found.cloned())
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        let mut users = self.users();
        let conflict = |column: &str| {
            Err(StoreError::Conflict {
                column: column.to_owned(),
            })
        };
        for user in users.iter() {
            if user.email.as_ref() == Some(&new.email) {
                return conflict("email");
            }
            if new.username.is_some() && user.username == new.username {
                return conflict("username");
            }
            if user.fs_uniquifier == new.fs_uniquifier {
                return conflict("fs_uniquifier");
            }
        }
        let id = users.last().map_or(1, |user| user.id.0 + 1);
        let user = User {
            id: UserId(id),
            email: Some(new.email),
            username: new.username,
            password: new.password,
            active: new.active,
            fs_uniquifier: new.fs_uniquifier,
            confirmed_at: new.confirmed_at,
            last_login_at: None,
            current_login_at: None,
            last_login_ip: None,
            current_login_ip: None,
            login_count: None,
            tf_primary_method: None,
            tf_totp_secret: None,
            tf_phone_number: None,
            us_totp_secrets: None,
            us_phone_number: None,
            fs_webauthn_user_handle: None,
            mf_recovery_codes: None,
            create_datetime: Some(new.created_at),
            update_datetime: Some(new.created_at),
        };
        users.push(user.clone());
        Ok(user)
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut users = self.users();
        if let Some(uniquifier) = &patch.fs_uniquifier
            && users
                .iter()
                .any(|user| user.id != id && user.fs_uniquifier == *uniquifier)
        {
            return Err(StoreError::Conflict {
                column: "fs_uniquifier".to_owned(),
            });
        }
        let Some(user) = users.iter_mut().find(|user| user.id == id) else {
            return Ok(false);
        };
        if let Some(active) = patch.active {
            user.active = active;
        }
        match patch.password {
            Some(PasswordChange::Set(hash)) => user.password = Some(hash),
            Some(PasswordChange::Upgrade { old, new }) if user.password.as_ref() == Some(&old) => {
                user.password = Some(new);
            }
            Some(PasswordChange::Upgrade { .. }) | None => {}
        }
        if let Some(uniquifier) = patch.fs_uniquifier {
            user.fs_uniquifier = uniquifier;
        }
        if let Some(method) = patch.tf_primary_method {
            user.tf_primary_method = method;
        }
        if let Some(sign_in) = patch.sign_in {
            user.last_login_at = user.current_login_at.or(Some(now));
            user.current_login_at = Some(now);
            user.last_login_ip = user.current_login_ip.take();
            user.current_login_ip = sign_in.ip;
            user.login_count = Some(user.login_count.unwrap_or(0) + 1);
        }
        user.update_datetime = Some(now);
        Ok(true)
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let users = self.users();
        Ok(users
            .iter()
            .filter(|user| Some(user.id) > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn roles_of(&self, _: UserId) -> Result<Vec<Role>, StoreError> {
        Ok(Vec::new())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
