//! The commands for configuration, secrets and the database, and rules for every command.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory as _;
use vestibule_server::cli::Arguments;

use crate::readme::steps;
use crate::support::{BINARY, Folder, done, refused, stderr, stdout, terminate, wait_for};

/// The commands that section 2 of the contract requires.
const CONTRACT: [&str; 23] = [
    "serve",
    "users create",
    "users list",
    "users show",
    "users activate",
    "users deactivate",
    "users reset_access",
    "users change_password",
    "users confirm",
    "users unlock",
    "users delete",
    "roles create",
    "roles list",
    "roles add",
    "roles remove",
    "roles add_permissions",
    "roles remove_permissions",
    "db init",
    "db check",
    "db upgrade",
    "config check",
    "config import",
    "secrets generate",
];

fn every_command(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        assert!(sub.get_about().is_some(), "{path} has no help");
        for argument in sub.get_arguments() {
            assert!(argument.get_help().is_some(), "{path}: {argument}");
        }
        if sub.has_subcommands() {
            every_command(sub, &path, found);
        } else {
            found.push(path.trim().to_owned());
        }
    }
}

#[test]
fn every_command_exists_and_has_help() {
    let mut found = Vec::new();
    every_command(&Arguments::command(), "", &mut found);
    for name in CONTRACT {
        assert!(found.iter().any(|known| known == name), "{name}");
    }
    let folder = Folder::new();
    for name in &found {
        let arguments: Vec<&str> = name.split(' ').chain(["--help"]).collect();
        let output = folder.run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{name}");
        let usage = format!("Usage: vestibule {name}");
        assert!(stdout(&output).contains(&usage), "{name}");
    }
}

#[test]
fn the_command_line_page_shows_the_real_output() {
    let page = include_str!("../../../../docs/features/command_line.md");
    let folder = Folder::new();
    let programs = Path::new(BINARY).parent().unwrap().display();
    let steps = steps(page);
    assert!(steps.len() > 10, "{steps:?}");
    for (command, expected) in steps {
        let output = Command::new("bash")
            .args(["-c", &format!("PATH={programs}:$PATH; {command}")])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(stdout(&output), expected, "{command}: {}", stderr(&output));
        assert!(output.status.success(), "{command}");
    }
    let mut names = Vec::new();
    every_command(&Arguments::command(), "", &mut names);
    for name in names {
        assert!(
            page.contains(&format!("`{name}")),
            "{name} is not on the page"
        );
    }
}

