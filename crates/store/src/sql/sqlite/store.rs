//! The store on a SQLite file.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::error::map_error;
use super::{SqliteStore, count_passwords, store_error};
use crate::sql::executor::{Failure, at_once};
use crate::sql::statements::Statements;
use crate::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, GuessKey, GuessSlot, LinkedIdentity, MailFate,
    NewRole, NewTracker, NewUser, OneTimeSecret, Passkey, PasskeyUsage, PasswordKind,
    PermissionChange, QueuedMail, RefreshTracker, Reservation, ReservedGuess, Role, RoleId, Store,
    StoreError, Uniquifiers, User, UserId, UserKey, UserPatch,
};

#[async_trait]
impl Store for SqliteStore {
    async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
        let exact = self
            .0
            .read(|inner, db| at_once(inner.statements.users.find_exactly(db, key)))?;
        let (
            None,
            UserKey::Identity {
                attribute,
                value,
                ignore_case: true,
            },
        ) = (&exact, key)
        else {
            return Ok(exact);
        };
        if self.0.slow.contains(&attribute) {
            let value = value.to_owned();
            self.read_elsewhere(move |inner, db| {
                at_once(
                    inner
                        .statements
                        .users
                        .find_in_any_case(db, attribute, &value),
                )
            })
            .await
        } else {
            self.0.read(|inner, db| {
                at_once(
                    inner
                        .statements
                        .users
                        .find_in_any_case(db, attribute, value),
                )
            })
        }
    }

    async fn user_with_roles(
        &self,
        key: UserKey<'_>,
    ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
        let may_ignore_case = matches!(key, UserKey::Identity { .. });
        if may_ignore_case || !self.0.statements.roles.exists() {
            let Some(user) = self.user(key).await? else {
                return Ok(None);
            };
            let roles = self.roles_of(user.id).await?;
            return Ok(Some((user, roles)));
        }
        self.0.read(|inner, db| {
            let Statements { users, roles, .. } = &inner.statements;
            at_once(users.find_exactly_with_roles(db, roles, key))
        })
    }

    fn has_token_uniquifiers(&self) -> bool {
        self.0.statements.users.has_token_uniquifiers()
    }

    async fn password_kinds(&self) -> Result<Vec<PasswordKind>, StoreError> {
        self.read_elsewhere(|inner, db| count_passwords(db, &inner.tables))
            .await
    }

    async fn create_user(&self, new: NewUser) -> Result<User, StoreError> {
        self.write(move |statements, db| at_once(statements.users.create(db, &new)))
            .await
    }

    async fn update_user(
        &self,
        id: UserId,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.write(move |statements, db| at_once(statements.users.update(db, id, &patch, now)))
            .await
    }

    async fn apply(&self, change: Change, now: OffsetDateTime) -> Result<Applied, StoreError> {
        let outcome = self
            .transaction(move |statements, db| at_once(statements.apply(db, &change, now)))
            .await?;
        match outcome {
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
        let claim = claim.to_owned();
        self.write_together(move |statements, db| {
            at_once(statements.journal.claim(db, &claim, now, until, limit))
        })
        .await
    }

    async fn settle_mail(&self, id: i64, claim: &str, fate: MailFate) -> Result<bool, StoreError> {
        let claim = claim.to_owned();
        self.write(move |statements, db| at_once(statements.journal.settle(db, id, &claim, &fate)))
            .await
    }

    async fn is_consumed(&self, secret: &OneTimeSecret) -> Result<bool, StoreError> {
        let secret = secret.clone();
        self.read_elsewhere(move |inner, db| {
            at_once(inner.statements.journal.is_consumed(db, &secret))
        })
        .await
    }

    async fn count_mails(&self) -> Result<(u64, u64), StoreError> {
        self.read_elsewhere(|inner, db| at_once(inner.statements.journal.count_mails(db)))
            .await
    }

    async fn reserve_guess(
        &self,
        slots: &[GuessSlot],
        now: OffsetDateTime,
    ) -> Result<Reservation, StoreError> {
        let slots = slots.to_vec();
        let outcome = self
            .transaction(move |statements, db| at_once(statements.guesses.reserve(db, &slots, now)))
            .await?;
        match outcome {
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
        let (returned, cleared) = (returned.to_vec(), cleared.to_vec());
        self.write_together(move |statements, db| {
            at_once(statements.guesses.release(db, &returned, &cleared))
        })
        .await
    }

    async fn forget_guesses(&self, principal: &str) -> Result<u64, StoreError> {
        let principal = principal.to_owned();
        self.write(move |statements, db| at_once(statements.guesses.forget(db, &principal)))
            .await
    }

    async fn purge(&self, cutoffs: Cutoffs) -> Result<u64, StoreError> {
        self.write(move |statements, db| at_once(statements.purge(db, &cutoffs)))
            .await
    }

    async fn audit(
        &self,
        of: Option<UserId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read_elsewhere(move |inner, db| {
            at_once(inner.statements.journal.entries(db, of, after, limit))
        })
        .await
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.journal.head(db)))
    }

    async fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.read_elsewhere(move |inner, db| at_once(inner.statements.users.page(db, after, limit)))
            .await
    }

    async fn has_passkey(
        &self,
        id: UserId,
        usage: Option<PasskeyUsage>,
    ) -> Result<bool, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.passkeys.has_any(db, id, usage)))
    }

    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.passkeys.find(db, credential_id)))
    }

    async fn passkeys_of(&self, id: UserId) -> Result<Vec<Passkey>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.passkeys.of_user(db, id)))
    }

    async fn linked_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<LinkedIdentity>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.identities.find(db, issuer, subject)))
    }

    async fn linked_identities_of(&self, id: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.identities.of_user(db, id)))
    }

    async fn reset_access(
        &self,
        id: UserId,
        fresh: Uniquifiers,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.write_together(move |statements, db| {
            at_once(statements.reset_access(db, id, &fresh, now))
        })
        .await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.write_together(move |statements, db| at_once(statements.delete_user(db, id)))
            .await
    }

    async fn roles_of(&self, id: UserId) -> Result<Vec<Role>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.roles.of_user(db, id)))
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.roles.by_name(db, name)))
    }

    async fn list_roles(&self) -> Result<Vec<Role>, StoreError> {
        self.read_elsewhere(|inner, db| at_once(inner.statements.roles.all(db)))
            .await
    }

    async fn create_role(&self, new: NewRole) -> Result<Role, StoreError> {
        self.write(move |statements, db| at_once(statements.roles.create(db, &new)))
            .await
    }

    async fn change_permissions(
        &self,
        role: RoleId,
        change: PermissionChange,
        now: OffsetDateTime,
    ) -> Result<Option<Role>, StoreError> {
        self.write_together(move |statements, db| {
            at_once(statements.roles.change_permissions(db, role, change, now))
        })
        .await
    }

    async fn give_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        self.write_together(move |statements, db| at_once(statements.roles.give(db, user, role)))
            .await
    }

    async fn take_role(&self, user: UserId, role: RoleId) -> Result<bool, StoreError> {
        self.write(move |statements, db| at_once(statements.roles.take(db, user, role)))
            .await
    }

    async fn create_tracker(&self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.write(move |statements, db| at_once(statements.trackers.create(db, &new)))
            .await
    }

    async fn tracker(&self, family: &str) -> Result<Option<RefreshTracker>, StoreError> {
        self.0
            .read(|inner, db| at_once(inner.statements.trackers.find(db, family)))
    }

    async fn rotate_tracker(
        &self,
        family: &str,
        from: i64,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let family = family.to_owned();
        self.write(move |statements, db| {
            at_once(statements.trackers.rotate(db, &family, from, now))
        })
        .await
    }

    async fn revoke_tracker(&self, family: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let family = family.to_owned();
        self.write(move |statements, db| at_once(statements.trackers.revoke(db, &family, now)))
            .await
    }

    async fn clean_trackers(
        &self,
        user: UserId,
        expired_before: Option<OffsetDateTime>,
        revoked: bool,
    ) -> Result<u64, StoreError> {
        self.write(move |statements, db| {
            at_once(statements.trackers.clean(db, user, expired_before, revoked))
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.check_file()?;
        self.0.read(|_, db| {
            db.0.query_row("SELECT 1", [], |_| Ok(()))
                .map_err(|error| map_error(error).into())
        })
    }
}
