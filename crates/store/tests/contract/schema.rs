//! Creating a database, checking an existing one, and adding what it lacks.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use vestibule_store::schema_check::{Finding, Upgrade};
use vestibule_store::sql::TableNames;
use vestibule_store::sql::sqlite::SqliteStore;
use vestibule_store::{
    Identity, NewUser, PasswordChange, SignIn, Store, StoreError, UserId, UserKey, UserPatch,
};

use crate::support::{Folder, at, fixture, user};

const TABLES: [&str; 5] = [
    "user",
    "role",
    "roles_users",
    "web_authn",
    "fs_refresh_tracker",
];

const OURS: [&str; 6] = [
    "vestibule_ledger",
    "vestibule_outbox",
    "vestibule_audit",
    "vestibule_audit_head",
    "vestibule_guesses",
    "vestibule_identities",
];

/// The user table of the reference's oldest models.
const OLDEST: &str = "
    CREATE TABLE user (
        id INTEGER NOT NULL, email VARCHAR(255) NOT NULL, username VARCHAR(255),
        password VARCHAR(255) NOT NULL, active BOOLEAN NOT NULL, fs_uniquifier VARCHAR(64) NOT NULL,
        confirmed_at DATETIME, last_login_at DATETIME, current_login_at DATETIME,
        last_login_ip VARCHAR(64), current_login_ip VARCHAR(64), login_count INTEGER,
        tf_primary_method VARCHAR(64), tf_totp_secret VARCHAR(255), tf_phone_number VARCHAR(128),
        create_datetime DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
        update_datetime DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
        PRIMARY KEY (id), UNIQUE (email), UNIQUE (fs_uniquifier)
    );
    INSERT INTO user (id, email, password, active, fs_uniquifier)
        VALUES (1, 'old@example.com', '$old', 1, 'old');";

/// An application's own user table, with the fewest columns that work.
const SMALLEST: &str = "
    CREATE TABLE user (
        ID INTEGER PRIMARY KEY, Email TEXT UNIQUE, password TEXT, active INTEGER NOT NULL,
        fs_uniquifier TEXT NOT NULL UNIQUE, shoe_size INTEGER
    );
    INSERT INTO user VALUES (7, 'seven@example.com', '$old', 1, 'seven', 44);";

fn init(folder: &Folder) -> Vec<Upgrade> {
    SqliteStore::init(&folder.file(), &TableNames::default()).unwrap()
}

fn check(folder: &Folder) -> Vec<Finding> {
    SqliteStore::check(&folder.file(), &TableNames::default()).unwrap()
}

fn upgrade(folder: &Folder) -> Vec<Upgrade> {
    SqliteStore::upgrade(&folder.file(), &TableNames::default()).unwrap()
}

fn with(statements: &str) -> Folder {
    let folder = Folder::new();
    folder.sql().execute_batch(statements).unwrap();
    folder
}

/// The rows that a statement returns, as text.
fn rows(sql: &Connection, statement: &str) -> BTreeSet<String> {
    let mut statement = sql.prepare(statement).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..width)
            .map(|index| Ok(cell(row.get_ref(index)?)))
            .collect::<Result<Vec<_>, _>>()
    });
    rows.unwrap().map(|row| row.unwrap().join(" ")).collect()
}

fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// The columns, indexes and references of a table, in no order.
fn shape(sql: &Connection, table: &str) -> BTreeSet<String> {
    let mut shape = rows(
        sql,
        &format!(
            "SELECT 'column', name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{table}')"
        ),
    );
    shape.extend(rows(
        sql,
        &format!(
            "SELECT 'index', i.\"unique\", i.origin, i.partial, c.seqno, c.name, \
             CASE i.origin WHEN 'c' THEN i.name END \
             FROM pragma_index_list('{table}') i, pragma_index_info(i.name) c"
        ),
    ));
    shape.extend(rows(
        sql,
        &format!(
            "SELECT 'reference', \"from\", \"table\", \"to\", on_update, on_delete \
             FROM pragma_foreign_key_list('{table}')"
        ),
    ));
    shape
}

#[test]
fn a_new_database_has_the_tables_of_the_reference_and_our_own() {
    let folder = Folder::new();
    let made = init(&folder);
    let expected: Vec<_> = TABLES
        .iter()
        .map(|table| Upgrade(Finding::Table((*table).to_owned())))
        .collect();
    assert_eq!(made[..5], expected);
    assert_eq!(made.len(), 16, "six tables and five indexes are ours");

    let (ours, theirs) = (folder.sql(), Connection::open(fixture()).unwrap());
    for table in TABLES {
        let (ours, theirs) = (shape(&ours, table), shape(&theirs, table));
        let missing: Vec<_> = theirs.difference(&ours).collect();
        assert!(missing.is_empty(), "{table}: {missing:#?}");
        // The names of our own indexes begin with `vestibule_`.
        let added: Vec<_> = ours
            .difference(&theirs)
            .filter(|line| !line.contains("vestibule_"))
            .collect();
        assert!(added.is_empty(), "{table}: {added:#?}");
    }
    let others = "SELECT name FROM sqlite_master WHERE type = 'table' \
                  AND name NOT LIKE 'vestibule_%'";
    assert_eq!(rows(&ours, others), rows(&theirs, others));
    assert!(check(&folder).is_empty());
    assert!(init(&folder).is_empty());
    assert!(upgrade(&folder).is_empty());
}

