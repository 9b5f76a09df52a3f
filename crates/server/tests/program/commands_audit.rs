//! `audit verify`, for an intact log and for one that an attacker changed. The attacker can write
//! to the database and does not know the key.

use rusqlite::Connection;

use crate::support::{Folder, done, refused, stderr, stdout};

const ANA: &str = "ana@example.com";

const SETTINGS: &str = r#"
SECRET_KEY = "a secret key of the audit tests, long enough"
SECURITY_PASSWORD_SALT = "a salt of the audit tests, long enough"
SQLALCHEMY_DATABASE_URI = "sqlite:///app.db"
"#;

/// A log of three entries that a version without sealed ends wrote.
const EARLIER: &str = "
    ALTER TABLE vestibule_audit_head DROP COLUMN end_seal;
    INSERT INTO vestibule_audit (id, occurred_at, kind, user_id, seal) VALUES
      (1, 1795930985324328, 'created_by_operator', 1,
       '6166ed5df81e4af7cd53aacf2327c9cac7865e1c62b775356b427f1c33c70186'),
      (2, 1795930985351081, 'confirmed_by_operator', 1,
       '183b5dda4d83043df58d25395e0ae8a110cc23f0f24fa4e8e124aa559b85bf25'),
      (3, 1795930985376365, 'deactivated', 1,
       '5744f3abf91315d37762676321a05b6e7758f767a8abd8c544a82ef25bd5440e');
    INSERT INTO vestibule_audit_head (id, last, seal) VALUES
      (1, 3, '5744f3abf91315d37762676321a05b6e7758f767a8abd8c544a82ef25bd5440e');";

/// A folder with an empty database.
fn empty() -> Folder {
    let folder = Folder::new();
    folder.write("vestibule.toml", SETTINGS);
    done(&folder.run(&["db", "init"]));
    folder
}

/// Appends one entry.
fn happens(folder: &Folder) {
    done(&folder.run(&["users", "reset_access", ANA]));
}

/// A folder with a log of six entries.
fn lived() -> Folder {
    let folder = empty();
    done(&folder.run(&["users", "create", ANA, "--password", "battery staple"]));
    (0..5).for_each(|_| happens(&folder));
    folder
}

fn sql(folder: &Folder) -> Connection {
    Connection::open(folder.path().join("app.db")).unwrap()
}

fn change(folder: &Folder, statements: &str) {
    sql(folder).execute_batch(statements).unwrap();
}

/// Checks that the log is intact. Returns the last line, which is its end.
fn whole(folder: &Folder) -> String {
    let said = done(&folder.run(&["audit", "verify"]));
    assert!(said.contains("the audit log is intact"), "{said}");
    said.lines().last().unwrap().to_owned()
}

fn broken(folder: &Folder, why: &str) {
    refused(&folder.run(&["audit", "verify"]), why);
}

const KEEP: &str = "CREATE TABLE kept AS SELECT * FROM vestibule_audit;
    CREATE TABLE kept_head AS SELECT * FROM vestibule_audit_head;";

const PUT_BACK: &str = "DELETE FROM vestibule_audit; DELETE FROM vestibule_audit_head;
    INSERT INTO vestibule_audit SELECT * FROM kept;
    INSERT INTO vestibule_audit_head SELECT * FROM kept_head;";

/// Makes the head point to the entry that is now the last.
const HEAD_FOLLOWS: &str = "UPDATE vestibule_audit_head SET
    last = (SELECT max(id) FROM vestibule_audit),
    seal = (SELECT seal FROM vestibule_audit ORDER BY id DESC LIMIT 1)";

