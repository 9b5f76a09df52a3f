//! Updating users.

use std::sync::Arc;

use vestibule_store::{
    NewUser, PasswordChange, SignIn, Store, StoreError, User, UserId, UserKey, UserPatch,
};

use crate::support::{at, by_email, by_id, patch, user};

pub(crate) async fn a_patch_changes_only_its_fields(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();

    assert!(
        patch(
            store,
            ana.id,
            UserPatch {
                active: Some(false),
                ..UserPatch::default()
            },
            1
        )
        .await
    );
    let mut expected = User {
        active: false,
        update_datetime: Some(at(1)),
        ..ana.clone()
    };
    assert!(by_id(store, ana.id).await == expected);

    let change = UserPatch {
        password: Some(PasswordChange::Set("$new".to_owned())),
        fs_uniquifier: Some("another".to_owned()),
        ..UserPatch::default()
    };
    assert!(patch(store, ana.id, change, 2).await);
    expected.password = Some("$new".to_owned());
    expected.fs_uniquifier = "another".to_owned();
    expected.update_datetime = Some(at(2));
    assert!(by_id(store, ana.id).await == expected);
    assert!(
        store
            .user(UserKey::Uniquifier(&ana.fs_uniquifier))
            .await
            .unwrap()
            .is_none()
    );
    assert!(by_id(store, bo.id).await == bo);
}

pub(crate) async fn a_patch_of_an_unknown_user_changes_nothing(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let unknown = UserId(ana.id.0 + 1);
    for change in [
        UserPatch {
            active: Some(false),
            ..UserPatch::default()
        },
        UserPatch {
            sign_in: Some(SignIn { ip: None }),
            ..UserPatch::default()
        },
        UserPatch::default(),
    ] {
        assert!(!patch(store, unknown, change, 1).await);
    }
    assert!(patch(store, ana.id, UserPatch::default(), 1).await);
    let now = by_id(store, ana.id).await;
    assert!(
        User {
            update_datetime: ana.update_datetime,
            ..now
        } == ana
    );
}

pub(crate) async fn a_refused_patch_changes_nothing(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    let change = UserPatch {
        active: Some(false),
        password: Some(PasswordChange::Set("$new".to_owned())),
        sign_in: Some(SignIn {
            ip: Some("192.0.2.1".to_owned()),
        }),
        fs_uniquifier: Some(ana.fs_uniquifier),
        ..UserPatch::default()
    };
    assert!(store.update_user(bo.id, change, at(1)).await.is_err());
    assert!(by_id(store, bo.id).await == bo);
}

pub(crate) async fn a_second_factor_can_be_set_and_removed(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    for method in [Some("authenticator".to_owned()), None] {
        let change = UserPatch {
            tf_primary_method: Some(method.clone()),
            ..UserPatch::default()
        };
        assert!(patch(store, ana.id, change, 1).await);
        assert_eq!(by_id(store, ana.id).await.tf_primary_method, method);
    }
}

pub(crate) async fn a_sign_in_moves_current_to_last_and_counts(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let sign_in = |ip: Option<&str>| UserPatch {
        sign_in: Some(SignIn {
            ip: ip.map(str::to_owned),
        }),
        ..UserPatch::default()
    };
    let tracked = |user: User| {
        (
            user.last_login_at,
            user.current_login_at,
            user.last_login_ip,
            user.current_login_ip,
            user.login_count,
        )
    };
    let (one, two) = (Some("192.0.2.1".to_owned()), Some("2001:db8::2".to_owned()));

    patch(store, ana.id, sign_in(one.as_deref()), 1).await;
    let now = tracked(by_id(store, ana.id).await);
    // The first sign-in is also recorded as the previous one.
    assert_eq!(now, (Some(at(1)), Some(at(1)), None, one.clone(), Some(1)));

    patch(store, ana.id, sign_in(two.as_deref()), 2).await;
    let now = tracked(by_id(store, ana.id).await);
    assert_eq!(now, (Some(at(1)), Some(at(2)), one, two.clone(), Some(2)));

    patch(store, ana.id, sign_in(None), 3).await;
    let now = tracked(by_id(store, ana.id).await);
    assert_eq!(now, (Some(at(2)), Some(at(3)), two, None, Some(3)));
}

pub(crate) async fn concurrent_sign_ins_are_all_counted(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let change = UserPatch {
                    sign_in: Some(SignIn {
                        ip: Some(number.to_string()),
                    }),
                    ..UserPatch::default()
                };
                assert!(store.update_user(ana.id, change, at(number)).await.unwrap());
                // A reader in between sees a consistent row.
                let seen = by_id(&store, ana.id).await;
                let ip = seen.current_login_ip.unwrap().parse().unwrap();
                assert_eq!(seen.current_login_at, Some(at(ip)));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(by_id(store, ana.id).await.login_count, Some(64));
}

