//! Identities at providers that are linked to users: the same on every database.
//!
//! The texts that a provider chooses are stored as bytes, so that every database keeps all of them
//! and compares them byte for byte.
//!
//! Another program may delete a user and leave the identities behind, and SQLite may then give the
//! identifier to another user. Hence an identity also keeps the user's handle, and belongs to a
//! user of the same identifier and handle only.

use time::OffsetDateTime;

use super::users::{OwnHandle, UserStatements, handle_column};
use crate::change::{from_micros, micros};
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Outcome, all, first};
use crate::sql::query::{Cells, Query, Record, Value};
use crate::{IdentityChange, LinkedIdentity, NewIdentity, StoreError, UserId};

/// The table.
pub(in crate::sql) const TABLE: &str = "vestibule_identities";

/// The columns of an identity, in the order in which they are read, and two of its user.
const COLUMNS: [&str; 11] = [
    "id",
    "user_id",
    "user_handle",
    "provider",
    "issuer",
    "subject",
    "label",
    "linked_at",
    "last_used_at",
    "user.id",
    "user.fs_webauthn_user_handle",
];

/// The statements, built once.
#[derive(Debug)]
pub(in crate::sql) struct IdentityStatements {
    by_key: String,
    of_user: String,
    link: String,
    used: String,
    delete: String,
    delete_all: String,
}

/// An identity, and whether the user to whom it was linked still exists.
struct Found {
    identity: LinkedIdentity,
    has_owner: bool,
}

impl Found {
    fn with_owner(self) -> Option<LinkedIdentity> {
        self.has_owner.then_some(self.identity)
    }
}

impl IdentityStatements {
    pub(in crate::sql) fn new(
        dialect: Dialect,
        tables: &TableNames,
        users: &UserStatements,
    ) -> Self {
        let statement = |text: &str| dialect.statement(tables, text);
        let own = COLUMNS[..9].iter().map(|column| format!("i.{column}"));
        let list: Vec<_> = own.collect();
        let select = |condition: &str| {
            statement(&format!(
                "SELECT {}, {}, {} FROM vestibule_identities i \
                 LEFT JOIN {{user}} u ON u.id = i.user_id WHERE {condition}",
                list.join(", "),
                dialect.number("u.id"),
                handle_column(&users.columns)
            ))
        };
        Self {
            by_key: select("i.issuer = ? AND i.subject = ?"),
            of_user: select("i.user_id = ? ORDER BY i.id"),
            link: statement(
                "INSERT INTO vestibule_identities \
                 (user_id, user_handle, provider, issuer, subject, label, linked_at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            ),
            used: statement(
                "UPDATE vestibule_identities SET last_used_at = ? WHERE id = ? AND user_id = ?",
            ),
            delete: statement("DELETE FROM vestibule_identities WHERE id = ? AND user_id = ?"),
            delete_all: statement("DELETE FROM vestibule_identities WHERE user_id = ?"),
        }
    }

    /// The look-up by which a sign-in begins.
    #[cfg(test)]
    pub(in crate::sql) fn hot_text(&self) -> &str {
        &self.by_key
    }

    pub(in crate::sql) async fn find<X: Executor>(
        &self,
        db: &mut X,
        issuer: &str,
        subject: &str,
    ) -> Outcome<Option<LinkedIdentity>, X> {
        let found = self.find_row(db, issuer, subject).await?;
        Ok(found.and_then(Found::with_owner))
    }

    async fn find_row<X: Executor>(
        &self,
        db: &mut X,
        issuer: &str,
        subject: &str,
    ) -> Outcome<Option<Found>, X> {
        let key = [issuer, subject].map(|text| Value::bytes(text.as_bytes()));
        first(db, &Query::new(&self.by_key, key.into()), read).await
    }

    pub(in crate::sql) async fn of_user<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
    ) -> Outcome<Vec<LinkedIdentity>, X> {
        let query = Query::new(&self.of_user, vec![Value::number(user.0)]);
        let found = all(db, &query, read).await?;
        Ok(found.into_iter().filter_map(Found::with_owner).collect())
    }

