//! Unauthenticated clients that send text which the database cannot store.

use serde_json::json;

use crate::program::stdout;
use crate::site::{COMMON, Database, PASSWORD, Site, code, newcomer};

const SETTINGS: &str = r#"
SECURITY_REGISTERABLE = true
SECURITY_RECOVERABLE = true
SECURITY_USERNAME_ENABLE = true
SECURITY_RESET_VIEW = "/reset"
SECURITY_RESET_ERROR_VIEW = "/reset-error"
"#;

const DOTLESS: &str = "\u{131}@example.com";

#[test]
fn attack_crash_by_odd_input_text_that_the_database_cannot_store_is_refused() {
    for database in [Database::LatinPostgres, Database::LatinMysql] {
        let site = Site::start(database, &format!("{COMMON}{SETTINGS}"));
        if matches!(database, Database::LatinMysql) {
            // As an earlier version created the tables.
            site.sql("ALTER TABLE user CONVERT TO CHARACTER SET latin1");
            site.sql("ALTER TABLE vestibule_audit CONVERT TO CHARACTER SET latin1");
        }
        let login = json!({"email": DOTLESS, "password": PASSWORD});
        let answers = [
            (site.post("/login", &login), "USER_DOES_NOT_EXIST"),
            (
                site.post("/reset", &json!({"email": DOTLESS})),
                "USER_DOES_NOT_EXIST",
            ),
        ];
        for (answer, expected) in answers {
            assert_eq!((answer.status, code(&answer).as_str()), (400, expected));
        }
        let checked = site.folder.run(&["db", "check"]);
        assert_eq!(checked.status.code(), Some(1));
        assert!(stdout(&checked).to_lowercase().contains("latin1"));
    }
    let site = Site::start(Database::LatinPostgres, &format!("{COMMON}{SETTINGS}"));
    let answer = site.post("/register", &newcomer(DOTLESS));
    assert_eq!(
        (answer.status, code(&answer).as_str()),
        (400, "INVALID_EMAIL_ADDRESS")
    );
    let mut named = newcomer("ana@example.com");
    named["username"] = "\u{430}\u{43d}\u{43d}\u{430}".into();
    let answer = site.post("/register", &named);
    assert_eq!(
        (answer.status, code(&answer).as_str()),
        (400, "USERNAME_DISALLOWED_CHARACTERS")
    );
    assert_eq!(
        site.post("/register", &newcomer("j\u{f6}rg@example.com"))
            .status,
        200
    );
}
