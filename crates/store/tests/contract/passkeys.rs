//! Passkeys: registering, using and deleting them, each together with the rest of a change.

use std::sync::Arc;

use vestibule_store::{
    Applied, Change, NewPasskey, Passkey, PasskeyChange, PasskeyUsage, Store, StoreError,
    Uniquifiers, User, UserChange, UserId, UserPatch,
};

use crate::journal::{events, secret};
use crate::outside::Outside;
use crate::support::{at, by_id, user};

pub(crate) fn passkey(name: &str) -> NewPasskey {
    NewPasskey {
        name: name.to_owned(),
        credential_id: [b"\0\xff'", name.as_bytes()].concat(),
        public_key: b"\xa5\x01\0\xff".to_vec(),
        sign_count: 0,
        transports: vec!["internal".to_owned(), "hybrid".to_owned()],
        extensions: Some(r#"{"credProps": {"rk": true}}"#.to_owned()),
        backup_state: true,
        device_type: "multi_device".to_owned(),
        usage: PasskeyUsage::First,
    }
}

pub(crate) fn of_passkey(change: PasskeyChange) -> Change {
    Change {
        passkey: Some(change),
        consumes: vec![secret("ceremony")],
        events: Some(events(&["passkey"], None)),
        ..Change::default()
    }
}

pub(crate) fn create(whose: UserId, new: NewPasskey) -> PasskeyChange {
    PasskeyChange::Create(whose, Box::new(new))
}

fn used(passkey: &Passkey, sign_count: u32) -> PasskeyChange {
    PasskeyChange::Used {
        id: passkey.id,
        user_id: passkey.user_id,
        old_sign_count: passkey.sign_count,
        sign_count,
        backup_state: false,
        device_type: "single_device".to_owned(),
    }
}

/// Registers a passkey at `at(1)`.
pub(crate) async fn registered(store: &Arc<dyn Store>, whose: &User, new: NewPasskey) -> Passkey {
    let credential_id = new.credential_id.clone();
    let change = Change {
        passkey: Some(create(whose.id, new)),
        ..Change::default()
    };
    assert_eq!(store.apply(change, at(1)).await, Ok(Applied::Done(None)));
    found(store, &credential_id).await.unwrap()
}

async fn found(store: &Arc<dyn Store>, credential_id: &[u8]) -> Option<Passkey> {
    store.passkey(credential_id).await.unwrap()
}

async fn two_users(store: &Arc<dyn Store>) -> (User, User) {
    let ana = store.create_user(user("ana@example.com")).await.unwrap();
    let bo = store.create_user(user("bo@example.com")).await.unwrap();
    (ana, bo)
}

fn taken(column: &str) -> Result<Applied, StoreError> {
    Err(StoreError::Conflict {
        column: column.to_owned(),
    })
}

/// Asserts that nothing of the changes was applied.
async fn nothing_happened(store: &Arc<dyn Store>) {
    assert_eq!(store.is_consumed(&secret("ceremony")).await, Ok(false));
    assert_eq!(store.audit(None, 0, 10).await, Ok(Vec::new()));
}

pub(crate) async fn a_new_passkey_is_found_by_credential_user_and_usage(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let has = async |user: &User, usage| store.has_passkey(user.id, usage).await.unwrap();
    assert!(!has(&ana, None).await);
    assert!(store.passkeys_of(ana.id).await.unwrap().is_empty());
    let new = NewPasskey {
        sign_count: 7,
        ..passkey("one")
    };
    let one = registered(store, &ana, new.clone()).await;
    let expected = Passkey {
        id: one.id,
        user_id: ana.id,
        name: new.name,
        credential_id: new.credential_id,
        public_key: new.public_key,
        sign_count: 7,
        transports: new.transports,
        extensions: new.extensions,
        backup_state: true,
        device_type: new.device_type,
        usage: "first".to_owned(),
        created_at: at(1),
        last_used_at: at(1),
    };
    assert!(one == expected);
    let plain = NewPasskey {
        transports: Vec::new(),
        extensions: None,
        backup_state: false,
        usage: PasskeyUsage::Secondary,
        ..passkey("two")
    };
    assert!(!has(&ana, Some(PasskeyUsage::Secondary)).await);
    let two = registered(store, &ana, plain).await;
    assert_eq!((two.transports.len(), two.extensions.as_ref()), (0, None));
    assert!(!two.backup_state && two.is_for(PasskeyUsage::Secondary));
    for usage in [
        None,
        Some(PasskeyUsage::First),
        Some(PasskeyUsage::Secondary),
    ] {
        assert!(has(&ana, usage).await, "{usage:?}");
        assert!(!has(&bo, usage).await, "{usage:?}");
    }
    let all = store.passkeys_of(ana.id).await.unwrap();
    assert!(all == [one.clone(), two]);
    assert!(store.passkeys_of(bo.id).await.unwrap().is_empty());
    // A prefix is another credential, and so is one that differs in case or trailing bytes.
    for other in [
        &b""[..],
        b"\0\xff'",
        b"\0\xff'ONE",
        b"\0\xff'one ",
        b"\0\xff'one\0",
    ] {
        assert!(found(store, other).await.is_none(), "{other:?}");
    }
    let shown = format!("{one:?}");
    assert!(!shown.contains("255") && !shown.contains("one"), "{shown}");
}

pub(crate) async fn a_taken_credential_or_name_is_a_conflict(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    registered(store, &ana, passkey("one")).await;
    let same_credential = |name: &str| NewPasskey {
        name: name.to_owned(),
        ..passkey("one")
    };
    let same_name = NewPasskey {
        name: "one".to_owned(),
        ..passkey("two")
    };
    for whose in [&ana, &bo] {
        let change = of_passkey(create(whose.id, same_credential("other")));
        assert_eq!(store.apply(change, at(2)).await, taken("credential_id"));
    }
    let change = of_passkey(create(ana.id, same_name.clone()));
    assert_eq!(store.apply(change, at(2)).await, taken("name"));
    nothing_happened(store).await;
    assert_eq!(store.passkeys_of(ana.id).await.unwrap().len(), 1);
    // Another user may use the name, and names are compared byte for byte.
    registered(store, &bo, same_name).await;
    for name in ["ONE", "one ", "öne"] {
        registered(store, &ana, passkey(name)).await;
    }
}

pub(crate) async fn a_use_is_recorded_if_the_counter_is_as_expected(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let one = registered(store, &ana, passkey("one")).await;
    let other = registered(store, &ana, passkey("two")).await;
    let sign_in = Change {
        user: Some(UserChange::Update(
            ana.id,
            Box::new(UserPatch {
                active: Some(false),
                ..UserPatch::default()
            }),
        )),
        ..of_passkey(used(&one, 5))
    };
    let done = Ok(Applied::Done(Some(ana.id)));
    assert_eq!(store.apply(sign_in, at(3)).await, done);
    assert!(!by_id(store, ana.id).await.active);
    let now = found(store, &one.credential_id).await.unwrap();
    let expected = Passkey {
        sign_count: 5,
        backup_state: false,
        device_type: "single_device".to_owned(),
        last_used_at: at(3),
        ..one.clone()
    };
    assert!(now == expected);
    assert!(found(store, &other.credential_id).await.unwrap() == other);
    // An old counter, another user, no such passkey: nothing of the change is applied.
    let of_bo = Passkey {
        user_id: bo.id,
        ..now.clone()
    };
    let unknown = Passkey {
        id: 99,
        ..now.clone()
    };
    for wrong in [one, of_bo, unknown] {
        let change = Change {
            consumes: vec![secret("second")],
            user: Some(UserChange::Delete(bo.id)),
            ..of_passkey(used(&wrong, 6))
        };
        assert_eq!(store.apply(change, at(4)).await, Ok(Applied::Stale));
    }
    assert_eq!(store.is_consumed(&secret("second")).await, Ok(false));
    assert_eq!(store.audit(None, 0, 10).await.unwrap().len(), 1);
    by_id(store, bo.id).await;
    assert!(found(store, &now.credential_id).await.unwrap() == now);
}

pub(crate) async fn attack_race_of_parallel_uses_of_one_sign_count_one_succeeds(
    store: &Arc<dyn Store>,
) {
    let (ana, _) = two_users(store).await;
    let one = registered(store, &ana, passkey("one")).await;
    let changes = (0..32).map(|_| Change {
        consumes: Vec::new(),
        ..of_passkey(used(&one, 1))
    });
    assert_eq!(done(store, changes).await, 1);
    assert_eq!(store.audit(None, 0, 100).await.unwrap().len(), 1);
}

/// How many of these changes are applied if all of them are requested at once.
pub(crate) async fn done(store: &Arc<dyn Store>, changes: impl Iterator<Item = Change>) -> usize {
    let tasks: Vec<_> = changes
        .map(|change| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.apply(change, at(5)).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(Applied::Done(_)) => done += 1,
            Ok(Applied::Stale) | Err(StoreError::Conflict { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    done
}

pub(crate) async fn concurrent_registrations_of_one_name_or_credential_succeed_once(
    store: &Arc<dyn Store>,
) {
    let (ana, bo) = two_users(store).await;
    let registrations = |new: fn(usize) -> NewPasskey| {
        (0..16).map(move |number| Change {
            passkey: Some(create(ana.id, new(number))),
            ..Change::default()
        })
    };
    let same_name = registrations(|number| NewPasskey {
        name: "same".to_owned(),
        ..passkey(&format!("{number}"))
    });
    assert_eq!(done(store, same_name).await, 1);
    let same_credential = (0..16).map(|number| {
        let new = NewPasskey {
            name: format!("{number}"),
            ..passkey("credential")
        };
        let whose = if number % 2 == 0 { ana.id } else { bo.id };
        Change {
            passkey: Some(create(whose, new)),
            ..Change::default()
        }
    });
    assert_eq!(done(store, same_credential).await, 1);
    let all_different = registrations(|number| passkey(&format!("different {number}")));
    assert_eq!(done(store, all_different).await, 16);
}

pub(crate) async fn a_passkey_is_deleted_once_and_by_its_owner(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let one = registered(store, &ana, passkey("one")).await;
    let two = registered(store, &ana, passkey("two")).await;
    let delete = |whose: &User, id| {
        of_passkey(PasskeyChange::Delete {
            user_id: whose.id,
            id,
        })
    };
    for wrong in [delete(&bo, one.id), delete(&ana, 99)] {
        assert_eq!(store.apply(wrong, at(2)).await, Ok(Applied::Stale));
    }
    nothing_happened(store).await;
    let deletions = (0..8).map(|number| Change {
        consumes: vec![secret(&format!("{number}"))],
        ..delete(&ana, one.id)
    });
    assert_eq!(done(store, deletions).await, 1);
    assert!(found(store, &one.credential_id).await.is_none());
    assert!(store.passkeys_of(ana.id).await.unwrap() == [two]);
    // Neither a user who never existed nor one whom the same change deletes gets a passkey.
    let unknown = of_passkey(create(UserId(99), passkey("three")));
    let deleted = Change {
        user: Some(UserChange::Delete(ana.id)),
        ..of_passkey(create(ana.id, passkey("three")))
    };
    for change in [unknown, deleted] {
        assert_eq!(store.apply(change, at(2)).await, Ok(Applied::Stale));
    }
    assert_eq!(store.passkeys_of(ana.id).await.unwrap().len(), 1);
}

pub(crate) async fn a_deleted_or_reset_user_has_no_passkeys(store: &Arc<dyn Store>) {
    let (ana, bo) = two_users(store).await;
    let fresh = || Uniquifiers {
        session: "fresh".to_owned(),
        token: "fresh token".to_owned(),
    };
    for round in 0..3 {
        registered(store, &ana, passkey("one")).await;
        match round {
            0 => assert!(store.reset_access(ana.id, fresh(), at(2)).await.unwrap()),
            // The passkey that the same change registers stays.
            1 => {
                let change = Change {
                    user: Some(UserChange::Reclaim(ana.id, Box::default(), fresh())),
                    consumes: Vec::new(),
                    ..of_passkey(create(ana.id, passkey("one")))
                };
                let done = Ok(Applied::Done(Some(ana.id)));
                assert_eq!(store.apply(change, at(2)).await, done);
                let kept = store.passkeys_of(ana.id).await.unwrap();
                assert_eq!(kept.len(), 1);
                let change = PasskeyChange::Delete {
                    user_id: ana.id,
                    id: kept[0].id,
                };
                let change = of_passkey(change);
                assert_eq!(store.apply(change, at(2)).await, Ok(Applied::Done(None)));
            }
            _ => assert!(store.delete_user(ana.id).await.unwrap()),
        }
        assert!(
            store.passkeys_of(ana.id).await.unwrap().is_empty(),
            "{round}"
        );
    }
    // The credential is free again.
    registered(store, &bo, passkey("one")).await;
}

pub(crate) async fn the_first_user_handle_stays(store: &Arc<dyn Store>) {
    let (ana, _) = two_users(store).await;
    let with = |handle: &str| UserPatch {
        fs_webauthn_user_handle: Some(handle.to_owned()),
        ..UserPatch::default()
    };
    assert!(!with("new").is_empty());
    assert!(store.update_user(ana.id, with("new"), at(1)).await.unwrap());
    let now = by_id(store, ana.id).await;
    assert_eq!(now.fs_webauthn_user_handle, ana.fs_webauthn_user_handle);
}

#[tokio::test]
async fn a_missing_user_handle_is_filled_once() {
    for outside in Outside::each().await {
        let store = outside.open().await;
        let (ana, bo) = two_users(&store).await;
        for (whose, none) in [(ana, "NULL"), (bo, "''")] {
            let table = outside.quoted("user");
            let id = whose.id;
            outside.run(&format!(
                "UPDATE {table} SET fs_webauthn_user_handle = {none} WHERE id = {id}"
            ));
            for attempt in ["first", "second"] {
                let patch = UserPatch {
                    fs_webauthn_user_handle: Some(format!("{attempt} {id}")),
                    ..UserPatch::default()
                };
                assert!(store.update_user(id, patch, at(1)).await.unwrap());
                let handle = by_id(&store, id).await.fs_webauthn_user_handle;
                assert_eq!(handle, Some(format!("first {id}")));
            }
        }
    }
}

/// Rows that Flask-Security 5.9.2 wrote through SQLAlchemy 2.1.9 (`fsqla_v4`), as SQLite quotes
/// them, without the primary key and the time of creation, which the database chooses.
const REFERENCE_ROWS: [&str; 3] = [
    r#"X'0001FF276964', X'A5010200', 7, 'internal,hybrid', 1, 'multi_device', '{"credProps": {"rk": true}}', '2027-01-15 08:00:00.123456', 'key one', 'first', 1"#,
    "X'74776F', X'706B', 0, '', 0, 'single_device', NULL, '2027-01-15 08:00:00.123456', 'key two', 'secondary', 1",
    "X'7468726565', X'706B', 4294967295, NULL, 0, 'single_device', NULL, '2027-01-15 08:00:00.123456', 'key three', 'secondary', 1",
];

const REFERENCE_COLUMNS: &str = "credential_id, public_key, sign_count, transports, backup_state, device_type, extensions, \
     lastuse_datetime, name, \"usage\", user_id";

#[tokio::test]
async fn passkeys_are_read_and_written_as_the_reference_writes_them() {
    let [file, ..] = Outside::each().await;
    let store = file.open().await;
    let (ana, _) = two_users(&store).await;
    for row in REFERENCE_ROWS {
        file.run(&format!(
            "INSERT INTO web_authn ({REFERENCE_COLUMNS}) VALUES ({row})"
        ));
    }
    let read = store.passkeys_of(ana.id).await.unwrap();
    let used_at = at(0) + time::Duration::microseconds(123_456);
    let [one, two, three] = read.as_slice() else {
        panic!("{read:?}");
    };
    let expected = Passkey {
        id: 1,
        user_id: ana.id,
        name: "key one".to_owned(),
        credential_id: b"\0\x01\xff'id".to_vec(),
        public_key: b"\xa5\x01\x02\0".to_vec(),
        sign_count: 7,
        created_at: one.created_at,
        last_used_at: used_at,
        ..found(&store, b"\0\x01\xff'id").await.unwrap()
    };
    assert!(*one == expected);
    assert_eq!(one.transports, ["internal", "hybrid"]);
    assert_eq!((two.transports.len(), three.transports.len()), (0, 0));
    assert_eq!(three.sign_count, u32::MAX);
    // Writes the same rows, except that it always knows the list of transports.
    file.run("DELETE FROM web_authn");
    for old in &read {
        let new = NewPasskey {
            name: old.name.clone(),
            credential_id: old.credential_id.clone(),
            public_key: old.public_key.clone(),
            sign_count: old.sign_count,
            transports: old.transports.clone(),
            extensions: old.extensions.clone(),
            backup_state: old.backup_state,
            device_type: old.device_type.clone(),
            usage: if old.is_for(PasskeyUsage::First) {
                PasskeyUsage::First
            } else {
                PasskeyUsage::Secondary
            },
        };
        let change = Change {
            passkey: Some(create(ana.id, new)),
            ..Change::default()
        };
        store.apply(change, used_at).await.unwrap();
    }
    let quoted: Vec<_> = (REFERENCE_COLUMNS.split(", "))
        .map(|column| format!("quote({})", column.trim()))
        .collect();
    let rows = file.rows(&format!(
        "SELECT {} FROM web_authn ORDER BY id",
        quoted.join(" || ', ' || ")
    ));
    let mut expected = REFERENCE_ROWS.map(str::to_owned);
    expected[2] = expected[2].replace("4294967295, NULL", "4294967295, ''");
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn counters_that_are_no_number_read_as_zero_and_can_be_used() {
    for outside in Outside::each().await {
        let store = outside.open().await;
        let (ana, _) = two_users(&store).await;
        let one = registered(&store, &ana, passkey("one")).await;
        for odd in ["NULL", "-3"] {
            outside.run(&format!("UPDATE web_authn SET sign_count = {odd}"));
            let read = found(&store, &one.credential_id).await.unwrap();
            assert_eq!(read.sign_count, 0);
            let change = Change {
                passkey: Some(used(&read, u32::MAX)),
                ..Change::default()
            };
            assert_eq!(store.apply(change, at(2)).await, Ok(Applied::Done(None)));
            // The column of a server has no room for more.
            let read = found(&store, &one.credential_id).await.unwrap();
            assert!(read.sign_count >= i32::MAX.unsigned_abs());
        }
    }
}

#[tokio::test]
async fn tables_without_the_newer_columns_are_read_and_written() {
    for outside in Outside::each().await {
        for column in ["backup_state", "device_type"] {
            outside.run(&format!("ALTER TABLE web_authn DROP COLUMN {column}"));
        }
        let store = outside.open().await;
        let (ana, _) = two_users(&store).await;
        let one = registered(&store, &ana, passkey("one")).await;
        assert!(!one.backup_state);
        assert_eq!(one.device_type, "single_device");
        let change = Change {
            passkey: Some(used(&one, 3)),
            ..Change::default()
        };
        assert_eq!(store.apply(change, at(2)).await, Ok(Applied::Done(None)));
        let now = found(&store, &one.credential_id).await.unwrap();
        assert_eq!((now.sign_count, now.last_used_at), (3, at(2)));
    }
}

#[tokio::test]
async fn without_a_table_there_are_no_passkeys_and_none_can_be_registered() {
    for outside in Outside::each().await {
        outside.run("DROP TABLE web_authn");
        let store = outside.open().await;
        let (ana, _) = two_users(&store).await;
        assert!(store.passkeys_of(ana.id).await.unwrap().is_empty());
        assert!(found(&store, b"one").await.is_none());
        for usage in [None, Some(PasskeyUsage::First)] {
            assert_eq!(store.has_passkey(ana.id, usage).await, Ok(false));
        }
        let change = of_passkey(create(ana.id, passkey("one")));
        let refused = store.apply(change, at(1)).await;
        assert!(matches!(refused, Err(StoreError::Schema(_))), "{refused:?}");
        nothing_happened(&store).await;
        assert_eq!(store.delete_user(ana.id).await, Ok(true));
    }
}
