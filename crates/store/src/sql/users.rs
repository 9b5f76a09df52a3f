//! The statements about users, and reading their rows.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use time::OffsetDateTime;

use super::columns::{TableNames, USER_COLUMNS, UserColumns, quote};
use super::error::map_error;
use super::{moment, spelling};
use crate::{
    Identity, NewUser, OnlyIf, PasswordChange, StoreError, User, UserId, UserKey, UserPatch,
};

/// The statements, built once.
#[derive(Debug)]
pub(super) struct Statements {
    /// The table's name, as it is and as statements take it.
    name: String,
    table: String,
    columns: UserColumns,
    by_id: String,
    by_uniquifier: String,
    by_token_uniquifier: String,
    by_identity: [[String; 2]; 3],
    page: String,
}

/// Columns that tell of a row and are nobody's wish: where they are not there, nothing is lost.
const BOOKKEEPING: [&str; 4] = [
    "create_datetime",
    "update_datetime",
    "fs_token_uniquifier",
    "fs_webauthn_user_handle",
];

pub(super) const ATTRIBUTES: [Identity; 3] = [Identity::Email, Identity::Username, Identity::Phone];

impl Statements {
    pub(super) fn new(tables: &TableNames, columns: UserColumns) -> Self {
        let table = quote(&tables.user);
        let list = columns.select_list();
        let select = |condition: &str| format!("SELECT {list} FROM {table} WHERE {condition}");
        let by_identity = ATTRIBUTES.map(|attribute| {
            let column = quote(attribute.column());
            [
                select(&format!("{column} = ?1")),
                select(&format!(
                    "lower({column}) = lower(?1) ORDER BY \"id\" LIMIT 1"
                )),
            ]
        });
        Self {
            by_id: select("\"id\" = ?1"),
            by_uniquifier: select("\"fs_uniquifier\" = ?1"),
            by_token_uniquifier: select("\"fs_token_uniquifier\" = ?1"),
            by_identity,
            page: select("\"id\" > ?1 ORDER BY \"id\" LIMIT ?2"),
            name: tables.user.clone(),
            table,
            columns,
        }
    }

    pub(super) fn has_token_uniquifiers(&self) -> bool {
        self.columns.has("fs_token_uniquifier")
    }

    /// Finds whoever has exactly this key.
    pub(super) fn find(
        &self,
        connection: &Connection,
        key: UserKey<'_>,
    ) -> Result<Option<User>, StoreError> {
        match key {
            UserKey::Id(id) => self.one(connection, &self.by_id, id.0),
            UserKey::Uniquifier(text) => self.one(connection, &self.by_uniquifier, text),
            UserKey::TokenUniquifier(text) if self.columns.has("fs_token_uniquifier") => {
                self.one(connection, &self.by_token_uniquifier, text)
            }
            UserKey::TokenUniquifier(_) => Ok(None),
            UserKey::Identity {
                attribute, value, ..
            } => match self.by_identity(attribute) {
                Some([exact, _]) => self.one(connection, exact, value),
                None => Ok(None),
            },
        }
    }

    /// Finds the eldest who has this value in any case: of ASCII, which is what the
    /// `lower()` of SQLite knows, for the reference as well as for us.
    pub(super) fn find_in_any_case(
        &self,
        connection: &Connection,
        attribute: Identity,
        value: &str,
    ) -> Result<Option<User>, StoreError> {
        match self.by_identity(attribute) {
            Some([_, any_case]) => self.one(connection, any_case, value),
            None => Ok(None),
        }
    }

    /// Whether somebody else has this value in any case of any script. SQLite knows the case of
    /// ASCII alone: where other letters are in it, the values are compared with a pattern of all
    /// its spellings, one by one.
    pub(super) fn is_taken(
        &self,
        connection: &Connection,
        whose: Option<UserId>,
        attribute: Identity,
        value: &str,
    ) -> Result<bool, StoreError> {
        if value.is_ascii() {
            let found = self.find_in_any_case(connection, attribute, value)?;
            return Ok(found.is_some_and(|user| Some(user.id) != whose));
        }
        if !self.columns.has(attribute.column()) {
            return Ok(false);
        }
        let statement = format!(
            "SELECT 1 FROM {} WHERE {} GLOB ?1 AND \"id\" IS NOT ?2 LIMIT 1",
            self.table,
            quote(attribute.column())
        );
        let mut statement = connection.prepare_cached(&statement).map_err(map_error)?;
        statement
            .exists((spelling::glob(value), whose.map(|id| id.0)))
            .map_err(map_error)
    }

