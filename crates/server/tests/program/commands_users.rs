//! `users`: effects, output and exit status of the commands.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{BINARY, Folder, Server, done, refused, stdout};

const ANA: &str = "ana@example.com";
const PASSWORD: &str = "battery staple";

fn created() -> Folder {
    let folder = Folder::new();
    done(&folder.run(&["users", "create", ANA, "--password", PASSWORD]));
    folder
}

fn show(folder: &Folder, id: &str) -> Value {
    serde_json::from_str(&done(&folder.run(&["users", "show", id, "--json"]))).unwrap()
}

/// The output of a command about Ana.
fn ana(folder: &Folder, command: &str) -> String {
    done(&folder.run(&["users", command, ANA]))
}

fn piped(folder: &Folder, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = folder
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs a command on a terminal, with this line as input.
fn typed(folder: &Folder, arguments: &[&str], line: &str) -> Output {
    const SCRIPT: &str = "import os, subprocess, sys
try:
    master, slave = os.openpty()
except OSError:
    sys.exit(97)
os.write(master, sys.argv[1].encode())
sys.exit(subprocess.run(sys.argv[2:], stdin=slave).returncode)";
    let output = Command::new("python3")
        .args(["-c", SCRIPT, line, BINARY])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_ne!(
        output.status.code(),
        Some(97),
        "this test types into a terminal and needs /dev/pts: mount -t devpts devpts /dev/pts"
    );
    output
}

#[test]
fn the_json_of_a_user_contains_no_secrets() {
    let folder = created();
    let user = show(&folder, "ANA@example.com");
    let mut names: Vec<&String> = user.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "active",
            "confirmed_at",
            "create_datetime",
            "current_login_at",
            "current_login_ip",
            "email",
            "has_password",
            "id",
            "last_login_at",
            "last_login_ip",
            "login_count",
            "permissions",
            "roles",
            "tf_primary_method",
            "us_phone_number",
            "username",
        ]
    );
    assert_eq!(user["id"], 1);
    assert_eq!(user["email"], ANA);
    assert_eq!(user["active"], true);
    assert_eq!(user["has_password"], true);
    assert_eq!(user["confirmed_at"], Value::Null);
    assert_eq!(user["roles"], Value::Array(Vec::new()));
    assert_eq!(user["permissions"], Value::Array(Vec::new()));
    assert!(!user.to_string().contains("argon2"), "no hash is shown");
}