pub(crate) async fn a_hash_upgrade_never_undoes_a_password_change(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let upgrade = |old: &str, new: &str| UserPatch {
        password: Some(PasswordChange::Upgrade {
            old: old.to_owned(),
            new: new.to_owned(),
        }),
        sign_in: Some(SignIn { ip: None }),
        ..UserPatch::default()
    };
    assert!(patch(store, ana.id, upgrade("$old", "$stronger"), 1).await);
    assert_eq!(
        by_id(store, ana.id).await.password.as_deref(),
        Some("$stronger")
    );

    // The password changed after a concurrent sign-in verified the old hash: the sign-in counts,
    // and the new password stays.
    let set = UserPatch {
        password: Some(PasswordChange::Set("$changed".to_owned())),
        ..UserPatch::default()
    };
    assert!(patch(store, ana.id, set, 2).await);
    for old in ["$stronger", "$old", "", "$CHANGED"] {
        assert!(patch(store, ana.id, upgrade(old, "$undone"), 3).await);
        assert_eq!(
            by_id(store, ana.id).await.password.as_deref(),
            Some("$changed"),
            "{old:?}"
        );
    }
    assert_eq!(by_id(store, ana.id).await.login_count, Some(5));

    // A user without a password has no hash to upgrade.
    let none = store
        .create_user(NewUser {
            password: None,
            ..user("no@example.com")
        })
        .await
        .unwrap();
    assert!(patch(store, none.id, upgrade("", "$undone"), 4).await);
    assert_eq!(by_id(store, none.id).await.password, None);
}

pub(crate) async fn writes_are_visible_immediately(store: &Arc<dyn Store>) {
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                for number in 0..20 {
                    let email = format!("{task}-{number}@example.com");
                    let made = store.create_user(user(&email)).await.unwrap();
                    assert_eq!(by_email(&store, &email, false).await.unwrap().id, made.id);
                    let change = UserPatch {
                        active: Some(false),
                        ..UserPatch::default()
                    };
                    assert!(store.update_user(made.id, change, at(1)).await.unwrap());
                    assert!(!by_id(&store, made.id).await.active);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn debug_shows_no_secrets() {
    let secrets = ["$old", "$new", "uniquifier-1", "uniquifier-2"];
    let patch = UserPatch {
        password: Some(PasswordChange::Upgrade {
            old: "$old".to_owned(),
            new: "$new".to_owned(),
        }),
        fs_uniquifier: Some("uniquifier-1".to_owned()),
        ..UserPatch::default()
    };
    let new = NewUser {
        fs_uniquifier: "uniquifier-2".to_owned(),
        ..user("ana@example.com")
    };
    let key = UserKey::Uniquifier("uniquifier-1");
    for shown in [
        format!("{patch:?} {patch:#?}"),
        format!("{new:?} {new:#?}"),
        format!("{key:?} {key:#?}"),
        format!("{:?}", PasswordChange::Set("$new".to_owned())),
    ] {
        for secret in secrets {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

pub(crate) async fn identities_can_change_unless_they_are_taken(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let named = UserPatch {
        email: Some("anna@example.com".to_owned()),
        username: Some(Some("anna".to_owned())),
        us_phone_number: Some(Some("+16505551234".to_owned())),
        ..UserPatch::default()
    };
    assert!(patch(store, ana.id, named.clone(), 1).await);
    let changed = by_id(store, ana.id).await;
    assert_eq!(changed.email.as_deref(), Some("anna@example.com"));
    assert_eq!(changed.username.as_deref(), Some("anna"));
    assert_eq!(changed.us_phone_number.as_deref(), Some("+16505551234"));
    assert!(
        patch(store, ana.id, named.clone(), 2).await,
        "her own values are no conflict"
    );

    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    let claims = [
        (
            "email",
            UserPatch {
                email: named.email,
                ..UserPatch::default()
            },
        ),
        (
            "username",
            UserPatch {
                username: named.username,
                ..UserPatch::default()
            },
        ),
        (
            "us_phone_number",
            UserPatch {
                us_phone_number: named.us_phone_number,
                ..UserPatch::default()
            },
        ),
    ];
    for (column, claim) in claims {
        let refused = store.update_user(bo.id, claim, at(3)).await;
        assert_eq!(
            refused,
            Err(StoreError::Conflict {
                column: column.to_owned()
            })
        );
    }
    assert!(by_id(store, bo.id).await == bo);
    let nameless = UserPatch {
        username: Some(None),
        us_phone_number: Some(None),
        ..UserPatch::default()
    };
    assert!(patch(store, ana.id, nameless, 4).await);
    let changed = by_id(store, ana.id).await;
    assert_eq!((changed.username, changed.us_phone_number), (None, None));
}

pub(crate) async fn a_confirmation_can_be_set_and_removed(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    for confirmed_at in [Some(at(5)), None] {
        let confirmation = UserPatch {
            confirmed_at: Some(confirmed_at),
            ..UserPatch::default()
        };
        assert!(patch(store, ana.id, confirmation, 6).await);
        assert_eq!(by_id(store, ana.id).await.confirmed_at, confirmed_at);
    }
}

pub(crate) async fn the_first_token_uniquifier_stays(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    // `None` if the table lacks the column.
    let first = ana.fs_token_uniquifier;
    assert_eq!(first.is_some(), store.has_token_uniquifiers());
    let patch = UserPatch {
        first_token_uniquifier: Some("another".to_owned()),
        ..UserPatch::default()
    };
    assert_eq!(store.update_user(ana.id, patch, at(1)).await, Ok(true));
    let ana = store.user(UserKey::Id(ana.id)).await.unwrap().unwrap();
    assert_eq!(ana.fs_token_uniquifier, first);
}
