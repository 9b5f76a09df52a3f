//! `SQLALCHEMY_DATABASE_URI`: errors name the problem and the fix, and never show the password.

use std::process::Output;

use serde_json::Value;

use crate::support::{Folder, stderr, stdout};

const SECRETS: &str =
    "SECRET_KEY = \"long enough to be a key\"\nSECURITY_PASSWORD_SALT = \"a salt\"\n";

/// Runs the program with this address in its environment.
fn run(folder: &Folder, uri: &str, arguments: &[&str]) -> Output {
    let mut command = folder.command(arguments);
    command
        .env("SQLALCHEMY_DATABASE_URI", uri)
        .output()
        .unwrap()
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("vestibule.toml", SECRETS);
    folder
}

#[test]
fn attack_secret_in_a_log_no_command_shows_a_part_of_an_address() {
    let folder = folder();
    for uri in [
        "host=127.0.0.1 user=app password=s3cret",
        "password=s3:cret host=127.0.0.1",
        "postgresql://app:s3@s3cret@127.0.0.1/x",
        "postgresql://app:s3#s3cret@127.0.0.1/x",
        "postgresql://app:s3/s3cret@127.0.0.1/x",
        "mysql://app:s3%s3cret@127.0.0.1/x",
        "postgresql://127.0.0.1:1/x?user=app&password=s3cret",
        "postgresql://app:s3cret@127.0.0.1:1/x \n",
        "mysql://app:s3cret@127.0.0.1:1/x?ssl=true",
        "mongodb://app:s3cret@127.0.0.1/x",
        "jdbc:postgresql://127.0.0.1/x?user=app&password=s3cret",
        "\"postgresql://app:s3cret@127.0.0.1/x\"",
        "s3cret",
    ] {
        for command in [
            &["config", "check"][..],
            &["config", "check", "--all", "--json"],
            &["db", "check"],
            &["db", "init"],
            &["serve", "--listen", "127.0.0.1:0"],
            &["users", "list"],
        ] {
            let output = run(&folder, uri, command);
            let said = stdout(&output) + &stderr(&output);
            assert!(
                !said.contains("cret@") && !said.contains("s3"),
                "{uri}: {said}"
            );
            if command[0] != "config" {
                assert_eq!(output.status.code(), Some(1), "{uri}: {said}");
            }
        }
    }
}

