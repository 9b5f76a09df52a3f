//! What every store does, whatever it keeps its users in; in `sqlite.rs` and `schema.rs`
//! what SQLite has of its own.

mod schema;
mod sqlite;
mod support;

use std::sync::Arc;

use support::{Folder, at, user};
use time::macros::datetime;
use vestibule_store::{
    Identity, MemoryStore, NewUser, PasswordChange, SignIn, Store, StoreError, User, UserId,
    UserKey, UserPatch,
};

/// A store, and what has to stay while it is used.
struct Backend {
    store: Arc<dyn Store>,
    _folder: Option<Folder>,
}

fn in_memory() -> Backend {
    Backend {
        store: Arc::new(MemoryStore::default()),
        _folder: None,
    }
}

fn sqlite_file() -> Backend {
    let folder = Folder::new();
    Backend {
        store: Arc::new(folder.made()),
        _folder: Some(folder),
    }
}

macro_rules! contract {
    ($backend:ident) => {
        contract!($backend:
            a_new_user_is_found_by_every_key
            who_is_not_there_is_not_found
            a_taken_value_is_a_conflict_that_names_its_column
            many_users_may_go_without_a_name
            of_two_at_once_with_one_address_one_is_made
            case_matters_unless_it_is_ignored
            the_exact_spelling_comes_before_others
            only_the_case_of_ascii_is_ignored
            no_value_is_more_than_a_value
            a_patch_changes_what_it_says_and_nothing_else
            a_patch_of_nobody_changes_nothing
            a_refused_patch_changes_nothing_at_all
            a_second_factor_can_be_set_and_taken_away
            a_sign_in_moves_current_to_last_and_counts
            no_sign_in_is_lost_when_many_come_at_once
            an_upgrade_of_a_hash_never_undoes_a_change
            moments_keep_their_microseconds_and_lose_their_zone
            users_are_listed_in_pages
            a_new_user_has_no_roles
            what_was_written_is_read_at_once
        );
    };
    ($backend:ident: $($case:ident)+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let backend = super::$backend();
                    super::$case(&backend.store).await;
                }
            )+
        }
    };
}

contract!(in_memory);
contract!(sqlite_file);

async fn by_email(store: &Arc<dyn Store>, value: &str, ignore_case: bool) -> Option<User> {
    by(store, Identity::Email, value, ignore_case).await
}

async fn by(
    store: &Arc<dyn Store>,
    attribute: Identity,
    value: &str,
    ignore_case: bool,
) -> Option<User> {
    store
        .user(UserKey::Identity {
            attribute,
            value,
            ignore_case,
        })
        .await
        .unwrap()
}

async fn by_id(store: &Arc<dyn Store>, id: UserId) -> User {
    store.user(UserKey::Id(id)).await.unwrap().unwrap()
}

async fn patch(store: &Arc<dyn Store>, id: UserId, patch: UserPatch, seconds: i64) -> bool {
    store.update_user(id, patch, at(seconds)).await.unwrap()
}

async fn a_new_user_is_found_by_every_key(store: &Arc<dyn Store>) {
    let new = NewUser {
        username: Some("ana".to_owned()),
        confirmed_at: Some(at(-5)),
        ..user("ana@example.com")
    };
    let made = store.create_user(new).await.unwrap();
    let expected = User {
        id: made.id,
        email: Some("ana@example.com".to_owned()),
        username: Some("ana".to_owned()),
        password: Some("$old".to_owned()),
        active: true,
        fs_uniquifier: "uniquifier of ana@example.com".to_owned(),
        confirmed_at: Some(at(-5)),
        last_login_at: None,
        current_login_at: None,
        last_login_ip: None,
        current_login_ip: None,
        login_count: None,
        tf_primary_method: None,
        tf_totp_secret: None,
        tf_phone_number: None,
        us_totp_secrets: None,
        us_phone_number: None,
        fs_webauthn_user_handle: None,
        mf_recovery_codes: None,
        create_datetime: Some(at(0)),
        update_datetime: Some(at(0)),
    };
    // `assert_eq!` would show nothing: a user's Debug is discreet.
    assert!(made == expected);
    assert!(by_id(store, made.id).await == expected);
    for found in [
        store
            .user(UserKey::Uniquifier("uniquifier of ana@example.com"))
            .await
            .unwrap(),
        by_email(store, "ana@example.com", false).await,
        by_email(store, "ana@example.com", true).await,
        by(store, Identity::Username, "ana", false).await,
    ] {
        assert!(found.as_ref() == Some(&expected));
    }
}