/// Attacks on a log of six entries: the statements, the error, and the error after further entries.
fn cuts() -> Vec<(String, &'static str, &'static str)> {
    let cut =
        |more: &str| format!("DELETE FROM vestibule_audit WHERE id > 4; {HEAD_FOLLOWS}{more};");
    let unsealed = "entry 4: the record that the log ends here has no valid seal";
    let after =
        "entry 5: it was changed, was not written by this server, or was written after the end";
    vec![
        (cut(""), unsealed, after),
        (cut(", end_seal = NULL"), unsealed, after),
        (cut(", end_seal = ''"), unsealed, after),
        (cut(", end_seal = seal"), unsealed, after),
        (
            "DELETE FROM vestibule_audit WHERE id > 4; DELETE FROM vestibule_audit_head".to_owned(),
            "entry 4: it is the last entry, but the record of the log's end is missing",
            after,
        ),
        (
            "DELETE FROM vestibule_audit_head".to_owned(),
            "entry 6: it is the last entry, but the record of the log's end is missing",
            "entry 7: it was changed",
        ),
        (
            "UPDATE vestibule_audit_head SET end_seal = NULL".to_owned(),
            "entry 6: the record that the log ends here has no valid seal",
            "entry 7: it was changed",
        ),
        (
            "UPDATE vestibule_audit_head SET seal = end_seal".to_owned(),
            "entry 6: it is not the last entry that the server wrote",
            "entry 7: it was changed",
        ),
        (
            "DELETE FROM vestibule_audit WHERE id > 4".to_owned(),
            "entry 5: it is missing",
            "entry 5: it is missing",
        ),
        (
            "DELETE FROM vestibule_audit".to_owned(),
            "entry 1: it is missing",
            "entry 1: it is missing",
        ),
        (
            "DELETE FROM vestibule_audit; UPDATE vestibule_audit_head SET last = 0, seal = ''"
                .to_owned(),
            "entry 0: the record that the log ends here has no valid seal",
            "entry 1: it was changed",
        ),
        (
            "UPDATE vestibule_audit_head SET last = 9".to_owned(),
            "entry 7: it is missing",
            "entry 7: it is missing",
        ),
        (
            "DELETE FROM vestibule_audit WHERE id = 3".to_owned(),
            "entry 3: it is missing",
            "entry 3: it is missing",
        ),
        (
            "UPDATE vestibule_audit SET kind = 'signed_out' WHERE id = 6".to_owned(),
            "entry 6: it was changed",
            "entry 6: it was changed",
        ),
    ]
}

#[test]
fn attack_the_end_of_the_audit_log_cannot_be_cut_off_unnoticed() {
    let folder = lived();
    let end = whole(&folder);
    assert!(end.starts_with("6:"), "{end}");
    change(&folder, KEEP);
    for (cut, why, after) in cuts() {
        change(&folder, &cut);
        broken(&folder, why);
        // Entries that the program appends afterwards do not hide the attack.
        happens(&folder);
        broken(&folder, after);
        happens(&folder);
        broken(&folder, after);
        change(&folder, PUT_BACK);
        assert_eq!(whole(&folder), end, "{cut}");
    }
}

#[test]
fn attack_an_end_with_entries_after_it_is_detected() {
    let folder = lived();
    change(&folder, KEEP);
    happens(&folder);
    change(
        &folder,
        "DELETE FROM vestibule_audit_head; INSERT INTO vestibule_audit_head SELECT * FROM kept_head",
    );
    broken(
        &folder,
        "entry 7: it comes after the recorded end of the log",
    );
}

#[test]
fn attack_an_older_copy_of_the_audit_log_is_detected_with_a_stored_end() {
    let folder = lived();
    let older = whole(&folder);
    change(&folder, KEEP);
    happens(&folder);
    let newer = whole(&folder);
    let expect = |end: &str| folder.run(&["audit", "verify", "--expect", end]);
    for end in [&older, &newer] {
        assert_eq!(done(&expect(end)).lines().last(), Some(newer.as_str()));
    }

    change(&folder, PUT_BACK);
    // The log alone does not show that it is an older copy.
    assert_eq!(whole(&folder), older);
    done(&expect(&older));
    refused(
        &expect(&newer),
        "entry 7: it is missing, but it existed before",
    );
    // A different entry 7 does not replace the expected one.
    done(&folder.run(&["users", "confirm", ANA]));
    assert_ne!(whole(&folder), newer);
    refused(
        &expect(&newer),
        "entry 7: it differs from the entry that existed before",
    );

    // An emptied log looks like a new one.
    change(
        &folder,
        "DELETE FROM vestibule_audit; DELETE FROM vestibule_audit_head",
    );
    let none = whole(&folder);
    assert_eq!(none, "0:");
    refused(
        &expect(&older),
        "entry 6: it is missing, but it existed before",
    );
    done(&folder.run(&["users", "reset_access", ANA]));
    assert!(whole(&folder).starts_with("1:"));
    refused(
        &expect(&older),
        "entry 6: it is missing, but it existed before",
    );
    done(&expect(&none));
}