#[test]
fn config_check_finds_a_password_that_is_not_percent_encoded() {
    let folder = folder();
    for uri in [
        "postgresql://app:pa@ss@db/x",
        "postgresql://app:pa#ss@db/x",
        "mysql://app:pa/ss@db/x",
        "mysql://app:100%pure@db/x",
    ] {
        let check = run(&folder, uri, &["config", "check"]);
        let serve = run(&folder, uri, &["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(check.status.code(), Some(1), "{uri}");
        assert!(
            stderr(&check).contains("percent-encoded"),
            "{}",
            stderr(&check)
        );
        assert_eq!(stderr(&check), stderr(&serve));
    }
}

#[test]
fn a_failed_connection_names_its_cause() {
    let folder = folder();
    for (uri, complaint) in [
        // An invalid name, which fails without a DNS query.
        (
            "postgresql://app@no..host/x",
            "the host no..host cannot be resolved",
        ),
        (
            "mysql://app@no..host/x",
            "the host no..host cannot be resolved",
        ),
        (
            "postgresql://app@127.0.0.1:1/x",
            "127.0.0.1:1 cannot be reached",
        ),
        (
            "mysql://app@127.0.0.1/x?ssl_ca=/absent/ca.pem",
            "/absent/ca.pem",
        ),
    ] {
        for command in [&["db", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let said = stderr(&run(&folder, uri, command));
            assert!(said.contains(complaint), "{said}");
            assert!(!said.contains("the schema does not fit"), "{said}");
        }
    }
}

/// The advice of `config check` about the database.
fn advice(uri: &str) -> Vec<Value> {
    let output = run(&folder(), uri, &["config", "check", "--json"]);
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let advice = said["advice"].as_array().unwrap().iter().cloned();
    advice
        .filter(|advice| advice["key"] == "SQLALCHEMY_DATABASE_URI")
        .collect()
}

#[test]
fn a_remote_database_without_verified_tls_gets_advice() {
    for (uri, option) in [
        (
            "postgresql://app:pw@db.example/x?sslmode=require",
            "sslmode=verify-full",
        ),
        ("mysql+pymysql://app:pw@10.0.0.7/x", "ssl_ca="),
    ] {
        let advice = advice(uri);
        assert_eq!(advice.len(), 1, "{uri}");
        assert!(
            advice[0]["fix"].as_str().unwrap().contains(option),
            "{advice:?}"
        );
    }
    for uri in [
        "postgresql://app:pw@db.example/x?sslmode=verify-full",
        "postgresql://app:pw@localhost/x",
        "mysql://app:pw@127.0.0.1/x",
        "postgresql://app@/x?host=/run/postgresql",
        "sqlite:///x.db",
    ] {
        assert!(advice(uri).is_empty(), "{uri}");
    }
}

#[test]
fn attack_tls_stripped_options_of_the_engine_stop_the_start() {
    let folder = Folder::new();
    let options = "SQLALCHEMY_ENGINE_OPTIONS = { connect_args = { ssl = { ca = \"/ca.pem\" }, password = \"s3cret\" } }\n";
    folder.write("vestibule.toml", &format!("{SECRETS}{options}"));
    let check = folder.run(&["config", "check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(
        stderr(&check).contains("SQLALCHEMY_ENGINE_OPTIONS"),
        "{}",
        stderr(&check)
    );
    assert!(!(stdout(&check) + &stderr(&check)).contains("s3cret"));
}

#[test]
fn attack_secret_in_a_log_a_secret_in_another_setting_is_not_shown() {
    let folder = Folder::new();
    folder.write(
        "vestibule.toml",
        "MAIL_SERVER = \"smtps://ana:s3cret@mail.example:465\"\n\
         SECURITY_PUBLIC_URL = \"https://ana:s3cret@app.example/x\"\n\
         CORS_ORIGINS = [\"https://ana:s3cret@app.example\"]\n",
    );
    for (name, value) in [
        ("SECRET_KEY_FILE", "s3cret"),
        ("SECRET_KEY_FILE", "s3/cret=="),
        ("MAIL_PASSWORD_FILE", "s3cret"),
        ("SECURITY_TOTP_SECRETS", "s3cret"),
        ("OAUTH_PROVIDERS", "{ s3cret"),
        ("SQLALCHEMY_BINDS", "s3cret"),
    ] {
        for command in [
            &["config", "check"][..],
            &["serve", "--listen", "127.0.0.1:0"],
        ] {
            let output = folder.command(command).env(name, value).output().unwrap();
            let said = stdout(&output) + &stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(!said.contains("s3"), "{name}: {said}");
        }
    }
    folder.write("vestibule.toml", "SECRET_KEY = s3cret\n");
    let said = stderr(&folder.run(&["config", "check"]));
    assert!(
        said.contains("line 1") && !said.contains("s3cret"),
        "{said}"
    );
}

#[test]
fn a_sqlite_file_uri_names_one_file_or_is_refused() {
    for (uri, files) in [
        ("sqlite:///file:x.db?uri=true", &["x.db"][..]),
        ("sqlite:///file:x.db", &[]),
        ("sqlite:///file:x.db?mode=memory&uri=true", &[]),
    ] {
        let folder = folder();
        let output = run(&folder, uri, &["db", "init"]);
        assert_eq!(
            output.status.success(),
            !files.is_empty(),
            "{}",
            stderr(&output)
        );
        if files.is_empty() {
            assert!(
                stderr(&output).contains("write sqlite:///"),
                "{}",
                stderr(&output)
            );
        }
        let names = std::fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".db")).collect();
        names.sort();
        assert_eq!(names, files, "{uri}");
    }
}