    /// Applies a change, inside of a transaction that has locked the user. `user` is the user of
    /// the change as a whole. Returns false if the identity or the user does not exist.
    pub(super) async fn apply<X: Executor>(
        &self,
        db: &mut X,
        users: &UserStatements,
        change: &IdentityChange,
        user: Option<UserId>,
        now: OffsetDateTime,
    ) -> Outcome<bool, X> {
        match change {
            IdentityChange::Link(whose, new) => {
                let Some(user) = whose.or(user) else {
                    return Ok(false);
                };
                let Some(handle) = users.lock(db, user).await? else {
                    return Ok(false);
                };
                self.link(db, user, &handle, new, now).await?;
                Ok(true)
            }
            IdentityChange::Used { user_id, id } => {
                let ids = [*id, user_id.0].map(Value::number);
                let values = [&[Value::number(micros(now))], &ids[..]].concat();
                Ok(db.execute(&Query::new(&self.used, values)).await? == 1)
            }
            IdentityChange::Unlink {
                user_id,
                id,
                unless_last,
            } => {
                if *unless_last {
                    let present = self.of_user(db, *user_id).await?;
                    if present.iter().all(|identity| identity.id == *id) {
                        return Ok(false);
                    }
                }
                let values = [*id, user_id.0].map(Value::number).into();
                Ok(db.execute(&Query::new(&self.delete, values)).await? == 1)
            }
        }
    }

    async fn link<X: Executor>(
        &self,
        db: &mut X,
        user: UserId,
        handle: &OwnHandle,
        new: &NewIdentity,
        now: OffsetDateTime,
    ) -> Outcome<(), X> {
        new.check()?;
        if let Some(present) = self.find_row(db, &new.issuer, &new.subject).await? {
            if present.has_owner {
                let column = "subject".to_owned();
                return Err(StoreError::Conflict { column }.into());
            }
            // Another program deleted its user.
            let LinkedIdentity { id, user_id, .. } = present.identity;
            let values = [id, user_id.0].map(Value::number).into();
            db.execute(&Query::new(&self.delete, values)).await?;
        }
        let label = new.kept_label();
        let values = vec![
            Value::number(user.0),
            Value::maybe_text(handle.as_deref()),
            Value::text(&new.provider),
            Value::bytes(new.issuer.as_bytes()),
            Value::bytes(new.subject.as_bytes()),
            Value::Bytes(label.map(|label| label.as_bytes().into())),
            Value::number(micros(now)),
        ];
        db.insert(&Query::new(&self.link, values)).await.map(drop)
    }

    /// Unlinks every identity of a user.
    pub(super) async fn delete_all<X: Executor>(&self, db: &mut X, user: UserId) -> Outcome<(), X> {
        let values = vec![Value::number(user.0)];
        db.execute(&Query::new(&self.delete_all, values))
            .await
            .map(drop)
    }
}

fn read(cells: &dyn Cells) -> Result<Found, StoreError> {
    let row = Record {
        cells,
        table: TABLE,
        columns: &COLUMNS,
        first: 0,
    };
    let text = |column| {
        let bytes = row.bytes(column)?;
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok::<_, StoreError>(text)
    };
    let handle = row.text(2)?;
    Ok(Found {
        has_owner: row.number(9)?.is_some() && (handle.is_none() || handle == row.text(10)?),
        identity: LinkedIdentity {
            id: row.required(0, row.number(0)?)?,
            user_id: UserId(row.required(1, row.number(1)?)?),
            provider: row.required(3, row.text(3)?)?,
            issuer: row.required(4, text(4)?)?,
            subject: row.required(5, text(5)?)?,
            label: text(6)?,
            linked_at: from_micros(row.required(7, row.number(7)?)?),
            last_used_at: row.number(8)?.map(from_micros),
        },
    })
}