    /// Whether looking for this attribute in any case reads the whole table, because
    /// there is no index for it: databases that the reference made have none.
    pub(super) fn reads_all(
        &self,
        connection: &Connection,
        attribute: Identity,
    ) -> Result<bool, StoreError> {
        let Some([_, any_case]) = self.by_identity(attribute) else {
            return Ok(false);
        };
        let plan: String = connection
            .query_row(&format!("EXPLAIN QUERY PLAN {any_case}"), [""], |row| {
                row.get("detail")
            })
            .map_err(map_error)?;
        Ok(!plan.starts_with("SEARCH"))
    }

    /// The statements that find a user by an attribute, if the table has it.
    fn by_identity(&self, attribute: Identity) -> Option<&[String; 2]> {
        let statements = match attribute {
            Identity::Email => &self.by_identity[0],
            Identity::Username => &self.by_identity[1],
            Identity::Phone => &self.by_identity[2],
        };
        self.columns.has(attribute.column()).then_some(statements)
    }

    fn one(
        &self,
        connection: &Connection,
        statement: &str,
        value: impl ToSql,
    ) -> Result<Option<User>, StoreError> {
        let mut statement = connection.prepare_cached(statement).map_err(map_error)?;
        statement
            .query_row([value], |row| Ok(self.read(row)))
            .optional()
            .map_err(map_error)?
            .transpose()
    }

    pub(super) fn page(
        &self,
        connection: &Connection,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let mut statement = connection.prepare_cached(&self.page).map_err(map_error)?;
        let after = after.map_or(i64::MIN, |id| id.0);
        let rows = statement
            .query_map((after, limit), |row| Ok(self.read(row)))
            .map_err(map_error)?;
        rows.map(|row| row.map_err(map_error)?).collect()
    }

