//! A change with everything that belongs to it.

use time::OffsetDateTime;
use vestibule_formats::text::case::fold;

use super::Inner;
use super::error::{is_broken, map_error, stood_in_the_way};
use super::journal::text;
use super::pool::{ATTEMPTS, pause, together, within_limit};
use super::users::{Query, own};
use super::wire::Link;
use crate::{Applied, Change, FamilyChange, Identity, RoleChange, StoreError, UserChange, UserId};

/// What a change came to inside of its transaction.
#[derive(Debug)]
enum Step {
    Done(Applied),
    /// Somebody has a value of this column.
    Taken(&'static str),
}

/// Leaves a transaction without an error of the server's: what was done in it is undone.
#[derive(Debug, thiserror::Error)]
#[error("a change is not done")]
struct Undo(Step);

/// The way out of a transaction.
fn undo(step: Step) -> sqlx_core::Error {
    sqlx_core::Error::Decode(Box::new(Undo(step)))
}

/// What an error says about a change, if it is one of ours.
fn undone(error: sqlx_core::Error) -> Result<Step, sqlx_core::Error> {
    match error {
        sqlx_core::Error::Decode(inner) => match inner.downcast::<Undo>() {
            Ok(undo) => Ok(undo.0),
            Err(inner) => Err(sqlx_core::Error::Decode(inner)),
        },
        error => Err(error),
    }
}

impl Inner {
    /// A change in its transaction, done again when another stood in its way.
    pub(super) async fn apply(
        &self,
        change: &Change,
        now: OffsetDateTime,
    ) -> Result<Applied, StoreError> {
        self.demand_for(change)?;
        // Built before, so that what the tables cannot hold is said before anything is done.
        let query = match &change.user {
            Some(UserChange::Create(new)) => Some(self.users.insert((**new).clone())?),
            Some(UserChange::Update(id, patch) | UserChange::Reclaim(id, patch, _)) => {
                self.users.update(*id, (**patch).clone(), now)?
            }
            Some(UserChange::Delete(_)) | None => None,
        };
        let query = query.as_ref();
        let outcome: Result<Applied, sqlx_core::Error> = together!(
            self.pool,
            raw | link | self.apply_all(link, change, query, now).await
        );
        let step = match outcome {
            Ok(applied) => Step::Done(applied),
            Err(error) => undone(error).map_err(map_error)?,
        };
        match step {
            Step::Done(applied) => Ok(applied),
            Step::Taken(column) => Err(StoreError::Conflict {
                column: column.to_owned(),
            }),
        }
    }

    /// Refuses what there are no tables or columns for.
    fn demand_for(&self, change: &Change) -> Result<(), StoreError> {
        match &change.role {
            Some(RoleChange::Create(new)) => self.roles.demand_for(new)?,
            Some(RoleChange::Permissions(..)) => self.roles.demand_column("permissions")?,
            Some(RoleChange::Give(..) | RoleChange::Take(..)) => self.roles.demand()?,
            None => {}
        }
        match &change.family {
            Some(_) => self.trackers.demand(),
            None => Ok(()),
        }
    }

    /// All of a change, inside of a transaction.
    async fn apply_all(
        &self,
        link: &mut Link<'_>,
        change: &Change,
        query: Option<&Query>,
        now: OffsetDateTime,
    ) -> Result<Applied, sqlx_core::Error> {
        for secret in &change.consumes {
            if !self.spend(link, secret).await? {
                return Err(undo(Step::Done(Applied::Spent)));
            }
        }
        let whose = change.user.as_ref().and_then(UserChange::whose);
        for (attribute, value) in &change.claims {
            if self.is_taken(link, whose, *attribute, value).await? {
                return Err(undo(Step::Taken(attribute.column())));
            }
        }
        let user = match (&change.user, query) {
            (Some(UserChange::Create(_)), Some(query)) => {
                Some(UserId(link.insert(&query.text, &query.values).await?))
            }
            (Some(UserChange::Update(id, _) | UserChange::Reclaim(id, ..)), Some(query)) => {
                if link.execute(&query.text, &query.values).await? != 1 {
                    return Err(undo(Step::Done(Applied::Stale)));
                }
                Some(*id)
            }
            (Some(UserChange::Update(id, _) | UserChange::Reclaim(id, ..)), None) => {
                if self.users.by_id(link, *id).await?.is_none() {
                    return Err(undo(Step::Done(Applied::Stale)));
                }
                Some(*id)
            }
            (Some(UserChange::Delete(id)), _) => {
                if !self.delete(link, *id).await? {
                    return Err(undo(Step::Done(Applied::Stale)));
                }
                Some(*id)
            }
            _ => None,
        };
        if let Some(UserChange::Reclaim(id, _, fresh)) = &change.user {
            self.reset(link, *id, fresh, now).await?;
        }
        if let Some(role) = &change.role
            && !self.change_role(link, role, now).await?
        {
            return Err(undo(Step::Done(Applied::Stale)));
        }
        if let Some(family) = &change.family
            && !self.change_family(link, family, now).await?
        {
            return Err(undo(Step::Done(Applied::Stale)));
        }
        for mail in &change.mails {
            self.post(link, mail).await?;
        }
        if let Some(events) = &change.events {
            self.note(link, events, user).await?;
        }
        Ok(Applied::Done(user))
    }

    /// False when it is so already, or there is no such role.
    async fn change_role(
        &self,
        link: &mut Link<'_>,
        change: &RoleChange,
        now: OffsetDateTime,
    ) -> Result<bool, sqlx_core::Error> {
        let roles = &self.roles;
        match change {
            RoleChange::Create(new) => roles.insert(link, new).await.map(|_| true),
            RoleChange::Permissions(role, change) => {
                let changed = roles.change_permissions(link, *role, change.clone(), now);
                Ok(changed.await?.is_some())
            }
            RoleChange::Give(user, role) => roles.give(link, *user, *role).await,
            RoleChange::Take(user, role) => {
                let query = roles.take(*user, *role);
                Ok(link.execute(&query.text, &query.values).await? > 0)
            }
        }
    }

    /// False when it has ended before, or there is no such family.
    async fn change_family(
        &self,
        link: &mut Link<'_>,
        change: &FamilyChange,
        now: OffsetDateTime,
    ) -> Result<bool, sqlx_core::Error> {
        let query = match change {
            FamilyChange::Begin(new) => self.trackers.insert(new),
            FamilyChange::End(family) => self.trackers.revoke(family, now),
        };
        Ok(link.execute(&query.text, &query.values).await? == 1)
    }

    /// Whether somebody else has a value in any case of any script. Whoever asks the same at the
    /// same moment waits for the end of this transaction.
    async fn is_taken(
        &self,
        link: &mut Link<'_>,
        whose: Option<UserId>,
        attribute: Identity,
        value: &str,
    ) -> Result<bool, sqlx_core::Error> {
        if let Some(lock) = self.dialect.lock_value() {
            let name = format!("{}:{}", attribute.column(), fold(value));
            link.rows(lock, &[text(&name)]).await?;
        }
        let Some(query) = self
            .users
            .spellings(attribute, value, self.encodings.is_utf8())
        else {
            return Ok(false);
        };
        for row in link.rows(&query.text, &query.values).await? {
            let user = self.users.read(&row)?;
            let same = |own: &str| fold(own) == fold(value);
            if Some(user.id) != whose && own(&user, attribute).is_some_and(same) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
