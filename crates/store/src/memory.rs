//! Everything in memory, gone at the end of the process.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    Identity, NewRole, NewTracker, NewUser, PasswordChange, PermissionChange, RefreshTracker, Role,
    RoleId, Store, StoreError, Uniquifiers, User, UserId, UserKey, UserPatch,
};

/// A store without a database.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    users: Vec<User>,
    roles: Vec<Role>,
    given: BTreeSet<(UserId, RoleId)>,
    trackers: Vec<RefreshTracker>,
    /// The last primary key of a user: none is given twice.
    last_user: i64,
}

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Each change is made whole or not at all, so a poisoned lock guards sound data.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn user(&self, key: UserKey<'_>) -> Option<&User> {
        let mut users = self.users.iter();
        match key {
            UserKey::Id(id) => users.find(|user| user.id == id),
            UserKey::Uniquifier(uniquifier) => users.find(|user| user.fs_uniquifier == uniquifier),
            UserKey::TokenUniquifier(uniquifier) => {
                users.find(|user| user.fs_token_uniquifier.as_deref() == Some(uniquifier))
            }
            UserKey::Identity {
                attribute,
                value,
                ignore_case,
            } => {
                let has = |user: &User, same: fn(&str, &str) -> bool| {
                    identity(user, attribute).is_some_and(|own| same(own, value))
                };
                users
                    .find(|user| has(user, |one, other| one == other))
                    .or_else(|| {
                        self.users
                            .iter()
                            .find(|user| ignore_case && has(user, str::eq_ignore_ascii_case))
                    })
            }
        }
    }

    fn roles_of(&self, id: UserId) -> Vec<Role> {
        let roles = self.roles.iter();
        by_name(roles.filter(|role| self.given.contains(&(id, role.id))))
    }

    /// Refuses a value that somebody else has.
    fn claim(
        &self,
        id: UserId,
        column: &str,
        value: Option<&str>,
        own: impl Fn(&User) -> Option<&str>,
    ) -> Result<(), StoreError> {
        let taken = |user: &User| value.is_some() && user.id != id && own(user) == value;
        if self.users.iter().any(taken) {
            return Err(StoreError::Conflict {
                column: column.to_owned(),
            });
        }
        Ok(())
    }
}

fn identity(user: &User, attribute: Identity) -> Option<&str> {
    match attribute {
        Identity::Email => user.email.as_deref(),
        Identity::Username => user.username.as_deref(),
        Identity::Phone => user.us_phone_number.as_deref(),
    }
}

fn by_name<'a>(roles: impl Iterator<Item = &'a Role>) -> Vec<Role> {
    let mut roles: Vec<Role> = roles.cloned().collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles
}

