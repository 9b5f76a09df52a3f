//! Users: finding, creating and updating them.

use time::OffsetDateTime;
use vestibule_formats::text::case::fold;

use super::roles::{JOIN, RoleStatements, each_once_by_name};
use super::user_update::UserUpdate;
use crate::sql::columns::{USER_COLUMNS, UserColumns};
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, all, first, lost_row};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::sql::{TableNames, spelling};
use crate::{Identity, NewUser, Role, StoreError, Uniquifiers, User, UserId, UserKey, UserPatch};

/// How many users are read whose value differs from the wanted one in case only.
const CANDIDATES: u32 = 32;

/// Bookkeeping columns: skipped when the table lacks them.
const BOOKKEEPING: [&str; 4] = [
    "create_datetime",
    "update_datetime",
    "fs_token_uniquifier",
    "fs_webauthn_user_handle",
];

/// The attributes that identify users.
pub(in crate::sql) const ATTRIBUTES: [Identity; 3] =
    [Identity::Email, Identity::Username, Identity::Phone];

/// The statements, built once.
#[derive(Debug)]
pub(in crate::sql) struct UserStatements {
    pub(super) dialect: Dialect,
    pub(super) tables: TableNames,
    pub(super) columns: UserColumns,
    /// Whether the database knows every letter.
    utf8: bool,
    list: String,
    by_id: Select,
    by_uniquifier: Select,
    by_token_uniquifier: Select,
    by_identity: [Select; 3],
    in_any_case: [String; 3],
    page: String,
    lock: String,
    /// Tables with a column `user_id` that may still refer to a user whom another program deleted.
    pub(super) referring: Vec<&'static str>,
}

/// A user's `fs_webauthn_user_handle`, which stays the same as long as the user exists.
pub(super) type OwnHandle = Option<String>;

/// The column of a user's handle, or NULL if the table lacks it.
pub(super) fn handle_column(columns: &UserColumns) -> &'static str {
    if columns.has("fs_webauthn_user_handle") {
        "fs_webauthn_user_handle"
    } else {
        "NULL"
    }
}

/// A look-up of one user.
#[derive(Debug)]
struct Select {
    plain: String,
    /// The same with the user's roles, a row for each.
    with_roles: String,
}

impl UserStatements {
    pub(in crate::sql) fn new(
        dialect: Dialect,
        tables: &TableNames,
        columns: UserColumns,
        roles: &RoleStatements,
        utf8: bool,
    ) -> Self {
        let list = USER_COLUMNS.map(|column| match column {
            // A column that the table lacks reads as NULL.
            _ if !columns.has(column) => "NULL".to_owned(),
            "id" | "login_count" => dialect.number(&format!("u.{column}")),
            _ => format!("u.{column}"),
        });
        let list = list.join(", ");
        let plain = |condition: &str| {
            let text = format!("SELECT {list} FROM {{user}} u WHERE {condition}");
            dialect.statement(tables, &text)
        };
        let select = |condition: &str| Select {
            plain: plain(condition),
            with_roles: dialect.statement(
                tables,
                &format!(
                    "SELECT {list}, {} FROM {{user}} u {JOIN} WHERE {condition}",
                    roles.list
                ),
            ),
        };
        let exactly = |column: &str| select(&dialect.exactly(&format!("u.{column}")).0);
        Self {
            by_id: select("u.id = ?"),
            by_uniquifier: exactly("fs_uniquifier"),
            by_token_uniquifier: exactly("fs_token_uniquifier"),
            by_identity: ATTRIBUTES.map(|attribute| exactly(attribute.column())),
            in_any_case: ATTRIBUTES.map(|attribute| plain(&in_any_case(dialect, attribute))),
            page: plain("u.id > ? ORDER BY u.id LIMIT ?"),
            lock: dialect.statement(
                tables,
                &format!(
                    "SELECT {} FROM {{user}} WHERE id = ?{}",
                    handle_column(&columns),
                    dialect.for_update()
                ),
            ),
            referring: vec!["vestibule_audit", "vestibule_identities"],
            dialect,
            tables: tables.clone(),
            columns,
            utf8,
            list,
        }
    }

    pub(in crate::sql) fn has_token_uniquifiers(&self) -> bool {
        self.columns.has("fs_token_uniquifier")
    }

