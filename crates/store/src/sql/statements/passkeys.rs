//! Passkeys.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::users::UserStatements;
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, all, first};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::{NewPasskey, Passkey, PasskeyChange, PasskeyUsage, StoreError, UserId};

/// The columns of a passkey, in the order in which they are read.
const COLUMNS: [&str; 13] = [
    "id",
    "user_id",
    "name",
    "credential_id",
    "public_key",
    "sign_count",
    "transports",
    "extensions",
    "backup_state",
    "device_type",
    "usage",
    "create_datetime",
    "lastuse_datetime",
];

/// The columns without which passkeys cannot be read or written.
const REQUIRED: [&str; 7] = [
    "id",
    "user_id",
    "name",
    "credential_id",
    "public_key",
    "sign_count",
    "usage",
];

/// The kind of device that a table without the column stands for.
const SINGLE_DEVICE: &str = "single_device";

/// The statements, built once.
#[derive(Debug)]
pub(in crate::sql) struct PasskeyStatements {
    dialect: Dialect,
    tables: TableNames,
    columns: HashSet<String>,
    any: String,
    of_usage: String,
    by_credential: String,
    of_user: String,
    by_name: String,
    used: String,
    delete: String,
    delete_all: String,
}

impl PasskeyStatements {
    pub(in crate::sql) fn new(
        dialect: Dialect,
        tables: &TableNames,
        columns: HashSet<String>,
    ) -> Self {
        let statement = |text: &str| dialect.statement(tables, text);
        // In braces, names are quoted: MySQL reserves `usage`.
        let list = COLUMNS.map(|column| match column {
            // A column that the table lacks reads as NULL.
            _ if !columns.contains(column) => "NULL".to_owned(),
            "id" | "user_id" | "sign_count" => dialect.number(column),
            _ => format!("{{{column}}}"),
        });
        let select = |condition: &str| {
            statement(&format!(
                "SELECT {} FROM {{web_authn}} WHERE {condition}",
                list.join(", ")
            ))
        };
        let (of_usage, _) = dialect.exactly("{usage}");
        let (by_name, _) = dialect.exactly("{name}");
        let mut sets = vec!["sign_count = ?".to_owned()];
        for column in ["lastuse_datetime", "backup_state", "device_type"] {
            if columns.contains(column) {
                sets.push(format!("{column} = ?"));
            }
        }
        Self {
            any: statement("SELECT 1 FROM {web_authn} WHERE user_id = ? LIMIT 1"),
            of_usage: statement(&format!(
                "SELECT 1 FROM {{web_authn}} WHERE user_id = ? AND {of_usage} LIMIT 1"
            )),
            by_credential: select("credential_id = ?"),
            of_user: select("user_id = ? ORDER BY id"),
            by_name: statement(&format!(
                "SELECT 1 FROM {{web_authn}} WHERE user_id = ? AND {by_name} LIMIT 1"
            )),
            // Compare and swap: a counter that is NULL or negative reads as 0.
            used: statement(&format!(
                "UPDATE {{web_authn}} SET {} WHERE id = ? AND user_id = ? \
                 AND (sign_count = ? OR (? = 0 AND coalesce(sign_count, -1) < 0))",
                sets.join(", ")
            )),
            delete: statement("DELETE FROM {web_authn} WHERE id = ? AND user_id = ?"),
            delete_all: statement("DELETE FROM {web_authn} WHERE user_id = ?"),
            dialect,
            tables: tables.clone(),
            columns,
        }
    }

    /// The statement that decides whether a user has a passkey.
    #[cfg(test)]
    pub(in crate::sql) fn hot_texts(&self) -> [&str; 2] {
        [&self.any, &self.of_usage]
    }

    /// Whether passkeys have an owner. Without a table there are none.
    pub(super) fn have_owners(&self) -> bool {
        self.columns.contains("user_id")
    }