#[async_trait]
impl Store for MemoryStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        Ok(self.tables().user(key).cloned())
    }

    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let tables = self.tables();
        let user = tables.user(key);
        Ok(user.map(|user| (user.clone(), tables.roles_of(user.id))))
    }

    fn has_token_uniquifiers(&self) -> bool {
        true
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        let mut tables = self.tables();
        let id = UserId(tables.last_user + 1);
        let user = User {
            id,
            email: Some(new.email),
            username: new.username,
            password: new.password,
            active: new.active,
            fs_uniquifier: new.fs_uniquifier,
            fs_token_uniquifier: Some(new.fs_token_uniquifier),
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
            us_phone_number: new.us_phone_number,
            fs_webauthn_user_handle: None,
            mf_recovery_codes: None,
            create_datetime: Some(new.created_at),
            update_datetime: Some(new.created_at),
        };
        for attribute in [Identity::Email, Identity::Username, Identity::Phone] {
            tables.claim(
                id,
                attribute.column(),
                identity(&user, attribute),
                |other| identity(other, attribute),
            )?;
        }
        tables.claim(id, "fs_uniquifier", Some(&user.fs_uniquifier), |other| {
            Some(&other.fs_uniquifier)
        })?;
        tables.claim(
            id,
            "fs_token_uniquifier",
            user.fs_token_uniquifier.as_deref(),
            |other| other.fs_token_uniquifier.as_deref(),
        )?;
        tables.last_user = id.0;
        tables.users.push(user.clone());
        Ok(user)
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(user) = tables.user(UserKey::Id(id)) else {
            return Ok(false);
        };
        let changed = patched(user.clone(), patch, now);
        for attribute in [Identity::Email, Identity::Username, Identity::Phone] {
            tables.claim(
                id,
                attribute.column(),
                identity(&changed, attribute),
                |other| identity(other, attribute),
            )?;
        }
        tables.claim(id, "fs_uniquifier", Some(&changed.fs_uniquifier), |other| {
            Some(&other.fs_uniquifier)
        })?;
        tables.claim(
            id,
            "fs_token_uniquifier",
            changed.fs_token_uniquifier.as_deref(),
            |other| other.fs_token_uniquifier.as_deref(),
        )?;
        for user in &mut tables.users {
            if user.id == id {
                *user = changed;
                break;
            }
        }
        Ok(true)
    }

    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(user) = tables.users.iter_mut().find(|user| user.id == id) else {
            return Ok(false);
        };
        user.fs_uniquifier = fresh.session;
        user.fs_token_uniquifier = Some(fresh.token);
        user.us_totp_secrets = None;
        user.tf_primary_method = None;
        user.tf_totp_secret = None;
        user.tf_phone_number = None;
        user.mf_recovery_codes = None;
        user.update_datetime = Some(now);
        for tracker in &mut tables.trackers {
            if tracker.user_id == id && tracker.revoked_at.is_none() {
                tracker.revoked_at = Some(now);
            }
        }
        Ok(true)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let before = tables.users.len();
        tables.users.retain(|user| user.id != id);
        tables.given.retain(|(user, _)| *user != id);
        tables.trackers.retain(|tracker| tracker.user_id != id);
        Ok(tables.users.len() < before)
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let tables = self.tables();
        Ok(tables
            .users
            .iter()
            .filter(|user| Some(user.id) > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        Ok(self.tables().roles_of(id))
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let tables = self.tables();
        Ok(tables.roles.iter().find(|role| role.name == name).cloned())
    }

    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        Ok(by_name(self.tables().roles.iter()))
    }

    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        let mut tables = self.tables();
        if tables.roles.iter().any(|role| role.name == new.name) {
            return Err(StoreError::Conflict {
                column: "name".to_owned(),
            });
        }
        let role = Role {
            id: RoleId(tables.roles.last().map_or(1, |role| role.id.0 + 1)),
            name: new.name,
            description: new.description,
            permissions: new.permissions,
        };
        tables.roles.push(role.clone());
        Ok(role)
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        _: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let mut tables = self.tables();
        let Some(role) = tables.roles.iter_mut().find(|known| known.id == role) else {
            return Ok(None);
        };
        change.apply(&mut role.permissions);
        Ok(Some(role.clone()))
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        Ok(self.tables().given.insert((user, role)))
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        Ok(self.tables().given.remove(&(user, role)))
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        let mut tables = self.tables();
        if tables
            .trackers
            .iter()
            .any(|known| known.family == new.family)
        {
            return Err(StoreError::Conflict {
                column: "refresh_family".to_owned(),
            });
        }
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
        tables.trackers.push(tracker.clone());
        Ok(tracker)
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        let tables = self.tables();
        let mut trackers = tables.trackers.iter();
        Ok(trackers.find(|tracker| tracker.family == family).cloned())
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let present = tables.trackers.iter_mut().find(|tracker| {
            tracker.family == family && tracker.generation == from && tracker.revoked_at.is_none()
        });
        let Some(tracker) = present else {
            return Ok(false);
        };
        tracker.generation += 1;
        tracker.last_used_at = now;
        Ok(true)
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let open = tables
            .trackers
            .iter_mut()
            .find(|tracker| tracker.family == family && tracker.revoked_at.is_none());
        let Some(tracker) = open else {
            return Ok(false);
        };
        tracker.revoked_at = Some(now);
        Ok(true)
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let before = tables.trackers.len();
        tables.trackers.retain(|tracker| {
            let expired = expired_before.is_some_and(|moment| tracker.expires_at < moment);
            let over = expired || (revoked && tracker.revoked_at.is_some());
            tracker.user_id != user || !over
        });
        Ok(u64::try_from(before - tables.trackers.len()).unwrap_or(u64::MAX))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn patched(mut user: User, patch: UserPatch, now: OffsetDateTime) -> User {
    if let Some(active) = patch.active {
        user.active = active;
    }
    if let Some(email) = patch.email {
        user.email = Some(email);
    }
    if let Some(username) = patch.username {
        user.username = username;
    }
    if let Some(phone) = patch.us_phone_number {
        user.us_phone_number = phone;
    }
    if let Some(confirmed_at) = patch.confirmed_at {
        user.confirmed_at = confirmed_at;
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
    if let Some(uniquifier) = patch.fs_token_uniquifier {
        user.fs_token_uniquifier = Some(uniquifier);
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
    user
}