#[test]
fn wrong_usage_exits_with_status_two() {
    let folder = Folder::new();
    for arguments in [
        &["users"][..],
        &["users", "fly"],
        &["users", "show"],
        &["users", "reset-access", "a@b.example"],
        &["users", "create", "a@b.example", "--active", "--inactive"],
        &["users", "delete", "a@b.example", "b@b.example"],
        &["roles", "add", "a@b.example"],
        &["roles", "add_permissions", "editor"],
        &["roles", "add_permissions", "editor", "read", "write"],
        &["serve", "--listen", "nowhere"],
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_configuration_error_is_reported_in_one_line() {
    let folder = Folder::new();
    let secrets = stdout(&folder.run(&["secrets", "generate"]));
    folder.write("vestibule.toml", &secrets);
    refused(
        &folder.run(&["serve", "--listen", "0.0.0.0:0"]),
        "TRUSTED_HOSTS",
    );
    refused(
        &folder.run(&["users", "list", "--config", "absent.toml"]),
        "absent.toml",
    );
}

#[test]
fn a_closed_pipe_is_not_a_failure_and_a_failed_write_is() {
    let folder = Folder::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = folder
        .command(&["secrets", "generate"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(0), String::new())
    );
    let output = folder
        .command(&["secrets", "generate"])
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    refused(&output, "cannot write");
}

#[test]
fn a_setting_in_the_environment_that_is_not_utf8_is_an_error() {
    let folder = Folder::new();
    let run = |name: &str| {
        folder
            .command(&["config", "check"])
            .env(name, OsStr::from_bytes(b"caf\xe9"))
            .output()
            .unwrap()
    };
    for name in [
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "SECURITY_TRACKABLE",
        "SECURITY_MSG_INVALID_PASSWORD",
        "SECURITY_NO_SUCH_THING",
        "VESTIBULE_LOG",
        "MAIL_SERVER",
    ] {
        let output = run(name);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stderr(&output).contains(&format!("{name}: is not UTF-8")));
        assert!(!stderr(&output).contains("caf"), "the value is not shown");
        assert!(!stdout(&output).contains("caf"), "the value is not shown");
        let list = folder
            .command(&["users", "list"])
            .env(name, OsStr::from_bytes(b"caf\xe9"))
            .output()
            .unwrap();
        refused(&list, &format!("{name}: is not UTF-8"));
    }
    for name in ["DEBUG", "PATH", "LS_COLORS"] {
        assert!(run(name).status.success(), "{name} is not ours");
    }
}

#[test]
fn debug_on_a_public_address_is_warned_of_once() {
    let folder = Folder::new();
    let secrets = stdout(&folder.run(&["secrets", "generate"]));
    let hosts = "TRUSTED_HOSTS = [\"localhost\"]\n";
    for (listen, debug, warnings) in [
        ("0.0.0.0:0", "DEBUG = true\n", 1),
        ("0.0.0.0:0", "", 0),
        ("127.0.0.1:0", "DEBUG = true\n", 0),
        ("unix:sock", "DEBUG = true\n", 0),
    ] {
        folder.write("vestibule.toml", &format!("{hosts}{debug}{secrets}"));
        let mut child = folder
            .command(&["serve", "--listen", listen])
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        wait_for(|| folder.read("log").contains("vestibule listens on"));
        terminate(&child);
        child.wait().unwrap();
        let log = folder.read("log");
        let said = |line: &&str| line.contains("WARN") && line.contains("DEBUG");
        assert_eq!(
            log.lines().filter(said).count(),
            warnings,
            "{listen}: {log}"
        );
        assert_eq!(log.contains("switch it off"), warnings == 1, "{log}");
    }
}

#[test]
fn the_config_option_may_come_before_or_after_the_command() {
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
fn config_check_masks_secrets_and_reports_problems() {
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
fn the_environment_overrides_the_file_and_secrets_can_come_from_files() {
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
        stderr(&output).contains("SECRET_KEY_FILE: the file that it names cannot be read"),
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
fn generated_secrets_are_new_each_time_and_usable() {
    let folder = Folder::new();
    let first = stdout(&folder.run(&["secrets", "generate"]));
    assert_ne!(first, stdout(&folder.run(&["secrets", "generate"])));
    folder.write("vestibule.toml", &first);
    assert!(folder.run(&["config", "check"]).status.success());
    assert!(
        !folder.path().join("vestibule-data").exists(),
        "no secrets were generated"
    );
}

#[test]
fn the_database_is_created_checked_and_upgraded() {
    let folder = Folder::new();
    folder.write(
        "vestibule.toml",
        "SQLALCHEMY_DATABASE_URI = \"sqlite:///app.db\"\n",
    );
    let output = folder.run(&["db", "init"]);
    assert!(
        stdout(&output).contains("created table user"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&folder.run(&["db", "init"])).contains("nothing was missing"));
    assert!(folder.run(&["db", "check"]).status.success());
    assert_eq!(done(&folder.run(&["db", "check", "--json"])), "[]\n");

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
    let output = folder.run(&["db", "check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let lacks: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(lacks.as_array().unwrap().len(), 2, "{lacks}");
    assert_eq!(lacks[0]["lacks"], "column user.tf_phone_number");
    assert!(lacks[0]["fix"].is_string());
    let output = folder.run(&["db", "upgrade"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(folder.run(&["db", "check"]).status.success());
}
