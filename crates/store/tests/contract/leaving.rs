//! Deleting users and resetting their access.

use std::sync::Arc;

use vestibule_store::{
    Change, NewRole, NewTracker, Store, Uniquifiers, User, UserId, UserKey, UserPatch,
};

use crate::journal::events;
use crate::support::{at, by_id, patch, user};

/// A user with a role, a refresh-token family and a second factor.
async fn made(store: &Arc<dyn Store>, email: &str, family: &str) -> User {
    let made = store.create_user(user(email)).await.unwrap();
    let role = match store.role("editor").await.unwrap() {
        Some(role) => role,
        None => store
            .create_role(NewRole {
                name: "editor".to_owned(),
                description: None,
                permissions: Vec::new(),
                created_at: at(0),
            })
            .await
            .unwrap(),
    };
    store.give_role(made.id, role.id).await.unwrap();
    store
        .create_tracker(NewTracker {
            user_id: made.id,
            family: family.to_owned(),
            name: "default".to_owned(),
            expires_at: at(100),
            created_at: at(0),
        })
        .await
        .unwrap();
    let second = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        ..UserPatch::default()
    };
    assert!(patch(store, made.id, second, 1).await);
    by_id(store, made.id).await
}

pub(crate) async fn a_deleted_user_leaves_nothing_behind(store: &Arc<dyn Store>) {
    let ana = made(store, "ana@example.com", "f1").await;
    let bo = made(store, "bo@example.com", "f2").await;
    assert!(store.delete_user(ana.id).await.unwrap());
    assert!(!store.delete_user(ana.id).await.unwrap());
    assert!(!store.delete_user(UserId(999)).await.unwrap());
    assert_eq!(store.user(UserKey::Id(ana.id)).await.unwrap(), None);
    let by_uniquifier = store.user(UserKey::Uniquifier(&ana.fs_uniquifier)).await;
    assert_eq!(by_uniquifier.unwrap(), None);
    assert_eq!(store.roles_of(ana.id).await.unwrap(), []);
    assert_eq!(store.tracker("f1").await.unwrap(), None);
    assert_eq!(by_id(store, bo.id).await, bo);
    assert_eq!(store.roles_of(bo.id).await.unwrap().len(), 1);
    assert!(store.tracker("f2").await.unwrap().is_some());
    // A later user inherits nothing, even under the same address.
    let next = store.create_user(user("ana@example.com")).await.unwrap();
    assert_eq!(store.roles_of(next.id).await.unwrap(), []);
}

pub(crate) async fn resetting_access_revokes_every_credential_but_the_password(
    store: &Arc<dyn Store>,
) {
    let ana = made(store, "ana@example.com", "f1").await;
    let bo = made(store, "bo@example.com", "f2").await;
    let fresh = || Uniquifiers {
        session: "fresh".to_owned(),
        token: "fresh for tokens".to_owned(),
    };
    assert!(store.reset_access(ana.id, fresh(), at(7)).await.unwrap());
    let reset = by_id(store, ana.id).await;
    let expected = User {
        fs_uniquifier: "fresh".to_owned(),
        fs_token_uniquifier: store
            .has_token_uniquifiers()
            .then(|| "fresh for tokens".to_owned()),
        tf_primary_method: None,
        update_datetime: Some(at(7)),
        ..ana.clone()
    };
    assert!(reset == expected);
    assert_eq!(
        store.tracker("f1").await.unwrap().unwrap().revoked_at,
        Some(at(7))
    );
    assert_eq!(store.roles_of(ana.id).await.unwrap().len(), 1);
    assert_eq!(by_id(store, bo.id).await, bo);
    assert_eq!(store.tracker("f2").await.unwrap().unwrap().revoked_at, None);
    let unused = Uniquifiers {
        session: "other".to_owned(),
        token: "other".to_owned(),
    };
    assert!(
        !store
            .reset_access(UserId(999), unused, at(8))
            .await
            .unwrap()
    );
}

/// The audit log and other programs refer to users by ID, so an ID must never mean another user.
pub(super) async fn attack_recycled_identifier_the_id_of_a_deleted_user_is_not_reused(
    store: &Arc<dyn Store>,
) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let noted = Change {
        events: Some(events(&["registered"], Some(ana.id))),
        ..Change::default()
    };
    store.apply(noted, at(1)).await.unwrap();
    assert_eq!(store.delete_user(ana.id).await, Ok(true));
    let mallory = store.create_user(user("mallory@example.com")).await;
    assert!(mallory.unwrap().id > ana.id);
}