#[test]
fn a_new_database_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    init(&folder);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.file()), 0o600);
    // The permissions of an existing file are the operator's decision.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(folder.file(), open).unwrap();
    init(&folder);
    assert_eq!(mode(&folder.file()), 0o640);
}

#[test]
fn a_database_of_the_reference_lacks_indexes_that_an_upgrade_adds() {
    let folder = Folder::with_reference();
    let before = rows(&folder.sql(), "SELECT * FROM user");
    let index = |(name, table): (&str, &str)| Finding::Index {
        name: name.to_owned(),
        table: table.to_owned(),
    };
    let expected: Vec<Finding> = [
        ("vestibule_user_email_lower", "user"),
        ("vestibule_user_username_lower", "user"),
        ("vestibule_roles_users_user_id", "roles_users"),
        ("vestibule_refresh_user_id", "fs_refresh_tracker"),
        ("vestibule_web_authn_user_id", "web_authn"),
    ]
    .into_iter()
    .map(index)
    .collect();
    let table = |name: &str| Finding::Table(name.to_owned());
    let ours = OURS.map(table);
    assert_eq!(check(&folder), [&ours[..], &expected].concat());
    // Existing tables stay as they are.
    assert_eq!(init(&folder), ours.map(Upgrade));
    assert_eq!(check(&folder), expected);
    assert_eq!(
        upgrade(&folder),
        expected.into_iter().map(Upgrade).collect::<Vec<_>>()
    );
    assert!(check(&folder).is_empty());
    assert!(upgrade(&folder).is_empty());
    assert_eq!(rows(&folder.sql(), "SELECT * FROM user"), before);
}

#[test]
fn case_insensitive_look_ups_use_their_index() {
    let folder = Folder::new();
    init(&folder);
    for column in ["email", "username"] {
        let plan = rows(
            &folder.sql(),
            &format!(
                "EXPLAIN QUERY PLAN SELECT * FROM \"user\" WHERE lower(\"{column}\") = lower('x') ORDER BY \"id\" LIMIT 1"
            ),
        );
        let plan: Vec<_> = plan.into_iter().collect();
        assert!(
            plan.len() == 1 && plan[0].contains(&format!("vestibule_user_{column}_lower")),
            "{plan:?}"
        );
    }
}

