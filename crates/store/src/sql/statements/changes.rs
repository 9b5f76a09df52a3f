//! Applies a change with everything that belongs to it.

use time::OffsetDateTime;

use super::Statements;
use crate::sql::executor::{Executor, Failure, Outcome};
use crate::{
    Applied, Change, FamilyChange, IdentityChange, PasskeyChange, StoreError, UserChange, UserId,
};

impl Statements {
    /// Applies all of a change, inside of a transaction that an error rolls back.
    pub(in crate::sql) async fn apply<X: Executor>(
        &self,
        db: &mut X,
        change: &Change,
        now: OffsetDateTime,
    ) -> Outcome<Applied, X> {
        let stale = || Failure::NotApplied(Applied::Stale);
        for user in locked_users(change) {
            self.users.lock(db, user).await?.ok_or_else(stale)?;
        }
        for secret in &change.consumes {
            if !self.journal.consume(db, secret).await? {
                return Err(Failure::NotApplied(Applied::Spent));
            }
        }
        let whose = change.user.as_ref().and_then(UserChange::whose);
        for (attribute, value) in &change.claims {
            if self.users.is_taken(db, whose, *attribute, value).await? {
                let column = attribute.column().to_owned();
                return Err(StoreError::Conflict { column }.into());
            }
        }
        let user = match &change.user {
            None => None,
            Some(user) => Some(self.apply_to_user(db, user, now).await?.ok_or_else(stale)?),
        };
        if let Some(passkey) = &change.passkey
            && !self.passkeys.apply(db, &self.users, passkey, now).await?
        {
            return Err(stale());
        }
        if let Some(identity) = &change.identity
            && !(self.identities)
                .apply(db, &self.users, identity, user, now)
                .await?
        {
            return Err(stale());
        }
        if let Some(role) = &change.role
            && !self.roles.apply(db, role, now).await?
        {
            return Err(stale());
        }
        match &change.family {
            None => {}
            Some(FamilyChange::Begin(new)) => self.trackers.insert(db, new).await?,
            Some(FamilyChange::End(family)) => {
                let ended = self.trackers.revoke(db, family, now).await?;
                ended.then_some(()).ok_or_else(stale)?;
            }
        }
        for mail in &change.mails {
            self.journal.queue(db, mail).await?;
        }
        if let Some(entries) = &change.events {
            self.journal.append(db, entries, user).await?;
        }
        Ok(Applied::Done(user))
    }

    /// Returns the user who was changed; none if there is no such user in the expected state.
    async fn apply_to_user<X: Executor>(
        &self,
        db: &mut X,
        change: &UserChange,
        now: OffsetDateTime,
    ) -> Outcome<Option<UserId>, X> {
        let (id, applied) = match change {
            UserChange::Create(new) => return self.users.insert(db, new).await.map(Some),
            UserChange::Update(id, patch) => (*id, self.users.update(db, *id, patch, now).await?),
            UserChange::Reclaim(id, patch, fresh) => {
                let updated = self.users.update(db, *id, patch, now).await?;
                if updated {
                    self.reset_access(db, *id, fresh, now).await?;
                }
                (*id, updated)
            }
            UserChange::Delete(id) => (*id, self.delete_user(db, *id).await?),
        };
        Ok(applied.then_some(id))
    }
}

/// The users whose passkeys or identities are counted or compared by name, in ascending order.
/// Their rows are locked before anything is read: MySQL shows a transaction the state of its first
/// read, and what an earlier holder of the lock did must be visible.
fn locked_users(change: &Change) -> Vec<UserId> {
    let of_passkey = match &change.passkey {
        Some(PasskeyChange::Create(user, _)) => Some(*user),
        _ => None,
    };
    let of_identity = match &change.identity {
        Some(IdentityChange::Link(user, _)) => *user,
        Some(IdentityChange::Unlink {
            user_id,
            unless_last: true,
            ..
        }) => Some(*user_id),
        _ => None,
    };
    let mut users: Vec<UserId> = of_passkey.into_iter().chain(of_identity).collect();
    users.sort_unstable();
    users.dedup();
    users
}
