//! A store that records the calls made to it, and that can remove a condition from the changes that
//! pass through it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::Barrier;
use vestibule_store::{
    Applied, AuditEntry, AuditHead, Change, Cutoffs, FactorColumn, GuessKey, GuessSlot, Identity,
    LinkedIdentity, MailFate, NewRole, NewTracker, NewUser, OneTimeSecret, OnlyIf, Passkey,
    PasskeyUsage, PasswordKind, PermissionChange, QueuedMail, RefreshTracker, Reservation,
    ReservedGuess, Role, RoleId, Store, StoreError, Uniquifiers, User, UserChange, UserId, UserKey,
    UserPatch,
};

/// What a [`Watched`] store removes from every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removes {
    Nothing,
    /// The one-time secrets to consume.
    Secrets,
    /// The conditions that the user's row has to meet.
    Conditions,
}

/// Passes every call on to another store.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    calls: Mutex<Vec<String>>,
    removes: Removes,
    /// Changes that use a secret up wait here for each other.
    together: Option<Barrier>,
    consuming: AtomicUsize,
}

impl Watched {
    /// Records calls, and changes nothing.
    pub(crate) fn over(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            calls: Mutex::default(),
            removes: Removes::Nothing,
            together: None,
            consuming: AtomicUsize::new(0),
        }
    }

    /// Removes something from every change, and applies the first change that consumes a secret
    /// only when `parties` of them have arrived: by then every request has checked its link.
    pub(crate) fn without(inner: Arc<dyn Store>, removes: Removes, parties: usize) -> Self {
        Self {
            removes,
            together: Some(Barrier::new(parties)),
            ..Self::over(inner)
        }
    }

    /// The calls since the last time, in order.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// How many changes used a secret up.
    pub(crate) fn consuming(&self) -> usize {
        self.consuming.load(Ordering::Relaxed)
    }

    /// Waits for the changes that wait for each other, as one of them.
    pub(crate) async fn meet(&self) {
        if let Some(together) = &self.together {
            together.wait().await;
        }
    }

    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }
}

/// The parts of a change that cost statements of their own.
fn parts(change: &Change) -> String {
    let user = match &change.user {
        None => "none",
        Some(UserChange::Create(_)) => "create",
        Some(UserChange::Update(..)) => "update",
        Some(UserChange::Reclaim(..)) => "reclaim",
        Some(UserChange::Delete(_)) => "delete",
    };
    format!(
        "apply(secrets: {}, claims: {}, user: {user}, role: {}, family: {}, mails: {}, entries: {})",
        change.consumes.len(),
        change.claims.len(),
        change.role.is_some(),
        change.family.is_some(),
        change.mails.len(),
        change.events.as_ref().map_or(0, |new| new.entries.len()),
    )
}

/// Whether a change uses a secret up: one in the ledger, or a recovery code, which is removed from
/// the user's row.
fn is_single_use(change: &Change) -> bool {
    let removes_code = match &change.user {
        Some(UserChange::Update(_, patch)) => {
            let mut columns = patch.only_if.factors.iter().map(|(column, _)| *column);
            columns.any(|column| column == FactorColumn::RecoveryCodes)
        }
        _ => false,
    };
    removes_code || !change.consumes.is_empty()
}

/// Implements [`Store`]: the methods with a body of their own, and those that are only recorded.
macro_rules! passing_on {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Store for Watched {
            fn has_token_uniquifiers(&self) -> bool {
                self.inner.has_token_uniquifiers()
            }

            async fn user(&self, key: UserKey<'_>) -> Result<Option<User>, StoreError> {
                self.note(format!("user({key:?})"));
                self.inner.user(key).await
            }

            async fn user_with_roles(
                &self,
                key: UserKey<'_>,
            ) -> Result<Option<(User, Vec<Role>)>, StoreError> {
                self.note(format!("user_with_roles({key:?})"));
                self.inner.user_with_roles(key).await
            }

            async fn apply(
                &self,
                mut change: Change,
                now: OffsetDateTime,
            ) -> Result<Applied, StoreError> {
                self.note(parts(&change));
                if is_single_use(&change) {
                    self.consuming.fetch_add(1, Ordering::Relaxed);
                    self.meet().await;
                }
                match self.removes {
                    Removes::Nothing => {}
                    Removes::Secrets => change.consumes.clear(),
                    Removes::Conditions => {
                        if let Some(
                            UserChange::Update(_, patch) | UserChange::Reclaim(_, patch, _),
                        ) = &mut change.user
                        {
                            patch.only_if = OnlyIf::default();
                        }
                    }
                }
                self.inner.apply(change, now).await
            }

            $(async fn $method(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                self.note(stringify!($method));
                self.inner.$method($($argument),*).await
            })+
        }
    };
}

passing_on! {
    can_keep(attribute: Identity, value: &str) -> bool;
    password_kinds() -> Vec<PasswordKind>;
    create_user(new: NewUser) -> User;
    update_user(id: UserId, patch: UserPatch, now: OffsetDateTime) -> bool;
    claim_mails(claim: &str, now: OffsetDateTime, until: OffsetDateTime, limit: u32) -> Vec<QueuedMail>;
    settle_mail(id: i64, claim: &str, fate: MailFate) -> bool;
    is_consumed(secret: &OneTimeSecret) -> bool;
    count_mails() -> (u64, u64);
    reserve_guess(slots: &[GuessSlot], now: OffsetDateTime) -> Reservation;
    release_guesses(returned: &[ReservedGuess], cleared: &[GuessKey]) -> ();
    forget_guesses(principal: &str) -> u64;
    purge(cutoffs: Cutoffs) -> u64;
    audit(of: Option<UserId>, after: i64, limit: u32) -> Vec<AuditEntry>;
    audit_head() -> AuditHead;
    reset_access(id: UserId, fresh: Uniquifiers, now: OffsetDateTime) -> bool;
    delete_user(id: UserId) -> bool;
    list_users(after: Option<UserId>, limit: u32) -> Vec<User>;
    has_passkey(id: UserId, usage: Option<PasskeyUsage>) -> bool;
    passkey(credential_id: &[u8]) -> Option<Passkey>;
    passkeys_of(id: UserId) -> Vec<Passkey>;
    linked_identity(issuer: &str, subject: &str) -> Option<LinkedIdentity>;
    linked_identities_of(id: UserId) -> Vec<LinkedIdentity>;
    roles_of(id: UserId) -> Vec<Role>;
    role(name: &str) -> Option<Role>;
    list_roles() -> Vec<Role>;
    create_role(new: NewRole) -> Role;
    change_permissions(role: RoleId, change: PermissionChange, now: OffsetDateTime) -> Option<Role>;
    give_role(user: UserId, role: RoleId) -> bool;
    take_role(user: UserId, role: RoleId) -> bool;
    create_tracker(new: NewTracker) -> RefreshTracker;
    tracker(family: &str) -> Option<RefreshTracker>;
    rotate_tracker(family: &str, from: i64, now: OffsetDateTime) -> bool;
    revoke_tracker(family: &str, now: OffsetDateTime) -> bool;
    clean_trackers(user: UserId, expired_before: Option<OffsetDateTime>, revoked: bool) -> u64;
    ping() -> ();
}