    pub(super) fn insert(&self, connection: &Connection, new: NewUser) -> Result<User, StoreError> {
        let created = Value::Text(moment::write(new.created_at));
        let mut values: Vec<(&str, Value)> = vec![
            ("email", Value::Text(new.email)),
            ("username", text(new.username)),
            ("password", text(new.password)),
            ("active", Value::Integer(i64::from(new.active))),
            ("fs_uniquifier", Value::Text(new.fs_uniquifier)),
            ("fs_token_uniquifier", Value::Text(new.fs_token_uniquifier)),
            (
                "fs_webauthn_user_handle",
                Value::Text(new.fs_webauthn_user_handle),
            ),
            ("us_phone_number", text(new.us_phone_number)),
            ("confirmed_at", text(new.confirmed_at.map(moment::write))),
            ("create_datetime", created.clone()),
            ("update_datetime", created),
        ];
        for (name, value) in &values {
            if !BOOKKEEPING.contains(name) {
                self.columns
                    .demand(name, *value == Value::Null, &self.name)?;
            }
        }
        values.retain(|(name, _)| self.columns.has(name));
        let names: Vec<String> = values.iter().map(|(name, _)| quote(name)).collect();
        let marks: Vec<String> = (1..=values.len())
            .map(|index| format!("?{index}"))
            .collect();
        // SQLite gives the number of the last user to the next one, once the last is deleted.
        // Whoever was there is in the audit log, and stays in it under this number.
        let statement = format!(
            "INSERT INTO {table} (\"id\", {}) VALUES (1 + max( \
             coalesce((SELECT max(\"id\") FROM {table}), 0), \
             coalesce((SELECT max(user_id) FROM vestibule_audit), 0)), {}) RETURNING \"id\"",
            names.join(", "),
            marks.join(", "),
            table = self.table,
        );
        let id: i64 = connection
            .prepare_cached(&statement)
            .and_then(|mut statement| {
                let values = values.iter().map(|(_, value)| value);
                statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))
            })
            .map_err(map_error)?;
        self.find(connection, UserKey::Id(UserId(id)))?
            .ok_or_else(|| StoreError::Other("a new row has gone".to_owned()))
    }

    pub(super) fn update(
        &self,
        connection: &Connection,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut changes = Changes {
            columns: &self.columns,
            table: &self.name,
            sets: Vec::new(),
            values: Vec::new(),
        };
        let now = Value::Text(moment::write(now));
        if let Some(active) = patch.active {
            changes.set("active", Value::Integer(i64::from(active)))?;
        }
        if let Some(email) = patch.email {
            changes.set("email", Value::Text(email))?;
        }
        if let Some(username) = patch.username {
            changes.set("username", text(username))?;
        }
        if let Some(phone) = patch.us_phone_number {
            changes.set("us_phone_number", text(phone))?;
        }
        if let Some(confirmed_at) = patch.confirmed_at {
            changes.set("confirmed_at", text(confirmed_at.map(moment::write)))?;
        }
        match patch.password {
            Some(PasswordChange::Set(hash)) => changes.set("password", Value::Text(hash))?,
            Some(PasswordChange::Upgrade { old, new }) if self.columns.has("password") => {
                let old = changes.value(Value::Text(old));
                let new = changes.value(Value::Text(new));
                changes.sets.push(format!(
                    "\"password\" = CASE WHEN \"password\" = {old} THEN {new} ELSE \"password\" END"
                ));
            }
            Some(PasswordChange::Upgrade { .. }) | None => {}
        }
        if let Some(uniquifier) = patch.fs_uniquifier {
            changes.set("fs_uniquifier", Value::Text(uniquifier))?;
        }
        if let Some(uniquifier) = patch.fs_token_uniquifier {
            changes.note("fs_token_uniquifier", Value::Text(uniquifier));
        }
        if let Some(uniquifier) = patch.first_token_uniquifier
            && self.has_token_uniquifiers()
        {
            let mark = changes.value(Value::Text(uniquifier));
            changes.sets.push(format!(
                "\"fs_token_uniquifier\" = coalesce(\"fs_token_uniquifier\", {mark})"
            ));
        }
        if let Some(method) = patch.tf_primary_method {
            changes.set("tf_primary_method", text(method))?;
        }
        if let Some(sign_in) = patch.sign_in {
            // The right-hand sides all see the row as it was.
            if changes.has_both("last_login_at", "current_login_at") {
                let at = changes.value(now.clone());
                changes.sets.push(format!(
                    "\"last_login_at\" = coalesce(\"current_login_at\", {at})"
                ));
            }
            changes.note("current_login_at", now.clone());
            if changes.has_both("last_login_ip", "current_login_ip") {
                changes
                    .sets
                    .push("\"last_login_ip\" = \"current_login_ip\"".to_owned());
            }
            changes.note("current_login_ip", text(sign_in.ip));
            if changes.columns.has("login_count") {
                changes
                    .sets
                    .push("\"login_count\" = coalesce(\"login_count\", 0) + 1".to_owned());
            }
        }
        if !changes.sets.is_empty() {
            changes.note("update_datetime", now);
        } else if patch.only_if == OnlyIf::default() {
            return Ok(self.find(connection, UserKey::Id(id))?.is_some());
        } else {
            // Nothing changes, and the conditions are checked all the same.
            changes
                .sets
                .push("\"fs_uniquifier\" = \"fs_uniquifier\"".to_owned());
        }
        let mut key = changes.value(Value::Integer(id.0));
        if let Some(email) = patch.only_if.email {
            let mark = changes.value(Value::Text(email));
            key.push_str(&format!(" AND \"email\" = {mark}"));
        }
        if let Some(uniquifier) = patch.only_if.fs_uniquifier {
            let mark = changes.value(Value::Text(uniquifier));
            key.push_str(&format!(" AND \"fs_uniquifier\" = {mark}"));
        }
        if patch.only_if.unconfirmed {
            key.push_str(" AND \"confirmed_at\" IS NULL");
        }
        let statement = format!(
            "UPDATE {} SET {} WHERE \"id\" = {key}",
            self.table,
            changes.sets.join(", ")
        );
        let changed = connection
            .prepare_cached(&statement)
            .and_then(|mut statement| {
                statement.execute(rusqlite::params_from_iter(changes.values.iter()))
            })
            .map_err(map_error)?;
        Ok(changed == 1)
    }

    fn read(&self, row: &Row<'_>) -> Result<User, StoreError> {
        let cells = Cells {
            row,
            table: &self.name,
        };
        Ok(User {
            id: UserId(cells.integer(0)?.unwrap_or_default()),
            email: cells.text(1)?,
            username: cells.text(2)?,
            password: cells.text(3)?,
            active: cells.integer(4)?.unwrap_or_default() != 0,
            fs_uniquifier: cells.text(5)?.ok_or_else(|| cells.corrupt(5))?,
            fs_token_uniquifier: cells.text(21)?,
            confirmed_at: cells.moment(6)?,
            last_login_at: cells.moment(7)?,
            current_login_at: cells.moment(8)?,
            last_login_ip: cells.text(9)?,
            current_login_ip: cells.text(10)?,
            login_count: cells.integer(11)?,
            tf_primary_method: cells.text(12)?,
            tf_totp_secret: cells.text(13)?,
            tf_phone_number: cells.text(14)?,
            us_totp_secrets: cells.text(15)?,
            us_phone_number: cells.text(16)?,
            fs_webauthn_user_handle: cells.text(17)?,
            mf_recovery_codes: cells.text(18)?,
            create_datetime: cells.moment(19)?,
            update_datetime: cells.moment(20)?,
        })
    }
}