    /// The look-up by exactly this key, and its values; none if no user can have the key.
    fn select<'a>(&self, key: UserKey<'a>) -> Option<(&Select, Vec<Value<'a>>)> {
        let (select, column, text) = match key {
            UserKey::Id(id) => return Some((&self.by_id, vec![Value::number(id.0)])),
            UserKey::Uniquifier(text) => (&self.by_uniquifier, "fs_uniquifier", text),
            UserKey::TokenUniquifier(text) => {
                (&self.by_token_uniquifier, "fs_token_uniquifier", text)
            }
            UserKey::Identity {
                attribute, value, ..
            } => (
                &self.by_identity[index(attribute)],
                attribute.column(),
                value,
            ),
        };
        if !self.columns.has(column) || !self.dialect.can_compare(text) {
            return None;
        }
        let (_, times) = self.dialect.exactly(column);
        Some((select, vec![Value::text(text); times]))
    }

    /// Finds the user who has exactly this key.
    pub(in crate::sql) async fn find_exactly<X: Executor>(
        &self,
        db: &mut X,
        key: UserKey<'_>,
    ) -> Outcome<Option<User>, X> {
        let Some((select, values)) = self.select(key) else {
            return Ok(None);
        };
        let query = Query::new(&select.plain, values);
        first(db, &query, |row| self.read(row)).await
    }

    /// Finds the user who has exactly this key, and their roles, with one statement.
    pub(in crate::sql) async fn find_exactly_with_roles<X: Executor>(
        &self,
        db: &mut X,
        roles: &RoleStatements,
        key: UserKey<'_>,
    ) -> Outcome<Option<(User, Vec<Role>)>, X> {
        let Some((select, values)) = self.select(key) else {
            return Ok(None);
        };
        let mut user = None;
        let mut found = Vec::new();
        let query = Query::new(&select.with_roles, values);
        db.each(&query, |row| {
            if user.is_none() {
                user = Some(self.read(row)?);
            }
            found.extend(roles.read(row, USER_COLUMNS.len())?);
            Ok(())
        })
        .await?;
        Ok(user.map(|user| (user, each_once_by_name(found))))
    }

    /// Finds a user who has this value, ignoring the case of ASCII. A user who has it in exactly
    /// this case comes first on a server, then the eldest.
    pub(in crate::sql) async fn find_in_any_case<X: Executor>(
        &self,
        db: &mut X,
        attribute: Identity,
        value: &str,
    ) -> Outcome<Option<User>, X> {
        let has_value = |user: &User| {
            identity(user, attribute).is_some_and(|own| own.eq_ignore_ascii_case(value))
        };
        let users = self.candidates(db, attribute, value).await?;
        Ok(users.into_iter().find(has_value))
    }

    /// The users who may have this value in any case of ASCII: MySQL's collations compare more
    /// letters than these as equal.
    async fn candidates<X: Executor>(
        &self,
        db: &mut X,
        attribute: Identity,
        value: &str,
    ) -> Outcome<Vec<User>, X> {
        if !self.columns.has(attribute.column()) || !self.dialect.can_compare(value) {
            return Ok(Vec::new());
        }
        let times = if self.dialect == Dialect::Sqlite {
            1
        } else {
            2
        };
        let text = &self.in_any_case[index(attribute)];
        let query = Query::new(text, vec![Value::text(value); times]);
        all(db, &query, |row| self.read(row)).await
    }

    /// Every look-up of one user.
    #[cfg(test)]
    pub(in crate::sql) fn look_ups(&self) -> Vec<&str> {
        let exact = [&self.by_id, &self.by_uniquifier, &self.by_token_uniquifier];
        let selects = exact.into_iter().chain(&self.by_identity);
        let texts = selects.flat_map(|select| [&select.plain, &select.with_roles]);
        texts.chain(&self.in_any_case).map(String::as_str).collect()
    }

    /// The look-up that ignores case, for a database that can tell how it would run it.
    pub(in crate::sql) fn explain_in_any_case(&self, attribute: Identity) -> Option<Query<'_>> {
        let text = &self.in_any_case[index(attribute)];
        self.columns
            .has(attribute.column())
            .then(|| Query::new(format!("EXPLAIN QUERY PLAN {text}"), vec![Value::text("")]))
    }

    /// Whether another user has this value in any case of any script. Transactions that ask for
    /// the same value wait for each other, if the database supports it.
    pub(super) async fn is_taken<X: Executor>(
        &self,
        db: &mut X,
        whose: Option<UserId>,
        attribute: Identity,
        value: &str,
    ) -> Outcome<bool, X> {
        let folded = fold(value);
        if let Some(lock) = self.dialect.lock_value() {
            let name = format!("{}:{folded}", attribute.column());
            first(db, &Query::new(lock, vec![Value::text(name)]), |_| Ok(())).await?;
        }
        let users = match self.spellings(attribute, value) {
            Some(query) => all(db, &query, |row| self.read(row)).await?,
            None => self.candidates(db, attribute, value).await?,
        };
        let has_value =
            |user: &User| identity(user, attribute).is_some_and(|own| fold(own) == folded);
        Ok(users
            .iter()
            .any(|user| Some(user.id) != whose && has_value(user)))
    }

    /// The query for users who have this value in any case of any script. `None` if the look-up
    /// that ignores the case of ASCII finds them all, or all that the database can find.
    fn spellings<'a>(&self, attribute: Identity, value: &'a str) -> Option<Query<'a>> {
        let column = attribute.column();
        let possible = self.columns.has(column) && self.dialect.can_compare(value);
        if value.is_ascii() || !self.utf8 || !possible {
            return None;
        }
        let (condition, values) = match self.dialect {
            // SQLite knows the case of ASCII alone: it compares every value with a pattern.
            Dialect::Sqlite => (
                format!("u.{column} GLOB ?"),
                vec![Value::text(spelling::glob(value))],
            ),
            Dialect::Postgres => (
                format!("translate(u.{column}, ?, ?) COLLATE \"C\" = ?"),
                spelling::translation(value).map(Value::text).into(),
            ),
            // Its collations know the case of every script.
            Dialect::MySql { .. } => return None,
        };
        let text = format!(
            "SELECT {} FROM {{user}} u WHERE {condition} ORDER BY u.id LIMIT {CANDIDATES}",
            self.list
        );
        Some(Query::new(
            self.dialect.statement(&self.tables, &text),
            values,
        ))
    }

    /// Users in the order of their IDs.
    pub(in crate::sql) async fn page<X: Executor>(
        &self,
        db: &mut X,
        after: Option<UserId>,
        limit: u32,
    ) -> Outcome<Vec<User>, X> {
        let after = after.map_or(i64::MIN, |id| id.0);
        let values = vec![Value::number(after), Value::number(limit.into())];
        all(db, &Query::new(&self.page, values), |row| self.read(row)).await
    }

    /// Locks the row of a user until the transaction ends. Returns the user's handle, or `None` if
    /// the user does not exist.
    pub(super) async fn lock<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
    ) -> Outcome<Option<OwnHandle>, X> {
        let read = |cells: &dyn Cells| {
            let columns = &["fs_webauthn_user_handle"];
            let table = &self.tables.user;
            let row = Record {
                cells,
                table,
                columns,
                first: 0,
            };
            row.text(0)
        };
        let query = Query::new(&self.lock, vec![Value::number(id.0)]);
        first(db, &query, read).await
    }

    pub(in crate::sql) async fn create<X: Executor>(
        &self,
        db: &mut X,
        new: &NewUser,
    ) -> Outcome<User, X> {
        let id = self.insert(db, new).await?;
        let made = self.find_exactly(db, UserKey::Id(id)).await?;
        made.ok_or_else(|| lost_row().into())
    }

    pub(super) async fn insert<X: Executor>(
        &self,
        db: &mut X,
        new: &NewUser,
    ) -> Outcome<UserId, X> {
        let time = |time| Value::Time(Some(self.dialect.time(time)));
        let confirmed_at = new.confirmed_at.map(|time| self.dialect.time(time));
        let mut values = vec![
            ("email", Value::text(&new.email)),
            ("username", Value::maybe_text(new.username.as_deref())),
            ("password", Value::maybe_text(new.password.as_deref())),
            ("active", Value::Flag(new.active)),
            ("fs_uniquifier", Value::text(&new.fs_uniquifier)),
            ("fs_token_uniquifier", Value::text(&new.fs_token_uniquifier)),
            (
                "fs_webauthn_user_handle",
                Value::text(&new.fs_webauthn_user_handle),
            ),
            (
                "us_phone_number",
                Value::maybe_text(new.us_phone_number.as_deref()),
            ),
            (
                "us_totp_secrets",
                Value::maybe_text(new.us_totp_secrets.as_deref()),
            ),
            ("confirmed_at", Value::Time(confirmed_at)),
            ("create_datetime", time(new.created_at)),
            ("update_datetime", time(new.created_at)),
        ];
        for (name, value) in &values {
            if !BOOKKEEPING.contains(name) {
                let table = &self.tables.user;
                self.columns.require(name, value.is_null(), table)?;
            }
        }
        values.retain(|(name, _)| self.columns.has(name));
        let (names, values): (Vec<&str>, Vec<Value<'_>>) = values.into_iter().unzip();
        let names = names.join(", ");
        let placeholders = vec!["?"; values.len()].join(", ");
        let text = if self.dialect == Dialect::Sqlite {
            // After the last user is deleted, SQLite would give their ID to the next one. The
            // audit log still names the deleted user by it, and rows may refer to a user whom
            // another program deleted.
            let referring = self.referring.iter();
            let others: Vec<_> = referring
                .map(|table| format!(", coalesce((SELECT max(user_id) FROM {table}), 0)"))
                .collect();
            format!(
                "INSERT INTO {{user}} (id, {names}) VALUES (1 + max( \
                 coalesce((SELECT max(id) FROM {{user}}), 0){}), {placeholders})",
                others.concat()
            )
        } else {
            format!("INSERT INTO {{user}} ({names}) VALUES ({placeholders})")
        };
        let text = self.dialect.statement(&self.tables, &text);
        db.insert(&Query::new(text, values)).await.map(UserId)
    }

    /// Returns false if there is no such user in the expected state.
    pub(in crate::sql) async fn update<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
        patch: &UserPatch,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        if let Some(update) = UserUpdate::of_patch(self, patch, now)? {
            let query = update.query(id, Some(&patch.only_if));
            return Ok(db.execute(&query).await? == 1);
        }
        let found = self.find_exactly(db, UserKey::Id(id)).await?;
        Ok(found.is_some())
    }

    /// The UPDATE that revokes every credential except the password and the passkeys.
    pub(super) fn reset_access<'a>(
        &'a self,
        id: UserId,
        fresh: &'a Uniquifiers,
        now: OffsetDateTime,
    ) -> Query<'a> {
        UserUpdate::of_reset(self, fresh, now).query(id, None)
    }

    fn read(&self, cells: &dyn Cells) -> Result<User, StoreError> {
        let row = Record {
            cells,
            table: &self.tables.user,
            columns: &USER_COLUMNS,
            first: 0,
        };
        Ok(User {
            id: UserId(row.required(0, row.number(0)?)?),
            email: row.text(1)?,
            username: row.text(2)?,
            password: row.text(3)?,
            active: row.flag(4)?.unwrap_or_default(),
            fs_uniquifier: row.required(5, row.text(5)?)?,
            confirmed_at: row.time(6)?,
            last_login_at: row.time(7)?,
            current_login_at: row.time(8)?,
            last_login_ip: row.text(9)?,
            current_login_ip: row.text(10)?,
            login_count: row.number(11)?,
            tf_primary_method: row.text(12)?,
            tf_totp_secret: row.text(13)?,
            tf_phone_number: row.text(14)?,
            us_totp_secrets: row.text(15)?,
            us_phone_number: row.text(16)?,
            fs_webauthn_user_handle: row.text(17)?,
            mf_recovery_codes: row.text(18)?,
            create_datetime: row.time(19)?,
            update_datetime: row.time(20)?,
            fs_token_uniquifier: row.text(21)?,
        })
    }
}

