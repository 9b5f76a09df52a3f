//! Creating users and finding them.

use std::sync::Arc;

use time::macros::datetime;
use vestibule_store::{Identity, NewUser, Store, StoreError, User, UserId, UserKey, UserPatch};

use crate::support::{at, by, by_email, by_id, patch, user};

pub(crate) async fn a_new_user_is_found_by_every_key(store: &Arc<dyn Store>) {
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
        fs_token_uniquifier: store
            .has_token_uniquifiers()
            .then(|| "token uniquifier of ana@example.com".to_owned()),
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
        fs_webauthn_user_handle: made.fs_webauthn_user_handle.clone(),
        mf_recovery_codes: None,
        create_datetime: Some(at(0)),
        update_datetime: Some(at(0)),
    };
    // `assert_eq!` would show nothing, because the Debug of a user omits nearly every field.
    assert!(made == expected);
    assert!(made.fs_webauthn_user_handle.is_some());
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

pub(crate) async fn unknown_keys_find_no_user(store: &Arc<dyn Store>) {
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

pub(crate) async fn a_taken_value_is_a_conflict_that_names_its_column(store: &Arc<dyn Store>) {
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

    // A user's own value is no conflict.
    let own = UserPatch {
        fs_uniquifier: Some(bo.fs_uniquifier),
        ..UserPatch::default()
    };
    assert!(patch(store, bo.id, own, 1).await);
    assert_eq!(store.list_users(None, 10).await.unwrap().len(), 2);
}

pub(crate) async fn many_users_may_have_no_username(store: &Arc<dyn Store>) {
    for number in 0..3 {
        store
            .create_user(user(&format!("{number}@example.com")))
            .await
            .unwrap();
    }
    assert_eq!(store.list_users(None, 10).await.unwrap().len(), 3);
}

pub(crate) async fn concurrent_registrations_of_one_address_create_one_user(
    store: &Arc<dyn Store>,
) {
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

pub(crate) async fn case_matters_unless_it_is_ignored(store: &Arc<dyn Store>) {
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

pub(crate) async fn the_exact_spelling_takes_precedence(store: &Arc<dyn Store>) {
    let first = store.create_user(user("ANA@example.com")).await.unwrap();
    let second = match store.create_user(user("ana@example.com")).await {
        Ok(second) => second,
        // If the table's own collation treats both as equal, there cannot be two.
        Err(StoreError::Conflict { column }) => {
            assert_eq!(column, "email");
            assert_eq!(
                by_email(store, "ana@example.com", true).await.unwrap().id,
                first.id
            );
            assert!(by_email(store, "ana@example.com", false).await.is_none());
            return;
        }
        Err(error) => panic!("{error}"),
    };
    for (value, expected) in [
        ("ANA@example.com", first.id),
        ("ana@example.com", second.id),
        // No account has this spelling, so the older account is found.
        ("Ana@example.com", first.id),
    ] {
        assert_eq!(
            by_email(store, value, true).await.unwrap().id,
            expected,
            "{value}"
        );
    }
}

pub(crate) async fn only_ascii_case_is_ignored(store: &Arc<dyn Store>) {
    let made = store.create_user(user("JÖRG@example.com")).await.unwrap();
    assert!(by_email(store, "jörg@example.com", true).await.is_none());
    assert_eq!(
        by_email(store, "jÖrg@example.com", true).await.unwrap().id,
        made.id
    );
    // U+212A, the Kelvin sign, becomes k in Unicode's lower case.
    store.create_user(user("kim@example.com")).await.unwrap();
    assert!(
        by_email(store, "\u{212a}im@example.com", true)
            .await
            .is_none()
    );
}

pub(crate) async fn values_are_never_read_as_sql_or_patterns(store: &Arc<dyn Store>) {
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
    let long = "a".repeat(1_000_000);
    for value in strange.into_iter().chain([long.as_str()]) {
        let made = match store.create_user(user(value)).await {
            Ok(made) => made,
            // A value that a server's column cannot hold is refused, and nothing changes.
            Err(StoreError::Other(_)) if value.contains('\0') || value.len() > 255 => {
                assert!(by_email(store, value, true).await.is_none());
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(made.email.as_deref(), Some(value));
        for ignore_case in [false, true] {
            assert_eq!(
                by_email(store, value, ignore_case).await.unwrap().id,
                made.id,
                "{value:?}"
            );
        }
    }
}

pub(crate) async fn times_keep_microseconds_and_are_converted_to_utc(store: &Arc<dyn Store>) {
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

pub(crate) async fn users_are_listed_in_pages(store: &Arc<dyn Store>) {
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

pub(crate) async fn a_new_user_has_no_roles(store: &Arc<dyn Store>) {
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

pub(crate) async fn stored_hashes_are_counted_by_cost(store: &Arc<dyn Store>) {
    let hashes = [
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$AbCd",
        "$argon2id$v=19$m=64,t=1,p=1$b3RoZXI$Efgh",
        "$argon2id$v=19$m=64,t=2,p=1$c2FsdA$AbCd",
        "$2b$12$abcdefgh",
        "$5$rounds=535000$salt$ab",
        "$5$salt$ab",
        "$5$another$cd",
        "$pbkdf2-sha256$29000$salt$ab",
        "pbkdf2_sha256$1000$salt$ab=",
        "bcrypt_sha256$$2b$12$abcd",
        "scrypt:32768:8:1$salt$ab",
        "pbkdf2:sha256:1000$salt$ab",
        "sha1$salt$ab",
        "a password",
        "another password",
    ];
    for (number, hash) in hashes.into_iter().enumerate() {
        let new = NewUser {
            password: Some(hash.to_owned()),
            ..user(&format!("{number}@example.com"))
        };
        store.create_user(new).await.unwrap();
    }
    let none = NewUser {
        password: None,
        ..user("none@example.com")
    };
    store.create_user(none).await.unwrap();
    let mut kinds = store.password_kinds().await.unwrap();
    kinds.sort_by(|one, other| one.parameters.cmp(&other.parameters));
    let counted: Vec<(&str, u64)> = kinds
        .iter()
        .map(|kind| (kind.parameters.as_str(), kind.count))
        .collect();
    let expected = [
        ("", 2),
        ("$2b$12", 1),
        ("$5", 2),
        ("$5$rounds=535000", 1),
        ("$argon2id$v=19$m=64,t=1,p=1", 2),
        ("$argon2id$v=19$m=64,t=2,p=1", 1),
        ("$pbkdf2-sha256$29000", 1),
        ("bcrypt_sha256$$2b$12", 1),
        ("pbkdf2:sha256:1000", 1),
        ("pbkdf2_sha256$1000", 1),
        ("scrypt:32768:8:1", 1),
        ("sha1", 1),
    ];
    assert_eq!(counted, expected);
    assert!(!format!("{kinds:?}").contains("password\"") && kinds[0].decoy.is_empty());
}
