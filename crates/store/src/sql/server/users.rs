//! The statements about users.

use time::OffsetDateTime;

use super::dialect::Dialect;
use super::error::map_error;
use super::wire::{Link, Row, Value};
use crate::sql::columns::{USER_COLUMNS, UserColumns};
use crate::sql::{TableNames, spelling};
use crate::{
    Identity, NewUser, OnlyIf, PasswordChange, StoreError, Uniquifiers, User, UserId, UserKey,
    UserPatch,
};

/// How many columns a user is read from.
pub(super) const COLUMNS: usize = USER_COLUMNS.len();

/// How many users whose value differs in case only are looked at.
const CANDIDATES: u32 = 32;

/// Columns that tell of a row and are nobody's wish: where they are not there, nothing is lost.
const BOOKKEEPING: [&str; 4] = [
    "create_datetime",
    "update_datetime",
    "fs_token_uniquifier",
    "fs_webauthn_user_handle",
];

/// The statements, built once.
#[derive(Debug)]
pub(super) struct UserStatements {
    dialect: Dialect,
    tables: TableNames,
    columns: UserColumns,
    list: String,
    by_id: String,
    page: String,
}

/// A statement and its values.
pub(super) struct Query {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl UserStatements {
    pub(super) fn new(dialect: Dialect, tables: &TableNames, columns: UserColumns) -> Self {
        let list: Vec<String> = USER_COLUMNS
            .iter()
            .map(|name| match *name {
                _ if !columns.has(name) => "NULL".to_owned(),
                "id" | "login_count" => dialect.number(&format!("u.{name}")),
                _ => format!("u.{name}"),
            })
            .collect();
        let list = list.join(", ");
        let select = |rest: &str| {
            dialect.statement(
                tables,
                &format!("SELECT {list} FROM {{user}} u WHERE {rest}"),
            )
        };
        Self {
            by_id: select("u.id = ?"),
            page: select("u.id > ? ORDER BY u.id LIMIT ?"),
            dialect,
            tables: tables.clone(),
            columns,
            list,
        }
    }

    pub(super) fn has_token_uniquifiers(&self) -> bool {
        self.columns.has("fs_token_uniquifier")
    }

    /// How to find whoever has a key, and with what joined to them; nothing when nobody can
    /// have it.
    pub(super) fn find(&self, key: UserKey<'_>, joined: &str, more: &str) -> Option<Query> {
        let (condition, values) = self.condition(key)?;
        let text = format!(
            "SELECT {}{more} FROM {{user}} u {joined} WHERE {condition}",
            self.list
        );
        Some(Query {
            text: self.dialect.statement(&self.tables, &text),
            values,
        })
    }

    fn condition(&self, key: UserKey<'_>) -> Option<(String, Vec<Value>)> {
        let by_text = |column: &str, value: &str| {
            // No text of PostgreSQL's has a NUL in it, so nobody has this one.
            if value.contains('\0') || !self.columns.has(column) {
                return None;
            }
            let (condition, times) = self.dialect.exactly(&format!("u.{column}"));
            Some((condition, vec![Value::Text(Some(value.to_owned())); times]))
        };
        match key {
            UserKey::Id(id) => Some(("u.id = ?".to_owned(), vec![Value::Number(id.0)])),
            UserKey::Uniquifier(text) => by_text("fs_uniquifier", text),
            UserKey::TokenUniquifier(text) => by_text("fs_token_uniquifier", text),
            UserKey::Identity {
                attribute,
                value,
                ignore_case: false,
            } => by_text(attribute.column(), value),
            UserKey::Identity {
                attribute,
                value,
                ignore_case: true,
            } => self.any_case(attribute, value),
        }
    }