#[test]
fn a_user_is_shown_in_two_columns() {
    let folder = created();
    let shown = done(&folder.run(&["users", "show", ANA]));
    let value = |name: &str| {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(value("email"), ANA);
    assert_eq!(value("active"), "yes");
    assert_eq!(value("confirmed_at"), "-");
    assert_eq!(value("roles"), "-");
}

#[test]
fn the_list_of_users_is_a_table_with_usernames_if_enabled() {
    let folder = created();
    let longer = "a.user.with.a.long.address@example.com";
    let create = ["users", "create", longer, "--password", PASSWORD];
    done(&folder.run(&[&create[..], &["--confirmed", "--inactive"]].concat()));
    let table = done(&folder.run(&["users", "list"]));
    let lines: Vec<&str> = table.lines().collect();
    let cells = |line: &str| -> Vec<String> {
        line.split("  ")
            .map(|cell| cell.trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    assert_eq!(
        cells(lines[0]),
        [
            "ID",
            "EMAIL",
            "ACTIVE",
            "CONFIRMED",
            "ROLES",
            "LAST SIGN-IN"
        ]
    );
    assert_eq!(cells(lines[1]), ["1", ANA, "yes", "no", "-", "-"]);
    assert_eq!(cells(lines[2]), ["2", longer, "no", "yes", "-", "-"]);
    let column = lines[0].find("ACTIVE").unwrap();
    assert_eq!(&lines[1][column..column + 3], "yes", "{table}");
    assert_eq!(&lines[2][column..column + 2], "no", "{table}");

    folder.write("vestibule.toml", "SECURITY_USERNAME_ENABLE = true\n");
    let create = ["users", "create", "b@example.com", "--password", PASSWORD];
    done(&folder.run(&[&create[..], &["--username", "Bela"]].concat()));
    let table = done(&folder.run(&["users", "list"]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(cells(lines[0])[2], "USERNAME");
    assert_eq!(cells(lines[1])[2], "-");
    assert_eq!(cells(lines[3])[2], "Bela");
    assert_eq!(show(&folder, "bela")["email"], "b@example.com");

    let listed: Value =
        serde_json::from_str(&done(&folder.run(&["users", "list", "--json"]))).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[2]["username"], "Bela");
    assert_eq!(listed[0]["roles"], Value::Array(Vec::new()));
}

#[test]
fn an_empty_list_of_users_is_an_empty_array() {
    let folder = Folder::new();
    assert_eq!(done(&folder.run(&["users", "list", "--json"])), "[]\n");
    assert_eq!(done(&folder.run(&["users", "list"])).lines().count(), 1);
}

#[test]
fn a_change_that_is_already_in_place_is_reported_as_success() {
    let folder = created();
    assert!(ana(&folder, "activate").contains("already"));
    assert!(ana(&folder, "deactivate").contains("all their sessions and tokens have ended"));
    assert_eq!(show(&folder, ANA)["active"], false);
    assert!(ana(&folder, "deactivate").contains("already"));
    assert!(ana(&folder, "unlock").contains("users activate"));
    assert!(ana(&folder, "activate").contains("now"));
    assert_eq!(show(&folder, ANA)["active"], true);

    assert!(ana(&folder, "confirm").contains("now"));
    let confirmed = show(&folder, ANA)["confirmed_at"].clone();
    assert!(confirmed.is_string());
    assert!(ana(&folder, "confirm").contains("already"));
    assert_eq!(show(&folder, ANA)["confirmed_at"], confirmed);
    assert_eq!(
        ana(&folder, "unlock"),
        "ana@example.com is not locked out: there is nothing to unlock\n"
    );
}

#[test]
fn a_refused_command_exits_with_one_and_prints_one_line() {
    let folder = created();
    let create = |email: &str, password: &str| {
        folder.run(&["users", "create", email, "--password", password])
    };
    refused(&create(ANA, PASSWORD), "already");
    refused(&create("ANA@EXAMPLE.COM", PASSWORD), "already");
    refused(&create("nonsense", PASSWORD), "not a valid email");
    refused(&create("b@example.com", "short"), "8 characters");
    refused(
        &folder.run(&["users", "create", "b@example.com"]),
        "no password",
    );
    refused(
        &folder.run(&[
            "users",
            "create",
            "b@example.com",
            "-u",
            "b",
            "--password",
            PASSWORD,
        ]),
        "SECURITY_USERNAME_ENABLE",
    );
    refused(
        &folder.run(&["users", "change_password", ANA, "--password", "short"]),
        "8 characters",
    );
    for command in [
        "show",
        "activate",
        "deactivate",
        "reset_access",
        "change_password",
        "confirm",
        "unlock",
        "delete",
    ] {
        // A bare primary key is not an identity, and a username only if usernames are enabled.
        for id in ["unknown@example.com", "1", "ana", ""] {
            refused(&folder.run(&["users", command, id]), "no user");
        }
    }
}

#[test]
fn a_password_can_come_from_a_pipe() {
    let folder = created();
    let change = ["users", "change_password", ANA];
    let said = done(&piped(&folder, &change, b"correct horse battery\n"));
    assert!(said.contains("changed"), "{said}");
    refused(&piped(&folder, &change, b"\n"), "no password");
    refused(&piped(&folder, &change, b"caf\xe9 caf\xe9\n"), "UTF-8");
}

#[test]
fn a_password_must_satisfy_every_configured_rule() {
    let folder = created();
    let long = "x".repeat(129);
    let change =
        |password: &str| folder.run(&["users", "change_password", ANA, "--password", password]);
    refused(&change(&long), "to 128 characters");
    folder.write(
        "vestibule.toml",
        "SECURITY_PASSWORD_COMPLEXITY_CHECKER = \"zxcvbn\"\nSECURITY_PASSWORD_LENGTH_MIN = 10\n",
    );
    let create = |password: &str| {
        folder.run(&["users", "create", "bob@example.com", "--password", password])
    };
    refused(&create("password123"), "easy to guess");
    // The checker knows the user's address, so a password that contains it is easy to guess.
    refused(&create("bob@example.com"), "easy to guess");
    refused(&change("ana@example.com"), "easy to guess");
    refused(&change("too short"), "10 to 128 characters");
    done(&create("correct horse battery staple"));
    done(&change("correct horse battery staple"));
}

#[test]
fn users_create_prints_the_user_as_json() {
    let folder = Folder::new();
    let create = ["users", "create", ANA, "--password", PASSWORD, "--json"];
    let made: Value = serde_json::from_str(&done(&folder.run(&create))).unwrap();
    let listed: Value =
        serde_json::from_str(&done(&folder.run(&["users", "list", "--json"]))).unwrap();
    assert_eq!(listed, Value::Array(vec![made]));
}

#[test]
fn a_user_is_deleted_after_confirmation_or_with_yes() {
    let folder = created();
    let delete = ["users", "delete", "ANA@example.com"];
    for input in [&b""[..], b"y\n", b"ana@example.com\n"] {
        // The confirmation is not read from a pipe.
        refused(&piped(&folder, &delete, input), "--yes");
    }
    for line in ["yes\n", "\n", "ana@example.co\n", "\u{4}"] {
        let output = typed(&folder, &delete, line);
        assert_eq!(output.status.code(), Some(1), "{line:?}: {output:?}");
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .contains("nothing was done")
        );
    }
    assert_eq!(show(&folder, ANA)["id"], 1, "still there");

    let output = typed(&folder, &delete, "ana@example.com\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "deleted user 1 ana@example.com\n");
    refused(&folder.run(&["users", "show", ANA]), "no user");

    done(&folder.run(&["users", "create", ANA, "--password", PASSWORD]));
    done(&folder.run(&["users", "delete", ANA, "--yes"]));
    refused(&folder.run(&["users", "delete", ANA, "--yes"]), "no user");
    assert_eq!(done(&folder.run(&["users", "list", "--json"])), "[]\n");
}

/// Whether the browser whose cookies are in this file is signed in.
fn is_signed_in(server: &Server, jar: &str) -> bool {
    server
        .curl(&["-b", jar, "{}/api/accounts/login"])
        .contains("\"user\"")
}

#[test]
fn attack_state_change_not_effective_commands_take_effect_in_a_running_server() {
    const JSON: &str = "Content-Type: application/json";
    let folder = created();
    folder.write(
        "vestibule.toml",
        "SECURITY_URL_PREFIX = \"/api/accounts\"\n\
         SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true\n\
         WTF_CSRF_CHECK_DEFAULT = false\n\
         SECURITY_REFRESH_TOKEN = true\n",
    );
    done(&folder.run(&["users", "confirm", ANA]));
    let server = Server::start(&folder, &[]);
    let mut password = PASSWORD.to_owned();
    let jar = folder.path().join("jar");
    let jar = jar.to_str().unwrap();
    for command in [
        &["users", "deactivate", ANA][..],
        &[
            "users",
            "change_password",
            ANA,
            "--password",
            "correct horse battery",
        ],
        &["users", "reset_access", ANA],
        &["users", "delete", ANA, "--yes"],
    ] {
        let body = format!(r#"{{"email": "{ANA}", "password": "{password}"}}"#);
        let login = "{}/api/accounts/login?include_auth_token";
        let answer = server.curl(&["-c", jar, login, "-H", JSON, "-d", &body]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let token = answer["response"]["user"]["authentication_token"].as_str();
        let header = format!("Authentication-Token: {}", token.unwrap());
        let by_token = || {
            server
                .curl(&["-H", &header, "{}/api/accounts/login"])
                .contains("\"user\"")
        };
        assert!(is_signed_in(&server, jar), "{command:?}");
        assert!(by_token(), "{command:?}");
        done(&folder.run(command));
        assert!(!is_signed_in(&server, jar), "{command:?}");
        assert!(!by_token(), "{command:?}");
        if command[1] == "deactivate" {
            ana(&folder, "activate");
            assert!(!is_signed_in(&server, jar), "old sessions stay invalid");
            assert!(!by_token(), "old tokens stay invalid");
        }
        if command[1] == "change_password" {
            command[4].clone_into(&mut password);
        }
    }
}