/// The SET part of an UPDATE, over the columns that are there.
struct Changes<'a> {
    columns: &'a UserColumns,
    table: &'a str,
    sets: Vec<String>,
    values: Vec<Value>,
}

impl Changes<'_> {
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// Sets what somebody asked for: it has to have a place.
    fn set(&mut self, column: &str, value: Value) -> Result<(), StoreError> {
        self.columns
            .demand(column, value == Value::Null, self.table)?;
        self.note(column, value);
        Ok(())
    }

    /// Sets what we write down by ourselves, if there is a place for it.
    fn note(&mut self, column: &str, value: Value) {
        if self.columns.has(column) {
            let mark = self.value(value);
            self.sets.push(format!("{} = {mark}", quote(column)));
        }
    }

    fn has_both(&self, one: &str, other: &str) -> bool {
        self.columns.has(one) && self.columns.has(other)
    }
}

fn text(value: Option<String>) -> Value {
    value.map_or(Value::Null, Value::Text)
}

/// The cells of a row of users. SQLite lets a cell hold anything; what makes no sense is
/// told by table, column and row.
struct Cells<'a> {
    row: &'a Row<'a>,
    table: &'a str,
}

impl Cells<'_> {
    fn corrupt(&self, index: usize) -> StoreError {
        StoreError::Corrupt {
            table: self.table.to_owned(),
            column: USER_COLUMNS[index].to_owned(),
            row: self.row.get(0).unwrap_or_default(),
        }
    }

    fn cell(&self, index: usize) -> Result<ValueRef<'_>, StoreError> {
        self.row.get_ref(index).map_err(map_error)
    }

    fn text(&self, index: usize) -> Result<Option<String>, StoreError> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes)
                .map(|text| Some(text.to_owned()))
                .map_err(|_| self.corrupt(index)),
            ValueRef::Integer(number) => Ok(Some(number.to_string())),
            ValueRef::Real(_) => Err(self.corrupt(index)),
        }
    }

    fn integer(&self, index: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            _ => Err(self.corrupt(index)),
        }
    }

    fn moment(&self, index: usize) -> Result<Option<OffsetDateTime>, StoreError> {
        match self.cell(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => moment::read(bytes)
                .map(Some)
                .ok_or_else(|| self.corrupt(index)),
            _ => Err(self.corrupt(index)),
        }
    }
}
