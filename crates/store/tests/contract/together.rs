//! Changes to users, roles and refresh-token families together with their audit entries: both are
//! written, or neither.

use std::sync::Arc;

use vestibule_store::{
    Applied, Change, FamilyChange, NewRole, NewTracker, PermissionChange, Role, RoleChange, RoleId,
    Store, StoreError, Uniquifiers, User, UserChange, UserId, UserKey, UserPatch,
};

use crate::journal::{events, secret};
use crate::outside::Outside;
use crate::support::{at, by_id, user};

fn of_user(change: UserChange) -> Change {
    Change {
        events: Some(events(&["user"], change.whose())),
        user: Some(change),
        ..Change::default()
    }
}

fn of_role(change: RoleChange) -> Change {
    Change {
        role: Some(change),
        events: Some(events(&["role"], None)),
        ..Change::default()
    }
}

fn of_family(change: FamilyChange) -> Change {
    Change {
        family: Some(change),
        events: Some(events(&["family"], None)),
        ..Change::default()
    }
}

fn role(name: &str) -> NewRole {
    NewRole {
        name: name.to_owned(),
        description: Some("may write".to_owned()),
        permissions: vec!["read".to_owned()],
        created_at: at(0),
    }
}

fn family(whose: UserId, name: &str) -> NewTracker {
    NewTracker {
        user_id: whose,
        family: name.to_owned(),
        name: "default".to_owned(),
        expires_at: at(100),
        created_at: at(0),
    }
}

fn reclaim(id: UserId) -> UserChange {
    let fresh = Uniquifiers {
        session: "fresh".to_owned(),
        token: "fresh token".to_owned(),
    };
    UserChange::Reclaim(id, Box::default(), fresh)
}

fn add(role: RoleId) -> RoleChange {
    RoleChange::Permissions(role, PermissionChange::Add(vec!["write".to_owned()]))
}

fn end(name: &str) -> FamilyChange {
    FamilyChange::End(name.to_owned())
}

const DONE: Result<Applied, StoreError> = Ok(Applied::Done(None));
const STALE: Result<Applied, StoreError> = Ok(Applied::Stale);

fn taken(column: &str) -> Result<Applied, StoreError> {
    Err(StoreError::Conflict {
        column: column.to_owned(),
    })
}

/// Applies a change, and expects this outcome and one audit entry for an applied change.
async fn comes_to(store: &Arc<dyn Store>, change: Change, expected: &Result<Applied, StoreError>) {
    let before = store.audit(None, 0, 1000).await.unwrap().len();
    let applied = store.apply(change, at(5)).await;
    assert_eq!(&applied, expected);
    let done = usize::from(matches!(applied, Ok(Applied::Done(_))));
    let after = store.audit(None, 0, 1000).await.unwrap().len();
    assert_eq!(after, before + done);
}

/// A user with a role and a refresh-token family, and a role that no user has.
async fn made(store: &Arc<dyn Store>) -> (User, Role, Role) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let editor = store.create_role(role("editor")).await.unwrap();
    let admin = store.create_role(role("admin")).await.unwrap();
    store.give_role(ana.id, editor.id).await.unwrap();
    let begun = store.create_tracker(family(ana.id, "f1")).await;
    begun.unwrap();
    (by_id(store, ana.id).await, editor, admin)
}

async fn names(store: &Arc<dyn Store>, id: UserId) -> Vec<String> {
    let roles = store.roles_of(id).await.unwrap();
    roles.into_iter().map(|role| role.name).collect()
}

pub(crate) async fn deleting_or_resetting_a_user_is_audited(store: &Arc<dyn Store>) {
    let (ana, ..) = made(store).await;
    let done = Ok(Applied::Done(Some(ana.id)));
    comes_to(store, of_user(reclaim(ana.id)), &done).await;
    let now = by_id(store, ana.id).await;
    assert_eq!(now.fs_uniquifier, "fresh");
    assert_eq!(now.password, ana.password);
    let ended = store.tracker("f1").await.unwrap().unwrap();
    assert!(ended.revoked_at.is_some());

    comes_to(store, of_user(UserChange::Delete(ana.id)), &done).await;
    assert_eq!(store.user(UserKey::Id(ana.id)).await, Ok(None));
    assert_eq!(store.tracker("f1").await, Ok(None));
    assert_eq!(names(store, ana.id).await, Vec::<String>::new());
    let log = store.audit(Some(ana.id), 0, 10).await.unwrap();
    assert_eq!(
        log.len(),
        2,
        "the audit log keeps the entries of a deleted user"
    );
    // A user cannot be deleted or reset again.
    comes_to(store, of_user(UserChange::Delete(ana.id)), &STALE).await;
    comes_to(store, of_user(reclaim(ana.id)), &STALE).await;
}

