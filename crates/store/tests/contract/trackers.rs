//! Refresh-token families.

use std::sync::Arc;

use vestibule_store::{NewTracker, RefreshTracker, Store, StoreError, UserId};

use crate::support::{at, user};

fn new(user_id: UserId, family: &str, expires: i64) -> NewTracker {
    NewTracker {
        user_id,
        family: family.to_owned(),
        name: "default".to_owned(),
        expires_at: at(expires),
        created_at: at(0),
    }
}

async fn ana(store: &Arc<dyn Store>) -> UserId {
    store.create_user(user("ana@example.com")).await.unwrap().id
}

pub(crate) async fn a_family_begins_in_generation_one(store: &Arc<dyn Store>) {
    let ana = ana(store).await;
    let made = store.create_tracker(new(ana, "f1", 100)).await.unwrap();
    let expected = RefreshTracker {
        user_id: ana,
        family: "f1".to_owned(),
        generation: 1,
        name: "default".to_owned(),
        created_at: at(0),
        expires_at: at(100),
        revoked_at: None,
        last_used_at: at(0),
    };
    assert_eq!(made, expected);
    assert_eq!(store.tracker("f1").await.unwrap(), Some(expected));
    assert_eq!(store.tracker("F1").await.unwrap(), None);
    assert_eq!(store.tracker("f2").await.unwrap(), None);
}

pub(crate) async fn a_taken_family_is_a_conflict(store: &Arc<dyn Store>) {
    let ana = ana(store).await;
    store.create_tracker(new(ana, "f1", 100)).await.unwrap();
    let again = store.create_tracker(new(ana, "f1", 200)).await;
    assert_eq!(
        again,
        Err(StoreError::Conflict {
            column: "refresh_family".to_owned()
        })
    );
}

pub(crate) async fn concurrent_rotations_of_one_generation_succeed_once(store: &Arc<dyn Store>) {
    let ana = ana(store).await;
    store.create_tracker(new(ana, "f1", 100)).await.unwrap();
    store.create_tracker(new(ana, "f2", 100)).await.unwrap();
    for generation in 1..=3 {
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let store = Arc::clone(store);
                tokio::spawn(async move {
                    store
                        .rotate_tracker("f1", generation, at(generation))
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut moved = 0;
        for task in tasks {
            moved += u32::from(task.await.unwrap());
        }
        assert_eq!(moved, 1);
        let tracker = store.tracker("f1").await.unwrap().unwrap();
        assert_eq!(
            (tracker.generation, tracker.last_used_at),
            (generation + 1, at(generation))
        );
    }
    assert_eq!(store.tracker("f2").await.unwrap().unwrap().generation, 1);
    assert!(!store.rotate_tracker("f1", 1, at(9)).await.unwrap());
    assert!(!store.rotate_tracker("f3", 1, at(9)).await.unwrap());
}

pub(crate) async fn a_revoked_family_cannot_be_rotated(store: &Arc<dyn Store>) {
    let ana = ana(store).await;
    store.create_tracker(new(ana, "f1", 100)).await.unwrap();
    assert!(store.revoke_tracker("f1", at(5)).await.unwrap());
    assert!(!store.revoke_tracker("f1", at(6)).await.unwrap());
    assert!(!store.revoke_tracker("f2", at(6)).await.unwrap());
    assert!(!store.rotate_tracker("f1", 1, at(7)).await.unwrap());
    let tracker = store.tracker("f1").await.unwrap().unwrap();
    assert_eq!((tracker.generation, tracker.revoked_at), (1, Some(at(5))));
}

pub(crate) async fn expired_and_revoked_families_are_deleted(store: &Arc<dyn Store>) {
    let ana = ana(store).await;
    let bo = store.create_user(user("bo@example.com")).await.unwrap().id;
    for (whose, family, expires) in [(ana, "old", 10), (ana, "new", 100), (bo, "his", 10)] {
        store
            .create_tracker(new(whose, family, expires))
            .await
            .unwrap();
    }
    store.create_tracker(new(ana, "ended", 100)).await.unwrap();
    store.revoke_tracker("ended", at(5)).await.unwrap();
    assert_eq!(store.clean_trackers(ana, None, false).await.unwrap(), 0);
    assert_eq!(
        store
            .clean_trackers(ana, Some(at(10)), false)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .clean_trackers(ana, Some(at(11)), false)
            .await
            .unwrap(),
        1
    );
    assert_eq!(store.clean_trackers(ana, None, true).await.unwrap(), 1);
    assert_eq!(
        store.clean_trackers(ana, Some(at(11)), true).await.unwrap(),
        0
    );
    let mut left = Vec::new();
    for family in ["old", "new", "his", "ended"] {
        if store.tracker(family).await.unwrap().is_some() {
            left.push(family);
        }
    }
    assert_eq!(left, ["new", "his"]);
}