#[tokio::test]
async fn an_older_table_works_and_can_be_upgraded() {
    let folder = with(OLDEST);
    // Before the upgrade.
    let store = folder.open();
    let phone = UserKey::Identity {
        attribute: Identity::Phone,
        value: "+1650",
        ignore_case: true,
    };
    assert!(store.user(phone).await.unwrap().is_none());
    let old = store
        .user(UserKey::Uniquifier("old"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (old.us_phone_number, old.password.as_deref()),
        (None, Some("$old"))
    );
    let sign_in = UserPatch {
        sign_in: Some(SignIn { ip: None }),
        ..UserPatch::default()
    };
    assert!(store.update_user(UserId(1), sign_in, at(1)).await.unwrap());
    assert!(
        store.roles_of(UserId(1)).await.is_ok(),
        "without a table of roles, users have no roles"
    );
    drop(store);

    let findings = check(&folder);
    for column in [
        "us_totp_secrets",
        "us_phone_number",
        "fs_webauthn_user_handle",
        "mf_recovery_codes",
    ] {
        let finding = Finding::Column {
            table: "user".to_owned(),
            column: column.to_owned(),
            addable: true,
        };
        assert!(findings.contains(&finding), "{column}");
    }
    let unique = |column: &str| Finding::Unique {
        table: "user".to_owned(),
        column: column.to_owned(),
    };
    assert!(findings.contains(&unique("username")));
    let added = upgrade(&folder);
    for column in ["username", "us_phone_number", "fs_webauthn_user_handle"] {
        assert!(added.contains(&Upgrade(unique(column))), "{column}");
    }
    assert_eq!(check(&folder), []);

    // After the upgrade.
    let store = folder.open();
    let old = store.user(UserKey::Id(UserId(1))).await.unwrap().unwrap();
    assert_eq!(
        (old.login_count, old.password.as_deref()),
        (Some(1), Some("$old"))
    );
    let ana = |address: &str| NewUser {
        username: Some("ana".to_owned()),
        ..user(address)
    };
    store.create_user(ana("one@example.com")).await.unwrap();
    let error = store.create_user(ana("two@example.com")).await.unwrap_err();
    assert_eq!(
        error,
        StoreError::Conflict {
            column: "username".to_owned()
        }
    );
}

#[tokio::test]
async fn a_minimal_table_supports_what_its_columns_allow() {
    let folder = with(SMALLEST);
    let store = folder.open();
    let email = UserKey::Identity {
        attribute: Identity::Email,
        value: "SEVEN@example.com",
        ignore_case: true,
    };
    let seven = store.user(email).await.unwrap().unwrap();
    assert_eq!((seven.id, seven.create_datetime), (UserId(7), None));
    let change = UserPatch {
        sign_in: Some(SignIn { ip: None }),
        password: Some(PasswordChange::Set("$new".to_owned())),
        ..UserPatch::default()
    };
    assert!(store.update_user(seven.id, change, at(1)).await.unwrap());
    // A sign-in succeeds even if the table has no column to record it in.
    let sign_in = UserPatch {
        sign_in: Some(SignIn { ip: None }),
        ..UserPatch::default()
    };
    assert!(store.update_user(seven.id, sign_in, at(2)).await.unwrap());
    let now = store.user(UserKey::Id(seven.id)).await.unwrap().unwrap();
    assert_eq!(now.password.as_deref(), Some("$new"));

    // A value that the table has no column for is an error, and nothing is written.
    let factor = UserPatch {
        tf_primary_method: Some(Some("sms".to_owned())),
        active: Some(false),
        ..UserPatch::default()
    };
    let error = store
        .update_user(seven.id, factor, at(3))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::Schema(words) if words.contains("tf_primary_method")),
        "{error}"
    );
    assert!(
        store
            .user(UserKey::Id(seven.id))
            .await
            .unwrap()
            .unwrap()
            .active
    );
    let named = NewUser {
        username: Some("ana".to_owned()),
        ..user("ana@example.com")
    };
    assert!(matches!(
        store.create_user(named).await,
        Err(StoreError::Schema(_))
    ));
    // Removing a value succeeds if the table has no column for it.
    let none = UserPatch {
        tf_primary_method: Some(None),
        ..UserPatch::default()
    };
    assert!(store.update_user(seven.id, none, at(3)).await.unwrap());
    assert!(
        store
            .create_user(user("ana@example.com"))
            .await
            .unwrap()
            .username
            .is_none()
    );
    drop(store);

    upgrade(&folder);
    assert_eq!(check(&folder), []);
    let shoes = rows(&folder.sql(), "SELECT id, shoe_size FROM user WHERE id = 7");
    assert!(shoes.contains("Integer(7) Integer(44)"), "{shoes:?}");
}

#[test]
fn findings_that_cannot_be_fixed_are_reported_and_left_alone() {
    // No uniquifiers, a phone number that would become an integer, two users who share a name, and
    // a required column that vestibule does not know.
    let folder = with(
        "CREATE TABLE user (
             id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, username TEXT, password TEXT,
             active BOOLEAN NOT NULL, us_phone_number INTEGER UNIQUE, shoe_size INTEGER NOT NULL
         );
         INSERT INTO user VALUES (1, 'a@example.com', 'same', NULL, 1, 1, 44), (2, 'b@example.com', 'same', NULL, 1, 2, 44);
         CREATE UNIQUE INDEX some_names ON user (username) WHERE username <> 'same';
         CREATE UNIQUE INDEX pairs ON user (username, shoe_size, id);",
    );
    let error = SqliteStore::open(&folder.file(), &TableNames::default()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Schema(words) if words.contains("fs_uniquifier")),
        "{error}"
    );
    upgrade(&folder);
    let table = "user".to_owned();
    let expected = [
        Finding::Unique {
            table: table.clone(),
            column: "username".to_owned(),
        },
        Finding::Column {
            table: table.clone(),
            column: "fs_uniquifier".to_owned(),
            addable: false,
        },
        Finding::Type {
            table: table.clone(),
            column: "us_phone_number".to_owned(),
            found: "INTEGER".to_owned(),
            wanted: "VARCHAR(128)".to_owned(),
        },
        Finding::Unfilled {
            table,
            column: "shoe_size".to_owned(),
        },
    ];
    let left = check(&folder);
    assert_eq!(left.len(), expected.len(), "{left:#?}");
    for finding in expected {
        assert!(left.contains(&finding), "{finding}");
        assert!(!finding.advice().is_empty());
    }
    assert_eq!(rows(&folder.sql(), "SELECT id FROM user").len(), 2);
}

#[test]
fn other_tables_in_the_file_are_left_alone() {
    let folder =
        with("CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1);");
    assert_eq!(check(&folder).len(), 16);
    let error = SqliteStore::open(&folder.file(), &TableNames::default()).unwrap_err();
    assert!(matches!(error, StoreError::Schema(_)));
    assert_eq!(init(&folder).len(), 16);
    assert_eq!(rows(&folder.sql(), "SELECT * FROM orders").len(), 1);
}
