//! What only SQLite does: other processes on the same file, databases made by other programs, and
//! damaged files.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use time::macros::datetime;
use vestibule_store::sql::TableNames;
use vestibule_store::sql::sqlite::SqliteStore;
use vestibule_store::{
    Identity, NewUser, SignIn, Store, StoreError, User, UserId, UserKey, UserPatch,
};

use crate::support::{self, Folder, at, user};

fn sign_in() -> UserPatch {
    UserPatch {
        sign_in: Some(SignIn { ip: None }),
        ..UserPatch::default()
    }
}

async fn by_id(store: &SqliteStore, id: i64) -> Result<User, StoreError> {
    Ok(store.user(UserKey::Id(UserId(id))).await?.unwrap())
}

/// Waits until the other process reports that it is ready.
fn ready(child: &mut Child) {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
}

#[tokio::test]
async fn a_user_of_the_reference_is_read_completely() {
    let folder = Folder::with_reference();
    // The reference's table allows giving a role twice.
    let again =
        "INSERT INTO roles_users (user_id, role_id) SELECT user_id, role_id FROM roles_users";
    folder.sql().execute(again, []).unwrap();
    let store = folder.open();
    let expected = User {
        id: UserId(1),
        email: Some("Full@example.com".to_owned()),
        username: Some("full".to_owned()),
        password: Some("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA".to_owned()),
        active: true,
        fs_uniquifier: "f".repeat(32),
        fs_token_uniquifier: None,
        confirmed_at: Some(datetime!(2026-03-01 04:05:06 UTC)),
        last_login_at: Some(datetime!(2026-03-02 04:05:06.000007 UTC)),
        current_login_at: Some(datetime!(2026-03-03 04:05:06.123456 UTC)),
        last_login_ip: Some("192.0.2.1".to_owned()),
        current_login_ip: Some("2001:db8::1".to_owned()),
        login_count: Some(41),
        tf_primary_method: Some("sms".to_owned()),
        tf_totp_secret: Some(r#"{"enckey":{"c":14}}"#.to_owned()),
        tf_phone_number: Some("+16505550100".to_owned()),
        us_totp_secrets: Some(r#"{"authenticator": {"enckey":{"c":14}}}"#.to_owned()),
        us_phone_number: Some("+16505550101".to_owned()),
        fs_webauthn_user_handle: Some("h".repeat(64)),
        mf_recovery_codes: Some("aaaa-bbbb-cccc,dddd-eeee-ffff".to_owned()),
        create_datetime: Some(datetime!(2026-03-01 04:05:06 UTC)),
        update_datetime: Some(datetime!(2026-03-04 04:05:06 UTC)),
    };
    let phone = UserKey::Identity {
        attribute: Identity::Phone,
        value: "+16505550101",
        ignore_case: false,
    };
    for key in [UserKey::Id(UserId(1)), phone] {
        assert!(store.user(key).await.unwrap() == Some(expected.clone()));
    }
    let shown = format!("{expected:?} {expected:#?}");
    for secret in ["argon2", "enckey", "ffff", "hhhh", "aaaa-", "Full", "+1650"] {
        assert!(!shown.contains(secret), "{shown}");
    }

    let bare = by_id(&store, 2).await.unwrap();
    assert!(!bare.active);
    // CURRENT_TIMESTAMP writes no fraction of a second.
    assert_eq!(
        bare.create_datetime,
        Some(datetime!(2026-03-01 00:00:00 UTC))
    );
    assert_eq!((bare.password, bare.login_count), (None, None));

    let roles = store.roles_of(UserId(1)).await.unwrap();
    let roles: Vec<_> = roles
        .iter()
        .map(|role| (role.name.as_str(), role.permissions.join("+")))
        .collect();
    let expected = [
        ("nothing", ""),
        ("reader", "read+list"),
        ("writer", "write"),
    ];
    assert_eq!(
        roles,
        expected.map(|(name, permissions)| (name, permissions.to_owned()))
    );
}

#[tokio::test]
async fn a_database_of_the_reference_is_used_unchanged() {
    let folder = Folder::with_reference();
    let schema = |folder: &Folder| {
        let sql = folder.sql();
        let mut statement = sql
            .prepare(
                "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master \
                 WHERE tbl_name NOT LIKE 'vestibule_%' ORDER BY name",
            )
            .unwrap();
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        rows.unwrap()
            .collect::<Result<Vec<(String, String, String, String)>, _>>()
            .unwrap()
    };
    let before = schema(&folder);
    let store = folder.open();
    store
        .update_user(UserId(1), sign_in(), at(0))
        .await
        .unwrap();
    let made = store.create_user(user("new@example.com")).await.unwrap();
    assert_eq!(made.id, UserId(6));
    let twins = UserKey::Identity {
        attribute: Identity::Email,
        value: "Twin@example.com",
        ignore_case: true,
    };
    assert_eq!(store.user(twins).await.unwrap().unwrap().id, UserId(4));
    assert_eq!(schema(&folder), before);

    // The texts are those that SQLAlchemy reads and writes.
    let sql = folder.sql();
    let row = sql.query_row(
        "SELECT typeof(active), active, create_datetime, typeof(confirmed_at) FROM user WHERE id = 6",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    );
    let expected = (
        "integer".to_owned(),
        1,
        "2027-01-15 08:00:00.000000".to_owned(),
        "null".to_owned(),
    );
    assert_eq!(row, Ok(expected));
    let row = sql.query_row(
        "SELECT last_login_at, current_login_at, last_login_ip, login_count FROM user WHERE id = 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    );
    let expected = (
        "2026-03-03 04:05:06.123456".to_owned(),
        "2027-01-15 08:00:00.000000".to_owned(),
        "2001:db8::1".to_owned(),
        42,
    );
    assert_eq!(row, Ok(expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writes_of_another_process_cause_no_errors() {
    const WRITES: i64 = 300;
    let folder = Folder::new();
    let store = Arc::new(folder.made());
    let ana = store.create_user(user("ana@example.com")).await.unwrap().id;
    let mut python = folder
        .python(
            "connection = sqlite3.connect(db, timeout=30, isolation_level=None)\n\
             print('ready', flush=True)\n\
             for number in range(300):\n\
             \x20   connection.execute('BEGIN IMMEDIATE')\n\
             \x20   connection.execute('UPDATE user SET login_count = coalesce(login_count, 0) + 1')\n\
             \x20   connection.execute('INSERT INTO user (email, active, fs_uniquifier) VALUES (?, 1, ?)', (str(number), str(number)))\n\
             \x20   connection.execute('COMMIT')\n\
             \x20   found = connection.execute('SELECT count(*) FROM user').fetchone()\n\
             \x20   assert found[0] > number + 1\n",
        )
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    ready(&mut python);
    let tasks: Vec<_> = (0..10)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in 0..WRITES / 10 {
                    assert!(store.update_user(ana, sign_in(), at(number)).await.unwrap());
                    store
                        .create_user(user(&format!("{task}-{number}@example.com")))
                        .await
                        .unwrap();
                    assert!(store.user(UserKey::Id(ana)).await.unwrap().is_some());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let python = tokio::task::spawn_blocking(move || python.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(python.success());
    assert_eq!(
        by_id(&store, ana.0).await.unwrap().login_count,
        Some(2 * WRITES)
    );
    // The other process's writes are visible immediately.
    assert!(
        store
            .user(UserKey::Uniquifier("299"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_continue_and_writers_wait_while_another_process_holds_the_lock() {
    let folder = Folder::new();
    let store = Arc::new(folder.made());
    let ana = store.create_user(user("ana@example.com")).await.unwrap().id;
    let mut python = folder
        .python(
            "connection = sqlite3.connect(db, isolation_level=None)\n\
             connection.execute('BEGIN EXCLUSIVE')\n\
             print('ready', flush=True)\n\
             sys.stdin.readline()\n\
             connection.execute('COMMIT')\n",
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    ready(&mut python);

    // More writers than worker threads: a waiting writer must not occupy a thread.
    let writers: Vec<_> = (0..32)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.update_user(ana, sign_in(), at(1)).await })
        })
        .collect();
    for _ in 0..200 {
        assert_eq!(
            store
                .user(UserKey::Id(ana))
                .await
                .unwrap()
                .unwrap()
                .login_count,
            None
        );
        tokio::task::yield_now().await;
    }
    assert!(
        writers.iter().all(|writer| !writer.is_finished()),
        "the readers waited as long as the writers"
    );

    python.stdin.take().unwrap().write_all(b"\n").unwrap();
    for writer in writers {
        assert!(writer.await.unwrap().unwrap());
    }
    assert!(python.wait().unwrap().success());
    assert_eq!(by_id(&store, ana.0).await.unwrap().login_count, Some(32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_starts_create_the_database_once() {
    let folder = Arc::new(Folder::new());
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let folder = Arc::clone(&folder);
            tokio::task::spawn_blocking(move || {
                let store = folder.made();
                let new = user(&format!("{number}@example.com"));
                tokio::runtime::Handle::current()
                    .block_on(store.create_user(new))
                    .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(folder.open().list_users(None, 100).await.unwrap().len(), 8);
}

#[tokio::test]
async fn tables_can_have_any_name() {
    let folder = Folder::new();
    let tables = TableNames {
        user: "user; DROP TABLE \"role\"; --".to_owned(),
        role: "select".to_owned(),
        roles_users: "{user}".to_owned(),
        web_authn: "pass keys".to_owned(),
        refresh: "Größe".to_owned(),
    };
    SqliteStore::init(&folder.file(), &tables).unwrap();
    assert!(
        SqliteStore::check(&folder.file(), &tables)
            .unwrap()
            .is_empty()
    );
    let store = SqliteStore::open(&folder.file(), &tables).unwrap();
    let made = store.create_user(user("ana@example.com")).await.unwrap();
    store.update_user(made.id, sign_in(), at(1)).await.unwrap();
    assert!(store.roles_of(made.id).await.unwrap().is_empty());
    assert_eq!(by_id(&store, made.id.0).await.unwrap().login_count, Some(1));
    assert!(
        folder
            .sql()
            .prepare("SELECT * FROM \"user; DROP TABLE \"\"role\"\"; --\"")
            .is_ok()
    );
}

#[tokio::test]
async fn an_invalid_cell_is_reported_with_its_table_column_and_row() {
    for (column, value) in [
        ("confirmed_at", "'yesterday'"),
        ("confirmed_at", "''"),
        ("confirmed_at", "'2026-02-30 00:00:00'"),
        ("confirmed_at", "12"),
        ("login_count", "'many'"),
        ("active", "'maybe'"),
        ("email", "x'ff'"),
        ("email", "cast(x'61ff' AS TEXT)"),
    ] {
        let folder = Folder::with_reference();
        let store = folder.open();
        folder
            .sql()
            .execute(
                &format!("UPDATE user SET {column} = {value} WHERE id = 2"),
                [],
            )
            .unwrap();
        let expected = StoreError::Corrupt {
            table: "user".to_owned(),
            column: column.to_owned(),
            row: 2,
        };
        assert_eq!(
            by_id(&store, 2).await.unwrap_err(),
            expected,
            "{column} = {value}"
        );
        // Only requests for this row fail.
        assert!(by_id(&store, 1).await.is_ok());
        assert!(
            store.update_user(UserId(2), sign_in(), at(1)).await.is_ok() || column == "login_count"
        );
    }
}

#[tokio::test]
async fn times_are_read_in_every_format_that_sqlalchemy_reads() {
    let folder = Folder::with_reference();
    let store = folder.open();
    for (text, expected) in [
        ("2026-03-01 04:05:06", datetime!(2026-03-01 04:05:06 UTC)),
        (
            "2026-03-01 04:05:06.5",
            datetime!(2026-03-01 04:05:06.5 UTC),
        ),
        (
            "2026-03-01 04:05:06.123",
            datetime!(2026-03-01 04:05:06.123 UTC),
        ),
        (
            "2026-03-01T04:05:06.123456",
            datetime!(2026-03-01 04:05:06.123456 UTC),
        ),
        ("2026-03-01T04:05:06Z", datetime!(2026-03-01 04:05:06 UTC)),
        (
            "2026-03-01 04:05:06+02:00",
            datetime!(2026-03-01 02:05:06 UTC),
        ),
        ("2026-03-01 04:05", datetime!(2026-03-01 04:05 UTC)),
        ("2026-03-01", datetime!(2026-03-01 0:00 UTC)),
    ] {
        folder
            .sql()
            .execute("UPDATE user SET confirmed_at = ?1 WHERE id = 2", [text])
            .unwrap();
        assert_eq!(
            by_id(&store, 2).await.unwrap().confirmed_at,
            Some(expected),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_an_error_and_no_panic() {
    let tables = TableNames::default();
    let folder = Folder::new();
    assert!(matches!(
        SqliteStore::open(&folder.file(), &tables),
        Err(StoreError::Unavailable(_))
    ));
    assert!(!folder.file().exists(), "opening creates no file");

    std::fs::write(
        folder.file(),
        "these are not the tables you are looking for".repeat(100),
    )
    .unwrap();
    assert!(matches!(
        SqliteStore::open(&folder.file(), &tables),
        Err(StoreError::Unavailable(_))
    ));
    assert!(SqliteStore::init(&folder.file(), &tables).is_err());
    assert!(SqliteStore::check(&folder.file(), &tables).is_err());

    std::fs::write(folder.file(), "").unwrap();
    assert!(matches!(
        SqliteStore::open(&folder.file(), &tables),
        Err(StoreError::Schema(_))
    ));
    assert!(SqliteStore::open(folder.file().parent().unwrap(), &tables).is_err());
}

#[tokio::test]
async fn a_removed_or_replaced_file_is_detected() {
    for replaced in [false, true] {
        let folder = Folder::new();
        let store = folder.made();
        let ana = store.create_user(user("ana@example.com")).await.unwrap().id;
        store.ping().await.unwrap();
        let aside = folder.file().with_extension("aside");
        std::fs::rename(folder.file(), &aside).unwrap();
        if replaced {
            std::fs::copy(support::fixture(), folder.file()).unwrap();
        }
        let unavailable = |error: StoreError| matches!(error, StoreError::Unavailable(_));
        assert!(unavailable(store.ping().await.unwrap_err()));
        // A write to a file that will never be opened again would be lost silently.
        assert!(unavailable(
            store.update_user(ana, sign_in(), at(1)).await.unwrap_err()
        ));
        assert!(unavailable(
            store.create_user(user("bo@example.com")).await.unwrap_err()
        ));
        // Readers keep the old file open and check it only once in a while.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert!(unavailable(by_id(&store, ana.0).await.unwrap_err()));
        std::fs::rename(&aside, folder.file()).unwrap();
        store.ping().await.unwrap();
        assert!(store.update_user(ana, sign_in(), at(1)).await.unwrap());
    }
}

#[tokio::test]
async fn a_truncated_file_is_an_error_and_no_panic() {
    let folder = Folder::with_reference();
    let whole = std::fs::read(folder.file()).unwrap();
    for length in [1, 99, 100, 511, 4095, 4096, 8192, 20_000, whole.len() - 1] {
        std::fs::write(folder.file(), &whole[..length]).unwrap();
        let Ok(store) = SqliteStore::open(&folder.file(), &TableNames::default()) else {
            continue;
        };
        for id in 1..=5 {
            let _ = store.user(UserKey::Id(UserId(id))).await;
            let _ = store.update_user(UserId(id), sign_in(), at(1)).await;
        }
        let _ = store
            .create_user(NewUser {
                username: Some("x".to_owned()),
                ..user("x@example.com")
            })
            .await;
        let _ = store.list_users(None, 100).await;
        let _ = store.roles_of(UserId(1)).await;
    }
}