#[test]
fn a_malformed_end_is_wrong_usage() {
    let folder = empty();
    let seal = "a".repeat(64);
    for word in [
        "6",
        ":",
        "6:",
        &format!("0:{seal}"),
        &format!("-1:{seal}"),
        "6:short",
        &format!("6:{}", "A".repeat(64)),
        &format!("6:{seal}a"),
        "",
    ] {
        let output = folder.run(&["audit", "verify", &format!("--expect={word}")]);
        assert_eq!(output.status.code(), Some(2), "{word}");
    }
}

#[test]
fn a_log_of_an_earlier_version_continues_and_the_next_entry_seals_its_end() {
    let folder = empty();
    change(&folder, EARLIER);
    assert!(stdout(&folder.run(&["db", "check"])).contains("column vestibule_audit_head.end_seal"));
    // Opening the database adds the missing column.
    let output = folder.run(&["audit", "verify"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("3 entries"));
    assert!(stderr(&output).contains("the next entry seals it"));
    assert!(folder.run(&["db", "check"]).status.success());

    done(&folder.run(&["users", "create", ANA, "--password", "battery staple"]));
    let end = whole(&folder);
    assert!(end.starts_with("4:"), "{end}");
    happens(&folder);
    assert!(whole(&folder).starts_with("5:"));
    // From then on the same checks apply as to any other log.
    let cut = format!("DELETE FROM vestibule_audit WHERE id > 4; {HEAD_FOLLOWS}");
    change(&folder, &format!("{cut}, end_seal = NULL"));
    broken(
        &folder,
        "entry 4: the record that the log ends here has no valid seal",
    );
    happens(&folder);
    broken(&folder, "entry 5: it was changed");
}

#[test]
fn a_log_of_an_earlier_version_is_upgraded_and_tampering_is_detected() {
    let folder = empty();
    change(&folder, EARLIER);
    let said = stdout(&folder.run(&["db", "upgrade"]));
    assert!(said.contains("vestibule_audit_head.end_seal"), "{said}");
    change(&folder, KEEP);
    for (change_, why) in [
        (
            "UPDATE vestibule_audit SET user_id = 2 WHERE id = 2",
            "entry 2: it was changed",
        ),
        (
            "DELETE FROM vestibule_audit WHERE id = 3",
            "entry 3: it is missing",
        ),
        (
            "UPDATE vestibule_audit_head SET end_seal = seal",
            "entry 3: the record that the log ends here has no valid seal",
        ),
    ] {
        change(&folder, change_);
        broken(&folder, why);
        change(&folder, PUT_BACK);
    }
    assert!(folder.run(&["audit", "verify"]).status.success());
}

#[test]
fn the_log_verifies_under_a_new_key_while_the_old_one_is_a_fallback() {
    let folder = lived();
    let new = SETTINGS.replace("a secret key", "another key");
    let old = "SECRET_KEY_FALLBACKS = [\"a secret key of the audit tests, long enough\"]\n";
    folder.write("vestibule.toml", &format!("{new}{old}"));
    assert!(whole(&folder).starts_with("6:"));
    happens(&folder);
    assert!(whole(&folder).starts_with("7:"));
    // A program without the new key appends with the old one, after an end that it cannot check.
    folder.write("vestibule.toml", SETTINGS);
    happens(&folder);
    broken(
        &folder,
        "entry 7: it was changed, was not written by this server",
    );
    folder.write("vestibule.toml", &format!("{new}{old}"));
    assert!(whole(&folder).starts_with("8:"));
    folder.write("vestibule.toml", &new);
    broken(
        &folder,
        "entry 1: it was changed, was not written by this server",
    );
}
