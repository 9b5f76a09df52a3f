//! The reference's own example client for unified sign-in runs unchanged against vestibule.
//!
//! The client registers and confirms a user, adds a phone number, and signs in with a code by SMS.
//! Beside the accounts API it calls four routes of its example application: a protected page, and
//! three backdoors for mails, SMS and freshness. The [`Shim`] serves those.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Map, Value, json};

use crate::support::config::SECRET;
use crate::support::database::Database;
use crate::support::folder::Folder;
use crate::support::peer::Vestibule;
use crate::support::python::{Python, interpreter, root};
use crate::support::shim::Shim;

/// The client's file in the reference's source distribution. The installed package lacks it.
const MEMBER: &str = "examples/unified_signin/client/client.py";

/// Prints a file of an archive, whose single top folder may have any name.
const EXTRACT: &str = "
import sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    name = archive.getnames()[0].split('/')[0] + '/' + sys.argv[2]
    sys.stdout.buffer.write(archive.extractfile(name).read())
";

#[test]
fn example_client_of_the_reference_runs_unchanged() {
    let folder = Folder::new("example-client");
    let database = Database::file(folder.file("example.db"));
    let server = Vestibule::start(&config(), &folder, database);
    let shim = Shim::start(server.port, mailbox_of(&server), SECRET);
    let output = Command::new(python())
        .arg(example_client())
        .env_clear()
        // The client's server address is fixed. As a proxy, the shim can listen on any port.
        .env("http_proxy", format!("http://127.0.0.1:{}", shim.port))
        .output()
        .expect("Python runs");
    let said = said(&output);
    let requests = shim.requests();
    let all = format!("{said}\n{requests:#?}\n{}", server.log());
    assert!(output.status.success(), "the client failed:\n{all}");
    // After an error of the API, the client logs the error and still exits with 0.
    assert!(said.contains("INFO:root:Success"), "{all}");
    // Each step went through vestibule, and none was skipped.
    for step in [
        "POST /register 200",
        "GET /confirm/ 302",
        "POST /us-setup 401",
        "POST /us-verify 200",
        "POST /us-setup 200",
        "POST /us-setup/ 200",
        "POST /logout 200",
        "POST /us-signin/send-code 200",
        "POST /us-signin 200",
    ] {
        assert!(requests.iter().any(|known| known == step), "{step}: {all}");
    }
}

/// The settings of the example application, and `SECURITY_PASSWORD_CONFIRM_REQUIRED`: the client
/// sends no `password_confirm`, which the reference's own server requires as well without it.
fn config() -> Map<String, Value> {
    let Value::Object(config) = json!({
        "SECRET_KEY": SECRET,
        "SECURITY_PASSWORD_SALT": "156043940537155509276282232127182067465",
        "SECURITY_TOTP_SECRETS": {"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"},
        "SECURITY_FLASH_MESSAGES": false,
        "SECURITY_AUTO_LOGIN_AFTER_CONFIRM": true,
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [
            {"email": {"mapper": "uia_email_mapper", "case_insensitive": true}},
            {"us_phone_number": {"mapper": "uia_phone_mapper"}},
        ],
        "SECURITY_US_ENABLED_METHODS": ["password", "email", "sms"],
        "SECURITY_LOGIN_ERROR_VIEW": "/redir/login-error",
        "SECURITY_POST_CONFIRM_VIEW": "/redir/confirmed",
        "SECURITY_CONFIRM_ERROR_VIEW": "/redir/confirm-error",
        "SECURITY_RESET_VIEW": "/redir/reset-password",
        "SECURITY_RESET_ERROR_VIEW": "/redir/reset-password-error",
        "SECURITY_REDIRECT_BEHAVIOR": "spa",
        "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": true,
        "SECURITY_CSRF_COOKIE_NAME": "XSRF-TOKEN",
        "WTF_CSRF_CHECK_DEFAULT": false,
        "WTF_CSRF_TIME_LIMIT": null,
        "REMEMBER_COOKIE_SAMESITE": "strict",
        "SESSION_COOKIE_SAMESITE": "strict",
        "SECURITY_CHANGEABLE": true,
        "SECURITY_RECOVERABLE": true,
        "SECURITY_REGISTERABLE": true,
        "SECURITY_PASSWORD_CONFIRM_REQUIRED": false,
        "SECURITY_TRACKABLE": true,
        "SECURITY_CONFIRMABLE": true,
        "SECURITY_TWO_FACTOR": true,
        "SECURITY_UNIFIED_SIGNIN": true,
    }) else {
        unreachable!("written as an object")
    };
    config
}

/// The path of the dev mailbox as JSON, with its key, which the server prints when it starts.
fn mailbox_of(server: &Vestibule) -> String {
    let log = server.log();
    let key = log
        .split_once("/dev/mailbox?key=")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .unwrap_or_else(|| panic!("no dev mailbox:\n{log}"));
    format!("/dev/mailbox.json?key={key}")
}

fn python() -> PathBuf {
    let _ = Python::get();
    interpreter(&root().join("oracle")).expect("the reference's environment")
}

/// The client's file, as published. It is downloaded once, and kept between runs.
fn example_client() -> PathBuf {
    let requirement = requirement();
    let name = requirement.replace("==", "-");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-client.py"));
    if !kept.exists() {
        let folder = Folder::new("source");
        let download = Command::new(python())
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--no-binary", ":all:", "--dest"])
            .arg(folder.path())
            .arg(&requirement)
            .output()
            .expect("pip runs");
        assert!(
            download.status.success(),
            "the source of {requirement} cannot be downloaded:\n{}",
            said(&download)
        );
        let archive = std::fs::read_dir(folder.path())
            .expect("the downloaded file")
            .find_map(|entry| entry.ok().map(|entry| entry.path()))
            .expect("one file");
        let extracted = Command::new(python())
            .args(["-c", EXTRACT])
            .arg(&archive)
            .arg(MEMBER)
            .output()
            .expect("Python runs");
        assert!(extracted.status.success(), "{}", said(&extracted));
        // Another test process may do the same. A rename is atomic.
        let unfinished = folder.file("client.py");
        std::fs::write(&unfinished, &extracted.stdout).expect("a file");
        std::fs::rename(&unfinished, &kept).expect("a rename");
    }
    kept
}

/// The reference and its exact version, as `oracle/requirements.txt` names it, without extras.
fn requirement() -> String {
    let listed = std::fs::read_to_string(root().join("oracle/requirements.txt"))
        .expect("the requirements of the oracle");
    let line = listed
        .lines()
        .find(|line| line.starts_with("Flask-Security["))
        .expect("the reference");
    let (name, rest) = line.split_once('[').expect("extras");
    let (_, version) = rest.split_once(']').expect("a version");
    format!("{name}{version}")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
