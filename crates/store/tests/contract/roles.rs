//! Roles, their permissions, and giving them to users.

use std::sync::Arc;

use vestibule_store::{
    Identity, NewRole, PermissionChange, Role, RoleId, Store, StoreError, UserKey,
};

use crate::support::{at, user};

fn new(name: &str, permissions: &[&str]) -> NewRole {
    NewRole {
        name: name.to_owned(),
        description: None,
        permissions: texts(permissions),
        created_at: at(0),
    }
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn names(roles: &[Role]) -> Vec<&str> {
    roles.iter().map(|role| role.name.as_str()).collect()
}

pub(crate) async fn a_role_is_created_found_and_listed(store: &Arc<dyn Store>) {
    assert_eq!(store.list_roles().await.unwrap(), []);
    let editor = NewRole {
        description: Some("edits, \"a lot\"".to_owned()),
        ..new("editor", &["write", "read"])
    };
    let editor = store.create_role(editor).await.unwrap();
    assert_eq!(editor.description.as_deref(), Some("edits, \"a lot\""));
    assert_eq!(editor.permissions, texts(&["write", "read"]));
    let admin = store.create_role(new("admin", &[])).await.unwrap();
    assert_ne!(admin.id, editor.id);
    assert_eq!(store.role("editor").await.unwrap(), Some(editor.clone()));
    assert_eq!(store.role("Editor").await.unwrap(), None);
    assert_eq!(store.role("unknown").await.unwrap(), None);
    assert_eq!(store.list_roles().await.unwrap(), [admin, editor]);
}

pub(crate) async fn a_taken_name_is_a_conflict(store: &Arc<dyn Store>) {
    store.create_role(new("editor", &[])).await.unwrap();
    let again = store.create_role(new("editor", &["more"])).await;
    assert_eq!(
        again,
        Err(StoreError::Conflict {
            column: "name".to_owned()
        })
    );
    assert_eq!(
        store.role("editor").await.unwrap().unwrap().permissions,
        texts(&[])
    );
}

pub(crate) async fn a_role_is_given_and_taken_once(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    let editor = store.create_role(new("editor", &[])).await.unwrap();
    assert!(store.give_role(ana.id, editor.id).await.unwrap());
    assert!(!store.give_role(ana.id, editor.id).await.unwrap());
    assert_eq!(names(&store.roles_of(ana.id).await.unwrap()), ["editor"]);
    assert_eq!(store.roles_of(bo.id).await.unwrap(), []);
    assert!(!store.take_role(bo.id, editor.id).await.unwrap());
    assert!(store.take_role(ana.id, editor.id).await.unwrap());
    assert!(!store.take_role(ana.id, editor.id).await.unwrap());
    assert_eq!(store.roles_of(ana.id).await.unwrap(), []);
}

pub(crate) async fn concurrent_grants_of_one_role_succeed_once(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let editor = store.create_role(new("editor", &[])).await.unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.give_role(ana.id, editor.id).await.unwrap() })
        })
        .collect();
    let mut given = 0;
    for task in tasks {
        given += u32::from(task.await.unwrap());
    }
    assert_eq!(given, 1);
    // There must be one row: with two, taking the role once would leave one.
    assert!(store.take_role(ana.id, editor.id).await.unwrap());
    assert_eq!(store.roles_of(ana.id).await.unwrap(), []);
}

pub(crate) async fn permissions_are_added_and_removed_in_order(store: &Arc<dyn Store>) {
    let editor = store.create_role(new("editor", &["b", "a"])).await.unwrap();
    let change = |change| store.change_permissions(editor.id, change, at(1));
    let added = change(PermissionChange::Add(texts(&["c", "a", "c"]))).await;
    assert_eq!(added.unwrap().unwrap().permissions, texts(&["b", "a", "c"]));
    let removed = change(PermissionChange::Remove(texts(&["b", "x"]))).await;
    assert_eq!(removed.unwrap().unwrap().permissions, texts(&["a", "c"]));
    let none = change(PermissionChange::Remove(texts(&["a", "c"]))).await;
    assert_eq!(none.unwrap().unwrap().permissions, texts(&[]));
    assert_eq!(
        store.role("editor").await.unwrap().unwrap().permissions,
        texts(&[])
    );
    let unknown_role = store
        .change_permissions(RoleId(99), PermissionChange::Add(texts(&["a"])), at(1))
        .await;
    assert_eq!(unknown_role.unwrap(), None);
}

pub(crate) async fn concurrent_permission_changes_all_take_effect(store: &Arc<dyn Store>) {
    let editor = store.create_role(new("editor", &[])).await.unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let change = PermissionChange::Add(vec![format!("permission-{number:02}")]);
                store
                    .change_permissions(editor.id, change, at(1))
                    .await
                    .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut permissions = store.role("editor").await.unwrap().unwrap().permissions;
    permissions.sort();
    let all: Vec<String> = (0..32)
        .map(|number| format!("permission-{number:02}"))
        .collect();
    assert_eq!(permissions, all);
}

pub(crate) async fn a_user_is_found_with_their_roles_by_every_key(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    for name in ["editor", "admin"] {
        let role = store.create_role(new(name, &["read"])).await.unwrap();
        store.give_role(ana.id, role.id).await.unwrap();
    }
    let roles = store.roles_of(ana.id).await.unwrap();
    assert_eq!(names(&roles), ["admin", "editor"]);
    let email = |value, ignore_case| UserKey::Identity {
        attribute: Identity::Email,
        value,
        ignore_case,
    };
    for key in [
        UserKey::Id(ana.id),
        UserKey::Uniquifier(&ana.fs_uniquifier),
        email("ana@example.com", false),
        email("ANA@example.com", true),
    ] {
        let found = store.user_with_roles(key).await.unwrap();
        assert_eq!(found, Some((ana.clone(), roles.clone())), "{key:?}");
    }
    let found = store.user_with_roles(UserKey::Id(bo.id)).await.unwrap();
    assert_eq!(found, Some((bo, Vec::new())));
    let in_another_case = store.user_with_roles(email("ANA@example.com", false)).await;
    assert_eq!(in_another_case.unwrap(), None);
    let token = store
        .user_with_roles(UserKey::TokenUniquifier(
            "token uniquifier of ana@example.com",
        ))
        .await
        .unwrap();
    assert_eq!(token.is_some(), store.has_token_uniquifiers());
}