pub(crate) async fn changes_of_roles_are_audited(store: &Arc<dyn Store>) {
    let (ana, editor, admin) = made(store).await;
    comes_to(store, of_role(RoleChange::Create(role("new"))), &DONE).await;
    let again = RoleChange::Create(role("new"));
    comes_to(store, of_role(again), &taken("name")).await;
    let new = store.role("new").await.unwrap().unwrap();
    assert_eq!(new.description.as_deref(), Some("may write"));
    assert_eq!(new.permissions, ["read"]);

    comes_to(store, of_role(add(new.id)), &DONE).await;
    let new = store.role("new").await.unwrap().unwrap();
    assert_eq!(new.permissions, ["read", "write"]);
    comes_to(store, of_role(add(RoleId(99))), &STALE).await;

    let give = |role: &Role| of_role(RoleChange::Give(ana.id, role.id));
    let take = |role: &Role| of_role(RoleChange::Take(ana.id, role.id));
    comes_to(store, give(&editor), &STALE).await;
    comes_to(store, give(&admin), &DONE).await;
    comes_to(store, give(&admin), &STALE).await;
    let unknown_role = of_role(RoleChange::Give(ana.id, RoleId(99)));
    comes_to(store, unknown_role, &STALE).await;
    let unknown_user = of_role(RoleChange::Give(UserId(99), admin.id));
    comes_to(store, unknown_user, &STALE).await;
    assert_eq!(names(store, ana.id).await, ["admin", "editor"]);
    comes_to(store, take(&editor), &DONE).await;
    comes_to(store, take(&editor), &STALE).await;
    assert_eq!(names(store, ana.id).await, ["admin"]);
}

pub(crate) async fn beginning_and_ending_a_family_is_audited(store: &Arc<dyn Store>) {
    let (ana, ..) = made(store).await;
    let begin = |name: &str| of_family(FamilyChange::Begin(family(ana.id, name)));
    comes_to(store, begin("f2"), &DONE).await;
    let begun = store.tracker("f2").await.unwrap().unwrap();
    let values = (begun.user_id, begun.generation, begun.expires_at);
    assert_eq!(values, (ana.id, 1, at(100)));
    assert_eq!(begun.revoked_at, None);
    comes_to(store, begin("f2"), &taken("refresh_family")).await;
    comes_to(store, of_family(end("f2")), &DONE).await;
    let ended = store.tracker("f2").await.unwrap().unwrap();
    assert_eq!(ended.revoked_at, Some(at(5)));
    comes_to(store, of_family(end("f2")), &STALE).await;
    comes_to(store, of_family(end("no such family")), &STALE).await;
}

pub(crate) async fn concurrent_identical_changes_are_applied_and_audited_once(
    store: &Arc<dyn Store>,
) {
    let (ana, _, admin) = made(store).await;
    let changes: [&(dyn Fn() -> Change + Sync); 3] = [
        &|| of_family(end("f1")),
        &|| of_role(RoleChange::Give(ana.id, admin.id)),
        &|| of_user(UserChange::Delete(ana.id)),
    ];
    for (round, change) in (1..).zip(changes) {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (store, change) = (Arc::clone(store), change());
                tokio::spawn(async move { store.apply(change, at(5)).await.unwrap() })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            match task.await.unwrap() {
                Applied::Done(_) => done += 1,
                other => assert_eq!(other, Applied::Stale),
            }
        }
        assert_eq!(done, 1);
        assert_eq!(store.audit(None, 0, 100).await.unwrap().len(), round);
    }
}