async fn who_is_not_there_is_not_found(store: &Arc<dyn Store>) {
    let made = store.create_user(user("ana@example.com")).await.unwrap();
    let next = UserId(made.id.0 + 1);
    for key in [
        UserKey::Id(next),
        UserKey::Id(UserId(-1)),
        UserKey::Uniquifier(""),
    ] {
        assert!(store.user(key).await.unwrap().is_none(), "{key:?}");
    }
    for attribute in [Identity::Email, Identity::Username, Identity::Phone] {
        for value in ["", "none", "NULL", "ana", "ana@example.com "] {
            for ignore_case in [false, true] {
                let found = by(store, attribute, value, ignore_case).await;
                assert!(found.is_none(), "{attribute:?} {value:?}");
            }
        }
    }
}

async fn a_taken_value_is_a_conflict_that_names_its_column(store: &Arc<dyn Store>) {
    let ana = NewUser {
        username: Some("ana".to_owned()),
        ..user("ana@example.com")
    };
    let ana = store.create_user(ana).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    let conflict = |column: &str| StoreError::Conflict {
        column: column.to_owned(),
    };

    let same_email = NewUser {
        fs_uniquifier: "3".to_owned(),
        ..user("ana@example.com")
    };
    assert_eq!(
        store.create_user(same_email).await.unwrap_err(),
        conflict("email")
    );
    let same_name = NewUser {
        username: Some("ana".to_owned()),
        ..user("cy@example.com")
    };
    assert_eq!(
        store.create_user(same_name).await.unwrap_err(),
        conflict("username")
    );
    let same_uniquifier = NewUser {
        fs_uniquifier: ana.fs_uniquifier.clone(),
        ..user("cy@example.com")
    };
    assert_eq!(
        store.create_user(same_uniquifier).await.unwrap_err(),
        conflict("fs_uniquifier")
    );
    let change = UserPatch {
        fs_uniquifier: Some(ana.fs_uniquifier),
        ..UserPatch::default()
    };
    assert_eq!(
        store.update_user(bo.id, change, at(1)).await.unwrap_err(),
        conflict("fs_uniquifier")
    );

    // Their own value is nobody else's.
    let own = UserPatch {
        fs_uniquifier: Some(bo.fs_uniquifier),
        ..UserPatch::default()
    };
    assert!(patch(store, bo.id, own, 1).await);
    assert_eq!(store.list_users(None, 10).await.unwrap().len(), 2);
}

async fn many_users_may_go_without_a_name(store: &Arc<dyn Store>) {
    for number in 0..3 {
        store
            .create_user(user(&format!("{number}@example.com")))
            .await
            .unwrap();
    }
    assert_eq!(store.list_users(None, 10).await.unwrap().len(), 3);
}

async fn of_two_at_once_with_one_address_one_is_made(store: &Arc<dyn Store>) {
    let attempts: Vec<_> = (0..16)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let new = NewUser {
                    fs_uniquifier: number.to_string(),
                    ..user("ana@example.com")
                };
                store.create_user(new).await
            })
        })
        .collect();
    let mut made = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(
                error,
                StoreError::Conflict {
                    column: "email".to_owned()
                }
            ),
        }
    }
    assert_eq!(made, 1);
}

async fn case_matters_unless_it_is_ignored(store: &Arc<dyn Store>) {
    let new = NewUser {
        username: Some("Ana".to_owned()),
        ..user("Ana@example.com")
    };
    store.create_user(new).await.unwrap();
    assert!(by_email(store, "ana@example.com", false).await.is_none());
    assert!(by_email(store, "ANA@EXAMPLE.COM", true).await.is_some());
    assert!(by(store, Identity::Username, "aNA", false).await.is_none());
    assert!(by(store, Identity::Username, "aNA", true).await.is_some());
}

async fn the_exact_spelling_comes_before_others(store: &Arc<dyn Store>) {
    let first = store.create_user(user("ANA@example.com")).await.unwrap();
    let second = store.create_user(user("ana@example.com")).await.unwrap();
    for (value, expected) in [
        ("ANA@example.com", first.id),
        ("ana@example.com", second.id),
        // Nobody spells it like this: the elder account.
        ("Ana@example.com", first.id),
    ] {
        assert_eq!(
            by_email(store, value, true).await.unwrap().id,
            expected,
            "{value}"
        );
    }
}

async fn only_the_case_of_ascii_is_ignored(store: &Arc<dyn Store>) {
    let made = store.create_user(user("JÖRG@example.com")).await.unwrap();
    assert!(by_email(store, "jörg@example.com", true).await.is_none());
    assert_eq!(
        by_email(store, "jÖrg@example.com", true).await.unwrap().id,
        made.id
    );
    // U+212A, the Kelvin sign, is a k to whoever lowers it as Unicode does.
    store.create_user(user("kim@example.com")).await.unwrap();
    assert!(
        by_email(store, "\u{212a}im@example.com", true)
            .await
            .is_none()
    );
}