/// The condition for users who have a value in any case of ASCII.
fn in_any_case(dialect: Dialect, attribute: Identity) -> String {
    let column = attribute.column();
    match dialect {
        // SQLite's `lower()` folds ASCII only, for the reference as well.
        Dialect::Sqlite => format!("lower(u.{column}) = lower(?) ORDER BY u.id LIMIT 1"),
        // The collation "C" folds ASCII only, whatever the locale of the database.
        Dialect::Postgres => format!(
            "lower(u.{column} COLLATE \"C\") = lower(? COLLATE \"C\") \
             ORDER BY (u.{column} = ?) DESC, u.id LIMIT 1"
        ),
        // Uses the index, which finds every value that its collation compares as equal.
        Dialect::MySql { .. } => format!(
            "u.{column} = ? \
             ORDER BY CAST(CONVERT(u.{column} USING utf8mb4) AS BINARY) \
             = CAST(? AS BINARY) DESC, u.id \
             LIMIT {CANDIDATES}"
        ),
    }
}

const fn index(attribute: Identity) -> usize {
    match attribute {
        Identity::Email => 0,
        Identity::Username => 1,
        Identity::Phone => 2,
    }
}

fn identity(user: &User, attribute: Identity) -> Option<&str> {
    match attribute {
        Identity::Email => user.email.as_deref(),
        Identity::Username => user.username.as_deref(),
        Identity::Phone => user.us_phone_number.as_deref(),
    }
}
