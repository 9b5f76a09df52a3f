//! Identities at providers: linking, using and unlinking them, each together with the rest of a
//! change.

use std::sync::Arc;

use vestibule_store::{
    Applied, Change, IdentityChange, LinkedIdentity, NewIdentity, Store, StoreError, Uniquifiers,
    User, UserChange, UserId, UserKey, UserPatch,
};

use crate::journal::{events, secret};
use crate::outside::Outside;
use crate::passkeys::done;
use crate::support::{at, by_id, user};

const ISSUER: &str = "https://accounts.example.com";

pub(crate) fn identity(subject: &str) -> NewIdentity {
    NewIdentity {
        provider: "example".to_owned(),
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        label: Some("ana@example.com".to_owned()),
    }
}

pub(crate) fn of_identity(change: IdentityChange) -> Change {
    Change {
        identity: Some(change),
        consumes: vec![secret("flow")],
        events: Some(events(&["identity"], None)),
        ..Change::default()
    }
}

/// Links an identity at `at(1)`.
pub(crate) async fn linked(
    store: &Arc<dyn Store>,
    whose: &User,
    new: NewIdentity,
) -> LinkedIdentity {
    let (issuer, subject) = (new.issuer.clone(), new.subject.clone());
    let change = Change {
        identity: Some(IdentityChange::Link(Some(whose.id), new)),
        ..Change::default()
    };
    assert_eq!(store.apply(change, at(1)).await, Ok(Applied::Done(None)));
    let found = store.linked_identity(&issuer, &subject).await;
    found.unwrap().unwrap()
}

async fn found(store: &Arc<dyn Store>, subject: &str) -> Option<LinkedIdentity> {
    store.linked_identity(ISSUER, subject).await.unwrap()
}

async fn two_users(store: &Arc<dyn Store>) -> (User, User) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    (ana, bo)
}

fn taken() -> Result<Applied, StoreError> {
    Err(StoreError::Conflict {
        column: "subject".to_owned(),
    })
}

/// Asserts that nothing of the changes was applied.
async fn nothing_happened(store: &Arc<dyn Store>) {
    assert_eq!(store.is_consumed(&secret("flow")).await, Ok(false));
    assert_eq!(store.audit(None, 0, 10).await, Ok(Vec::new()));
}

