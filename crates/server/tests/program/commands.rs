//! The commands: what they do, what they say, how they end.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Folder, stderr, stdout};

fn created() -> Folder {
    let folder = Folder::new();
    let output = folder.run(&[
        "users",
        "create",
        "ana@example.com",
        "--password",
        "battery staple",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

#[test]
fn a_user_is_made_shown_listed_switched_off_and_on() {
    let folder = created();
    let shown = folder.run(&["users", "show", "ANA@example.com", "--json"]);
    let user: Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert_eq!(user["email"], "ana@example.com");
    assert_eq!(user["active"], true);
    assert_eq!(user["confirmed_at"], Value::Null);
    assert!(!stdout(&shown).contains("argon2"), "no hash is shown");

    assert!(
        folder
            .run(&["users", "deactivate", "ana@example.com"])
            .status
            .success()
    );
    let listed = folder.run(&["users", "list", "--json"]);
    let users: Value = serde_json::from_str(&stdout(&listed)).unwrap();
    assert_eq!(users[0]["active"], false);
    assert!(
        folder
            .run(&["users", "activate", "ana@example.com"])
            .status
            .success()
    );
    let table = stdout(&folder.run(&["users", "list"]));
    assert!(table.starts_with("ID"), "{table}");
    assert!(table.contains("ana@example.com"), "{table}");
}

#[test]
fn what_cannot_be_done_ends_with_one_and_one_line() {
    let folder = created();
    for (arguments, complaint) in [
        (
            &[
                "users",
                "create",
                "ana@example.com",
                "--password",
                "battery staple",
            ][..],
            "already",
        ),
        (
            &[
                "users",
                "create",
                "ANA@EXAMPLE.COM",
                "--password",
                "battery staple",
            ],
            "already",
        ),
        (
            &[
                "users",
                "create",
                "nonsense",
                "--password",
                "battery staple",
            ],
            "not a valid email",
        ),
        (
            &["users", "create", "b@example.com", "--password", "short"],
            "8 characters",
        ),
        (&["users", "create", "b@example.com"], "no password"),
        (&["users", "show", "nobody@example.com"], "no user"),
        (&["users", "list", "--config", "absent.toml"], "absent.toml"),
        (&["serve", "--listen", "0.0.0.0:0"], "TRUSTED_HOSTS"),
    ] {
        let output = folder.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(complaint),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    assert_eq!(folder.run(&["users", "fly"]).status.code(), Some(2));
    assert_eq!(
        folder.run(&["serve", "--listen", "nowhere"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_password_can_come_from_a_pipe() {
    let folder = created();
    let mut child = folder
        .command(&["users", "change_password", "ana@example.com"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"correct horse battery\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(stdout(&output).contains("changed"));
}

#[test]
fn the_configuration_may_be_named_before_or_after_the_command() {
    let folder = Folder::new();
    folder.write("other.toml", "SECURITY_PASSWORD_LENGTH_MIN = 30");
    for arguments in [
        &["--config", "other.toml", "config", "check"][..],
        &["config", "check", "--config", "other.toml"],
    ] {
        let output = folder.run(arguments);
        assert!(
            stdout(&output).contains("SECURITY_PASSWORD_LENGTH_MIN"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn config_check_masks_secrets_and_names_what_is_wrong() {
    let folder = Folder::new();
    folder.write(
        "vestibule.toml",
        "SECRET_KEY = \"very secret and long enough\"\n",
    );
    let output = folder.run(&["config", "check"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stdout(&output).contains("very secret"));
    assert!(stdout(&output).contains("********"));

    folder.write(
        "vestibule.toml",
        "SECURITY_REGISTRABLE = true\nSECURITY_TRACKABLE = \"yes\"\nWTF_CSRF_TIME_LIMIT = \"soon\"\n",
    );
    let output = folder.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = stderr(&output);
    for part in [
        "SECURITY_REGISTRABLE",
        "did you mean SECURITY_REGISTERABLE?",
        "SECURITY_TRACKABLE",
        "true or false",
        "WTF_CSRF_TIME_LIMIT",
        "15 minutes",
    ] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
}

#[test]
fn the_environment_wins_and_secrets_come_from_files() {
    let folder = Folder::new();
    folder.write("vestibule.toml", "SECURITY_PASSWORD_LENGTH_MIN = 8\n");
    folder.write("key", "a key from a file, long enough\n");
    let run = |name: &str, value: &str| {
        folder
            .command(&["config", "check"])
            .env(name, value)
            .output()
            .unwrap()
    };
    let output = run("SECURITY_PASSWORD_LENGTH_MIN", "12");
    let line = stdout(&output);
    let line = line
        .lines()
        .find(|line| line.starts_with("SECURITY_PASSWORD_LENGTH_MIN"))
        .unwrap();
    assert!(
        line.contains("12") && line.contains("environment"),
        "{line}"
    );
    assert!(run("SECRET_KEY_FILE", "key").status.success());
    let output = run("SECRET_KEY_FILE", "absent");
    assert!(
        stderr(&output).contains("SECRET_KEY_FILE: absent cannot be read"),
        "{}",
        stderr(&output)
    );
    let output = run("SECURITY_TRACKABEL", "true");
    assert!(
        stderr(&output).contains("did you mean SECURITY_TRACKABLE?"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn secrets_are_fresh_each_time_and_can_be_used() {
    let folder = Folder::new();
    let first = stdout(&folder.run(&["secrets", "generate"]));
    assert_ne!(first, stdout(&folder.run(&["secrets", "generate"])));
    folder.write("vestibule.toml", &first);
    assert!(folder.run(&["config", "check"]).status.success());
    assert!(
        !folder.path().join("vestibule-data").exists(),
        "nothing was missing"
    );
}

#[test]
fn the_database_is_made_checked_and_upgraded() {
    let folder = Folder::new();
    folder.write(
        "vestibule.toml",
        "SQLALCHEMY_DATABASE_URI = \"sqlite:///app.db\"\n",
    );
    let output = folder.run(&["db", "init"]);
    assert!(
        stdout(&output).contains("made table user"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&folder.run(&["db", "init"])).contains("nothing was missing"));
    assert!(folder.run(&["db", "check"]).status.success());

    let database = rusqlite::Connection::open(folder.path().join("app.db")).unwrap();
    database
        .execute_batch(
            "ALTER TABLE user DROP COLUMN tf_phone_number; DROP INDEX vestibule_user_email_lower",
        )
        .unwrap();
    drop(database);
    let output = folder.run(&["db", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("column user.tf_phone_number"),
        "{}",
        stdout(&output)
    );
    assert!(
        stdout(&output).contains("vestibule_user_email_lower"),
        "{}",
        stdout(&output)
    );
    let output = folder.run(&["db", "upgrade"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(folder.run(&["db", "check"]).status.success());
}