    /// Whoever has this value in any case of ASCII, the exact spelling before others. More than
    /// those may come: [`pick`] chooses.
    fn any_case(&self, attribute: Identity, value: &str) -> Option<(String, Vec<Value>)> {
        let column = attribute.column();
        if value.contains('\0') || !self.columns.has(column) {
            return None;
        }
        let text = Value::Text(Some(value.to_owned()));
        Some(match self.dialect {
            // The collation "C" knows the case of ASCII alone, wherever the database was made.
            Dialect::Postgres => (
                format!(
                    "lower(u.{column} COLLATE \"C\") = lower(? COLLATE \"C\") \
                     ORDER BY (u.{column} = ?) DESC, u.id LIMIT 1"
                ),
                vec![text.clone(), text],
            ),
            // By the index, which takes for one what its collation does.
            Dialect::MySql { .. } => (
                format!(
                    "u.{column} = ? \
                     ORDER BY CAST(CONVERT(u.{column} USING utf8mb4) AS BINARY) \
                     = CAST(? AS BINARY) DESC, u.id \
                     LIMIT {CANDIDATES}"
                ),
                vec![text.clone(), text],
            ),
        })
    }

    /// Whoever has this value in any case of any script, and perhaps others. A PostgreSQL that
    /// keeps another encoding than UTF-8 is asked for the case of ASCII alone: it may not know the
    /// other letters.
    pub(super) fn spellings(&self, attribute: Identity, value: &str, utf8: bool) -> Option<Query> {
        let ignore_case = UserKey::Identity {
            attribute,
            value,
            ignore_case: true,
        };
        if self.dialect != Dialect::Postgres || value.is_ascii() || !utf8 {
            return self.find(ignore_case, "", "");
        }
        let column = attribute.column();
        if value.contains('\0') || !self.columns.has(column) {
            return None;
        }
        let text = format!(
            "SELECT {} FROM {{user}} u \
             WHERE translate(u.{column}, ?, ?) COLLATE \"C\" = ? ORDER BY u.id LIMIT {CANDIDATES}",
            self.list
        );
        let values = spelling::translation(value).map(|text| Value::Text(Some(text)));
        Some(Query {
            text: self.dialect.statement(&self.tables, &text),
            values: values.into(),
        })
    }

    pub(super) async fn by_id(
        &self,
        link: &mut Link<'_>,
        id: UserId,
    ) -> Result<Option<User>, sqlx_core::Error> {
        let rows = link.rows(&self.by_id, &[Value::Number(id.0)]).await?;
        rows.first().map(|row| self.read(row)).transpose()
    }

    pub(super) fn page(&self, after: Option<UserId>, limit: u32) -> Query {
        Query {
            text: self.page.clone(),
            values: vec![
                Value::Number(after.map_or(i64::MIN, |id| id.0)),
                Value::Number(limit.into()),
            ],
        }
    }

    pub(super) fn insert(&self, new: NewUser) -> Result<Query, StoreError> {
        let created = self.dialect.at(new.created_at);
        let some = |text: String| Value::Text(Some(text));
        let mut values = vec![
            ("email", some(new.email)),
            ("username", Value::Text(new.username)),
            ("password", Value::Text(new.password)),
            ("active", Value::Flag(new.active)),
            ("fs_uniquifier", some(new.fs_uniquifier)),
            ("fs_token_uniquifier", some(new.fs_token_uniquifier)),
            ("fs_webauthn_user_handle", some(new.fs_webauthn_user_handle)),
            ("us_phone_number", Value::Text(new.us_phone_number)),
            (
                "confirmed_at",
                Value::Moment(new.confirmed_at.map(|at| self.dialect.moment(at))),
            ),
            ("create_datetime", created.clone()),
            ("update_datetime", created),
        ];
        for (name, value) in &values {
            if !BOOKKEEPING.contains(name) {
                let nothing = is_nothing(value);
                self.columns.demand(name, nothing, &self.tables.user)?;
            }
        }
        values.retain(|(name, _)| self.columns.has(name));
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        let text = format!(
            "INSERT INTO {{user}} ({}) VALUES ({})",
            names.join(", "),
            vec!["?"; names.len()].join(", ")
        );
        Ok(Query {
            text: self.dialect.statement(&self.tables, &text),
            values: values.into_iter().map(|(_, value)| value).collect(),
        })
    }

