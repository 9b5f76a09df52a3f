//! The UPDATE of a user, over the columns that exist.

use time::OffsetDateTime;

use super::users::UserStatements;
use crate::sql::query::{Query, Value};
use crate::{OnlyIf, PasswordChange, SignIn, StoreError, Uniquifiers, UserId, UserPatch};

/// What an UPDATE sets.
pub(super) struct UserUpdate<'a> {
    users: &'a UserStatements,
    sets: Vec<String>,
    values: Vec<Value<'a>>,
}

impl<'a> UserUpdate<'a> {
    fn new(users: &'a UserStatements) -> Self {
        Self {
            users,
            sets: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The update for a patch, or `None` if the patch changes nothing in the row.
    pub(super) fn of_patch(
        users: &'a UserStatements,
        patch: &'a UserPatch,
        now: OffsetDateTime,
    ) -> Result<Option<Self>, StoreError> {
        let now = users.dialect.time_value(now);
        let mut update = Self::new(users);
        if let Some(active) = patch.active {
            update.set("active", Value::Flag(active))?;
        }
        if let Some(email) = &patch.email {
            update.set("email", Value::text(email))?;
        }
        if let Some(username) = &patch.username {
            update.set("username", Value::maybe_text(username.as_deref()))?;
        }
        if let Some(phone) = &patch.us_phone_number {
            update.set("us_phone_number", Value::maybe_text(phone.as_deref()))?;
        }
        if let Some(at) = patch.confirmed_at {
            let at = at.map(|time| users.dialect.time(time));
            update.set("confirmed_at", Value::Time(at))?;
        }
        if let Some(password) = &patch.password {
            update.password(password)?;
        }
        if let Some(uniquifier) = &patch.fs_uniquifier {
            update.set("fs_uniquifier", Value::text(uniquifier))?;
        }
        if let Some(uniquifier) = &patch.fs_token_uniquifier {
            update.note("fs_token_uniquifier", Value::text(uniquifier));
        }
        if let Some(uniquifier) = &patch.first_token_uniquifier
            && users.has_token_uniquifiers()
        {
            update
                .sets
                .push("fs_token_uniquifier = coalesce(fs_token_uniquifier, ?)".to_owned());
            update.values.push(Value::text(uniquifier));
        }
        if let Some(handle) = &patch.fs_webauthn_user_handle
            && users.columns.has("fs_webauthn_user_handle")
        {
            let first = "coalesce(nullif(fs_webauthn_user_handle, ''), ?)";
            update
                .sets
                .push(format!("fs_webauthn_user_handle = {first}"));
            update.values.push(Value::text(handle));
        }
        for (column, value) in [
            ("tf_primary_method", &patch.tf_primary_method),
            ("tf_totp_secret", &patch.tf_totp_secret),
            ("tf_phone_number", &patch.tf_phone_number),
            ("us_totp_secrets", &patch.us_totp_secrets),
            ("mf_recovery_codes", &patch.mf_recovery_codes),
        ] {
            if let Some(value) = value {
                update.set(column, Value::maybe_text(value.as_deref()))?;
            }
        }
        if let Some(sign_in) = &patch.sign_in {
            update.sign_in(sign_in, &now);
        }
        if !update.sets.is_empty() {
            update.note("update_datetime", now);
        } else if patch.only_if == OnlyIf::default() {
            return Ok(None);
        } else {
            // Nothing changes, but the conditions are checked all the same.
            update.sets.push("fs_uniquifier = fs_uniquifier".to_owned());
        }
        Ok(Some(update))
    }

    /// The update that revokes the credentials in a user's row, except the password.
    pub(super) fn of_reset(
        users: &'a UserStatements,
        fresh: &'a Uniquifiers,
        now: OffsetDateTime,
    ) -> Self {
        let mut update = Self::new(users);
        update.note("fs_uniquifier", Value::text(&fresh.session));
        update.note("fs_token_uniquifier", Value::text(&fresh.token));
        for column in [
            "us_totp_secrets",
            "tf_primary_method",
            "tf_totp_secret",
            "tf_phone_number",
            "mf_recovery_codes",
        ] {
            update.note(column, Value::Text(None));
        }
        update.note("update_datetime", users.dialect.time_value(now));
        update
    }

    /// The statement for one user, in the expected state.
    pub(super) fn query(self, id: UserId, only_if: Option<&'a OnlyIf>) -> Query<'a> {
        let mut values = self.values;
        values.push(Value::number(id.0));
        let mut conditions = "id = ?".to_owned();
        if let Some(only_if) = only_if {
            for (column, expected) in [
                ("email", &only_if.email),
                ("fs_uniquifier", &only_if.fs_uniquifier),
            ] {
                if let Some(expected) = expected {
                    let (same, times) = self.users.dialect.exactly(column);
                    conditions.push_str(&format!(" AND {same}"));
                    values.extend(vec![Value::text(expected); times]);
                }
            }
            if only_if.unconfirmed {
                conditions.push_str(" AND confirmed_at IS NULL");
            }
            for (factor, expected) in &only_if.factors {
                let column = factor.column();
                match (expected, self.users.columns.has(column)) {
                    (Some(expected), true) => {
                        let (same, times) = self.users.dialect.exactly(column);
                        conditions.push_str(&format!(" AND {same}"));
                        values.extend(vec![Value::text(expected); times]);
                    }
                    (None, true) => conditions.push_str(&format!(" AND {column} IS NULL")),
                    // A column that does not exist holds no value.
                    (Some(_), false) => conditions.push_str(" AND 1 = 0"),
                    (None, false) => {}
                }
            }
        }
        let text = format!(
            "UPDATE {{user}} SET {} WHERE {conditions}",
            self.sets.join(", ")
        );
        let text = self.users.dialect.statement(&self.users.tables, &text);
        Query::new(text, values)
    }

    fn password(&mut self, change: &'a PasswordChange) -> Result<(), StoreError> {
        match change {
            PasswordChange::Set(hash) => self.set("password", Value::text(hash))?,
            PasswordChange::Upgrade { old, new } if self.users.columns.has("password") => {
                let (same, times) = self.users.dialect.exactly("password");
                self.sets.push(format!(
                    "password = CASE WHEN {same} THEN ? ELSE password END"
                ));
                self.values.extend(vec![Value::text(old); times]);
                self.values.push(Value::text(new));
            }
            PasswordChange::Upgrade { .. } => {}
        }
        Ok(())
    }

    /// Moves the current sign-in to the last one. MySQL evaluates the assignments from left to
    /// right and sees earlier ones, so the current values are moved before they are replaced.
    fn sign_in(&mut self, sign_in: &'a SignIn, now: &Value<'a>) {
        if self.has_both("last_login_at", "current_login_at") {
            self.sets
                .push("last_login_at = coalesce(current_login_at, ?)".to_owned());
            self.values.push(now.clone());
        }
        self.note("current_login_at", now.clone());
        if self.has_both("last_login_ip", "current_login_ip") {
            self.sets
                .push("last_login_ip = current_login_ip".to_owned());
        }
        self.note("current_login_ip", Value::maybe_text(sign_in.ip.as_deref()));
        if self.users.columns.has("login_count") {
            self.sets
                .push("login_count = coalesce(login_count, 0) + 1".to_owned());
        }
    }

    /// Sets a column that the caller asked for: it must exist.
    fn set(&mut self, column: &str, value: Value<'a>) -> Result<(), StoreError> {
        let table = &self.users.tables.user;
        self.users.columns.require(column, value.is_null(), table)?;
        self.note(column, value);
        Ok(())
    }

    /// Sets a column if it exists.
    fn note(&mut self, column: &str, value: Value<'a>) {
        if self.users.columns.has(column) {
            self.sets.push(format!("{column} = ?"));
            self.values.push(value);
        }
    }

    fn has_both(&self, one: &str, other: &str) -> bool {
        self.users.columns.has(one) && self.users.columns.has(other)
    }
}
