//! The store on a database server.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::encoding::Question;
use super::error::{is_broken, is_rolled_back, map_error};
use super::pool::{ATTEMPTS, pause, together, within_limit};
use super::single::Single;
use super::{Inner, ServerStore, count_passwords, store_error};
use crate::sql::executor::{Executor as _, Failure, first};
use crate::sql::query::Query;
use crate::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, GuessKey, GuessSlot, Identity, LinkedIdentity,
    MailFate, NewRole, NewTracker, NewUser, OneTimeSecret, Passkey, PasskeyUsage, PasswordKind,
    PermissionChange, QueuedMail, RefreshTracker, Reservation, ReservedGuess, Role, RoleId, Store,
    StoreError, Uniquifiers, User, UserId, UserKey, UserPatch,
};

impl Inner {
    /// Runs statements that need no transaction.
    fn single(&self) -> Single<'_> {
        Single(self)
    }
}

/// The outcome of a look-up by a value from the caller. A value that the database cannot store
/// finds no row.
fn looked_up<T: Default>(outcome: Result<T, Failure<sqlx_core::Error>>) -> Result<T, StoreError> {
    match outcome.map_err(store_error) {
        Err(StoreError::Unstorable) => Ok(T::default()),
        outcome => outcome,
    }
}

#[async_trait]
impl Store for ServerStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        let (users, mut db) = (&self.0.statements.users, self.0.single());
        looked_up(match key {
            UserKey::Identity {
                attribute,
                value,
                ignore_case: true,
            } => users.find_in_any_case(&mut db, attribute, value).await,
            key => users.find_exactly(&mut db, key).await,
        })
    }

    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let ignores_case = matches!(
            key,
            UserKey::Identity {
                ignore_case: true,
                ..
            }
        );
        let statements = &self.0.statements;
        if ignores_case || !statements.roles.exists() {
            let Some(user) = self.user(key).await? else {
                return Ok(None);
            };
            let roles = self.roles_of(user.id).await?;
            return Ok(Some((user, roles)));
        }
        let mut db = self.0.single();
        let found = statements
            .users
            .find_exactly_with_roles(&mut db, &statements.roles, key);
        looked_up(found.await)
    }

    fn has_token_uniquifiers(&self) -> bool {
        self.0.statements.users.has_token_uniquifiers()
    }

    async fn can_keep(&self, attribute: Identity, value: &str) -> Result<bool, StoreError> {
        match self.0.encodings.can_keep(attribute.column(), value) {
            Question::Known(can) => Ok(can),
            Question::Ask(query) => {
                let read = |row: &dyn crate::sql::query::Cells| {
                    Ok(row.number(0).ok().flatten() == Some(1))
                };
                let answer = first(&mut self.0.single(), &query, read).await;
                Ok(looked_up(answer)?.unwrap_or_default())
            }
        }
    }

    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        let mut held = self.0.pool.hold_alive().await.map_err(map_error)?;
        let mut link = held.link().map_err(map_error)?;
        // Counting may take longer than the limit of a request. The connection is not used again.
        link.unlimited().await.map_err(map_error)?;
        count_passwords(&mut link, self.0.dialect, &self.0.tables).await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        together!(pool, |link| statements.users.create(link, &new).await).map_err(store_error)
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let users = &self.0.statements.users;
        let updated = users.update(&mut self.0.single(), id, &patch, now).await;
        updated.map_err(store_error)
    }

    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        match together!(pool, |link| statements.apply(link, &change, now).await) {
            Ok(applied) | Err(Failure::NotApplied(applied)) => Ok(applied),
            Err(failure) => Err(store_error(failure)),
        }
    }

    async fn claim_mails(
        &self,
        claim: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        let journal = &statements.journal;
        together!(pool, |link| journal
            .claim(link, claim, now, until, limit)
            .await)
        .map_err(store_error)
    }

    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        let journal = &self.0.statements.journal;
        let settled = journal.settle(&mut self.0.single(), id, claim, &fate).await;
        settled.map_err(store_error)
    }

    async fn is_consumed(&self, secret: &OneTimeSecret) -> Result<bool, StoreError> {
        let journal = &self.0.statements.journal;
        let found = journal.is_consumed(&mut self.0.single(), secret).await;
        found.map_err(store_error)
    }

    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        let journal = &self.0.statements.journal;
        let counted = journal.count_mails(&mut self.0.single()).await;
        counted.map_err(store_error)
    }

    async fn reserve_guess(
        &self,
        slots: &[GuessSlot],
        now: OffsetDateTime,
    ) -> Result<Reservation, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        let guesses = &statements.guesses;
        match together!(pool, |link| guesses.reserve(link, slots, now).await) {
            Ok(reserved) => Ok(Reservation::Granted(reserved)),
            Err(Failure::LimitReached(until)) => Ok(Reservation::Refused { until }),
            Err(failure) => Err(store_error(failure)),
        }
    }

    async fn release_guesses(
        &self,
        returned: &[ReservedGuess],
        cleared: &[GuessKey],
    ) -> Result<(), StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        let guesses = &statements.guesses;
        together!(pool, |link| guesses.release(link, returned, cleared).await).map_err(store_error)
    }

    async fn forget_guesses(&self, principal: &str) -> Result<u64, StoreError> {
        let guesses = &self.0.statements.guesses;
        let forgotten = guesses.forget(&mut self.0.single(), principal).await;
        forgotten.map_err(store_error)
    }

    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        let statements = &self.0.statements;
        let purged = statements.purge(&mut self.0.single(), &cutoffs).await;
        purged.map_err(store_error)
    }

    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let journal = &self.0.statements.journal;
        let entries = journal
            .entries(&mut self.0.single(), of, after, limit)
            .await;
        entries.map_err(store_error)
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let head = self.0.statements.journal.head(&mut self.0.single()).await;
        head.map_err(store_error)
    }

    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        together!(pool, |link| statements
            .reset_access(link, id, &fresh, now)
            .await)
        .map_err(store_error)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        together!(pool, |link| statements.delete_user(link, id).await).map_err(store_error)
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let users = &self.0.statements.users;
        let page = users.page(&mut self.0.single(), after, limit).await;
        page.map_err(store_error)
    }

    async fn has_passkey(
        &self,
        id: UserId,
        usage: Option<PasskeyUsage>,
    ) -> Result<bool, StoreError> {
        let passkeys = &self.0.statements.passkeys;
        let found = passkeys.has_any(&mut self.0.single(), id, usage).await;
        found.map_err(store_error)
    }

    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
        let passkeys = &self.0.statements.passkeys;
        let found = passkeys.find(&mut self.0.single(), credential_id).await;
        found.map_err(store_error)
    }

    async fn passkeys_of(&self, id: UserId) -> Result<Vec<Passkey>, StoreError> {
        let passkeys = &self.0.statements.passkeys;
        let found = passkeys.of_user(&mut self.0.single(), id).await;
        found.map_err(store_error)
    }

    async fn linked_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<LinkedIdentity>, StoreError> {
        let identities = &self.0.statements.identities;
        let found = identities.find(&mut self.0.single(), issuer, subject).await;
        found.map_err(store_error)
    }

    async fn linked_identities_of(&self, id: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        let identities = &self.0.statements.identities;
        let found = identities.of_user(&mut self.0.single(), id).await;
        found.map_err(store_error)
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        let roles = &self.0.statements.roles;
        let found = roles.of_user(&mut self.0.single(), id).await;
        found.map_err(store_error)
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let roles = &self.0.statements.roles;
        looked_up(roles.by_name(&mut self.0.single(), name).await)
    }

    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        let roles = self.0.statements.roles.all(&mut self.0.single()).await;
        roles.map_err(store_error)
    }

    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        together!(pool, |link| statements.roles.create(link, &new).await).map_err(store_error)
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        together!(pool, |link| statements
            .roles
            .change_permissions(link, role, change.clone(), now)
            .await)
        .map_err(store_error)
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let Inner {
            pool, statements, ..
        } = &*self.0;
        together!(pool, |link| statements.roles.give(link, user, role).await).map_err(store_error)
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        let roles = &self.0.statements.roles;
        let taken = roles.take(&mut self.0.single(), user, role).await;
        taken.map_err(store_error)
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        let trackers = &self.0.statements.trackers;
        let created = trackers.create(&mut self.0.single(), &new).await;
        created.map_err(store_error)
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        let trackers = &self.0.statements.trackers;
        looked_up(trackers.find(&mut self.0.single(), family).await)
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let trackers = &self.0.statements.trackers;
        let rotated = trackers
            .rotate(&mut self.0.single(), family, from, now)
            .await;
        rotated.map_err(store_error)
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let trackers = &self.0.statements.trackers;
        let revoked = trackers.revoke(&mut self.0.single(), family, now).await;
        revoked.map_err(store_error)
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        let trackers = &self.0.statements.trackers;
        let mut db = self.0.single();
        let cleaned = trackers.clean(&mut db, user, expired_before, revoked).await;
        cleaned.map_err(store_error)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let query = Query::new("SELECT 'here'", Vec::new());
        let answer = self.0.single().each(&query, |_| Ok(())).await;
        answer.map_err(store_error)
    }
}