    /// The one UPDATE that a patch is; nothing when it changes nothing here.
    pub(super) fn update(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<Option<Query>, StoreError> {
        let now = self.dialect.at(now);
        let some = |text: String| Value::Text(Some(text));
        let mut changes = Changes {
            columns: &self.columns,
            table: &self.tables.user,
            sets: Vec::new(),
            values: Vec::new(),
        };
        if let Some(active) = patch.active {
            changes.set("active", Value::Flag(active))?;
        }
        if let Some(email) = patch.email {
            changes.set("email", some(email))?;
        }
        if let Some(username) = patch.username {
            changes.set("username", Value::Text(username))?;
        }
        if let Some(phone) = patch.us_phone_number {
            changes.set("us_phone_number", Value::Text(phone))?;
        }
        if let Some(at) = patch.confirmed_at {
            let at = at.map(|at| self.dialect.moment(at));
            changes.set("confirmed_at", Value::Moment(at))?;
        }
        match patch.password {
            Some(PasswordChange::Set(hash)) => changes.set("password", some(hash))?,
            Some(PasswordChange::Upgrade { old, new }) if self.columns.has("password") => {
                let (same, times) = self.dialect.exactly("password");
                changes.sets.push(format!(
                    "password = CASE WHEN {same} THEN ? ELSE password END"
                ));
                changes.values.extend(vec![some(old); times]);
                changes.values.push(some(new));
            }
            Some(PasswordChange::Upgrade { .. }) | None => {}
        }
        if let Some(uniquifier) = patch.fs_uniquifier {
            changes.set("fs_uniquifier", some(uniquifier))?;
        }
        if let Some(uniquifier) = patch.fs_token_uniquifier {
            changes.note("fs_token_uniquifier", some(uniquifier));
        }
        if let Some(uniquifier) = patch.first_token_uniquifier
            && self.has_token_uniquifiers()
        {
            changes
                .sets
                .push("fs_token_uniquifier = coalesce(fs_token_uniquifier, ?)".to_owned());
            changes.values.push(some(uniquifier));
        }
        if let Some(method) = patch.tf_primary_method {
            changes.set("tf_primary_method", Value::Text(method))?;
        }
        if let Some(sign_in) = patch.sign_in {
            // MySQL evaluates from left to right, over what it has changed already: what was
            // current is moved before it is replaced.
            if changes.has_both("last_login_at", "current_login_at") {
                changes
                    .sets
                    .push("last_login_at = coalesce(current_login_at, ?)".to_owned());
                changes.values.push(now.clone());
            }
            changes.note("current_login_at", now.clone());
            if changes.has_both("last_login_ip", "current_login_ip") {
                changes
                    .sets
                    .push("last_login_ip = current_login_ip".to_owned());
            }
            changes.note("current_login_ip", Value::Text(sign_in.ip));
            if self.columns.has("login_count") {
                changes
                    .sets
                    .push("login_count = coalesce(login_count, 0) + 1".to_owned());
            }
        }
        if !changes.sets.is_empty() {
            changes.note("update_datetime", now);
        } else if patch.only_if == OnlyIf::default() {
            return Ok(None);
        } else {
            // Nothing changes, and the conditions are checked all the same.
            changes
                .sets
                .push("fs_uniquifier = fs_uniquifier".to_owned());
        }
        changes.values.push(Value::Number(id.0));
        let mut conditions = "id = ?".to_owned();
        for (column, expected) in [
            ("email", patch.only_if.email),
            ("fs_uniquifier", patch.only_if.fs_uniquifier),
        ] {
            if let Some(expected) = expected {
                let (same, times) = self.dialect.exactly(column);
                conditions.push_str(&format!(" AND {same}"));
                changes.values.extend(vec![some(expected); times]);
            }
        }
        if patch.only_if.unconfirmed {
            conditions.push_str(" AND confirmed_at IS NULL");
        }
        let text = format!(
            "UPDATE {{user}} SET {} WHERE {conditions}",
            changes.sets.join(", ")
        );
        Ok(Some(Query {
            text: self.dialect.statement(&self.tables, &text),
            values: changes.values,
        }))
    }

    /// The UPDATE that ends every way in but the password.
    pub(super) fn reset(&self, id: UserId, fresh: &Uniquifiers, now: OffsetDateTime) -> Query {
        let mut changes = Changes {
            columns: &self.columns,
            table: &self.tables.user,
            sets: Vec::new(),
            values: Vec::new(),
        };
        changes.note("fs_uniquifier", Value::Text(Some(fresh.session.clone())));
        changes.note(
            "fs_token_uniquifier",
            Value::Text(Some(fresh.token.clone())),
        );
        for column in [
            "us_totp_secrets",
            "tf_primary_method",
            "tf_totp_secret",
            "tf_phone_number",
            "mf_recovery_codes",
        ] {
            changes.note(column, Value::Text(None));
        }
        changes.note("update_datetime", self.dialect.at(now));
        changes.values.push(Value::Number(id.0));
        let text = format!(
            "UPDATE {{user}} SET {} WHERE id = ?",
            changes.sets.join(", ")
        );
        Query {
            text: self.dialect.statement(&self.tables, &text),
            values: changes.values,
        }
    }

    pub(super) fn read(&self, row: &Row) -> Result<User, sqlx_core::Error> {
        let uniquifier = row.text(5)?.unwrap_or_default();
        let mut user = User::new(UserId(row.number(0)?.unwrap_or_default()), uniquifier);
        user.email = row.text(1)?;
        user.username = row.text(2)?;
        user.password = row.text(3)?;
        user.active = row.flag(4)?;
        // Columns that are not there are selected as NULL, of no type in particular.
        let text = |index: usize| self.there(index).map_or(Ok(None), |()| row.text(index));
        let moment = |index: usize| self.there(index).map_or(Ok(None), |()| row.moment(index));
        user.confirmed_at = moment(6)?;
        user.last_login_at = moment(7)?;
        user.current_login_at = moment(8)?;
        user.last_login_ip = text(9)?;
        user.current_login_ip = text(10)?;
        user.login_count = self.there(11).map_or(Ok(None), |()| row.number(11))?;
        user.tf_primary_method = text(12)?;
        user.tf_totp_secret = text(13)?;
        user.tf_phone_number = text(14)?;
        user.us_totp_secrets = text(15)?;
        user.us_phone_number = text(16)?;
        user.fs_webauthn_user_handle = text(17)?;
        user.mf_recovery_codes = text(18)?;
        user.create_datetime = moment(19)?;
        user.update_datetime = moment(20)?;
        user.fs_token_uniquifier = text(21)?;
        Ok(user)
    }

    fn there(&self, index: usize) -> Option<()> {
        self.columns.has(USER_COLUMNS[index]).then_some(())
    }

    /// Reads the first row that really has the key.
    pub(super) fn pick<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a Row>,
        key: UserKey<'_>,
    ) -> Result<Option<User>, StoreError> {
        for row in rows {
            let user = self.read(row).map_err(map_error)?;
            let UserKey::Identity {
                attribute,
                value,
                ignore_case: true,
            } = key
            else {
                return Ok(Some(user));
            };
            if own(&user, attribute).is_some_and(|own| own.eq_ignore_ascii_case(value)) {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }
}

/// What a user has of an attribute.
pub(super) fn own(user: &User, attribute: Identity) -> Option<&str> {
    match attribute {
        Identity::Email => user.email.as_deref(),
        Identity::Username => user.username.as_deref(),
        Identity::Phone => user.us_phone_number.as_deref(),
    }
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Text(None) | Value::Moment(None))
}

/// The SET part of an UPDATE, over the columns that are there.
struct Changes<'a> {
    columns: &'a UserColumns,
    table: &'a str,
    sets: Vec<String>,
    values: Vec<Value>,
}

impl Changes<'_> {
    /// Sets what somebody asked for: it has to have a place.
    fn set(&mut self, column: &str, value: Value) -> Result<(), StoreError> {
        self.columns
            .demand(column, is_nothing(&value), self.table)?;
        self.note(column, value);
        Ok(())
    }

    /// Sets what we write down by ourselves, if there is a place for it.
    fn note(&mut self, column: &str, value: Value) {
        if self.columns.has(column) {
            self.sets.push(format!("{column} = ?"));
            self.values.push(value);
        }
    }

    fn has_both(&self, one: &str, other: &str) -> bool {
        self.columns.has(one) && self.columns.has(other)
    }
}