async fn no_value_is_more_than_a_value(store: &Arc<dyn Store>) {
    let strange = [
        "ana@example.com' OR '1'='1",
        "%",
        "_na@example.com",
        "ana@example.com\0",
        "ana\0@example.com",
        "\0",
        "\u{10ffff}\u{202e}",
        "?1",
        "12",
        "NULL",
    ];
    store.create_user(user("ana@example.com")).await.unwrap();
    for value in strange {
        assert!(by_email(store, value, true).await.is_none(), "{value:?}");
    }
    for value in strange {
        let made = store.create_user(user(value)).await.unwrap();
        assert_eq!(made.email.as_deref(), Some(value));
        for ignore_case in [false, true] {
            assert_eq!(
                by_email(store, value, ignore_case).await.unwrap().id,
                made.id,
                "{value:?}"
            );
        }
    }
    let long = "a".repeat(1_000_000);
    let made = store.create_user(user(&long)).await.unwrap();
    assert_eq!(
        by_email(store, &long.to_uppercase(), true)
            .await
            .unwrap()
            .id,
        made.id
    );
}

async fn a_patch_changes_what_it_says_and_nothing_else(store: &Arc<dyn Store>) {
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

async fn a_patch_of_nobody_changes_nothing(store: &Arc<dyn Store>) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let nobody = UserId(ana.id.0 + 1);
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
        assert!(!patch(store, nobody, change, 1).await);
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

async fn a_refused_patch_changes_nothing_at_all(store: &Arc<dyn Store>) {
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

async fn a_second_factor_can_be_set_and_taken_away(store: &Arc<dyn Store>) {
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

async fn a_sign_in_moves_current_to_last_and_counts(store: &Arc<dyn Store>) {
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
    // The first time is also the time before.
    assert_eq!(now, (Some(at(1)), Some(at(1)), None, one.clone(), Some(1)));

    patch(store, ana.id, sign_in(two.as_deref()), 2).await;
    let now = tracked(by_id(store, ana.id).await);
    assert_eq!(now, (Some(at(1)), Some(at(2)), one, two.clone(), Some(2)));

    patch(store, ana.id, sign_in(None), 3).await;
    let now = tracked(by_id(store, ana.id).await);
    assert_eq!(now, (Some(at(2)), Some(at(3)), two, None, Some(3)));
}

async fn no_sign_in_is_lost_when_many_come_at_once(store: &Arc<dyn Store>) {
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
                // A reader between the writers sees a whole row.
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

async fn an_upgrade_of_a_hash_never_undoes_a_change(store: &Arc<dyn Store>) {
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

    // Somebody compared with the first hash, and the password was changed meanwhile: the
    // sign-in counts, the hash stays.
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

    // Without a password there is nothing to upgrade.
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

async fn moments_keep_their_microseconds_and_lose_their_zone(store: &Arc<dyn Store>) {
    let new = NewUser {
        confirmed_at: Some(datetime!(2026-02-03 01:00:00.123456 +02:00)),
        created_at: datetime!(1969-12-31 23:59:59.999999 UTC),
        ..user("ana@example.com")
    };
    let made = store.create_user(new).await.unwrap();
    let found = by_id(store, made.id).await;
    assert_eq!(
        found.confirmed_at,
        Some(datetime!(2026-02-02 23:00:00.123456 UTC))
    );
    assert_eq!(
        found.create_datetime,
        Some(datetime!(1969-12-31 23:59:59.999999 UTC))
    );
}

async fn users_are_listed_in_pages(store: &Arc<dyn Store>) {
    assert!(store.list_users(None, 10).await.unwrap().is_empty());
    let mut expected = Vec::new();
    for number in 0..7 {
        let made = store
            .create_user(user(&format!("{number}@example.com")))
            .await
            .unwrap();
        expected.push(made.id);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_users(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|user| user.id));
    }
    assert_eq!(seen, expected);
    assert!(store.list_users(None, 0).await.unwrap().is_empty());
    assert_eq!(store.list_users(None, u32::MAX).await.unwrap().len(), 7);
    assert!(
        store
            .list_users(Some(UserId(i64::MAX)), 1)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_new_user_has_no_roles(store: &Arc<dyn Store>) {
    let made = store.create_user(user("ana@example.com")).await.unwrap();
    assert!(store.roles_of(made.id).await.unwrap().is_empty());
    assert!(
        store
            .roles_of(UserId(made.id.0 + 1))
            .await
            .unwrap()
            .is_empty()
    );
    store.ping().await.unwrap();
}

async fn what_was_written_is_read_at_once(store: &Arc<dyn Store>) {
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
fn nothing_secret_is_shown_by_debug() {
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
