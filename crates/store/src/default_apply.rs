//! The default of [`Store::apply`], for stores that cannot apply several things atomically.

use time::OffsetDateTime;

use crate::{
    Applied, Change, FamilyChange, RoleChange, Store, StoreError, UserChange, UserId, UserPatch,
};

/// Applies a change that has one part, or a user and a family, by calling the method for each.
pub(crate) async fn apply<S: Store + ?Sized>(
    store: &S,
    change: Change,
    now: OffsetDateTime,
) -> Result<Applied, StoreError> {
    if !change.consumes.is_empty() || !change.mails.is_empty() {
        return Err(StoreError::Unsupported(
            "mails and one-time secrets in a change",
        ));
    }
    if change.passkey.is_some() || change.identity.is_some() {
        return Err(StoreError::Unsupported("passkeys and linked identities"));
    }
    match (change.user, change.role, change.family) {
        (None, None, None) => Ok(Applied::Done(None)),
        (Some(user), None, None) => change_user(store, user, now).await,
        (None, Some(role), None) => Ok(done(None, change_role(store, role, now).await?)),
        (None, None, Some(family)) => Ok(done(None, change_family(store, family, now).await?)),
        // A sign-in that begins a refresh-token family. A family without its sign-in does no harm.
        (Some(user), None, Some(family)) => {
            if !change_family(store, family, now).await? {
                return Ok(Applied::Stale);
            }
            change_user(store, user, now).await
        }
        _ => Err(StoreError::Unsupported("several changes at once")),
    }
}

fn done(whose: Option<UserId>, done: bool) -> Applied {
    if done {
        Applied::Done(whose)
    } else {
        Applied::Stale
    }
}

async fn change_user<S: Store + ?Sized>(
    store: &S,
    change: UserChange,
    now: OffsetDateTime,
) -> Result<Applied, StoreError> {
    let whose = change.whose();
    let changed = match change {
        UserChange::Create(new) => {
            let user = store.create_user(*new).await?;
            return Ok(Applied::Done(Some(user.id)));
        }
        UserChange::Update(id, patch) => {
            *patch == UserPatch::default() || store.update_user(id, *patch, now).await?
        }
        UserChange::Reclaim(id, patch, fresh) if patch.is_empty() => {
            store.reset_access(id, fresh, now).await?
        }
        UserChange::Reclaim(..) => return Err(StoreError::Unsupported("revoking credentials")),
        UserChange::Delete(id) => store.delete_user(id).await?,
    };
    Ok(done(whose, changed))
}

async fn change_role<S: Store + ?Sized>(
    store: &S,
    change: RoleChange,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    match change {
        RoleChange::Create(new) => store.create_role(new).await.map(|_| true),
        RoleChange::Permissions(role, change) => {
            let changed = store.change_permissions(role, change, now).await?;
            Ok(changed.is_some())
        }
        RoleChange::Give(user, role) => store.give_role(user, role).await,
        RoleChange::Take(user, role) => store.take_role(user, role).await,
    }
}

async fn change_family<S: Store + ?Sized>(
    store: &S,
    change: FamilyChange,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    match change {
        FamilyChange::Begin(new) => store.create_tracker(new).await.map(|_| true),
        FamilyChange::End(family) => store.revoke_tracker(&family, now).await,
    }
}