    /// Fails if the table exists and lacks a column that passkeys need. Returns whether it exists.
    fn is_usable(&self) -> Result<bool, StoreError> {
        let table = &self.tables.web_authn;
        match REQUIRED.iter().find(|name| !self.columns.contains(**name)) {
            None => Ok(true),
            Some(_) if self.columns.is_empty() => Ok(false),
            Some(missing) => Err(StoreError::Schema(format!(
                "the table {table:?} has no column {missing:?}: run `vestibule db check`"
            ))),
        }
    }

    /// Refuses to write if the table does not exist.
    fn require_table(&self) -> Result<(), StoreError> {
        if self.is_usable()? {
            return Ok(());
        }
        Err(StoreError::Schema(format!(
            "there is no table {:?}: run `vestibule db upgrade`",
            self.tables.web_authn
        )))
    }

    pub(in crate::sql) async fn has_any<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
        usage: Option<PasskeyUsage>,
    ) -> Outcome<bool, X> {
        let mut values = vec![Value::number(id.0)];
        let text = match usage {
            _ if !self.have_owners() => return Ok(false),
            None => &self.any,
            Some(usage) if self.columns.contains("usage") => {
                let (_, times) = self.dialect.exactly("usage");
                values.extend(vec![Value::text(usage.as_str()); times]);
                &self.of_usage
            }
            Some(_) => return Ok(false),
        };
        let found = first(db, &Query::new(text, values), |_| Ok(())).await?;
        Ok(found.is_some())
    }

    pub(in crate::sql) async fn find<X: Executor>(
        &self,
        db: &mut X,
        credential_id: &[u8],
    ) -> Outcome<Option<Passkey>, X> {
        if !self.is_usable()? {
            return Ok(None);
        }
        let query = Query::new(&self.by_credential, vec![Value::bytes(credential_id)]);
        first(db, &query, |row| self.read(row)).await
    }

    pub(in crate::sql) async fn of_user<X: Executor>(
        &self,
        db: &mut X,
        id: UserId,
    ) -> Outcome<Vec<Passkey>, X> {
        if !self.is_usable()? {
            return Ok(Vec::new());
        }
        let query = Query::new(&self.of_user, vec![Value::number(id.0)]);
        all(db, &query, |row| self.read(row)).await
    }

    /// Applies a change, inside of a transaction that has locked the user. Returns false if the
    /// passkey does not exist in the expected state.
    pub(super) async fn apply<X: Executor>(
        &self,
        db: &mut X,
        users: &UserStatements,
        change: &PasskeyChange,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        self.require_table()?;
        match change {
            PasskeyChange::Create(user, new) => {
                if users.lock(db, *user).await?.is_none() {
                    return Ok(false);
                }
                self.insert(db, *user, new, now).await?;
                Ok(true)
            }
            PasskeyChange::Used {
                id,
                user_id,
                old_sign_count,
                sign_count,
                backup_state,
                device_type,
            } => {
                let old = Value::number((*old_sign_count).into());
                let mut values = vec![self.sign_count(*sign_count)];
                for (column, value) in [
                    ("lastuse_datetime", self.dialect.time_value(now)),
                    ("backup_state", Value::Flag(*backup_state)),
                    ("device_type", Value::text(device_type)),
                ] {
                    if self.columns.contains(column) {
                        values.push(value);
                    }
                }
                values.extend([Value::number(*id), Value::number(user_id.0)]);
                values.extend([old.clone(), old]);
                Ok(db.execute(&Query::new(&self.used, values)).await? == 1)
            }
            PasskeyChange::Delete { user_id, id } => {
                let values = vec![Value::number(*id), Value::number(user_id.0)];
                Ok(db.execute(&Query::new(&self.delete, values)).await? == 1)
            }
        }
    }

    /// Inserts a passkey, inside of a transaction that has locked the user, so that no other
    /// passkey of the same name comes in between.
    async fn insert<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
        new: &NewPasskey,
        now: OffsetDateTime,
    ) -> Outcome<(), X> {
        let conflict = |column: &str| StoreError::Conflict {
            column: column.to_owned(),
        };
        if self.find(db, &new.credential_id).await?.is_some() {
            return Err(conflict("credential_id").into());
        }
        let (_, times) = self.dialect.exactly("name");
        let mut values = vec![Value::number(user.0)];
        values.extend(vec![Value::text(&new.name); times]);
        let named = first(db, &Query::new(&self.by_name, values), |_| Ok(())).await?;
        if named.is_some() {
            return Err(conflict("name").into());
        }
        let mut values = vec![
            ("user_id", Value::number(user.0)),
            ("name", Value::text(&new.name)),
            ("credential_id", Value::bytes(&new.credential_id)),
            ("public_key", Value::bytes(&new.public_key)),
            ("sign_count", self.sign_count(new.sign_count)),
            ("transports", Value::text(new.transports.join(","))),
            ("extensions", Value::maybe_text(new.extensions.as_deref())),
            ("backup_state", Value::Flag(new.backup_state)),
            ("device_type", Value::text(&new.device_type)),
            ("usage", Value::text(new.usage.as_str())),
            ("create_datetime", self.dialect.time_value(now)),
            ("lastuse_datetime", self.dialect.time_value(now)),
        ];
        values.retain(|(column, _)| self.columns.contains(*column));
        let (names, values): (Vec<&str>, Vec<Value<'_>>) = values.into_iter().unzip();
        let text = format!(
            "INSERT INTO {{web_authn}} ({{{}}}) VALUES ({})",
            names.join("}, {"),
            vec!["?"; values.len()].join(", ")
        );
        let text = self.dialect.statement(&self.tables, &text);
        db.insert(&Query::new(text, values)).await.map(drop)
    }

    /// Deletes every passkey of a user.
    pub(super) async fn delete_all<X: Executor>(&self, db: &mut X, user: UserId) -> Outcome<(), X> {
        if !self.have_owners() {
            return Ok(());
        }
        let values = vec![Value::number(user.0)];
        db.execute(&Query::new(&self.delete_all, values))
            .await
            .map(drop)
    }

    /// A counter as its column can hold it: on a server, the column has four bytes and a sign.
    fn sign_count(&self, count: u32) -> Value<'static> {
        let most = match self.dialect {
            Dialect::Sqlite => u32::MAX,
            Dialect::Postgres | Dialect::MySql { .. } => i32::MAX.unsigned_abs(),
        };
        Value::number(count.min(most).into())
    }

    fn read(&self, cells: &dyn Cells) -> Result<Passkey, StoreError> {
        let row = Record {
            cells,
            table: &self.tables.web_authn,
            columns: &COLUMNS,
            first: 0,
        };
        let sign_count = row.number(5)?.unwrap_or_default().max(0);
        let transports = row.text(6)?.unwrap_or_default();
        let last_used_at = row.time(12)?;
        let created_at = row.time(11)?.or(last_used_at);
        let created_at = created_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Passkey {
            id: row.required(0, row.number(0)?)?,
            user_id: UserId(row.required(1, row.number(1)?)?),
            name: row.required(2, row.text(2)?)?,
            credential_id: row.required(3, row.bytes(3)?)?,
            public_key: row.required(4, row.bytes(4)?)?,
            sign_count: u32::try_from(sign_count).unwrap_or(u32::MAX),
            transports: (transports.split(','))
                .filter(|_| !transports.is_empty())
                .map(str::to_owned)
                .collect(),
            extensions: row.text(7)?,
            backup_state: row.flag(8)?.unwrap_or_default(),
            device_type: row.text(9)?.unwrap_or_else(|| SINGLE_DEVICE.to_owned()),
            usage: row.required(10, row.text(10)?)?,
            created_at,
            last_used_at: last_used_at.unwrap_or(created_at),
        })
    }
}
