//! Finding, creating and updating users.

use time::OffsetDateTime;
use vestibule_formats::text::case::fold;

use super::{Tables, by_name, conflict};
use crate::{
    Identity, NewUser, OnlyIf, PasswordChange, Role, StoreError, Uniquifiers, User, UserId,
    UserKey, UserPatch,
};

impl Tables {
    pub(super) fn user(&self, key: UserKey<'_>) -> Option<&User> {
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

    pub(super) fn roles_of(&self, id: UserId) -> Vec<Role> {
        let roles = self.roles.iter();
        by_name(roles.filter(|role| self.given.contains(&(id, role.id))))
    }

    /// Fails if another user has this value.
    fn claim(
        &self,
        id: UserId,
        column: &str,
        value: Option<&str>,
        own: impl Fn(&User) -> Option<&str>,
    ) -> Result<(), StoreError> {
        let taken = |user: &User| value.is_some() && user.id != id && own(user) == value;
        if self.users.iter().any(taken) {
            return Err(conflict(column));
        }
        Ok(())
    }

    pub(super) fn create(&mut self, new: NewUser) -> Result<User, StoreError> {
        let id = UserId(self.last_user + 1);
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
            us_totp_secrets: new.us_totp_secrets,
            us_phone_number: new.us_phone_number,
            fs_webauthn_user_handle: Some(new.fs_webauthn_user_handle),
            mf_recovery_codes: None,
            create_datetime: Some(new.created_at),
            update_datetime: Some(new.created_at),
        };
        for attribute in [Identity::Email, Identity::Username, Identity::Phone] {
            self.claim(
                id,
                attribute.column(),
                identity(&user, attribute),
                |other| identity(other, attribute),
            )?;
        }
        self.claim(id, "fs_uniquifier", Some(&user.fs_uniquifier), |other| {
            Some(&other.fs_uniquifier)
        })?;
        self.claim(
            id,
            "fs_token_uniquifier",
            user.fs_token_uniquifier.as_deref(),
            |other| other.fs_token_uniquifier.as_deref(),
        )?;
        self.last_user = id.0;
        self.users.push(user.clone());
        Ok(user)
    }

    /// Deletes a user with everything that belongs to them.
    pub(super) fn delete(&mut self, id: UserId) -> bool {
        let before = self.users.len();
        self.users.retain(|user| user.id != id);
        self.given.retain(|(user, _)| *user != id);
        self.trackers.retain(|tracker| tracker.user_id != id);
        self.passkeys.retain(|passkey| passkey.user_id != id);
        self.identities.retain(|identity| identity.user_id != id);
        self.users.len() < before
    }

    pub(super) fn update(
        &mut self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let Some(user) = self.user(UserKey::Id(id)) else {
            return Ok(false);
        };
        if !as_expected(user, &patch.only_if) {
            return Ok(false);
        }
        let changed = patched(user.clone(), patch, now);
        for attribute in [Identity::Email, Identity::Username, Identity::Phone] {
            self.claim(
                id,
                attribute.column(),
                identity(&changed, attribute),
                |other| identity(other, attribute),
            )?;
        }
        self.claim(id, "fs_uniquifier", Some(&changed.fs_uniquifier), |other| {
            Some(&other.fs_uniquifier)
        })?;
        self.claim(
            id,
            "fs_token_uniquifier",
            changed.fs_token_uniquifier.as_deref(),
            |other| other.fs_token_uniquifier.as_deref(),
        )?;
        for user in &mut self.users {
            if user.id == id {
                *user = changed;
                break;
            }
        }
        Ok(true)
    }

    /// Revokes every credential except the password; false if the user does not exist.
    pub(super) fn reset_access(
        &mut self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> bool {
        let Some(user) = self.users.iter_mut().find(|user| user.id == id) else {
            return false;
        };
        user.fs_uniquifier = fresh.session;
        user.fs_token_uniquifier = Some(fresh.token);
        user.us_totp_secrets = None;
        user.tf_primary_method = None;
        user.tf_totp_secret = None;
        user.tf_phone_number = None;
        user.mf_recovery_codes = None;
        user.update_datetime = Some(now);
        for tracker in &mut self.trackers {
            if tracker.user_id == id && tracker.revoked_at.is_none() {
                tracker.revoked_at = Some(now);
            }
        }
        self.passkeys.retain(|passkey| passkey.user_id != id);
        self.identities.retain(|identity| identity.user_id != id);
        true
    }

    /// Fails if another user has this value in any case of any script.
    pub(super) fn claim_in_any_case(
        &self,
        whose: Option<UserId>,
        attribute: Identity,
        value: &str,
    ) -> Result<(), StoreError> {
        let value = fold(value);
        let taken = |user: &User| {
            let same = |own: &str| fold(own) == value;
            Some(user.id) != whose && identity(user, attribute).is_some_and(same)
        };
        if self.users.iter().any(taken) {
            return Err(conflict(attribute.column()));
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

fn as_expected(user: &User, only_if: &OnlyIf) -> bool {
    let email = only_if.email.is_none() || only_if.email == user.email;
    let uniquifier = only_if
        .fs_uniquifier
        .as_ref()
        .is_none_or(|expected| *expected == user.fs_uniquifier);
    let factors = only_if
        .factors
        .iter()
        .all(|(column, expected)| column.of(user) == expected.as_deref());
    email && uniquifier && factors && !(only_if.unconfirmed && user.confirmed_at.is_some())
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
    if let Some(uniquifier) = patch.first_token_uniquifier {
        user.fs_token_uniquifier.get_or_insert(uniquifier);
    }
    if let Some(handle) = patch.fs_webauthn_user_handle {
        let own = user.fs_webauthn_user_handle.get_or_insert_default();
        if own.is_empty() {
            *own = handle;
        }
    }
    if let Some(method) = patch.tf_primary_method {
        user.tf_primary_method = method;
    }
    if let Some(secret) = patch.tf_totp_secret {
        user.tf_totp_secret = secret;
    }
    if let Some(phone) = patch.tf_phone_number {
        user.tf_phone_number = phone;
    }
    if let Some(secrets) = patch.us_totp_secrets {
        user.us_totp_secrets = secrets;
    }
    if let Some(codes) = patch.mf_recovery_codes {
        user.mf_recovery_codes = codes;
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
