//! The statements of ordinary requests are prepared once.

use rusqlite::{Connection, StatementStatus};

use super::SqliteStore;
use super::executor::OnConnection;
use super::file::connect;
use crate::sql::TableNames;
use crate::sql::executor::at_once;
use crate::{Identity, PasskeyUsage, UserId, UserKey};

const EXECUTIONS: i32 = 1000;

/// A database with users, roles and the statistics that `ANALYZE` collects.
fn database(path: &std::path::Path) -> SqliteStore {
    let tables = TableNames::default();
    SqliteStore::init(path, &tables).unwrap();
    let sql = Connection::open(path).unwrap();
    sql.execute_batch(
        "ALTER TABLE user ADD COLUMN fs_token_uniquifier VARCHAR(64);
         CREATE UNIQUE INDEX tokens ON user (fs_token_uniquifier);
         INSERT INTO role (id, name, permissions) VALUES (1, 'reader', 'read'), (2, 'writer', 'write');
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO user (id, email, username, us_phone_number, active, fs_uniquifier, fs_token_uniquifier)
         SELECT i, i || '@example.com', 'n' || i, '+' || i, 1, 'u' || i, 't' || i FROM n;
         INSERT INTO roles_users (user_id, role_id) SELECT id, 1 + id % 2 FROM user;
         INSERT INTO roles_users (user_id, role_id) SELECT id, 1 FROM user WHERE id < 9;
         ANALYZE;",
    )
    .unwrap();
    SqliteStore::open(path, &tables).unwrap()
}

fn reprepared(connection: &Connection, text: &str) -> i32 {
    let statement = connection.prepare_cached(text).unwrap();
    assert_eq!(
        statement.get_status(StatementStatus::Run),
        EXECUTIONS,
        "{text}"
    );
    statement.get_status(StatementStatus::RePrepare)
}

#[test]
fn statements_of_the_hot_path_are_prepared_once() {
    let folder = std::env::temp_dir().join(format!("vestibule-hot-path-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("accounts.db");
    let store = database(&path);
    let (statements, flags) = (
        &store.0.statements,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
    );
    let connection = connect(&path, flags).unwrap();
    let db = &mut OnConnection(&connection);

    for number in 1..=EXECUTIONS {
        // Known and unknown values, which statistics tell apart.
        let id = UserId(i64::from(number));
        let [session, token] = ["u", "t"].map(|kind| format!("{kind}{number}"));
        let [email, name, phone] = [
            format!("{number}@example.com"),
            format!("n{number}"),
            format!("+{number}"),
        ];
        let identities = [
            (Identity::Email, email),
            (Identity::Username, name),
            (Identity::Phone, phone),
        ];
        let mut keys = vec![
            UserKey::Id(id),
            UserKey::Uniquifier(&session),
            UserKey::TokenUniquifier(&token),
        ];
        for (attribute, value) in &identities {
            keys.push(UserKey::Identity {
                attribute: *attribute,
                value,
                ignore_case: false,
            });
            let found = at_once(statements.users.find_in_any_case(db, *attribute, value));
            assert_eq!(found.unwrap().is_some(), number <= 300);
        }
        for key in keys {
            let user = at_once(statements.users.find_exactly(db, key)).unwrap();
            let roles = &statements.roles;
            let found = at_once(statements.users.find_exactly_with_roles(db, roles, key)).unwrap();
            assert_eq!(user.is_some(), number <= 300);
            assert!(user == found.map(|(user, _)| user));
        }
        assert!(at_once(statements.roles.of_user(db, id)).unwrap().len() < 3);
        for usage in [None, Some(PasskeyUsage::Secondary)] {
            assert!(!at_once(statements.passkeys.has_any(db, id, usage)).unwrap());
        }
        let linked = statements.identities.find(db, "https://issuer", &session);
        assert_eq!(at_once(linked).unwrap(), None);
        assert!(
            at_once(statements.trackers.find(db, &session))
                .unwrap()
                .is_none()
        );
        let time = time::OffsetDateTime::UNIX_EPOCH;
        assert!(!at_once(statements.trackers.rotate(db, &session, 1, time)).unwrap());
    }

    let mut texts = statements.users.look_ups();
    texts.push(statements.roles.of_user_text());
    texts.push(statements.identities.hot_text());
    texts.extend(statements.passkeys.hot_texts());
    texts.extend(statements.trackers.hot_texts());
    assert_eq!(texts.len(), 21);
    for text in texts {
        assert_eq!(reprepared(&connection, text), 0, "{text}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