pub(crate) async fn a_linked_identity_is_found_byte_for_byte(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let none = store.linked_identities_of(ana.id).await.unwrap();
    assert!(none.is_empty());
    let one = linked(store, &ana, identity("subject")).await;
    let expected = LinkedIdentity {
        id: one.id,
        user_id: ana.id,
        provider: "example".to_owned(),
        issuer: ISSUER.to_owned(),
        subject: "subject".to_owned(),
        label: Some("ana@example.com".to_owned()),
        linked_at: at(1),
        last_used_at: None,
    };
    assert!(one == expected);
    // Each of these is another identity, for whatever user.
    let others = [
        "",
        "Subject",
        "SUBJECT",
        "subject ",
        " subject",
        "subj\u{e9}ct",
        "subject\0",
        "subjec",
        "subject%",
        "su_ject",
    ];
    for other in others {
        assert!(found(store, other).await.is_none(), "{other:?}");
    }
    for other in others {
        let other_identity = linked(store, &bo, identity(other)).await;
        assert_eq!(other_identity.subject, other);
    }
    for issuer in [
        "https://Accounts.example.com",
        "https://accounts.example.com/",
        "",
    ] {
        assert_eq!(store.linked_identity(issuer, "subject").await, Ok(None));
        let new = NewIdentity {
            issuer: issuer.to_owned(),
            ..identity("subject")
        };
        linked(store, &bo, new).await;
    }
    assert!(store.linked_identities_of(ana.id).await.unwrap() == [one.clone()]);
    let of_bo = store.linked_identities_of(bo.id).await.unwrap();
    assert_eq!(of_bo.len(), others.len() + 3);
    assert!(of_bo.is_sorted_by_key(|identity| identity.id));
    let shown = format!("{one:?} {:?}", identity("subject"));
    for hidden in ["subject", "accounts", "ana@"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

pub(crate) async fn a_taken_identity_is_a_conflict(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let longest = NewIdentity {
        issuer: "i".repeat(255),
        subject: "\u{e9}".repeat(127) + "s",
        label: Some("\u{1f642}".repeat(300)),
        ..identity("unused")
    };
    let kept = linked(store, &ana, longest.clone()).await;
    assert_eq!(kept.label, Some("\u{1f642}".repeat(255)));
    let too_long = [
        NewIdentity {
            subject: "s".repeat(256),
            ..longest.clone()
        },
        NewIdentity {
            issuer: "i".repeat(256),
            ..longest.clone()
        },
    ];
    for new in too_long {
        let refused = store
            .apply(of_identity(IdentityChange::Link(Some(bo.id), new)), at(2))
            .await;
        assert!(matches!(refused, Err(StoreError::Unsupported(_))));
    }
    for whose in [&ana, &bo] {
        let again = IdentityChange::Link(Some(whose.id), longest.clone());
        assert_eq!(store.apply(of_identity(again), at(2)).await, taken());
    }
    nothing_happened(store).await;
    assert_eq!(store.linked_identities_of(ana.id).await.unwrap().len(), 1);
}

pub(crate) async fn a_user_is_created_together_with_an_identity(store: &Arc<dyn Store>) {
    let create = |email: &str, subject: &str| Change {
        user: Some(UserChange::Create(Box::new(user(email)))),
        ..of_identity(IdentityChange::Link(None, identity(subject)))
    };
    let Ok(Applied::Done(Some(id))) = store.apply(create("ana@example.com", "one"), at(1)).await
    else {
        panic!("a user with an identity");
    };
    assert_eq!(found(store, "one").await.unwrap().user_id, id);
    // A taken identity or address creates neither.
    let again = |email: &str, subject: &str| Change {
        consumes: vec![secret("second")],
        ..create(email, subject)
    };
    let refused = store.apply(again("bo@example.com", "one"), at(2)).await;
    assert_eq!(refused, taken());
    let refused = store.apply(again("ana@example.com", "two"), at(2)).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "the address"
    );
    assert!(found(store, "two").await.is_none());
    assert_eq!(store.list_users(None, 10).await.unwrap().len(), 1);
    assert_eq!(store.audit(None, 0, 10).await.unwrap().len(), 1);
    // A link needs a user who exists afterwards.
    let link = |whose| IdentityChange::Link(whose, identity("two"));
    let deleting = |whose| Change {
        user: Some(UserChange::Delete(id)),
        ..of_identity(link(whose))
    };
    let stale = [
        of_identity(link(None)),
        of_identity(link(Some(UserId(99)))),
        deleting(None),
        deleting(Some(id)),
    ];
    for mut change in stale {
        change.consumes = vec![secret("second")];
        assert_eq!(store.apply(change, at(2)).await, Ok(Applied::Stale));
    }
    by_id(store, id).await;
    assert_eq!(store.is_consumed(&secret("second")).await, Ok(false));
}

pub(crate) async fn a_sign_in_with_an_identity_is_recorded_while_it_is_linked(
    store: &Arc<dyn Store>,
) {
    let (ana, bo) = two_users(store).await;
    let one = linked(store, &ana, identity("one")).await;
    let two = linked(store, &ana, identity("two")).await;
    let sign_in = |user_id, id| Change {
        user: Some(UserChange::Update(
            ana.id,
            Box::new(UserPatch {
                active: Some(false),
                ..UserPatch::default()
            }),
        )),
        ..of_identity(IdentityChange::Used { user_id, id })
    };
    for wrong in [sign_in(bo.id, one.id), sign_in(ana.id, 99)] {
        assert_eq!(store.apply(wrong, at(2)).await, Ok(Applied::Stale));
    }
    nothing_happened(store).await;
    assert!(by_id(store, ana.id).await.active);
    let applied = store.apply(sign_in(ana.id, one.id), at(3)).await;
    assert_eq!(applied, Ok(Applied::Done(Some(ana.id))));
    let now = found(store, "one").await.unwrap();
    assert_eq!(now.last_used_at, Some(at(3)));
    assert!(found(store, "two").await.unwrap() == two);
    assert!(!by_id(store, ana.id).await.active);
}

pub(crate) async fn an_identity_is_unlinked_once_and_by_its_owner(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let one = linked(store, &ana, identity("one")).await;
    linked(store, &bo, identity("two")).await;
    let unlink = |user_id, id, unless_last| {
        of_identity(IdentityChange::Unlink {
            user_id,
            id,
            unless_last,
        })
    };
    let stale = [
        unlink(bo.id, one.id, false),
        unlink(bo.id, one.id, true),
        unlink(ana.id, 99, false),
        unlink(ana.id, one.id, true),
        unlink(UserId(99), one.id, true),
    ];
    for change in stale {
        let words = format!("{change:?}");
        assert_eq!(
            store.apply(change, at(2)).await,
            Ok(Applied::Stale),
            "{words}"
        );
    }
    nothing_happened(store).await;
    let changes = (0..8).map(|number| Change {
        consumes: vec![secret(&format!("{number}"))],
        ..unlink(ana.id, one.id, false)
    });
    assert_eq!(done(store, changes).await, 1);
    assert!(found(store, "one").await.is_none());
    // It can be linked again, to any user.
    let again = linked(store, &bo, identity("one")).await;
    assert_eq!(again.user_id, bo.id);
}

pub(crate) async fn attack_race_parallel_unlinks_leave_one_identity(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    linked(store, &bo, identity("of bo")).await;
    for round in 0..3 {
        let mut unlinks = Vec::new();
        for number in store.linked_identities_of(ana.id).await.unwrap().len()..32 {
            linked(store, &ana, identity(&format!("{round} {number}"))).await;
        }
        for identity in store.linked_identities_of(ana.id).await.unwrap() {
            unlinks.push(Change {
                // A claim reads before the identities are counted.
                claims: vec![(
                    vestibule_store::Identity::Email,
                    format!("{round}.{}@example.com", identity.id),
                )],
                consumes: vec![secret(&format!("{round} {}", identity.id))],
                ..of_identity(IdentityChange::Unlink {
                    user_id: ana.id,
                    id: identity.id,
                    unless_last: true,
                })
            });
        }
        assert_eq!(unlinks.len(), 32);
        assert_eq!(done(store, unlinks.into_iter()).await, 31);
        let left = store.linked_identities_of(ana.id).await.unwrap();
        assert_eq!(left.len(), 1);
    }
}

pub(crate) async fn concurrent_links_of_one_identity_succeed_once(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let links = (0..16).map(|number| {
        let whose = if number % 2 == 0 { ana.id } else { bo.id };
        Change {
            identity: Some(IdentityChange::Link(Some(whose), identity("one"))),
            ..Change::default()
        }
    });
    assert_eq!(done(store, links).await, 1);
}

pub(crate) async fn a_deleted_or_reset_user_has_no_identities(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    linked(store, &bo, identity("of bo")).await;
    let fresh = || Uniquifiers {
        session: "fresh".to_owned(),
        token: "fresh token".to_owned(),
    };
    for round in 0..3 {
        linked(store, &ana, identity("one")).await;
        match round {
            0 => assert!(store.reset_access(ana.id, fresh(), at(2)).await.unwrap()),
            1 => {
                let change = Change {
                    user: Some(UserChange::Reclaim(ana.id, Box::default(), fresh())),
                    ..Change::default()
                };
                let done = Ok(Applied::Done(Some(ana.id)));
                assert_eq!(store.apply(change, at(2)).await, done);
            }
            _ => assert!(store.delete_user(ana.id).await.unwrap()),
        }
        assert!(found(store, "one").await.is_none(), "{round}");
        let left = store.linked_identities_of(ana.id).await.unwrap();
        assert!(left.is_empty(), "{round}");
    }
    assert!(found(store, "of bo").await.is_some());
    linked(store, &bo, identity("one")).await;
}

/// Another program deletes a user and leaves the identity behind.
#[tokio::test]
async fn attack_recycled_identifier_a_user_with_the_id_of_a_deleted_one_has_no_identity() {
    for outside in Outside::each().await {
        let store = outside.open().await;
        let (ana, bo) = two_users(&store).await;
        linked(&store, &ana, identity("one")).await;
        let table = outside.quoted("user");
        outside.run(&format!("DELETE FROM {table} WHERE id = {}", ana.id));
        assert!(found(&store, "one").await.is_none());
        // Another program gives the identifier to a new user, with another handle or none.
        for handle in ["NULL", "'another'"] {
            outside.run(&format!(
                "INSERT INTO {table} (id, email, password, active, fs_uniquifier, \
                 fs_webauthn_user_handle, create_datetime, update_datetime) \
                 VALUES ({}, 'mallory@example.com', '', {}, 'mallory', {handle}, \
                 '2027-01-15 08:00:00', '2027-01-15 08:00:00')",
                ana.id,
                outside.truth(),
            ));
            assert!(store.user(UserKey::Id(ana.id)).await.unwrap().is_some());
            assert!(found(&store, "one").await.is_none(), "{handle}");
            let of_mallory = store.linked_identities_of(ana.id).await.unwrap();
            assert!(of_mallory.is_empty(), "{handle}");
            outside.run(&format!("DELETE FROM {table} WHERE id = {}", ana.id));
        }
        // The identity is free for its owner.
        let again = linked(&store, &bo, identity("one")).await;
        assert_eq!(again.user_id, bo.id);
        // A new user gets an identifier that no row refers to.
        outside.run(&format!("DELETE FROM {table}"));
        let next = store.create_user(user("next@example.com")).await.unwrap();
        assert!(next.id > bo.id);
    }
}