pub(crate) async fn a_stale_part_prevents_every_other_part(store: &Arc<dyn Store>) {
    let (ana, editor, _) = made(store).await;
    let deactivated = || {
        let patch = UserPatch {
            active: Some(false),
            ..UserPatch::default()
        };
        Some(UserChange::Update(ana.id, Box::new(patch)))
    };
    let consumes = || vec![secret("s1")];
    let stale = [
        Change {
            consumes: consumes(),
            user: deactivated(),
            ..of_role(RoleChange::Give(ana.id, editor.id))
        },
        Change {
            consumes: consumes(),
            user: deactivated(),
            ..of_family(end("no such family"))
        },
        Change {
            consumes: consumes(),
            role: Some(RoleChange::Take(ana.id, editor.id)),
            ..of_family(end("no such family"))
        },
        Change {
            consumes: consumes(),
            family: Some(end("f1")),
            ..of_user(UserChange::Delete(UserId(99)))
        },
        Change {
            consumes: consumes(),
            user: Some(UserChange::Delete(ana.id)),
            ..of_role(add(RoleId(99)))
        },
    ];
    for change in stale {
        comes_to(store, change, &STALE).await;
    }
    assert_eq!(by_id(store, ana.id).await, ana);
    assert_eq!(names(store, ana.id).await, ["editor"]);
    let goes_on = store.tracker("f1").await.unwrap().unwrap();
    assert_eq!(goes_on.revoked_at, None);
    // Applies all of it at once, with the secret that no stale change has consumed.
    let all = Change {
        consumes: consumes(),
        user: deactivated(),
        role: Some(RoleChange::Take(ana.id, editor.id)),
        ..of_family(end("f1"))
    };
    comes_to(store, all, &Ok(Applied::Done(Some(ana.id)))).await;
    assert!(!by_id(store, ana.id).await.active);
    assert_eq!(names(store, ana.id).await, Vec::<String>::new());
}

pub(crate) async fn several_secrets_are_consumed_together_or_not_at_all(store: &Arc<dyn Store>) {
    let consuming = |names: &[&str]| Change {
        consumes: names.iter().map(|name| secret(name)).collect(),
        events: Some(events(&["secrets"], None)),
        ..Change::default()
    };
    comes_to(store, consuming(&["a"]), &DONE).await;
    let spent = Ok(Applied::Spent);
    comes_to(store, consuming(&["b", "a"]), &spent).await;
    comes_to(store, consuming(&["b", "b"]), &spent).await;
    comes_to(store, consuming(&["b", "c"]), &DONE).await;
    comes_to(store, consuming(&["c"]), &spent).await;
}

#[tokio::test]
async fn nothing_is_applied_if_the_audit_entry_cannot_be_written() {
    for outside in Outside::each().await {
        let store = outside.open().await;
        let (ana, editor, admin) = made(&store).await;
        outside.run("ALTER TABLE vestibule_audit RENAME TO elsewhere");
        let changes = [
            of_user(UserChange::Delete(ana.id)),
            of_user(reclaim(ana.id)),
            of_role(RoleChange::Create(role("new"))),
            of_role(add(editor.id)),
            of_role(RoleChange::Give(ana.id, admin.id)),
            of_role(RoleChange::Take(ana.id, editor.id)),
            of_family(FamilyChange::Begin(family(ana.id, "f2"))),
            of_family(end("f1")),
        ];
        for change in changes {
            let change = Change {
                consumes: vec![secret("s1")],
                ..change
            };
            let words = format!("{change:?}");
            assert!(store.apply(change, at(5)).await.is_err(), "{words}");
        }
        outside.run("ALTER TABLE elsewhere RENAME TO vestibule_audit");
        assert_eq!(by_id(&store, ana.id).await, ana);
        assert_eq!(names(&store, ana.id).await, ["editor"]);
        assert_eq!(store.role("new").await, Ok(None));
        assert_eq!(store.role("editor").await, Ok(Some(editor)));
        assert_eq!(store.tracker("f2").await, Ok(None));
        let goes_on = store.tracker("f1").await.unwrap().unwrap();
        assert_eq!(goes_on.revoked_at, None);
        assert_eq!(store.audit(None, 0, 10).await, Ok(Vec::new()));
        let unspent = Change {
            consumes: vec![secret("s1")],
            ..of_family(end("f1"))
        };
        comes_to(&store, unspent, &DONE).await;
    }
}
